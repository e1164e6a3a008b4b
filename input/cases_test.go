package input

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const cases = "../testdata/cases"

// Real files that were misread earlier are read correctly or refused.
func TestCases(t *testing.T) {
	const pass = "012e4e3f-a801-487e-9900-011f20c187c3"
	one, three := Stats{Rows: 1, Unique: 1, Users: 1}, Stats{Rows: 3, Unique: 3, Users: 3}
	anyOfThree := Stats{Rows: 3, Unique: 3, Users: 3, AnyPass: 3}
	tests := []struct {
		file  string
		first Pair   // the first good one, without its place
		stats Stats  // of the good list
		err   string // part of the error
	}{
		{file: "purview-audit.csv", err: `purview-audit.csv:1: "RecordType" shows that this is an audit or sign-in log, ` +
			`in which the user is the person who acted; the affected user is in ObjectId inside "AuditData"`},
		{file: "entra-audit-download.csv", err: `the affected user is in "Target1UserPrincipalName": ` +
			`make a list of these users, or find passes with tapsweep scan --created-since`},
		{file: "graph-signins.json", err: `graph-signins.json:3: "appId" shows that this is an audit or sign-in log`},
		{file: "two-users-in-a-row.csv", err: "two-users-in-a-row.csv:2: the row names two users"},
		{file: "tap-upn-id.csv", err: `tap-upn-id.csv:1: "Id" beside "UserPrincipalName" may be the user's id ` +
			`or the pass's: rename it to userId or methodId`},
		{file: "tap-created-as-method.csv", err: `tap-created-as-method.csv:2: method "Hj..." (10 characters) is not ` +
			`a GUID: this looks like the pass itself, not its id`},
		{file: "entra-group-members-download.csv", err: `entra-group-members-download.csv:3: the row is not a user: ` +
			`"objectType" is "Group"; remove it`},
		{file: "tap-upn-id-usable.csv", first: Pair{User: dana, Method: pass}, stats: three},
		{file: "entra-bulk-delete-template.csv", first: Pair{User: dana}, stats: anyOfThree},
		{file: "plain-upns.txt", first: Pair{User: dana}, stats: anyOfThree},
		{file: "jsonl-pretty.jsonl", first: Pair{User: dana, Method: pass}, stats: one},
		{file: "header-only.csv", err: "header-only.csv has no rows"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			l, err := Open([]string{filepath.Join(cases, tt.file)}, Options{})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Open = %v, want an error with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if got := l.Stats(); got != tt.stats {
				t.Errorf("Stats() = %+v, want %+v", got, tt.stats)
			}
			for _, p := range l.Sample(1) {
				if p.User != tt.first.User || p.Method != tt.first.Method {
					t.Errorf("the first pair is %s, %s, want %s, %s", p.User, p.Method, tt.first.User, tt.first.Method)
				}
			}
		})
	}
}

// A file that is not a list of users is also refused by --protect and by scan --users.
func TestCasesAsUsers(t *testing.T) {
	for file, want := range map[string]string{
		"purview-audit.csv":                "audit or sign-in log",
		"entra-audit-download.csv":         "audit or sign-in log",
		"graph-signins.json":               "audit or sign-in log",
		"two-users-in-a-row.csv":           "names two users",
		"entra-group-members-download.csv": "not a user",
		// The ids are those of the passes. A protect list of them would protect nobody.
		"tap-upn-id.csv": `"Id" beside "UserPrincipalName" may be the user's id or the pass's`,
	} {
		_, err := ReadUsers(nil, filepath.Join(cases, file))
		checkError(t, "ReadUsers of "+file, err, want)
	}
	for file, want := range map[string]User{
		"entra-bulk-delete-template.csv": {Line: 4, UPN: "dana@contoso.com"},
		"tap-upn-id-usable.csv":          {Line: 2, UPN: "dana@contoso.com"}, // the id is the pass's
	} {
		path := filepath.Join(cases, file)
		users, err := ReadUsers(nil, path)
		if err != nil {
			t.Fatal(err)
		}
		want.Source = path
		check(t, "the number of users in "+file, len(users), 3)
		check(t, "the first user in "+file, users[0], want)
	}
}

