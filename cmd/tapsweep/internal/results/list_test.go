package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// logText writes a results log from a short form, in which commas separate the lines. A line is "run", "run" with
// the name of its list, "wait", "scanned", "end", or a row: its outcome, its pass (1, 2 or -) and its fields. A run
// of another list begins another log.
func logText(short string) string {
	fields := map[string]string{"any": `"anyPass":true,`, "pending": `"pending":true,`, "beside": `"beside":true,`,
		"instead": `"inPlaceOf":"` + pass1 + `",`, "moved": `"column":93,`, "scan": `"line":0,"source":"scan",`,
		"line3": `"line":3,"source":"l.csv",`}
	passes := map[string]string{"1": pass1, "2": pass2, "-": ""}
	var b strings.Builder
	list, lines := "", 0
	for text := range strings.SplitSeq(short, ", ") {
		words := strings.Fields(text)
		switch {
		case words[0] == "run":
			if text != list {
				list, lines = text, 0
			}
			fmt.Fprintf(&b, `{"type":"run","digest":"sha256:%s","version":"1","lines":%d}`+"\n", text, lines)
		case text == "end":
			fmt.Fprintf(&b, `{"type":"end","exit":1,"lines":%d}`+"\n", lines)
		case text == "wait":
			b.WriteString(`{"type":"wait","refused":3,"quota":"write"}` + "\n")
		case text == "scanned":
			b.WriteString(scannedDana)
		default:
			b.WriteString(`{"type":"result","line":2,"source":"l.csv",`)
			for _, w := range words[2:] {
				b.WriteString(fields[w])
			}
			b.WriteString(`"user":"` + dana + `","method":"` + passes[words[1]] + `","outcome":"` + words[0] +
				`"}` + "\n")
		}
		lines++
	}
	return b.String()
}

// leftOver are the counts of a list with one pass, and rows that are done.
func leftOver(done int) input.Stats { return input.Stats{Rows: 1, Unique: 1, Done: done} }

// logsAsLists are results logs, and what they are as lists.
var logsAsLists = []struct {
	name, log string // in the notation of logText
	want      input.Stats
}{
	{"left over", "run, denied 1, end", leftOver(0)},
	{"a dry run's plan", "run, planned 1, end", leftOver(0)},
	{"done", "run, revoked 1, absent -, duplicate -, end", input.Stats{Done: 3}},
	{"refused before", "run, failed 1, invalid -, end", input.Stats{Rows: 2, Unique: 1, Invalid: 1}},
	{"killed and resumed", "run, denied 1, wait, run, denied 1, end", leftOver(0)},
	{"left over and then done", "run, not_sent - any, end, run, revoked 1 any, end", input.Stats{Done: 1}},
	{"left over, done, and killed before the proof",
		"run, not_sent - any, end, run, revoked 1 any pending, run, end", input.Stats{Done: 1}},
	{"two passes on one line", "run, not_sent 1, revoked 2 moved, end, run, end", leftOver(1)},
	{"left over and then gone", "run, not_sent 1, end, run, denied 1, end, run, absent 1, end", input.Stats{Done: 1}},
	{"done and then there again", "run, revoked 1, end, run, remains 2 instead, end", leftOver(0)},
	{"left over, and another pass done in its place", "run, failed 1, end, run, revoked 2 instead, end",
		input.Stats{Done: 1}},
	{"there again by another, and then done", "run, remains 2 instead, end, run, revoked 2 instead, end",
		input.Stats{Done: 1}},
	{"left over, and repeated on the line", "run, failed 1, duplicate 1 moved, end, run, end", leftOver(1)},
	{"left over, and repeated on the line of a killed run", "run, duplicate 1 moved, run, failed 1, end", leftOver(1)},
	{"moved, and done", "run, not_sent - any, end, run, revoked 1 any moved, end", input.Stats{Done: 1}},
	{"logs of two lists", "run a, not_sent - any, end, run b, revoked 1 any, end", input.Stats{Done: 1}},
	{"logs of one list", "run a, not_sent - any, end, run a, revoked 1 any, end", input.Stats{Done: 1}},
	{"protected", "run, protected 1, denied 2, end", input.Stats{Rows: 1, Unique: 1, Protected: 1}},
	{"protected, and then not", "run, protected 1, end, run, revoked 1, end", input.Stats{Done: 1}},
	{"a further pass", "run, revoked 1 any beside, revoked 2 any, end", input.Stats{Done: 1}},
	{"a further pass, and one left over", "run, revoked 1 any beside, denied 2 any, end", leftOver(0)},
	{"left over before a further pass", "run, denied 2 any, end, run, revoked 1 any beside, end", leftOver(0)},
	{"a further pass in the next run", "run, denied 1 any, end, run, revoked 1 any beside, revoked 2 any, end",
		input.Stats{Done: 1}},
	{"other lines", "run, not_sent 1, end, run, revoked 2 line3, end", leftOver(1)},
	{"a pass, and any pass of the user", "run, failed 1, revoked 1 any line3, end", leftOver(1)},
	{"two repeats", "run, duplicate 1, duplicate 1 line3, end", input.Stats{Done: 2}},
	{"one repeat in two runs", "run, duplicate 1, run, duplicate 1, end", input.Stats{Done: 1}},
	{"passes that a scan could not list", "run, denied - scan, denied 1, end",
		input.Stats{Rows: 2, Unique: 1, Invalid: 1}},
	{"passes that a later scan listed", "run, failed - scan, end, run, scanned, denied 1, end", leftOver(0)},
	{"a scan of no user", "run, unknown_user - scan, not_sent 1, end", leftOver(1)},
}

