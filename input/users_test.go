package input

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	xunicode "golang.org/x/text/encoding/unicode"
)

func byID(line int) User   { return User{Line: line, ID: oid1} }
func byUPN(line int) User  { return User{Line: line, UPN: dana} }
func byBoth(line int) User { return User{Line: line, ID: oid1, UPN: dana} }

func TestReadPlainUsers(t *testing.T) {
	runUsersTests(t, []usersTest{
		{name: "plain", text: "DANA\nOID1\n", want: []User{byUPN(1), byID(2)}},
		{name: "plain without a last line end", text: "OID1", want: []User{byID(1)}},
		{name: "plain with comments and spaces", text: "# break glass\r\n\r\n  DANA\t\r\n\t# and\r\nOID1 \r\n",
			want: []User{byUPN(3), byID(5)}},
		{name: "plain with a byte order mark", text: "\ufeffDANA", want: []User{byUPN(1)}},
		{name: "plain in UTF-16", text: utf16(xunicode.LittleEndian, dana+"\r\n"+oid1), want: []User{byUPN(1), byID(2)}},
		{name: "plain with odd names",
			text: "a_b.com#EXT#@t.onmicrosoft.com\n$x@contoso.com\n'=x@contoso.com\n{x@contoso.com\n",
			want: []User{{Line: 1, UPN: "a_b.com#EXT#@t.onmicrosoft.com"}, {Line: 2, UPN: "$x@contoso.com"},
				{Line: 3, UPN: "'=x@contoso.com"}, {Line: 4, UPN: "{x@contoso.com"}}},
		{name: "plain that begins like JSON", text: "{x@contoso.com\n", want: []User{{Line: 1, UPN: "{x@contoso.com"}}},
		{name: "plain with a comment behind a user", text: "DANA\nELI # emergency\n",
			err: `LIST:2: user "el..." (28 characters) does not end in a domain`},
		{name: "plain with a second column", text: "DANA\nELI,PASS1\n",
			err: `LIST:2: user "el..." (53 characters) does not end in a domain`},
		{name: "plain with two bad lines", text: "DANA\nnope\nELI\nMüller@contoso.com\n",
			err: "LIST:2: user \"nope\" is neither an object id nor a user principal name such as dana@contoso.com\nLIST:4: "},
		{name: "a bad first line", text: "bg1\nDANA\n", err: `LIST:1: no user column in the header "bg..." (3 characters)`},
		{name: "a bad first line, what to do", text: "bg1\nDANA\n",
			err: "in a list of one user on each line, the first has to be a user too"},
	})
}

func TestReadUsersFromCSV(t *testing.T) {
	runUsersTests(t, []usersTest{
		{name: "CSV with a user", text: "user\nDANA\n\nOID1\n", want: []User{byUPN(2), byID(4)}},
		{name: "CSV with id and UPN", text: "id,displayName,userPrincipalName\nOID1,Dana,DANA\n", want: []User{byBoth(2)}},
		{name: "CSV with id or UPN", text: "upn;objectId\nDANA;\n;OID1\nDANA;OID1\n",
			want: []User{byUPN(2), byID(3), byBoth(4)}},
		{name: "CSV with the same user twice", text: "user,upn\n" + strings.ToUpper(dana) + ",DANA\n",
			want: []User{{Line: 2, UPN: strings.ToUpper(dana)}}},
		{name: "CSV with a pass", text: "user,method\nDANA,PASS1\nOID1,\n", want: []User{byUPN(2), byID(3)}},
		{name: "CSV with a bad pass", text: "user,method,passId\nDANA,nope,\nDANA,PASS1,PASS2\n",
			want: []User{byUPN(2), byUPN(3)}},
		{name: "CSV with a pass under another name", text: "user,tap\nDANA,PASS1\n", want: []User{byUPN(2)}},
		{name: "CSV with an apostrophe against formulas", text: "user,upn\nOID1,'=x@contoso.com\n",
			want: []User{{Line: 2, ID: oid1, UPN: "=x@contoso.com"}}},
		{name: "CSV of PowerShell",
			text: "#TYPE System.Object\r\n\"UserPrincipalName\",\"ObjectId\"\r\n\"DANA\",\"OID1\"\r\n",
			want: []User{byBoth(3)}},
		{name: "CSV of Excel", text: "sep=;\r\nupn;userId\r\nDANA;OID1\r\n", want: []User{byBoth(3)}},
		{name: "CSV with several lines in a field", text: "note,user\n\"a\nb\",DANA\nc,OID1\n",
			want: []User{byUPN(2), byID(4)}},
		{name: "CSV with a comment", text: "user\n# break glass\nDANA\n", err: "LIST:2: the row starts with #"},
		{name: "CSV behind a comment", text: "# break glass\nuser,method\nDANA,\n", err: "LIST:1: no user column"},
		{name: "CSV with two users in a row", text: "user,upn\nDANA,ELI\n",
			err: `LIST:2: the row names two users, "dana@contoso.com" and "eli@fabrikam.com"`},
		{name: "CSV with two ids in a row", text: "userId,id\nOID1,OID2\n",
			err: `LIST:2: "id" beside "userId" may be the user's id or the pass's`},
		{name: "CSV with two ids and a pass in a row", text: "userId,id,methodId\nOID1,OID2,\n",
			err: "LIST:2: the row names two users"},
		{name: "CSV with a bad second name", text: "userId,upn\nOID1,Dana\n", err: `LIST:2: user "Dana" is neither`},
		{name: "CSV with a row without a user", text: "user,method\n,PASS1\n", err: "LIST:2: user is empty"},
		{name: "CSV with a short row", text: "user,method\nDANA\n", err: "LIST:2: the row has 1 fields, the header 2"},
		{name: "CSV with a lost quote", text: "user\nDANA\n\"ELI\n", err: "LIST:3:"},
		{name: "CSV where id may be the pass's", text: "user,id\nDANA,PASS1\n", err: "may be the user's id or the pass's"},
		{name: "no header", text: "DANA,PASS1\n", err: "LIST:1: there is no header"},
	})
}