func TestAuditLogs(t *testing.T) {
	refused := map[string]string{
		"a.csv": "CreationDate,UserIds,Operations,AuditData,UserId\n,,,,DANA\n",
		"b.csv": "CreationDate,UserId\n2026-03-01,DANA\n",
		"c.csv": "Date (UTC),Correlation ID,User ID,Username\n2026-03-01,OID2,OID1,DANA\n",
		"d.json": `{"value":[{"id":"x","activityDateTime":"2026-03-01T08:30:00Z",` +
			`"activityDisplayName":"Admin registered security info",` +
			`"initiatedBy":{"user":{"id":"OID1"}},"targetResources":[{"id":"OID2"}]}]}`,
		"e.jsonl": `{"CreationTime":"2026-03-01T08:30:00","Workload":"AzureActiveDirectory",` +
			`"ObjectId":"DANA","UserId":"ELI"}` + "\n",
		"f.jsonl": `{"CreationTime":"2026-03-01T08:30:00","UserId":"ELI"}` + "\n",
		// A row without a pass would mean any pass of the user who acted.
		"g.csv":  "userPrincipalName,methodId,correlationId\nDANA,,OID1\n",
		"h.json": `{"userId":"OID1","methodId":null,"correlationId":"x"}`,
	}
	for file, text := range refused {
		checkRefused(t, file, text, "audit or sign-in log")
	}
	checkRefused(t, "d.json", refused["d.json"], `the affected user is in userPrincipalName inside "targetResources"`)
	for _, text := range []string{
		"userPrincipalName,methodId,correlationId\nDANA,PASS1,OID1\n", // names the pass
		"userPrincipalName,Creation Date\nDANA,2026-03-01\n",
	} {
		open(t, Options{}, write(t, "l.csv", text))
	}
}

// The other columns decide whether id means the user, the pass or something else.
func TestWhoseID(t *testing.T) {
	const aThing, either = "may be the id of a device, a group or an app", "may be the user's id or the pass's"
	refused := map[string]string{
		`[{"id":"OID1","@odata.type":"GRAPH.group","displayName":"G"}]`:          `is "GRAPH.group"`,
		`[{"id":"OID1","@odata.type":"GRAPH.device"},{"user":"DANA"}]`:           "neither a user nor",
		`[{"id":"OID1","displayName":"S","servicePrincipalType":"Application"}]`: aThing,
		`[{"objectId":"OID1","displayName":"G","securityEnabled":true}]`:         aThing,
		`[{"id":"OID1","displayName":"A","appId":"OID2"}]`:                       aThing,
		`[{"id":"OID1","displayName":"G","isUser":false}]`:                       `"isUser" is "false"`,
		`[{"id":"PASS1","@odata.type":"GRAPH.TAP"}]`:                             "this is a pass without its user",
		`[{"Id":"OID1","AdditionalProperties":{"@odata.type":"GRAPH.group"}}]`:   `is "GRAPH.group"`,
		`[{"userId":"OID1","id":"OID2","displayName":"D"}]`:                      either,
		`[{"user":"DANA","id":"PASS1","displayName":"D"}]`:                       either,
		`[{"user":"me","userId":"OID1"}]`:                                        `user "me" names nobody`,
		`[{"upn":"DANA","userPrincipalName":"ELI","method":"PASS1"}]`:            "names two users",
		`[{"upn":"DANA","id":"PASS1","isUsable":true,"displayName":"D"}]`:        either,
		`[{"userId":"OID1","id":"PASS1"}]`:                                       either,
		`[{"upn":"DANA","Id":null,"isUsable":true}]`:                             "method is null",
		`[{"objectId":"OID1","user":"Dana Reyes"}]`:                              "rename the column",
		`[{"user":"DANA","userPrincipalName":"user0002"}]`:                       "neither an object id nor",
		`[{"userPrincipalName":"eli@contoso..example","userId":"OID1"}]`:         "does not end in a domain",

		`[{"id":"OID1","displayName":"L","operatingSystem":"Windows","userPrincipalName":"DANA"}]`: aThing,
		`[{"user":"DANA","id":"PASS1","@odata.type":"GRAPH.phoneAuthenticationMethod"}]`:           "neither a user nor",
		`[{"userId":"OID1","id":"OID2","riskEventType":"x","correlationId":"x"}]`:                  "risk detections",
		`[{"user":"DANA","methodId":"PASS1","isUsable":true,"userId":"OID1","id":"OID2"}]`:         "names two users",
	}
	for text, want := range refused {
		checkRefused(t, "l.json", text, want)
	}
	taken := map[string]Pair{
		`[{"id":"OID1","@odata.type":"GRAPH.user"}]`:                          {User: oid1},
		`[{"Id":"OID1","AdditionalProperties":{"@odata.type":"GRAPH.user"}}]`: {User: oid1},
		`[{"userPrincipalName":"DANA","Id":"PASS1","StartDateTime":null}]`:    {User: dana, Method: pass1},
		`[{"userId":"{OID1}","id":"OID1UP","methodId":""}]`:                   {User: oid1},
		`[{"userId":"OID1","id":"OID1UP"}]`:                                   {User: oid1},
		`[{"userId":"OID1","userPrincipalName":"DANA"}]`:                      {User: oid1},
		`[{"userId":"OID1","objectId":"OID1UP"}]`:                             {User: oid1},
		`[{"userId":"OID1","userPrincipalName":"dána@contoso.com"}]`:          {User: oid1, UPN: "dána@contoso.com"},
		`[{"objectId":"OID1","displayName":"Dana Reyes"}]`:                    {User: oid1},
		`[{"userPrincipalName":"DANA","deviceId":"OID2"}]`:                    {User: dana},

		`[{"user":"DANA","Id":"PASS1","AdditionalProperties":{"@odata.type":"GRAPH.TAP"}}]`: {User: dana, Method: pass1},
		`[{"userId":"OID1","riskEventType":"x","correlationId":"x"}]`:                       {User: oid1},
	}
	for text, want := range taken {
		l, err := Open([]string{write(t, "l.json", text)}, Options{})
		if err != nil {
			t.Errorf("Open of %s = %v", text, err)
			continue
		}
		got := l.Sample(1)[0]
		check(t, "the user of "+text, got.User, want.User)
		check(t, "the pass of "+text, got.Method, want.Method)
		if want.UPN != "" {
			check(t, "the second name of "+text, got.UPN, want.UPN)
		}
		l.Close()
	}
}

