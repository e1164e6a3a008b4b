package results

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"tapsweep/input"
)

// logText writes a results log in short: lines between commas. A line is "run", "run" and the name of
// its list, "end", or a row: its outcome, its pass (1, 2 or -) and its fields.
func logText(short string) string {
	fields := map[string]string{"any": `"anyPass":true,`, "pending": `"pending":true,`, "beside": `"beside":true,`,
		"instead": `"inPlaceOf":"` + pass1 + `",`, "moved": `"column":93,`}
	passes := map[string]string{"1": pass1, "2": pass2, "-": ""}
	var b strings.Builder
	for text := range strings.SplitSeq(short, ", ") {
		words := strings.Fields(text)
		switch {
		case text == "run":
			b.WriteString(`{"type":"run","version":"1"}` + "\n")
		case words[0] == "run":
			b.WriteString(`{"type":"run","digest":"sha256:` + words[1] + `","version":"1"}` + "\n")
		case text == "end":
			b.WriteString(`{"type":"end","exit":1}` + "\n")
		default:
			line := "2"
			b.WriteString(`{"type":"result",`)
			for _, w := range words[2:] {
				if w == "line3" {
					line = "3"
				}
				b.WriteString(fields[w])
			}
			b.WriteString(`"line":` + line + `,"source":"l.csv","user":"` + dana + `","method":"` + passes[words[1]] +
				`","outcome":"` + words[0] + `"}` + "\n")
		}
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
	{"killed and resumed", "run, denied 1, run, denied 1, end", leftOver(0)},
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
	{"two passes on one line of before", "run, not_sent 1, revoked 2, end, run, end", leftOver(1)},
	{"moved, and done", "run, not_sent - any, end, run, revoked 1 any moved, end", input.Stats{Done: 1}},
	{"left over twice in one place", "run, failed 1, duplicate 1, end, run, end", leftOver(1)},
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
}

// A log without its end is no list: whether its run is still going is not known.
func TestLogWithoutEnd(t *testing.T) {
	for name, text := range map[string]string{"killed": "", "torn": `{"type":"result","us`} {
		for _, file := range []string{"l.jsonl", "l.json"} {
			_, _, err := openList([]string{write(t, file, logText("run, denied 1")+text)}, input.Options{})
			want := "has no end, because its run was killed, could not continue writing, or is still running"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: Open = %v, want %q", file, name, err, want)
			}
		}
	}
}

