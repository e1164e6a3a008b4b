package results

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"tapsweep/input"
)

var header = Run{Version: "1", Digest: "sha256:1", Tenant: "t", GraphRoot: "https://graph.microsoft.com"}

// writeLog writes a log with one row for each outcome, on lines 2, 3, …
func writeLog(t *testing.T, outcomes ...Outcome) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	run := header
	log.Write(&run)
	for i, o := range outcomes {
		log.Write(&Row{Line: i + 2, Source: "l.csv", User: fmt.Sprintf("User%d@contoso.com", i+2), Outcome: o})
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString(text)
}

func TestResume(t *testing.T) {
	path := writeLog(t, Outcomes...)
	before, _ := os.ReadFile(path)
	appendTo(t, path, `{"type":"result","line":99,"source":"l.c`)
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	for i, o := range Outcomes {
		pair := &input.Pair{Source: "l.csv", Line: i + 2, User: fmt.Sprintf("uSER%d@contoso.com", i+2)}
		switch o {
		case Duplicate:
			pair.FirstOf = &input.Pos{}
		case Invalid:
			pair.Err = errors.New("invalid")
		}
		settled := earlier.Completed(pair)
		if settled == o.Again() {
			t.Errorf("%s: settled %v", o, settled)
		}
		if o.Again() {
			again++
		}
	}
	if earlier.Len() != len(Outcomes)-again || earlier.Runs != 1 || earlier.Counts[Revoked] != 1 ||
		earlier.Counts[Denied] != 0 {
		t.Errorf("%d settled of %d runs, counts %v", earlier.Len(), earlier.Runs, earlier.Counts)
	}
	// The list is the same, as its digest shows, but a row may have moved.
	if !earlier.Completed(&input.Pair{Source: "renamed.csv", Line: 3, User: "user2@contoso.com"}) ||
		earlier.Completed(&input.Pair{Source: "l.csv", Line: 2, User: "user2@contoso.com", Method: "another"}) {
		t.Error("a pair is known by its user and its pass")
	}
	log.Write(&next)
	log.Write(&Row{Line: 2, Source: "l.csv", User: "user2@contoso.com", Outcome: Denied})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(after), string(before)+`{"type":"run"`) ||
		strings.Contains(string(after), `"line":99`) {
		t.Errorf("the log was not repaired and continued:\n%s", after)
	}
	// The last row of a pair counts.
	log, earlier, err = Resume(path, &next, ResumeOptions{})
	if err != nil || earlier.Completed(&input.Pair{Source: "l.csv", Line: 2, User: "user2@contoso.com"}) ||
		earlier.Runs != 2 {
		t.Errorf("Resume = %v, the earlier row still counts", err)
	}
	log.Close()
}

func TestResumeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Run)
		text   string
		want   string
	}{
		{"another list", func(r *Run) { r.Digest, r.Pairs = "sha256:2", 3 }, "",
			"another list (0 rows, sha256:1): tapsweep ; the list of now has 3 rows, sha256:2"},
		{"another search", func(r *Run) { r.Digest = "sha256:2" }, "", "looked for something else: tapsweep"},
		{"another tenant", func(r *Run) { r.Tenant = "u" }, "", "tenant t, not u"},
		{"another cloud", func(r *Run) {
			r.GraphRoot = "https://graph.microsoft.us"
		}, "", "https://graph.microsoft.com"},
		{"dry run", func(r *Run) { r.DryRun = true }, "", "dry run"},
		{"broken in the middle", func(*Run) {}, "garbage\n" + `{"type":"end"}` + "\n", "line 3"},
		{"an empty line in the middle", func(*Run) {}, "\n" + `{"type":"end"}` + "\n", "line 3 is empty"},
		{"NUL bytes in the middle", func(*Run) {}, strings.Repeat("\x00", 5000) + "\n" + `{"type":"end"}` + "\n",
			"line 3 holds NUL bytes only"},
		{"NUL bytes before a row", func(*Run) {}, "\x00\x00" + `{"type":"end"}` + "\n", "line 3"},
		{"an empty line at the end", func(*Run) {}, "\n", "line 3 is empty"},
		{"a broken last line", func(*Run) {}, `{"type":"result","li` + "\n", "line 3 is broken"},
		{"standard error", func(*Run) {}, "tapsweep: 16 passes revoked\n",
			`line 3 is not part of a results log: it begins with "tapsweep: 16`},
		{"standard error in JSON", func(*Run) {}, `{"time":"2026-03-02T08:15:00Z","msg":"x"}` + "\n",
			"line 3 is not part of a results log"},
		{"a line without end", func(*Run) {}, strings.Repeat("x", 2<<20), "line 3 is longer than 1 MiB"},
		{"no outcome", func(*Run) {}, `{"type":"result"}` + "\n" + `{"type":"end"}` + "\n",
			"line 3 is damaged: it has no outcome"},
		{"unknown outcome", func(*Run) {}, `{"type":"result","outcome":"vanished"}` + "\n", "another version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := writeLog(t, Revoked)
			appendTo(t, path, tt.text)
			before, _ := os.ReadFile(path)
			next := header
			tt.change(&next)
			for _, anew := range []bool{false, true} {
				_, _, err := Resume(path, &next, ResumeOptions{Anew: anew})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Resume with Anew %t = %v, want %q", anew, err, tt.want)
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("a log that was refused has changed")
			}
		})
	}
	path := writeLog(t, Revoked)
	text, _ := os.ReadFile(path)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, utf16, 0o600)
	if _, _, err := Resume(path, &header, ResumeOptions{}); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("Resume of a log in UTF-16 = %v, want an error about the encoding", err)
	}
}