// A GUID in an unknown column may be the ID of the pass, whatever the column is called.
func TestUnknownColumns(t *testing.T) {
	values := []string{pass1, strings.ToUpper(pass1), "{" + pass1 + "}", strings.ReplaceAll(pass1, "-", ""),
		pass1 + ";" + pass2, "TAP " + pass1}
	for _, column := range []string{"mthd", "tokenId", "key", "pin", "note", "", "ｔａｐ", "метод", "method\u200b",
		"temporaryAccessPass", "source", "self", "tapId", "mthod", "metohd", "methode", "Metod Id", "passsId", "credentialId",
		"pass", "methodIds", "tap id", "authMethod"} {
		for _, value := range values {
			for file, text := range map[string]string{
				"l.csv":  "user," + column + ",x\nDANA," + value + ",\n",
				"l.json": `{"user":"DANA","` + column + `":"` + value + `"}`,
				"n.json": `{"user":"DANA","` + column + `":[{"id":"` + value + `"}]}`,
			} {
				checkRefused(t, file, text, "holds a GUID, but is not a known column")
			}
		}
	}
	for _, column := range []string{"tenantId", "manager", "managerId", "requestId", "onPremisesImmutableId", "employeeId",
		"Assigned Licenses", "objectGUID", "incidentId"} {
		for file, text := range map[string]string{
			"l.csv":  "user," + column + "\nDANA,PASS1\n",
			"l.json": `{"user":"DANA","` + column + `":{"x":["PASS1"]}}`,
		} {
			open(t, Options{}, write(t, file, text))
		}
	}
	// Only rows with a GUID are refused.
	l := open(t, Options{SkipInvalid: true}, write(t, "l.csv", "user,pin\nDANA,PASS1\nELI,\n"))
	check(t, "Stats()", l.Stats(), Stats{Rows: 2, Unique: 1, Invalid: 1, Users: 1, AnyPass: 1})
}

