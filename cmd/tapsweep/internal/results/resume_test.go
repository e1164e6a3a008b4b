package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

var header = Header{Version: "1", Digest: "sha256:1", Tenant: "t", GraphRoot: "https://graph.microsoft.com"}

// writeLog writes a log with one row for each outcome, on lines 2, 3, …
func writeLog(t *testing.T, outcomes ...Outcome) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := assert.Must(Create(path, false))
	run := header
	log.Write(&run)
	for i, o := range outcomes {
		log.Write(&Row{Line: i + 2, Source: "l.csv", User: fmt.Sprintf("User%d@contoso.com", i+2), Outcome: o})
	}
	assert.OK(t, log.Close())
	return path
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f := assert.Must(os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0))
	defer f.Close()
	f.WriteString(text)
}

func TestResume(t *testing.T) {
	path := writeLog(t, Outcomes...)
	before, _ := os.ReadFile(path)
	appendTo(t, path, `{"type":"result","line":99,"source":"l.c`)
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	assert.OK(t, err)
	again := 0
	for i, o := range Outcomes {
		pair := &input.Pair{Source: "l.csv", Line: i + 2, User: fmt.Sprintf("uSER%d@contoso.com", i+2)}
		switch o {
		case Duplicate:
			pair.FirstOf = &input.Pos{}
		case Invalid:
			pair.Err = errors.New("invalid")
		}
		assert.That(t, earlier.Completed(pair) != o.Retryable(), "%s: Completed = %v", o, !o.Retryable())
		if o.Retryable() {
			again++
		}
	}
	assert.Same(t, "completed", earlier.Len, len(Outcomes)-again)
	passes, _ := earlier.Totals()
	assert.Same(t, "revoked", passes.Outcomes[Revoked], 1)
	assert.Same(t, "denied", passes.Outcomes[Denied], 1)
	assert.Same(t, "users without a pass", passes.NoPass[Absent], 1)
	assert.Same(t, "revoked passes without an ID", passes.NoPass[Revoked], 0)
	// The list is the same, as its digest shows, but a row may have moved.
	moved := &input.Pair{Source: "renamed.csv", Line: 3, User: "user2@contoso.com"}
	assert.Same(t, "the pair is completed on another line", earlier.Completed(moved), true)
	another := &input.Pair{Source: "l.csv", Line: 2, User: "user2@contoso.com", Method: "another"}
	assert.Same(t, "another pass of the user is completed", earlier.Completed(another), false)
	log.Write(&next)
	log.Write(&Row{Line: 2, Source: "l.csv", User: "user2@contoso.com", Outcome: Denied})
	assert.OK(t, log.Close())
	after, _ := os.ReadFile(path)
	assert.Holds(t, "the resumed log", string(after), string(before)+`{"type":"run"`)
	assert.Lacks(t, "the resumed log", string(after), `"line":99`)
	// The last row of a pair counts.
	log, earlier, err = Resume(path, &next, ResumeOptions{})
	assert.OK(t, err)
	assert.Same(t, "the pair is completed after its last row", earlier.Completed(moved), false)
	log.Close()
}

// What cannot be resumed is refused and not changed.
func TestResumeRefuses(t *testing.T) {
	const end = `{"type":"end"}` + "\n"
	for _, tt := range []struct {
		name   string
		change func(*Header)
		text   string // after the log
		want   string
	}{
		{"another list", func(r *Header) { r.Digest, r.Pairs = "sha256:2", 3 }, "",
			"this log belongs to another list: that list has 0 rows, this list has"},
		{"another search", func(r *Header) { r.Digest = "sha256:2" }, "", "looked for something else: tapsweep"},
		{"another tenant", func(r *Header) { r.Tenant = "u" }, "", "tenant t, not u"},
		{"another cloud", func(r *Header) { r.GraphRoot = "https://graph.microsoft.us" }, "",
			"https://graph.microsoft.com"},
		{"another signed-in user", func(r *Header) { r.Self = oid1 }, "", "and is now " + oid1},
		{"dry run", func(r *Header) { r.DryRun = true }, "", "dry run"},
		{"sessions", nil, `{"type":"run","digest":"sha256:1","tenant":"t","graphRoot":"https://graph.microsoft.com",` +
			`"sessions":true}` + "\n", "add --revoke-sessions"},
		{"verify", nil, `{"type":"run","digest":"sha256:1","tenant":"t","graphRoot":"https://graph.microsoft.com",` +
			`"verify":true}` + "\n", "add --verify"},
		{"protected users", nil, `{"type":"run","digest":"sha256:1","tenant":"t","graphRoot":` +
			`"https://graph.microsoft.com","command":["revoke","--protect","bg.txt"]}` + "\n",
			"the run of the log protects users: add --protect bg.txt"},
		{"other text", nil, "garbage\n" + end, "line 3: it is not part of"},
		{"other text at the end", nil, "garbage\n", "line 3: it is not part of"},
		{"an empty line", nil, "\n" + end, "line 3: it is not part of"},
		{"NUL bytes", nil, strings.Repeat("\x00", 5000) + "\n" + end, "line 3: it is not part of"},
		{"a broken line", nil, `{"type":"result","li` + "\n" + end, "line 3: the line is broken"},
		{"a line without end", nil, strings.Repeat("x", 2<<20), "line 3: the line is longer than 1 MiB"},
		{"no outcome", nil, `{"type":"result"}` + "\n", `line 3: the outcome "" is not known`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := writeLog(t, Revoked)
			appendTo(t, path, tt.text)
			next := header
			if tt.change != nil {
				tt.change(&next)
			}
			refuses(t, path, &next, tt.want)
		})
	}
	for _, text := range []string{"user,method\na,b\n", dana, `{"users":1}`, "\xff\xfe{\x00"} {
		refuses(t, write(t, "file", text), &Header{}, "it is not a results log")
	}
}

