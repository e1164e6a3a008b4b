package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		assert.OK(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want := assert.Must(os.ReadFile(path))
	assert.Equal(t, name, got, string(want))
}

func TestText(t *testing.T) {
	path := incident(5000).write(t, "incident-4711.jsonl")
	r := reportOf(t, path)
	golden(t, "incident.txt", text(t, r, path))
}

// The keys of the JSON object are an interface: other programs read them.
func TestJSON(t *testing.T) {
	path := incident(500).write(t, "incident-4711.jsonl")
	r := reportOf(t, path)
	var b bytes.Buffer
	assert.OK(t, r.writeJSON(&b))
	golden(t, "incident.json", strings.ReplaceAll(b.String(), filepath.Dir(path)+"/", ""))
	assert.Same(t, "sum of the counts", sumOf(r.Counts), r.Pairs)
	assert.Same(t, "done and left", r.Done+r.Left, r.Pairs)
}

// csvOf returns the lines of the CSV.
func csvOf(t *testing.T, paths ...string) []string {
	t.Helper()
	var b strings.Builder
	c := newCSV(&b)
	if _, err := makeReport(t.Context(), open(t, paths...), c.writeRow); err != nil {
		t.Fatal(err)
	}
	assert.OK(t, c.Close())
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// A spreadsheet runs no text of the CSV as a formula.
func TestCSVIsSafeInSpreadsheet(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 1)
	m.row("=cmd|x.csv", 1, results.Failed, func(r *results.Row) {
		r.User, r.Message, r.Code = "+dana@contoso.com", "=HYPERLINK(\"http://x\")", "@SUM(A1)"
		r.Creation = input.Creation{By: "=HR", At: night, AuditID: "-7", Match: input.MatchID}
	})
	assert.Equal(t, "CSV", csvOf(t, m.write(t, "log.jsonl")), []string{
		strings.Join(csvHeader, ","),
		`'=cmd|x.csv,1,'+dana@contoso.com,9f0c11aa-1111-4222-8333-000000000001,failed,503,'@SUM(A1),` +
			`"'=HYPERLINK(""http://x"")",6,7f2d0c1e-aaaa-4bbb-8ccc-000000000001,2026-03-02T02:14:05Z,` +
			`,,,,,,,,,'=HR,2026-03-02T02:14:05Z,'-7,by id,,`,
	})
}

// The CSV has each pair once. It is no list: a row without a pass would mean any pass of the user.
func TestCSVIsNoList(t *testing.T) {
	lines := csvOf(t, incident(500).write(t, "log.jsonl"))
	assert.Same(t, "lines", len(lines), 1+499) // one pair is a duplicate
	path := filepath.Join(t.TempDir(), "report.csv")
	assert.OK(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	_, err := input.Open([]string{path}, input.Options{Reader: new(results.Lists).Read})
	assert.Says(t, "Open", err, "use the log as tapsweep wrote it")
}

// The page has all rows, or as many as it may: those that are not done come first.
func TestHTML(t *testing.T) {
	tests := []struct {
		name         string
		inline       int
		left, others int
		link         bool
	}{
		{"all", 1000, 6, 493, false},
		{"what is not done", 60, 6, 0, true},
		{"some of what is not done", 5, 5, 0, true},
	}
	path := incident(500).write(t, "incident-4711.jsonl")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := pageOf(t, htmlPage{inline: tt.inline, CSV: "report.csv"}, path)
			left := strings.Count(page, `class="left"><td`)
			assert.Same(t, "rows that are not done", left, tt.left)
			assert.Same(t, "other rows", strings.Count(page, "<tr data-o=")-left, tt.others)
			assert.Same(t, "a link to the CSV", strings.Contains(page, `href="./report.csv"`), tt.link)
			heading := fmt.Sprintf("%d passes of 499", tt.left)
			assert.Same(t, "the heading says that rows are missing", strings.Contains(page, heading), tt.link)
		})
	}
}

// Hostile text of a log is only text in everything that is made of it.
func TestHostile(t *testing.T) {
	path := hostile().write(t, "log.jsonl")
	r := reportOf(t, path)
	var object bytes.Buffer
	assert.OK(t, r.writeJSON(&object))
	page, table := pageOf(t, htmlPage{CSV: `"><script>`, inline: 9}, path), csvOf(t, path)
	outputs := map[string]string{"text": text(t, r), "csv": strings.Join(table, "\n"), "html": page,
		"json": object.String()}
	for name, s := range outputs {
		acts := func(r rune) bool { return r != '\n' && r != '\t' && r != '\u00a0' && !unicode.IsPrint(r) }
		if i := strings.IndexFunc(s, acts); i >= 0 {
			t.Errorf("%s holds a control character: %q", name, s[max(i-40, 0):i+3])
		}
		assert.That(t, !strings.Contains(s, "\nnote: all is well"), "%s: a name has lines of its own", name)
	}
	assert.Same(t, "scripts in the page", strings.Count(page, "<script"), 2)
	assert.Same(t, "pictures in the page", strings.Count(page, "<img"), 0)
	assert.Same(t, "valid JSON", json.Valid(object.Bytes()), true)
	for _, line := range table {
		for field := range strings.SplitSeq(line, ",") {
			if f := strings.Trim(field, `"`); f != "" && strings.ContainsAny(f[:1], "=+@\t\r") {
				t.Errorf("a spreadsheet would run %s", f)
			}
		}
	}
}