// timed is a log of one run in each of the given hours of a day. Each run wrote one of the lines.
func timed(hours string, lines ...string) (text string) {
	for i, line := range lines {
		at := fmt.Sprintf(`"2026-03-09T0%c:00:00Z"`, hours[i])
		text += `{"type":"run","start":` + at + "}\n" + strings.Replace(line, `"result"`, `"result","time":`+at, -1)
	}
	return text + endLine
}

// A user may be renamed between two runs of a log. Nobody may edit a log, so it is still a list.
func TestRenamedUserInALog(t *testing.T) {
	const id = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	denied := func(name, method string) string {
		row := rowLine(Denied, methodIs(method), `"userPrincipalName":"`+name+`"`)
		return strings.Replace(row, dana, id, 1)
	}
	log := write(t, "log.jsonl", timed("12", denied("ann@contoso.com", pass1), denied("ann.new@contoso.com", pass2)))
	l, _ := open(t, input.Options{}, log)
	assert.Same(t, "rows", l.Stats().Rows, 2)
}

// Of two logs as lists, the newer row about a user or a pass counts in any order. Otherwise a user whom only the older
// run did not reach would be sent again, and would lose a new pass.
func TestNewerRowCounts(t *testing.T) {
	anyPass := func(o Outcome) string { return rowLine(o, `"anyPass":true`) }
	left := input.Stats{Rows: 1, Unique: 1, AnyPass: 1}
	leftAndDone := left
	leftAndDone.Done = 1
	for name, tt := range map[string]struct {
		older, newer string
		want         input.Stats
	}{
		"left over, and then done": {timed("1", anyPass(NotSent)), timed("2", anyPass(Revoked)), input.Stats{Done: 1}},
		"done, and then left over": {timed("1", anyPass(Revoked)), timed("2", anyPass(NotSent)), left},
		"done when the older log was resumed": {timed("13", anyPass(NotSent), anyPass(Revoked)),
			timed("2", anyPass(NotSent)), input.Stats{Done: 1}},
		"protected since": {timed("1", anyPass(NotSent)), timed("2", anyPass(Protected)), input.Stats{Protected: 1}},
		"another pass is done": {timed("1", anyPass(NotSent)), timed("2", rowLine(Revoked, methodIs(pass1))),
			leftAndDone},
		"passes that only an earlier scan listed": {timed("1", scannedDana+rowLine(Absent)),
			timed("2", rowLine(Denied, ofScan)+rowLine(Absent)), input.Stats{Rows: 1, Invalid: 1, Done: 1}},
	} {
		older, newer := write(t, "older.jsonl", tt.older), write(t, "newer.jsonl", tt.newer)
		person := write(t, "person.csv", "user,method\n"+dana+",\n")
		for _, paths := range [][]string{{older, newer}, {newer, older}} {
			l, _ := open(t, input.Options{}, paths...)
			assert.Same(t, fmt.Sprint(name, paths, ": Stats()"), l.Stats(), tt.want)
			assert.Same(t, fmt.Sprint(name, paths, ": lists without a row"), len(l.Empty()), 0)
			l, _ = open(t, input.Options{}, append(paths, person)...)
			assert.Same(t, fmt.Sprint(name, paths, ": rows for any pass, with a person's list"), l.Stats().AnyPass, 1)
			_, err := input.ReadUsers(new(Lists).Read, paths...)
			assert.Is(t, fmt.Sprint(name, paths, ": ReadUsers"), err, nil)
		}
	}
}