// refuses fails the test unless Resume of a file fails with this text, and leaves the file as it is.
func refuses(t *testing.T, path string, next *Header, want string) {
	t.Helper()
	before := textOf(path)
	_, _, err := Resume(path, next, ResumeOptions{})
	assert.Says(t, "Resume", err, want)
	assert.Same(t, "the file", textOf(path), before)
}

// A log that was cut at any byte can be resumed, and loses the torn row only. A row that
// lacks no more than its line end is kept.
func TestResumeTornAnywhere(t *testing.T) {
	whole, _ := os.ReadFile(writeLog(t, Revoked, Absent, NotSent))
	for n := range len(whole) {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		os.WriteFile(path, whole[:n], 0o600)
		next := header
		log, earlier, err := Resume(path, &next, ResumeOptions{})
		assert.OK(t, err, n)
		log.Close()
		kept := string(whole[:n])
		if n < len(whole) && whole[n] == '\n' {
			kept += "\n" // no more than the line end was missing
		}
		kept = kept[:strings.LastIndex(kept, "\n")+1]
		assert.Same(t, fmt.Sprintf("cut at %d: pairs completed", n), earlier.Len,
			min(max(strings.Count(kept, "\n")-1, 0), 2))
		assert.Same(t, fmt.Sprintf("cut at %d: the log", n), textOf(path), kept)
	}
}

// A container's log ends a torn line.
func TestResumeTornWithALineEnd(t *testing.T) {
	path := writeLog(t, Revoked)
	before := textOf(path)
	appendTo(t, path, `{"type":"result","li`+"\n")
	log, earlier, err := Resume(path, &header, ResumeOptions{})
	assert.OK(t, err)
	log.Close()
	assert.Same(t, "completed", earlier.Len, 1)
	assert.Same(t, "the log", textOf(path), before)
}

func TestResumeWithoutALog(t *testing.T) {
	log, earlier, err := Resume(filepath.Join(t.TempDir(), "log.jsonl"), &header, ResumeOptions{})
	assert.OK(t, err)
	log.Close()
	assert.Same(t, "the pair is completed", earlier.Completed(&input.Pair{Source: "l.csv", Line: 2, User: dana}), false)
}