// The report says that a run was killed, and how many pairs it left.
func TestKilled(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 10)
	for i := range 4 {
		m.now = m.now.Add(time.Second)
		m.row("a.csv", i+2, results.Revoked)
	}
	m.WriteString(`{"type":"result","line":6,"sou`)
	path := m.write(t, "a.jsonl")
	r := reportOf(t, path)
	assert.Same(t, "notes", len(r.Notes()), 2)
	assert.Holds(t, "the note about the run", r.Notes()[0], "was killed", path)
	assert.Holds(t, "the note about the last line", r.Notes()[1], "is incomplete", path)
	assert.Same(t, "without a row", r.WithoutRow, 6)
	assert.Same(t, "end", r.Runs[0].End, night.Add(4*time.Second))
	assert.Same(t, "seconds", r.Seconds, 4)
	assert.Same(t, "pairs per second", r.PairsPerSecond, 1)
	assert.Same(t, "commands", len(r.Resume), 1)
	assert.Same(t, "pairs for the command", r.Resume[0].Left, 6)
	assert.Same(t, "command", r.Resume[0].Command, "tapsweep revoke --resume --results "+path+" a.csv")
}

// A log that was cut anywhere is reported as far as it goes.
func TestCutAnywhere(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 2)
	first := m.Len()
	for _, p := range []piece{row(2, results.Revoked), waits(time.Second, 3), row(3, results.Denied), ends(1)} {
		p(m)
	}
	whole := m.String()
	for n := range len(whole) + 1 {
		cut := &logBuilder{}
		cut.WriteString(whole[:n])
		l, err := OpenLogs(t.Context(), []string{cut.write(t, "a.jsonl")})
		if (err == nil) != (n >= first-1) { // the line end may be missing
			t.Fatalf("cut at %d: %v", n, err)
		}
		if err != nil {
			continue
		}
		r, err := makeReport(t.Context(), l, nil)
		assert.OK(t, err, n)
		assert.That(t, r.Pairs <= 2, "cut at %d: %d pairs", n, r.Pairs)
		if ended := r.Runs[0].Exit != nil; ended != (n >= len(whole)-1) {
			t.Errorf("cut at %d: the run has ended: %v", n, ended)
		}
		l.Close()
	}
}

func TestRefuses(t *testing.T) {
	run := func(change func(*results.Header)) string {
		m := &logBuilder{now: night}
		r := results.Header{Type: "run", Tenant: "t", GraphRoot: "https://graph.microsoft.com", Start: night}
		change(&r)
		m.line(r)
		return m.write(t, "b.jsonl")
	}
	raw := func(text string) string {
		m := &logBuilder{}
		m.WriteString(text)
		return m.write(t, "c.jsonl")
	}
	same := run(func(*results.Header) {})
	unknown := run(func(r *results.Header) { r.Tenant, r.Start = "", night.Add(-time.Hour) })
	tests := []struct {
		name  string
		paths []string
		want  string
	}{
		{"another tenant", []string{same, run(func(r *results.Header) { r.Tenant = "u" })}, "it is of tenant u"},
		{"another tenant than the second log", []string{unknown, same, run(func(r *results.Header) { r.Tenant = "u" })},
			"it is of tenant u"},
		{"one tenant in two spellings", []string{unknown, same, run(func(r *results.Header) { r.Tenant = "T" })}, ""},
		{"another cloud", []string{same, run(func(r *results.Header) { r.GraphRoot = "https://graph.microsoft.us" })},
			"it is of https://graph.microsoft.us"},
		{"a dry run too", []string{same, run(func(r *results.Header) { r.DryRun = true })}, "is a dry run"},
		{"twice", []string{same, same}, "named twice"},
		{"a log and its copy", []string{same, run(func(*results.Header) {})},
			"leave out the log that is a copy, or the shorter one"},
		{"standard input", []string{"-"}, "name a file"},
		{"missing", []string{"nosuch.jsonl"}, "no such file"},
		{"directory", []string{t.TempDir()}, "not a file"},
		{"empty", []string{raw("")}, "is empty"},
		{"JSON without a line end", []string{raw(`{"users":1}`)}, "does not describe a run"},
		{"list", []string{raw("user,method\na,b\n")}, "does not describe a run"},
		{"no run", []string{raw(`{"type":"result"}` + "\n")}, "does not describe a run"},
		{"broken", []string{raw(`{"type":"run"}` + "\n" + `{"type":"result","li` + "\n" + `{"type":"end"}` + "\n")},
			"line 2"},
		{"a row behind other text", []string{raw(`{"type":"run"}` + "\ntapsweep: " + `{"type":"end"}` + "\n")},
			`line 2: it has "tapsweep: " before a line of a results log`},
		{"outcome", []string{raw(`{"type":"run"}` + "\n" + `{"type":"result","outcome":"vanished"}` + "\n")},
			"another version"},
		{"long line", []string{raw(`{"type":"run"}` + "\n" + strings.Repeat("x", 1<<20+1) + "\n")},
			"line 2: the line is longer than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := OpenLogs(t.Context(), tt.paths)
			if err == nil {
				l.Close()
			}
			assert.Says(t, "OpenLogs", err, tt.want)
		})
	}
}