// A file that is not a log is left as it is. Earlier a file of one line without a line end was
// taken for a log with a torn first line, and emptied.
func TestResumeOfAnotherFile(t *testing.T) {
	for _, text := range []string{"user,method\na,b\n", "dana@contoso.com", `{"users":1}`} {
		path := filepath.Join(t.TempDir(), "list.csv")
		os.WriteFile(path, []byte(text), 0o600)
		if _, _, err := Resume(path, &header, ResumeOptions{}); err == nil {
			t.Errorf("Resume of %q is no error", text)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%q became %q", text, after)
		}
	}
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
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		log.Close()
		kept := string(whole[:n])
		if n < len(whole) && whole[n] == '\n' {
			kept += "\n" // no more than the line end was missing
		}
		kept = kept[:strings.LastIndex(kept, "\n")+1]
		if want := min(max(strings.Count(kept, "\n")-1, 0), 2); earlier.Len() != want {
			t.Errorf("cut at %d: %d pairs settled, want %d", n, earlier.Len(), want)
		}
		if after, _ := os.ReadFile(path); string(after) != kept {
			t.Errorf("cut at %d: the log is %q, want %q", n, after, kept)
		}
	}
}

func TestResumeWithoutALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil || earlier.Completed(&input.Pair{Source: "l.csv", Line: 2, User: "user2@contoso.com"}) ||
		earlier.Len() != 0 {
		t.Fatalf("Resume = %v, %d settled", err, earlier.Len())
	}
	log.Close()
}

func TestOneRunALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	next := header
	log.Write(&next)
	log.Sync()
	if _, _, err := Resume(path, &next, ResumeOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("Resume of a log in use = %v", err)
	}
	if _, err := Create(path, true); !errors.Is(err, ErrInUse) {
		t.Errorf("Create over a log in use = %v", err)
	}
	// Whoever looks on meanwhile, as tapsweep report does, sees the rows.
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), `{"type":"run"`) {
		t.Errorf("a log in use reads %q, %v", text, err)
	}
	log.Write(&Row{})
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	log, err = Create(path, true)
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
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
		if err != nil || earlier.Len() != rows {
			b.Fatal(err, earlier.Len())
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
// pending in the run that goes on, which would count it away otherwise.
func TestUnconfirmedRowFollowsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	run := header
	log.Write(&run)
	log.Write(&Row{Line: 2, Source: "l.csv", User: "a@contoso.com", Outcome: Revoked, Provisional: true})
	log.Close()
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if d := earlier.Unconfirmed(&input.Pair{Source: "l.csv", Line: 2, User: "a@contoso.com"}); d == nil || d.Provisional ||
		d.SupersedesPending != "" {
		t.Errorf("doubted %+v", d)
	}
}