// A log without its end is no list: whether its run is still going is not known.
func TestLogWithoutEnd(t *testing.T) {
	for name, text := range map[string]string{"killed": "", "torn": `{"type":"result","us`} {
		_, _, err := openList([]string{write(t, "l.jsonl", logText("run, denied 1")+text)}, input.Options{})
		assert.Says(t, name+": Open", err, "has no last line")
	}
}

// What a results log says is done is not done again: a row without a pass would
// take whatever the user was given since.
func TestResultsLog(t *testing.T) {
	for _, tt := range logsAsLists {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := open(t, input.Options{}, write(t, "l.json", logText(tt.log)))
			assert.Same(t, "Stats()", l.Stats(), tt.want)
			rows := 0
			for _, err := range l.Pairs() {
				rows++
				assert.Is(t, "Pairs", err, nil)
			}
			assert.Same(t, "pairs", rows, tt.want.Rows)
		})
	}
}

// A list has all lines that the log had when it was opened, and no others: a run may resume the log meanwhile, and
// another program may truncate it.
func TestLogChangesMeanwhile(t *testing.T) {
	log := logText("run, denied 1, end")
	for name, tt := range map[string]struct{ second, err string }{
		"longer":    {log + logText("run, denied 2"), ""},
		"truncated": {logText("run"), "truncated while it was read: 0 of its 1 rows"},
		"empty":     {"", "truncated while it was read: 0 of its 1 rows"},
	} {
		texts := []string{log, tt.second}
		list, err := new(Lists).Read("l.jsonl", []byte(log), func() io.Reader {
			text := texts[0]
			texts = texts[1:]
			return strings.NewReader(text)
		})
		assert.OK(t, err)
		rows := 0
		for _, err := range list {
			rows++
			assert.Says(t, name, err, tt.err)
		}
		assert.Same(t, name+": rows and errors", rows, 1)
	}
}

// A line that is not part of a log is skipped, as kubectl logs mixes in. The warning does not count empty lines.
func TestForeignLines(t *testing.T) {
	before, row, _ := strings.Cut(logText("run, denied 1, end"), `{"type":"result"`)
	path := write(t, "l.jsonl", "tapsweep: warning\n\n"+before+"tapsweep: 20 %\n\n"+
		`{"level":"INFO","msg":"x"}`+"\n"+`{"type":"result"`+row)
	const want = ": skipped 3 lines that are not part of a results log, starting at line 1"
	_, logs := open(t, input.Options{}, path)
	assert.Equal(t, "as a list", logs.Warnings, []string{path + want})
	users, err := ReadUsers(path)
	assert.OK(t, err, "ReadUsers")
	assert.Equal(t, "to ReadUsers", users.Warnings, []string{path + want})
	assert.Same(t, "users", len(users.Users), 1)
}

// A scan that ended early leaves out users, so its log has a warning. It has none if a later run ended the scan.
func TestScanEndedEarly(t *testing.T) {
	const early = `{"type":"end","stopped":"interrupt"}` + "\n"
	scan, found := `{"type":"run","command":["scan","--all-users"]}`+"\n", rowLine(Found, ofScan, methodIs(pass1))
	for name, tt := range map[string]struct {
		text  string
		warns bool
	}{
		"a scan that ended early":   {scan + found + early, true},
		"a scan that found nothing": {scan + early, true},
		"a complete scan":           {scan + found + endLine, false},
		"a resumed scan":            {scan + early + scan + found + endLine, false},
		"a revoke that ended early": {runLine + rowLine(NotSent, methodIs(pass1)) + early, false},
	} {
		logs := new(Lists)
		path := write(t, "l.jsonl", tt.text)
		_, err := input.Open([]string{path}, input.Options{Reader: logs.Read})
		_, empty := errors.AsType[*input.EmptyError](err)
		assert.That(t, err == nil || empty, "%s: Open: %v", name, err)
		assert.Same(t, name+": warnings", len(logs.Warnings) > 0, tt.warns)
		if tt.warns {
			assert.Holds(t, name, logs.Warnings[0], path+": the scan ended early (interrupt)")
		}
	}
}