// A log of a million rows is resumed with little more than a hash for each.
func BenchmarkResume(b *testing.B) {
	const rows = 1_000_000
	path := filepath.Join(b.TempDir(), "log.jsonl")
	log, _ := Create(path, false)
	run := header
	log.Write(&run)
	for i := range rows {
		log.Write(&Row{Line: i, Source: "l.csv", User: fmt.Sprintf("user%d@contoso.com", i),
			Method: "9f0c11aa-1111-4222-8333-000000000001", Outcome: Revoked})
	}
	log.Close()
	for b.Loop() {
		next := header
		log, earlier, err := Resume(path, &next, ResumeOptions{})
		if err != nil || earlier.Len != rows {
			b.Fatal(err, earlier.Len)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(earlier)
		b.ReportMetric(float64(m.HeapAlloc)/rows, "heap-B/row")
		log.Close()
	}
}

// What a run before has deleted counts as one more once it is verified: it was never
// pending in the run that resumes, which would count it away otherwise.
func TestUnconfirmedRowFollowsNothing(t *testing.T) {
	for _, o := range []Outcome{Revoked, Absent} {
		e := resumedBy(t, Header{Verify: true}, ResumeOptions{}, runLine, rowLine(o, pending))
		if r := e.Unconfirmed(&input.Pair{User: dana}); r == nil || r.Provisional || r.SupersedesPending {
			t.Errorf("%s: unconfirmed is %+v", o, r)
		}
	}
}

// A further row would say the same of a user who is still protected, and of a pass that is gone where
// another one has come.
func TestResumeFindsTheSame(t *testing.T) {
	const old = `"inPlaceOf":"` + pass1 + `"`
	protects := ResumeOptions{Protected: func(user string) bool { return user == dana }}
	pair := input.Pair{User: dana, Method: pass1}
	for _, tt := range []struct {
		name, row string
		next      Header
		opts      ResumeOptions
		pair      input.Pair
		want      bool
	}{
		{"still protected", rowLine(Protected), Header{}, protects, input.Pair{User: dana}, true},
		{"not protected any more", rowLine(Protected), Header{}, ResumeOptions{}, input.Pair{User: dana}, false},
		{"another pass remains", rowLine(Remains, methodIs(pass2), old), Header{}, ResumeOptions{}, pair, true},
		{"another pass remains, and any is meant", rowLine(Remains, methodIs(pass2), old), Header{AnyPass: true},
			ResumeOptions{}, pair, false},
		{"another pass in its place", rowLine(Replaced, methodIs(pass1)), Header{}, ResumeOptions{}, pair, true},
		{"another pass in its place, and any is meant", rowLine(Replaced, methodIs(pass1)), Header{AnyPass: true},
			ResumeOptions{}, pair, false},
		{"another pass remains, which a scan finds", rowLine(Remains, methodIs(pass2), old, ofScan), Header{},
			ResumeOptions{}, pair, false},
		{"the pass remains", rowLine(Remains, methodIs(pass1)), Header{}, ResumeOptions{}, pair, false},
	} {
		e := resumedBy(t, tt.next, tt.opts, runLine, tt.row)
		assert.Same(t, tt.name+": Completed", e.Completed(&tt.pair), tt.want)
		tt.pair.Source = "../l.json"
		assert.Same(t, tt.name+": Completed in another directory", e.Completed(&tt.pair), tt.want)
	}
}

// The outcome of a pass decides what becomes of the sessions of its user. A pass that another one has
// replaced is gone.
func TestPassOutcome(t *testing.T) {
	for row, want := range map[string]Outcome{
		rowLine(Rejected, methodIs(pass1)):                           Rejected,
		rowLine(Denied, methodIs(pass1)):                             "",
		rowLine(Remains, methodIs(pass2), `"inPlaceOf":"`+pass1+`"`): Replaced,
		rowLine(Revoked, methodIs(pass1), `"user":"`+eli+`"`):        "",
	} {
		if got := resumed(t, ResumeOptions{}, runLine, row).PassOutcome(dana, pass1); got != want {
			t.Errorf("PassOutcome = %q, want %q, after %s", got, want, row)
		}
	}
}

// Lists in different directories may have one name. A list is known by its position, so also in another directory.
func TestResumeTellsListsApart(t *testing.T) {
	const run = `{"type":"run","lists":[{"name":"a/l.csv"},{"name":"b/l.csv"},{"name":"c/l.csv"}]}` + "\n"
	duplicate := func(list string) string {
		return rowLine(Duplicate, methodIs("a"), `"source":"`+list+`/l.csv","line":2`)
	}
	next := Header{Lists: []input.File{{Name: "../a/l.csv"}, {Name: "../b/l.csv"}, {Name: "../c/l.csv"}}}
	e := resumedBy(t, next, ResumeOptions{}, run, duplicate("b"), duplicate("c"))
	assert.Same(t, "completed lines", e.Len, 2)
	for list, want := range map[string]bool{"a": false, "b": true, "c": true} {
		pair := input.Pair{Source: "../" + list + "/l.csv", Line: 2, User: dana, FirstOf: &input.Pos{}}
		assert.Same(t, list+": Completed in another directory", e.Completed(&pair), want)
	}
}

// A row counts for its pair alone: not for another pass of the user on the same line, as
// in JSON on one line, and not for what repeats it.
func TestResumeTellsPairsApart(t *testing.T) {
	at := func(column int) string { return fmt.Sprintf(`"source":"l.json","line":1,"column":%d`, column) }
	e := resumed(t, ResumeOptions{}, runLine,
		rowLine(Failed, at(1), methodIs("a")), rowLine(Revoked, at(31), methodIs("b")),
		rowLine(Duplicate, at(61), methodIs("a")), rowLine(Revoked, at(91), methodIs("other"), `"inPlaceOf":"c"`),
		rowLine(Invalid, at(121), methodIs("d")), rowLine(Revoked, at(151), methodIs("e"), `"anyPass":true`))
	repeat, bad := &input.Pos{}, errors.New("invalid")
	for _, tt := range []struct {
		name string
		pair input.Pair
		want bool
	}{
		{"failed", input.Pair{Column: 1, Method: "A"}, false},
		{"failed, and has moved", input.Pair{Column: 31, Method: "a"}, false},
		{"revoked", input.Pair{Column: 31, Method: "B"}, true},
		{"revoked, and has moved", input.Pair{Column: 1, Method: "b"}, true},
		{"a repeat with a row", input.Pair{Column: 61, Method: "a", FirstOf: repeat}, true},
		{"a repeat without a row", input.Pair{Column: 31, Method: "b", FirstOf: repeat}, false},
		{"revoked, with another in its place", input.Pair{Column: 91, Method: "c"}, true},
		{"the other one", input.Pair{Column: 91, Method: "other"}, false},
		{"an invalid row", input.Pair{Column: 121, Method: "d", Err: bad}, true},
		{"an invalid row without a row", input.Pair{Column: 31, Method: "b", Err: bad}, false},
		{"any pass", input.Pair{Column: 151}, true},
		{"the pass that was any", input.Pair{Column: 151, Method: "e"}, false},
	} {
		tt.pair.Source, tt.pair.Line, tt.pair.User = "l.json", 1, strings.ToUpper(dana)
		assert.Same(t, tt.name+": Completed", e.Completed(&tt.pair), tt.want)
	}
	assert.Same(t, "completed", e.Len, 5)
	passes, _ := e.Totals()
	assert.Same(t, "revoked", passes.Outcomes[Revoked], 3)
}

// A pass that an earlier run was about to delete, or had sent a delete for, is not forgotten.
func TestResumeIntents(t *testing.T) {
	e := resumed(t, ResumeOptions{}, runLine,
		rowLine(Found, ofScan, methodIs("a"), pending), rowLine(Found, ofScan, methodIs("b"), pending),
		rowLine(Found, ofScan, methodIs("c"), pending), rowLine(Revoked, ofScan, methodIs("c")),
		rowLine(Unknown, methodIs("d")), rowLine(Failed, methodIs("e")), rowLine(Denied, methodIs("f")),
		rowLine(NotSent, methodIs("g")), rowLine(Remains, methodIs("h")),
		rowLine(Remains, methodIs("other"), `"inPlaceOf":"i"`),
		rowLine(Failed, methodIs("j")), rowLine(NotSent, methodIs("j")),
		rowLine(Found, ofScan, methodIs("m"), pending), rowLine(Revoked, ofScan, methodIs("m"), `"beside":true`))
	for _, tt := range []struct {
		method                       string
		scan, intended, maybeDeleted bool
	}{
		{"a", true, true, false}, {"b", true, true, false}, {"c", true, false, false},
		{"d", false, true, true}, {"e", false, false, true}, {"f", false, false, false},
		{"g", false, false, true}, {"h", false, false, true}, {"i", false, false, false},
		{"j", false, false, true}, {"m", true, false, false}, {"no row", false, false, true}, {"", false, false, false},
	} {
		pair := &input.Pair{Source: "l.csv", Line: 9, User: dana, Method: tt.method}
		if tt.scan {
			pair.Source, pair.Line = ScanSource, 0
		}
		r := e.Unconfirmed(pair)
		assert.Same(t, fmt.Sprintf("pass %q: a run before was deleting it", tt.method),
			r != nil && r.Intended() && r.Method == tt.method, tt.intended)
		assert.Same(t, fmt.Sprintf("pass %q: MaybeDeleted", tt.method), e.MaybeDeleted(pair), tt.maybeDeleted)
	}
}

// If no run was killed, only a pass whose delete failed may be gone.
func TestMaybeDeletedAfterAnEnd(t *testing.T) {
	e := resumed(t, ResumeOptions{}, runLine, rowLine(Failed, methodIs("a")), rowLine(NotSent, methodIs("a")),
		rowLine(NotSent, methodIs("b")), endLine)
	for method, want := range map[string]bool{"a": true, "b": false, "no row": false} {
		assert.Same(t, fmt.Sprintf("pass %q: MaybeDeleted", method),
			e.MaybeDeleted(&input.Pair{Source: "l.csv", Line: 9, User: dana, Method: method}), want)
	}
}