func TestReadUsersFromJSON(t *testing.T) {
	runUsersTests(t, []usersTest{
		{name: "JSON array", text: "[\n{\"user\":\"DANA\"},\n\n{\"userId\":\"OID1\",\"userPrincipalName\":\"DANA\"}\n]",
			want: []User{byUPN(2), byBoth(4)}},
		{name: "JSON of Graph",
			text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[` + "\n" +
				`{"id":"OID1","userPrincipalName":"DANA","x":[1,{"y":"]"}]}` + "\n]}",
			want: []User{byBoth(2)}},
		{name: "JSON with a pass of any type", text: `[{"user":"DANA","method":1},` +
			`{"user":"DANA","methodId":"nope","tapId":"PASS1"},{"user":"DANA","myTap":"PASS1"}]`,
			want: []User{byUPN(1), byUPN(1), byUPN(1)}},
		{name: "JSON Lines", text: `{"upn":"DANA","objectId":"OID1"}` + "\n\n" + `{"objectId":"OID1","upn":null}` + "\r\n",
			want: []User{byBoth(1), byID(3)}},
		{name: "JSON behind spaces", text: " \n [{\"user\":\"DANA\"}]\n", want: []User{byUPN(2)}},
		{name: "JSON of Graph with more pages", text: "\n" + `{"@odata.nextLink":"n","value":[{"id":"OID1"}]}`,
			err: "LIST:2: this is one page of several"},
		{name: "JSON of Graph with all pages", text: `{"@odata.nextLink":"n","value":[{"userId":"OID1"}]} {"value":[]}`,
			want: []User{byID(1)}},
		{name: "JSON with a row and a list", text: `{"user":"DANA","value":[]}`, err: "keep one of the two"},
		{name: "JSON with two lists", text: `{"value":[],"value":[]}`, err: `two arrays "value"`},
		{name: "JSON with other elements", text: `[{"user":"DANA"},` + "\n" + `"ELI",null]`,
			err: "LIST:2: the element is a string, but must be an object\nLIST:2:23: the element is null"},
		{name: "JSON with other documents", text: "[]\n3", err: "LIST:2: an object or an array has to start here"},
		{name: "JSON with a user of another type", text: `[{"user":"DANA","id":7}]`, err: `LIST:1: "id" is a number`},
		{name: "JSON without a user", text: `[{"method":"PASS1"}]`, err: "LIST:1: no user: the object has none of the keys"},
		{name: "JSON with an empty user", text: `[{"user":""}]`, err: "LIST:1: user is empty"},
		{name: "JSON with a key twice", text: `[{"user":"DANA","User":"ELI"}]`, err: "the same name twice"},
		{name: "JSON where id may be the pass's", text: `[{"upn":"DANA","id":"PASS1"}]`,
			err: "may be the user's id or the pass's"},
		{name: "JSON of Graph about passes", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users('` +
			oid1 +
			`')/authentication/temporaryAccessPassMethods","value":[{"user":"DANA","id":"PASS1"}]}`, want: []User{byUPN(1)}},
		{name: "broken JSON", text: "[{\"user\":\"DANA\"}]\n\n[\n{\"user\" \"x\"}]", err: "LIST:4: the JSON is broken"},
		{name: "JSON that ends too early", text: "[\n{\"user\":\"DANA\"},\n", err: "LIST:3: the JSON ends too early: is the file complete?"},
	})
}

func TestReadNoUsers(t *testing.T) {
	runUsersTests(t, []usersTest{
		{name: "nothing", text: "", err: "LIST: no user in this list"},
		{name: "only comments", text: "# nobody yet\n\n", err: "LIST: no user in this list"},
		{name: "only a header", text: "user,method\n", err: "LIST: no user in this list"},
		{name: "an empty array", text: "[]", err: "LIST: no user in this list"},
		{name: "an empty answer", text: `{"value":[]}`, err: "LIST: no user in this list"},
	})
}

// A usersTest is a list and either the users in it or a part of the error.
type usersTest struct {
	name, text string
	want       []User // Source is not compared
	err        string // the list is called LIST
}

func runUsersTests(t *testing.T, tests []usersTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "list", tt.text)
			got, err := ReadUsers(nil, path)
			if err != nil {
				if _, ok := errors.AsType[*Problems](err); !ok {
					t.Errorf("ReadUsers returns a %T, want *Problems", err)
				}
				check(t, "the number of users of a refused list", len(got), 0)
				err = errors.New(strings.ReplaceAll(err.Error(), path, "LIST"))
			}
			checkError(t, fmt.Sprintf("ReadUsers of %q", tt.text), err, tt.err)
			if err != nil {
				return
			}
			for i := range tt.want {
				tt.want[i].Source = path
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ReadUsers(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// ReadUsers returns the errors of all lists together.
func TestReadUsersProblems(t *testing.T) {
	good := write(t, "good.txt", dana)
	bad := write(t, "bad.txt", dana+"\n"+strings.Repeat("nope\n", 30))
	empty := write(t, "empty.csv", "user\n")
	users, err := ReadUsers(nil, good, bad, empty)
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("ReadUsers = %v, want *Problems", err)
	}
	check(t, "the number of users", len(users), 0)
	check(t, "Count", problems.Count, 31)
	check(t, "the number of kept errors", len(problems.Errs), 20)
	check(t, "Cut", problems.Cut, true)
	checkError(t, "ReadUsers", err, "and 11 more")
	first := *problems.Errs[0]
	first.Msg, first.Err = "", nil
	check(t, "the first error", first, LineError{Source: bad, Line: 2, Field: "user"})

	long := write(t, "long.txt", dana)
	if err := os.Truncate(long, maxUsersBytes+1); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, want := range map[string]string{"-": "standard input", t.TempDir(): "reading ", none: none,
		long: "longer than 64 MiB"} {
		users, err := ReadUsers(nil, good, name)
		checkError(t, "ReadUsers of "+name, err, want)
		check(t, "the number of users", len(users), 0)
	}
	users, err = ReadUsers(nil)
	checkError(t, "ReadUsers without a list", err, "")
	check(t, "the number of users without a list", len(users), 0)
}

// A list that says where to look and names nobody is no reason to fail. A list of users who are to
// be protected is.
func TestReadScope(t *testing.T) {
	for _, tt := range []struct {
		name, text       string
		users            int
		warn, err, error string // of ReadScope, of ReadScope, of ReadUsers
	}{
		{"a bad row", `{"user":"nope"}`, 0, "", "neither an object id", "neither an object id"},
		{"a header only", "user,method\n", 0, "no user in this list", "", "no user in this list"},
		{"an empty array", "[]", 0, "no user in this list", "", "no user in this list"},
		{"an empty file", "", 0, "", "no user in this list", "no user in this list"},
	} {
		path := write(t, "list", tt.text)
		users, warnings, err := ReadScope(nil, path)
		if len(users) != tt.users {
			t.Errorf("%s: ReadScope = %v, want %d users", tt.name, users, tt.users)
		}
		got := strings.TrimPrefix(strings.Join(warnings, " "), path+": ")
		check(t, tt.name+": the warning", got, tt.warn)
		_, strict := ReadUsers(nil, path)
		checkError(t, tt.name+": ReadScope", err, tt.err)
		checkError(t, tt.name+": ReadUsers", strict, tt.error)
	}
}

// Every sample that Open takes is a list of users too, with all of its users.
func TestReadUsersSamples(t *testing.T) {
	paths, err := filepath.Glob(samples + "/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range paths {
		l, err := Open([]string{path}, Options{})
		if err != nil {
			continue
		}
		users, err := ReadUsers(nil, path)
		if err != nil {
			t.Errorf("ReadUsers = %v", err)
		}
		named := namesOf(users)
		for _, p := range all(t, l) {
			if !named[strings.ToLower(p.User)] {
				t.Errorf("%s:%d: %s is not among the users", p.Source, p.Line, p.User)
			}
		}
		l.Close()
	}
}

func namesOf(users []User) map[string]bool {
	named := make(map[string]bool)
	for _, u := range users {
		for _, name := range []string{u.ID, u.UPN} {
			if name != "" {
				named[strings.ToLower(name)] = true
			}
		}
	}
	return named
}

// usersIn returns the users of a text, if nothing is wrong with it.
func usersIn(t *testing.T, text string) (users []User, ok bool) {
	last, ok := 0, true
	s := textSource("list", "", text)
	s.usersOnly = true
	if err := s.recognize(nil); err != nil {
		t.Fatal(err)
	}
	err := s.rows(func(r row) bool {
		r = r.asUser()
		last = checkLine(t, r, last)
		if r.err != nil {
			ok = false
			return true
		}
		u := r.toUser("")
		u.Line = 0
		users = append(users, u)
		return true
	})
	if err != nil {
		if bad, is := errors.AsType[*LineError](err); !is || bad.Line == 0 {
			t.Errorf("an error without a line: %v", err)
		}
	}
	return users, ok && err == nil
}

// Users that were accepted are users, they stay the same in every form, and
// nobody is lost whom the same text names as a list of pairs.
func FuzzUsers(f *testing.F) {
	seed(f)
	f.Add("# break glass\n" + dana + "\n\n" + oid1)
	f.Add("userId,upn\n" + oid1 + ",'=x@contoso.com\n")
	f.Add(filled.Replace(`[{"userId":"OID1",` + "\n" + `"upn":"DANA"}]` + "\n" +
		`{"value":[{"user":"ELI"}]}` + "\n{\"a\" 1}"))
	f.Fuzz(func(t *testing.T, text string) {
		users, ok := usersIn(t, text)
		for _, u := range users {
			if u.ID == "" && u.UPN == "" {
				t.Error("accepted a user without a name")
			}
			if u.ID != "" && !isGUID(u.ID) {
				t.Errorf("accepted the object id %q", u.ID)
			}
			if u.UPN != "" {
				checkError(t, "CheckUser of an accepted name", CheckUser(u.UPN), "")
				check(t, "whether an accepted name is an object id", isGUID(u.UPN), false)
			}
		}
		if !ok {
			return
		}
		named := namesOf(users)
		for form, read := range map[string]reader{"CSV": csvRows, "JSON": jsonRows} {
			pairs, _ := accepted(t, read, text)
			for _, p := range pairs {
				if !named[strings.ToLower(p.User)] {
					t.Errorf("%s names %q, who is not among the users %+v", form, p.User, users)
				}
			}
		}
		for form, text := range usersAs(users) {
			again, ok := usersIn(t, text)
			if len(users) > 0 && !ok {
				t.Errorf("written as %s, the users are refused", form)
			}
			if form == "plain" { // each name has a line of its own
				check(t, "the number of names as plain text", len(namesOf(again)), len(named))
			} else if diff := cmp.Diff(users, again); diff != "" {
				t.Errorf("written as %s and read again (-want +got):\n%s", form, diff)
			}
		}
	})
}

// usersAs writes the users in all forms.
func usersAs(users []User) map[string]string {
	var csvText, lines, plain strings.Builder
	w := csv.NewWriter(&csvText)
	write := func(fields ...string) {
		if err := w.Write(fields); err != nil {
			panic(err)
		}
	}
	write("userId", "note", "upn")
	for _, u := range users {
		write(u.ID, "two\nlines", CSVValue(u.UPN))
		object, err := json.Marshal(map[string]string{"objectId": u.ID, "user_principal_name": u.UPN})
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&lines, "%s\n", object)
		for _, name := range []string{u.ID, u.UPN} {
			if name != "" {
				fmt.Fprintf(&plain, "%s\n", name)
			}
		}
	}
	w.Flush()
	array := "[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",") + "]"
	return map[string]string{"CSV": csvText.String(), "JSON Lines": lines.String(), "JSON": array, "plain": plain.String()}
}