// A line that hides a row is not skipped. Nor is what another program has made of a log read as a list of
// another form.
func TestNoWholeLog(t *testing.T) {
	log := logText("run, denied 1, end")
	rows := logText("denied 1, revoked 2")
	const header = "source,line,user,method,outcome,status,code,message,attempts,requestId,time\n"
	const foreign, part = "it is not part of a results log", "use the log as tapsweep wrote it"
	for name, tt := range map[string]struct{ text, want string }{
		"a row in other text": {logText("run") + "2026-03-02T08:29:00Z " + rows,
			`:2: it has "2026-03-02T08:29:00Z " before a line of a results log`},
		"keys in another order": {logText("run") + `{"line":2,"type":"result"}` + "\n" + rows, ":2: " + foreign},
		"a broken line":         {logText("run") + rows[:40] + "\n" + rows, ":2: the line is broken"},
		"a long line":           {logText("run") + strings.Repeat("x", 2<<20), ":2: the line is longer than 1 MiB"},
		"its rows":              {rows, part},
		"its end":               {logText("end"), part},
		"an array":              {"[" + strings.ReplaceAll(strings.TrimSpace(log), "\n", ",") + "]", part},
		"another layout":        {strings.ReplaceAll(log, `{"type":"`, "{\n  \"type\": \""), part},
		"sorted keys":           {`{"line":2,"outcome":"denied","type":"result","user":"` + dana + `"}`, part},
		"a report":              {header + "l.csv,2," + dana + ",,denied,403,,,1,,\n", part},
		"a report of Excel":     {strings.ReplaceAll(header, ",", ";") + "l.csv;2;" + dana + ";;denied\n", part},
	} {
		for _, file := range []string{"l.jsonl", "l.json", "l.csv", "l"} {
			path := write(t, file, tt.text)
			_, _, openErr := openList([]string{path}, input.Options{SkipInvalid: true})
			_, usersErr := input.ReadUsers(new(Lists).Read, path)
			for reader, err := range map[string]error{"Open": openErr, "ReadUsers": usersErr} {
				assert.Says(t, fmt.Sprintf("%s in %s: %s", name, file, reader), err, tt.want)
			}
		}
	}
	l, _ := open(t, input.Options{}, write(t, "l.csv", "user,method,outcome\n"+eli+","+pass1+",revoked\n"))
	assert.Same(t, "another CSV with outcomes: Stats()", l.Stats(), (input.Stats{Rows: 1, Unique: 1}))
}

// A row "me" of a results log is of who was signed in for that run. Taken for whoever
// is signed in now, the list would be of somebody else.
func TestResultsLogOfMe(t *testing.T) {
	const guid1, guid2 = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322"
	logOf := func(self string) string {
		return strings.NewReplacer(`"version"`, `"self":"`+self+`","version"`, dana, "me").Replace(
			logText("run, denied - any, end"))
	}
	l, _ := open(t, input.Options{}, write(t, "l.jsonl", logOf(guid1)+logOf(guid2)))
	var users []string
	for p, err := range l.Pairs() {
		assert.Is(t, "error", err, nil)
		users = append(users, p.User)
	}
	assert.Equal(t, "users", users, []string{guid1, guid2})
	path := write(t, "l.jsonl", logOf(""))
	_, _, openErr := openList([]string{path}, input.Options{})
	assert.Says(t, "a log that does not say who was signed in: Open", openErr, `"me"`)
	_, usersErr := ReadUsers(path)
	assert.Says(t, "a log that does not say who was signed in: ReadUsers", usersErr, "does not say who that was")
}