func TestEmptyLists(t *testing.T) {
	for file, text := range map[string]string{
		"a.csv": "user,method\n", "b.csv": "user,method\n,\n",
		"c.csv":  "version:v1.0\nUser name [userPrincipalName] Required\nExample: chris@contoso.com\n",
		"d.json": "[]", "e.json": `{"value":[]}`, "f.jsonl": "[]\n",
		"g.jsonl": `{"value":[]}` + "\n", "h.txt": "\ufeffuser\n",
	} {
		path := write(t, file, text)
		_, err := Open([]string{path}, Options{})
		empty, ok := errors.AsType[*EmptyError](err)
		if !ok {
			t.Errorf("Open of %q = %v, want an *EmptyError", text, err)
			continue
		}
		check(t, "the error", err.Error(), path+" has no rows")
		check(t, "the number of sources", len(empty.Sources), 1)
	}
	for file, text := range map[string]string{
		"a.csv": "", "b.json": "", "c.jsonl": "\n", "d.csv": "\ufeff", "e.txt": " \r\n",
	} {
		_, err := Open([]string{write(t, file, text)}, Options{})
		checkError(t, fmt.Sprintf("Open of %q", text), err, "no valid rows in ")
		if _, ok := errors.AsType[*EmptyError](err); ok {
			t.Errorf("Open of %q is an *EmptyError, but nothing shows that it is a list", text)
		}
	}
	empty, blank, good := write(t, "a.csv", "user\n"), write(t, "b.csv", ""), write(t, "c.csv", "user\nDANA\n")
	_, err := Open([]string{empty, blank}, Options{})
	checkError(t, "Open of an empty list and an empty file", err, blank+" is empty")
	check(t, "the pairs of an empty list and of one with one user", open(t, Options{}, empty, good).Stats().Unique, 1)
}

func TestPlainLists(t *testing.T) {
	one := []Pair{{Line: 1, User: dana}}
	tests := []readTest{
		{name: "one", text: "DANA", want: one},
		{name: "with comments", text: "# leavers\n\n DANA \r\n#x\nELI\n",
			want: []Pair{{Line: 3, User: dana}, {Line: 5, User: eli}}},
		{name: "in quotes", text: `"` + dana + "\"\r\n\"ELI\"\r\n",
			want: []Pair{{Line: 1, User: dana}, {Line: 2, User: eli}}},
		{name: "of Excel", text: "sep=;\r\nDANA\r\n", want: []Pair{{Line: 2, User: dana}}},
		{name: "a user called sep", text: "sep=x@contoso.com\n", want: []Pair{{Line: 1, User: "sep=x@contoso.com"}}},
		{name: "bad line", text: "DANA\nnope\n", err: `:2: user "nope" is neither an object id`},
		{name: "object ids", text: "OID1\n",
			err: `:1: "OID1" may be a user's object id or a pass's id: if these are users, add the header line userId`},
		{name: "an object id among names", text: "DANA\nPASS1\n",
			err: `:2: "PASS1" may be a user's object id or a pass's id`},
		{name: "line too long", text: "DANA\n" + strings.Repeat("x", maxRowBytes+1) + "\n",
			err: ":2: the line is longer than 1 MiB"},
	}
	runReadTests(t, "list.txt", tests)
	runReadTests(t, "list.csv", tests)
	brace := readTest{name: "a brace", text: "{x@contoso.com\n", want: []Pair{{Line: 1, User: "{x@contoso.com"}}}
	runReadTests(t, "list", []readTest{brace})
}

func TestNamedUsers(t *testing.T) {
	list := write(t, "l.csv", "user\nELI\nDANA\n")
	l := open(t, Options{Users: []string{dana, oid1}, Format: "csv"}, list)
	check(t, "Stats()", l.Stats(), Stats{Rows: 4, Unique: 3, Duplicates: 1, Users: 3, AnyPass: 3})
	check(t, "the first user", l.Sample(1)[0].User, dana)
	check(t, "the first place", l.Sample(1)[0].Place(), "--user:1")
	for _, bad := range []string{"", "dana", "me", "a@contoso.com\nb@contoso.com", "#x"} {
		_, err := Open(nil, Options{Users: []string{bad}})
		checkError(t, fmt.Sprintf("Open with user %q", bad), err, "--user: user ")
	}
}