// A command that cannot be shown safely, or cannot work, is left out. The note says why.
func TestResumeCommand(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		args      []string
		want      string
		note      string
	}{
		{"plain", "l.jsonl", []string{"revoke", "--yes", "a.csv"},
			"tapsweep revoke --resume --results l.jsonl a.csv",
			""},
		{"quotes", "my log.jsonl", []string{"revoke", "it's; rm -rf $HOME", "", "*"},
			`tapsweep revoke --resume --results 'my log.jsonl' 'it'\''s; rm -rf $HOME' '' '*'`, ""},
		{"standard input", "l.jsonl", []string{"revoke", "-"}, "tapsweep revoke --resume --results l.jsonl -",
			"with the same list on standard input"},
		{"a simulation", "l.jsonl", []string{"revoke", "--simulate", "a.csv"}, "",
			"the run was a simulation, and its tenant is gone"},
		{"no command", "l.jsonl", nil, "", "the log does not have the command of its run"},
		{"another", "l.jsonl", []string{"simulate"}, "", "the log does not have the command of its run"},
		{"unprintable", "l.jsonl", []string{"revoke", "a\u202e.csv"}, "",
			"the command of the run has characters that cannot be shown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, note := resumeCommand(tt.log, ran(tt.args...), false)
			assert.Same(t, "command", got, tt.want)
			assert.Same(t, "note", note, tt.note)
		})
	}
	protects := ran("revoke", "--protect", "\x1b[2J", "a.csv")
	command, _ := commandOf(protects, protects.RevokeWith("l.jsonl"))
	assert.Same(t, "command with the log as its list", command, "")
}

func FuzzLog(f *testing.F) {
	f.Add(incident(20).Bytes())
	f.Add(hostile().Bytes())
	f.Add([]byte(`{"type":"run","start":"9999-12-31T23:59:59-23:59"}` + "\n" + `{"type":"end"}` + "\n" +
		`{"type":"result","outcome":"revoked"}` + "\n\x00\x00"))
	f.Add([]byte(`{"type":"run"}` + "\n" + `{"type":"result","outcome":"denied","time":"2026-03-02T02:14:05Z"}` + "\n" +
		`{"type":"wait","time":"0001-01-01T00:00:00Z","until":"2026-03-02T02:14:05Z"}` + "\n")) // too long a Duration
	f.Fuzz(func(t *testing.T, log []byte) {
		m := &logBuilder{}
		m.Write(log)
		l, err := OpenLogs(t.Context(), []string{m.write(t, "log.jsonl")})
		if err != nil {
			return
		}
		defer l.Close()
		r, err := makeReport(t.Context(), l, nil)
		if err != nil {
			return
		}
		assert.Same(t, "sum of the counts", sumOf(r.Counts), r.Pairs)
		var b bytes.Buffer
		assert.OK(t, errors.Join(r.writeText(&b), r.writeJSON(&b), r.writeHTML(t.Context(), &b, l, htmlPage{})))
		if strings.Contains(b.String(), "NaN") && !bytes.Contains(log, []byte("NaN")) {
			t.Error("a number is none")
		}
	})
}

// Duplicates are counted, and neither the page nor the CSV lists them.
func TestDuplicatesAreCounted(t *testing.T) {
	repeat := aboutPass(userName(2), pass(2))
	path := logOf(t, 0, 3, "revoke a.csv", row(2, results.Revoked), row(3, results.Duplicate, repeat),
		row(4, results.Duplicate, repeat), ends(0))
	var listed []results.Outcome
	r, err := makeReport(t.Context(), open(t, path), func(row *reportedRow) error {
		listed = append(listed, row.Outcome)
		return nil
	})
	assert.OK(t, err)
	assert.Equal(t, "rows of the CSV", listed, []results.Outcome{results.Revoked})
	assert.Same(t, "duplicates counted", r.Counts[results.Duplicate], 2)
	assert.Same(t, "pairs", r.Pairs, 3)
	assert.Same(t, "rows of the page", strings.Count(pageOf(t, htmlPage{}, path), "<tr data-o="), 1)
}