// A row that the run of a log has refused says nothing of where to look, but it stood for
// somebody whom a protect list was to protect. A list that names nobody is no reason to fail.
func TestReadScopeOfLog(t *testing.T) {
	row := func(user, outcome string) string {
		return `{"type":"result","user":"` + user + `","method":"","outcome":"` + outcome + `"}` + "\n"
	}
	const run, end = `{"type":"run"}` + "\n", `{"type":"end"}` + "\n"
	for _, tt := range []struct {
		name, text       string
		users            int
		warn, err, error string // of ReadScope, of ReadScope, of ReadUsers
	}{
		{"a refused row", run + row(dana, "denied") + row("nope", "invalid") + row("nix", "invalid") + end, 1,
			"they name no user: 2", "", "neither an object ID"},
		{"a refused row that names a user", run + row(dana, "denied") + row(eli, "invalid") + end, 2, "", "", ""},
		{"refused rows only", run + row("nope", "invalid") + end, 0, "", "no user in this list",
			"neither an object ID"},
		{"a log without rows", run + end, 0, "no user in this list", "", "no user in this list"},
	} {
		path := write(t, "list", tt.text)
		list, err := input.ReadScope(new(Lists).Read, path)
		assert.Same(t, tt.name+": users", len(list.Users), tt.users)
		assert.Holds(t, tt.name+": the warnings", strings.Join(list.Warnings, " "), tt.warn)
		assert.Same(t, tt.name+": there is a warning", len(list.Warnings) > 0, tt.warn != "")
		assert.Says(t, tt.name+": ReadScope", err, tt.err)
		_, err = input.ReadUsers(new(Lists).Read, path)
		assert.Says(t, tt.name+": ReadUsers", err, tt.error)
	}
}

// A forged log made a run send calls to the URL of a name that no list may have. Rows that are done were not checked.
func TestNamesInALogAreChecked(t *testing.T) {
	for _, name := range []string{"..", ".", dana + " ", dana + "\u200b", "\x1b[2J" + dana,
		strings.Repeat("a", 300) + "@x.com", ""} {
		row := string(assert.Must(json.Marshal(&Row{Type: "result", User: name, Method: pass1, Outcome: Revoked,
			Action: RevokeSessions})))
		path := write(t, "log.jsonl", runLine+row+"\n"+endLine)
		logs := &Lists{Sessions: true}
		_, err := input.Open([]string{path}, input.Options{Reader: logs.Read})
		assert.Says(t, fmt.Sprintf("%q: a list", name), err, ":2: user ")
		if name != "" {
			_, err = ReadUsers(path)
			assert.Says(t, fmt.Sprintf("%q: verify", name), err, "line 2: user ")
		}
		_, _, err = Resume(path, new(Header), ResumeOptions{})
		assert.Says(t, fmt.Sprintf("%q: resume", name), err, "line 2: user ")
	}
}

// A forged log of the year 9999 counted in place of an honest log.
func TestLogFromTheFuture(t *testing.T) {
	ahead := func(by time.Duration) string { return `"` + time.Now().Add(by).Format(time.RFC3339) + `"` }
	for name, tt := range map[string]struct{ run, row, want string }{
		"the run":            {`"9999-01-01T00:00:00Z"`, ahead(0), "line 1: the line is from the future (9999-01-01"},
		"a row":              {ahead(0), ahead(2 * time.Hour), "line 2: the line is from the future"},
		"another clock":      {ahead(10 * time.Minute), ahead(10 * time.Minute), ""},
		"a log without time": {`"0001-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, ""},
	} {
		path := write(t, "log.jsonl", `{"type":"run","command":["revoke"],"start":`+tt.run+"}\n"+
			`{"type":"result","user":"`+dana+`","method":"`+pass1+`","outcome":"revoked","time":`+tt.row+"}\n"+endLine)
		_, err := ReadUsers(path)
		assert.Says(t, name+": verify", err, tt.want)
		_, _, err = openList([]string{path}, input.Options{})
		assert.Says(t, name+": a list", err, strings.Replace(tt.want, "line ", "", 1))
	}
}

// A second key in another spelling counted in place of the key that a person reads.
func TestKeysInALog(t *testing.T) {
	for more, want := range map[string]string{
		`,"OUTCOME":"revoked"`:       `tapsweep writes no key "OUTCOME"`,
		`,"\u006futcome":"revoked"`:  `no key "\\u006futcome"`,
		`,"uſer":"eli@fabrikam.com"`: "no key ",
		`,"requestid":"x"`:           `no key "requestid"`,
		`,"requestId":"{\"outcome\":[],,","new":{"outcome":1,"user":{"user":[]}},"newer":["user","user"]`: "",
	} {
		_, err := ReadUsers(write(t, "log.jsonl", `{"type":"run","command":["revoke"]}`+"\n"+
			`{"type":"result","user":"`+dana+`","outcome":"failed"`+more+"}\n"+endLine))
		assert.Says(t, more, err, want)
	}
}