// Each run that went on with a log added a row for each user who was protected, still,
// and sent the delete of a pass that was gone where another had come.
func TestResumeFindsTheSame(t *testing.T) {
	next := header
	rows := []Row{
		{Line: 2, Source: "l.csv", User: "glass@contoso.com", Outcome: Protected},
		{Line: 3, Source: "l.csv", User: "other@contoso.com", Outcome: Protected},
		{Line: 4, Source: "l.csv", User: "new@contoso.com", Outcome: Remains, Method: "new", InPlaceOf: "old"},
		{Line: 5, Source: "l.csv", User: "same@contoso.com", Outcome: Remains, Method: "old"},
		{Source: ScanSource, User: "swept@contoso.com", Outcome: Remains, Method: "new", InPlaceOf: "old"},
		// a scan finds the new one
		{Line: 6, Source: ScanSource, User: "listed@contoso.com", Outcome: Remains, Method: "new", InPlaceOf: "old"},
		// a list by that name
	}
	for _, anyPass := range []bool{false, true} {
		path := writeLog(t)
		log, _, err := Resume(path, &next, ResumeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		log.Write(&next)
		for _, r := range rows {
			log.Write(&r)
		}
		log.Close()
		log, earlier, err := Resume(path, &next, ResumeOptions{AnyPass: anyPass,
			Protected: func(user string) bool { return user == "glass@contoso.com" }})
		if err != nil {
			t.Fatal(err)
		}
		log.Close()
		want := []bool{true, false, !anyPass, false, false, !anyPass}
		for i, r := range rows {
			if got := earlier.Completed(&input.Pair{Source: r.Source, Line: r.Line, User: r.User,
				Method: cmp.Or(r.InPlaceOf, r.Method)}); got != want[i] {
				t.Errorf("any pass %v: %s is settled: %v", anyPass, r.User, got)
			}
		}
		if earlier.Counts[Protected] != 1 {
			t.Errorf("counts %v", earlier.Counts)
		}
	}
}

// A row counts for its pair alone: not for another pass of the user on the same line, as
// in JSON on one line, for one that has moved to where another one stood, or for what
// repeats it, be it in the same place of a list that is named twice.
func TestResumeTellsPairsApart(t *testing.T) {
	next := header
	path := writeLog(t)
	log, _, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(&next)
	const dana, glass = "dana@contoso.com", "glass@contoso.com"
	for _, r := range []Row{
		{User: dana, Method: "a", Outcome: Failed},
		{User: dana, Column: 31, Method: "b", Outcome: Revoked},
		{User: dana, Method: "a", Outcome: Duplicate},
		{User: dana, Column: 61, Method: "another", InPlaceOf: "c", Outcome: Revoked},
		{User: dana, Column: 91, Method: "b", Outcome: Invalid},
		{User: "any@contoso.com", Method: "whichever", AnyPass: true, Outcome: Revoked},
		{User: glass, Method: "a", Outcome: Protected},
		{User: glass, Column: 31, Method: "a", Outcome: Protected},
	} {
		r.Source, r.Line = "l.json", 1
		log.Write(&r)
	}
	log.Close()
	log, earlier, err := Resume(path, &next, ResumeOptions{Protected: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	repeat, bad := &input.Pos{}, errors.New("invalid")
	for i, tt := range []struct {
		pair input.Pair
		want bool
	}{
		{input.Pair{User: dana, Method: "A"}, false},
		{input.Pair{User: dana, Column: 31, Method: "a"}, false},
		{input.Pair{User: "DANA@contoso.com", Column: 31, Method: "B"}, true},
		{input.Pair{User: dana, Method: "b"}, true},
		{input.Pair{User: dana, Method: "a", FirstOf: repeat}, true},
		{input.Pair{User: dana, Column: 31, Method: "b", FirstOf: repeat}, false},
		{input.Pair{User: dana, Method: "c"}, true},
		{input.Pair{User: dana, Method: "another"}, false},
		{input.Pair{User: dana, Column: 91, Method: "b", Err: bad}, true},
		{input.Pair{User: dana, Method: "b", Err: bad}, false},
		{input.Pair{User: "any@contoso.com"}, true},
		{input.Pair{User: glass, Method: "a"}, true},
		{input.Pair{User: glass, Column: 31, Method: "a", FirstOf: repeat}, true},
	} {
		tt.pair.Source, tt.pair.Line = "l.json", 1
		if got := earlier.Completed(&tt.pair); got != tt.want {
			t.Errorf("%d: %+v is settled: %v", i, tt.pair, got)
		}
	}
	if earlier.Len() != 7 || earlier.Counts[Protected] != 2 {
		t.Errorf("%d settled, %v", earlier.Len(), earlier.Counts)
	}
}

// A log with a byte order mark, as Windows writes it, can be resumed.
func TestResumeAfterAMark(t *testing.T) {
	path := writeLog(t, Revoked)
	text, _ := os.ReadFile(path)
	os.WriteFile(path, append([]byte("\ufeff"), text...), 0o600)
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if earlier.Len() != 1 {
		t.Errorf("%d pairs are settled, want 1", earlier.Len())
	}
	if after, _ := os.ReadFile(path); string(after) != "\ufeff"+string(text) {
		t.Errorf("the log is now %q", after)
	}
}

// A pass that an earlier run was about to delete, or had sent a delete for, is not forgotten.
// Earlier, only one of a user's two passes was kept after a scan.
func TestResumeIntents(t *testing.T) {
	path := writeLog(t)
	next := header
	log, _, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(&next)
	const dana = "dana@contoso.com"
	for _, r := range []Row{
		{Source: ScanSource, User: dana, Method: "a", Outcome: Found, Provisional: true},
		{Source: ScanSource, User: dana, Method: "b", Outcome: Found, Provisional: true},
		{Source: ScanSource, User: dana, Method: "c", Outcome: Found, Provisional: true},
		{Source: ScanSource, User: dana, Method: "c", Outcome: Revoked},
		{Source: "l.csv", Line: 2, User: dana, Method: "d", Outcome: Unknown},
		{Source: "l.csv", Line: 3, User: dana, Method: "e", Outcome: Failed},
		{Source: "l.csv", Line: 4, User: dana, Method: "f", Outcome: Denied},
		{Source: "l.csv", Line: 5, User: dana, Method: "g", Outcome: NotSent},
		{Source: "l.csv", Line: 6, User: dana, Method: "h", Outcome: Remains},
		{Source: "l.csv", Line: 7, User: dana, Method: "other", InPlaceOf: "i", Outcome: Denied},
		{Source: ScanSource, User: dana, Method: "m", Outcome: Found, Provisional: true},
		{Source: ScanSource, User: dana, Method: "m", Outcome: Revoked, Beside: true},
	} {
		log.Write(&r)
	}
	log.Close()
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, tt := range []struct {
		method            string
		scan              bool
		intended, perhaps bool
	}{
		{"a", true, true, false}, {"b", true, true, false}, {"c", true, false, false},
		{"d", false, true, true}, {"e", false, false, true}, {"f", false, false, false},
		{"g", false, false, true}, {"h", false, false, true}, {"i", false, false, false},
		{"m", true, false, false}, {"no row", false, false, true}, {"", false, false, false},
	} {
		pair := &input.Pair{Source: "l.csv", Line: 9, User: dana, Method: tt.method}
		if tt.scan {
			pair.Source, pair.Line = ScanSource, 0
		}
		d := earlier.Unconfirmed(pair)
		if got := d != nil && d.Intended() && d.Method == tt.method; got != tt.intended {
			t.Errorf("pass %q: a run before was deleting it: %v, want %v", tt.method, got, tt.intended)
		}
		if got := earlier.MaybeDeleted(pair); got != tt.perhaps {
			t.Errorf("pass %q: MaybeDeleted = %v, want %v", tt.method, got, tt.perhaps)
		}
	}
}

// If every earlier run ended normally, a pass without a row was not touched.
func TestMaybeDeletedAfterAnEnd(t *testing.T) {
	path := writeLog(t, Revoked)
	appendTo(t, path, `{"type":"end","counts":{"revoked":1},"exit":0}`+"\n")
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if earlier.MaybeDeleted(&input.Pair{Source: "l.csv", Line: 9, User: "dana@contoso.com", Method: "a"}) {
		t.Error("MaybeDeleted = true, want false: no run was killed")
	}
}

// A request that was not sent says nothing of the attempts of an earlier run.
func TestMaybeDeletedAfterNotSent(t *testing.T) {
	path := writeLog(t, Revoked)
	for _, outcome := range []Outcome{Failed, NotSent} {
		appendTo(t, path, `{"type":"result","source":"l.csv","line":9,"user":"dana@contoso.com","method":"a",`+
			`"outcome":"`+
			string(outcome)+`"}`+"\n")
	}
	appendTo(t, path, `{"type":"end","counts":{"not_sent":1},"exit":4,"stopped":"signal"}`+"\n")
	next := header
	log, earlier, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	if !earlier.MaybeDeleted(&input.Pair{Source: "l.csv", Line: 9, User: "dana@contoso.com", Method: "a"}) {
		t.Error("MaybeDeleted = false, want true: an attempt failed before the request that was not sent")
	}
}