// What a results log says is done is not done again: a row without a pass would
// take whatever the user was given since.
func TestResultsLog(t *testing.T) {
	for _, file := range []string{"l.jsonl", "l.json"} {
		for _, tt := range logsAsLists {
			t.Run(file+" "+tt.name, func(t *testing.T) {
				l, _, err := openList([]string{write(t, file, logText(tt.log))}, input.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if got := l.Stats(); got != tt.want {
					t.Errorf("Stats() = %+v, want %+v", got, tt.want)
				}
				rows := 0
				for _, err := range l.Pairs() {
					if rows++; err != nil {
						t.Error(err)
					}
				}
				if rows != tt.want.Rows {
					t.Errorf("%d pairs, want %d", rows, tt.want.Rows)
				}
			})
		}
	}
}

// A row of a results log that follows other text on its line is not skipped: with it the list
// would lose a pair, or do again what is done. Nor is a row whose keys have another order.
func TestResultsLogWithStrayText(t *testing.T) {
	const run, end = `{"type":"run","version":"1"}` + "\n", `{"type":"end","exit":1}` + "\n"
	const row = `{"type":"result","line":2,"source":"l.csv","user":"` + dana + `","method":"` + pass1 +
		`","outcome":"denied"}` + "\n"
	for _, file := range []string{"l.jsonl", "l.json"} {
		for _, before := range []string{"tapsweep: 50 %", "2026-03-02T08:29:00Z ", "{} "} {
			for _, skip := range []bool{false, true} {
				path := write(t, file, run+row+"tapsweep: 20 %\n"+before+row+end)
				_, _, err := openList([]string{path}, input.Options{SkipInvalid: skip})
				bad, ok := errors.AsType[*input.LineError](err)
				if !ok || bad.Line != 4 || !strings.Contains(bad.Msg, "remove it (kubectl logs adds it") {
					t.Errorf("%s, %q, skip %v: Open = %v, want a LineError of line 4 that says what to do", file,
						before, skip, err)
				}
			}
		}
		moved := strings.Replace(row, `{"type":"result",`, `{`, 1)
		moved = strings.Replace(moved, "}", `,"type":"result"}`, 1)
		l, logs := open(t, input.Options{}, write(t, file, run+"tapsweep: 20 %\n  "+moved+end))
		if got := l.Stats(); got.Unique != 1 || len(logs.Warnings()) != 1 {
			t.Errorf("%s: %+v, %q; want 1 pair and 1 warning", file, got, logs.Warnings())
		}
	}
}

// A row "me" of a results log is of who was signed in for that run. Taken for whoever
// is signed in now, the list would be of somebody else.
func TestResultsLogOfMe(t *testing.T) {
	const guid = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	const run, end = `{"type":"run","version":"1","self":"` + guid + `"}` + "\n", `{"type":"end","exit":1}` + "\n"
	const denied = `{"type":"result","line":2,"source":"l.csv","user":"me","method":"","anyPass":true,` +
		`"outcome":"denied"}` + "\n"
	for _, file := range []string{"l.jsonl", "l.json"} {
		l, _, err := openList([]string{write(t, file,
			run+denied+end+strings.ReplaceAll(run, guid, "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322")+denied+end)},
			input.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var users []string
		for p, err := range l.Pairs() {
			if err != nil {
				t.Error(err)
			}
			users = append(users, p.User)
		}
		if got := l.Stats(); got.Unique != 2 ||
			strings.Join(users, " ") != guid+" 5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322" {
			t.Errorf("%s: users %q, %+v", file, users, got)
		}
		text := `{"type":"run","version":"1"}` + "\n" + denied + end
		if _, _, err := openList([]string{write(t, file, text)}, input.Options{}); err == nil ||
			!strings.Contains(err.Error(), `who "me" was`) {
			t.Errorf("%s: Open = %v", text, err)
		}
	}
}

// A log's lines about the run are no pairs, whatever they are about.
func TestLogMarks(t *testing.T) {
	log := `{"type":"run","digest":"x"}
{"type":"wait","time":"2026-03-02T08:11:40Z","until":"2026-03-02T08:12:40Z","refused":3,"quota":"write"}
{"type":"scanned","users":["5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"]}
{"type":"result","user":"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c312","method":"` + pass1 +
		`","outcome":"found","created":"2026-03-02T08:11:40Z"}
{"type":"end","exit":0}
`
	l, _, err := openList([]string{"-"}, input.Options{Stdin: strings.NewReader(log)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s := l.Stats(); s.Rows != 1 || s.Unique != 1 {
		t.Errorf("%+v", s)
	}
}

// A user whose passes a scan could not list is not a user whose every pass is meant.
func TestScanRowsNameNoPass(t *testing.T) {
	for _, outcome := range []string{"not_sent", "denied", "failed", "unknown_user"} {
		log := `{"type":"run"}` + "\n" +
			`{"type":"result","line":0,"source":"scan","user":"` + dana + `","method":"","outcome":"` + outcome + `"}` +
			"\n" +
			`{"type":"result","line":0,"source":"scan","user":"` + eli + `","method":"` + pass1 +
			`","outcome":"not_sent"}` +
			"\n" + `{"type":"end","exit":4}` + "\n"
		l, logs, err := openList([]string{"-"}, input.Options{Stdin: strings.NewReader(log)})
		if err != nil {
			t.Fatal(err)
		}
		want := input.Stats{Rows: 2, Unique: 1, Invalid: 1}
		warned := 0
		if outcome == "unknown_user" { // who has no pass
			want, warned = input.Stats{Rows: 1, Unique: 1, Done: 1}, 1
		}
		if s := l.Stats(); s != want {
			t.Errorf("%s: %+v, want %+v", outcome, s, want)
		}
		if w := logs.Warnings(); len(w) != warned {
			t.Errorf("%s: %d warnings, want %d: %q", outcome, len(w), warned, w)
		}
		l.Close()
	}
}

// A report's CSV says of each row what the log says, and is read in the same way;
// another CSV that happens to have an outcome is not.
func TestReportCSV(t *testing.T) {
	const head = "source,line,user,method,outcome,status,code,message,attempts,requestId,time,pending,anyPass,beside\n"
	const rows = "scan,0," + dana + ",,denied,403,,,1,,,,,\n" + // a scan that could not look
		"l.csv,2," + dana + ",,denied,403,,,1,,,,true,\n" + // whatever pass there is
		"l.csv,3," + eli + "," + pass1 + ",revoked,204,,,1,,,,,\n" +
		"l.csv,4," + eli + "," + pass2 + ",not_sent,0,,,0,,,,,\n" +
		"l.csv,5," + eli + "," + pass2 + ",revoked,0,,,0,,,true,,\n" +
		"l.csv,2," + dana + "," + pass1 + ",revoked,204,,,1,,,,true,true\n" // a further pass of line 2
	for name, tt := range map[string]struct {
		text string
		want input.Stats
	}{
		"report": {head + rows, input.Stats{Rows: 3, Unique: 2, Invalid: 1, Done: 2, AnyPass: 1}},
		"another": {"user,method,outcome\n" + eli + "," + pass1 + ",revoked\n",
			input.Stats{Rows: 1, Unique: 1}},
	} {
		l, _, err := openList([]string{"-"}, input.Options{Stdin: strings.NewReader(tt.text)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := l.Stats(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
		l.Close()
	}
}

// Lines that were mixed into a results log are skipped and counted.
func TestForeignLines(t *testing.T) {
	const run, end = `{"type":"run"}` + "\n", `{"type":"end","exit":1}` + "\n"
	denied := `{"type":"result","user":"` + dana + `","method":"` + pass1 + `","outcome":"denied"}` + "\n"
	for _, file := range []string{"l.log", "l.jsonl", "l.json"} {
		other := `{"time":"2026-03-02T08:11:40Z","level":"INFO","user":"` + eli + `"}` + "\n"
		path := write(t, file, "tapsweep: warning\n\n"+run+other+denied+end+"tapsweep: 1 row\n")
		l, logs := open(t, input.Options{}, path)
		if want := (input.Stats{Rows: 1, Unique: 1}); l.Stats() != want {
			t.Errorf("%s: Stats() = %+v, want %+v", file, l.Stats(), want)
		}
		want := path + ": skipped 3 lines that are not part of the results log"
		if got := strings.Join(logs.Warnings(), "; "); got != want {
			t.Errorf("Warnings() = %q, want %q", got, want)
		}
		for p := range l.Pairs() {
			if p.Line != 5 {
				t.Errorf("%s: the row is on line %d, want 5", file, p.Line)
			}
		}
		_, _, err := openList([]string{write(t, file, run+"x\n"+denied[:40]+"\n"+end)}, input.Options{})
		if err == nil || !strings.Contains(err.Error(), file+":3: the line is broken") {
			t.Errorf("%s: Open of a log with a broken line = %v", file, err)
		}
	}
	_, logs := open(t, input.Options{}, write(t, "l.jsonl", run+denied+end))
	if got := logs.Warnings(); got != nil {
		t.Errorf("Warnings() of a log alone = %q", got)
	}
}

// A row that the run of a log has refused says nothing of where to look, but it stood for
// somebody whom a protect list was to protect. A list that names nobody is no reason to fail.
func TestReadScopeOfLog(t *testing.T) {
	row := func(user, outcome string) string {
		return `{"type":"result","user":"` + user + `","method":"","outcome":"` + outcome + `"}` + "\n"
	}
	const run, end = `{"type":"run"}` + "\n", `{"type":"end"}` + "\n"
	const report = "source,line,user,method,outcome,attempts,requestId\nl.csv,2," + dana + ",,denied,1,\n"
	for _, tt := range []struct {
		name, text       string
		users            int
		warn, err, error string // of ReadScope, of ReadScope, of ReadUsers
	}{
		{"a refused row", run + row(dana, "denied") + row("nope", "invalid") + row("nix", "invalid") + end, 1,
			"they name no user: 2", "", "neither an object id"},
		{"a refused row that names a user", run + row(dana, "denied") + row(eli, "invalid") + end, 2, "", "", ""},
		{"refused rows only", run + row("nope", "invalid") + end, 0, "", "no user in this list",
			"neither an object id"},
		{"a report with a refused row", report + "l.csv,3,nope,,invalid,0,\n", 1,
			"they name no user: 1", "", "neither an object id"},
		{"a report", report, 1, "", "", ""},
		{"a log without rows", run + end, 0, "no user in this list", "", "no user in this list"},
	} {
		path := write(t, "list", tt.text)
		users, warnings, err := input.ReadScope(new(Lists).Read, path)
		if len(users) != tt.users {
			t.Errorf("%s: ReadScope = %v, want %d users", tt.name, users, tt.users)
		}
		if got := strings.Join(warnings, " "); (got == "") != (tt.warn == "") || !strings.Contains(got, tt.warn) {
			t.Errorf("%s: ReadScope warns %q, want %q", tt.name, got, tt.warn)
		}
		_, strict := input.ReadUsers(new(Lists).Read, path)
		for want, err := range map[*string]error{&tt.err: err, &tt.error: strict} {
			if (err == nil) != (*want == "") || err != nil && !strings.Contains(err.Error(), *want) {
				t.Errorf("%s: the error is %v, want %q", tt.name, err, *want)
			}
		}
	}
}

// endless is a text that goes on for ever, and counts what is read of it.
type endless struct {
	begin io.Reader
	read  int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if n, err = e.begin.Read(p); err == io.EOF {
		n, err = copy(p, bytes.Repeat([]byte("x"), len(p))), nil
	}
	if e.read += n; e.read > 64<<20 {
		err = errors.New("64 MiB were read")
	}
	return n, err
}

// A record that does not end is not pulled into memory, whatever the layout of the log.
func TestEndlessRecord(t *testing.T) {
	const run = "{\n\"type\": \"run\"}\n"
	const row = `{"type": "result", "message": "`
	const columns = "source,line,user,method,outcome,attempts,requestId\n"
	for _, tt := range []struct{ name, text, want string }{
		{"lines", `{"type":"run"}` + "\n" + `{"type":"result","message":"`, "the line is longer than 1 MiB"},
		{"values", run + row, "the line is longer than 1 MiB"},
		{"an array", "[" + run + "," + row, "the line is longer than 1 MiB"},
		{"a table", columns + "l.csv,2," + dana + `,"`, "the line begins a row that is longer than 1 MiB"},
	} {
		text := &endless{begin: strings.NewReader(tt.text)}
		rows, err := new(Lists).Read("l", []byte(tt.text+"xx"), func() io.Reader { return text })
		if rows != nil && err == nil {
			for _, rowErr := range rows {
				err = rowErr
			}
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want %q", tt.name, err, tt.want)
		}
		if text.read > 8<<20 {
			t.Errorf("%s: %d bytes were read, want at most 8 MiB", tt.name, text.read)
		}
	}
}

// A report's CSV file says, like a log, how many users the tenant did not have.
func TestTableWarnsOfUnknownUsers(t *testing.T) {
	const columns = "source,line,user,method,outcome,attempts,requestId\n"
	rows := "scan,0," + dana + ",,unknown_user,1,\nscan,0," + eli + "," + pass1 + ",denied,1,\n"
	path := write(t, "report.csv", columns+rows)
	_, logs := open(t, input.Options{}, path)
	want := path + ": rows left out, because the tenant did not have their users: 1"
	if got := strings.Join(logs.Warnings(), "; "); got != want {
		t.Errorf("Warnings() = %q, want %q", got, want)
	}
}

// A report's CSV file may have no rows, and its first line no end.
func TestTableWithoutRows(t *testing.T) {
	const columns = "source,line,user,method,outcome,attempts,requestId"
	for _, end := range []string{"", "\n", "\r\n"} {
		_, _, err := openList([]string{write(t, "report.csv", columns+end)}, input.Options{})
		if _, ok := errors.AsType[*input.EmptyError](err); !ok {
			t.Errorf("a first line that ends with %q: the error is %v, want an EmptyError", end, err)
		}
	}
}
