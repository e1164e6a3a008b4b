package report

import (
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// What remains is mostly another pass than the list names: a run that went on with the
// list sent the delete of the old one again, and could only end as replaced.
func TestRemainsIsRevokedByTheLog(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(2, "revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv")
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Revoked, pending)
	m.row("a.csv", 3, results.Remains, instead("another"))
	killed := m.copy()
	m.end(1, "")
	path := m.write(t, "v.jsonl")
	r := reportOf(t, path)
	if len(r.Resume) != 1 || r.Resume[0].Left != 1 || r.Resume[0].Command != "tapsweep revoke --verify "+path {
		t.Errorf("to go on: %+v", r.Resume)
	}
	// A log without its end is no list: the run is resumed first.
	r = reportOf(t, killed.write(t, "k.jsonl"))
	if len(r.Resume) != 1 || r.Resume[0].Left != 1 || !strings.Contains(r.Resume[0].Command, "--resume") {
		t.Errorf("to resume a run that was killed: %+v", r.Resume)
	}
}

// For pairs that are protected a command was told that could only say so again.
func TestProtectedHasNoCommand(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 2, "--protect", "glass.txt")
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Protected)
	m.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	if len(r.Resume) != 0 {
		t.Errorf("to go on: %+v, want no command", r.Resume)
	}
}

// A run whose looks had failed said that rows were not done, and told no command; its
// report said that all were done.
func TestNotProven(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(2, "revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv")
	for line := 2; line < 4; line++ {
		m.row("a.csv", line, results.Revoked, pending)
	}
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Revoked, notVerified, func(r *results.Row) { r.Message = "not verified: 403" })
	m.end(1, "")
	path := m.write(t, "v.jsonl")
	r := reportOf(t, path)
	if got, want := r.Verdict(), "All 2 passes are gone; 1 of those that are gone is not verified."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if got := r.Runs[0].ExitText(); !strings.Contains(got, "not verified") {
		t.Errorf("exit %q", got)
	}
	if len(r.Resume) != 1 || !strings.Contains(r.Resume[0].Command, "--resume") ||
		!strings.Contains(r.Resume[0].Command, "--verify") {
		t.Errorf("to go on: %+v", r.Resume)
	}
}

// A run without --verify, and then one that goes on with it: it only looks. What was deleted
// keeps its time, and what was not looked at is told, however that run ended.
func TestVerifiedLater(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(4, "revoke", "--yes", "--results", "z.jsonl", "a.csv")
	for line := 2; line < 6; line++ {
		m.row("a.csv", line, results.Revoked, notVerified, requestID("del"))
	}
	m.end(0, "")
	m.later(time.Hour)
	m.begin(4, "revoke", "--yes", "--resume", "--verify", "--results", "z.jsonl", "a.csv")
	m.row("a.csv", 2, results.Revoked, requestID("del"))
	killed := m.copy().write(t, "killed.jsonl")
	m.row("a.csv", 3, results.Revoked, notVerified, requestID("del"),
		func(r *results.Row) { r.Message = "not verified: not sent" })
	stopped := m.copy()
	stopped.end(4, "deadline")
	m.end(4, "deadline")
	m.later(time.Hour)
	m.begin(4, "revoke", "--yes", "--resume", "--verify", "--results", "z.jsonl", "a.csv")
	for line := 3; line < 6; line++ {
		m.row("a.csv", line, results.Revoked, requestID("del"))
	}
	m.end(0, "")
	for path, verified := range map[string]int{killed: 1, stopped.write(t, "stopped.jsonl"): 1, m.write(t, "z.jsonl"): 4} {
		l := open(t, path)
		r, err := New(t.Context(), l, func(row *Row) error {
			if !row.Time.Equal(night) || row.Verified && (row.VerifiedAt.Before(night.Add(time.Hour)) || row.Message != "") {
				t.Errorf("%s: line %d was deleted at %v, seen %v: %q", path, row.Line, row.Time, row.VerifiedAt, row.Message)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		settled := 0 // which makes the pairs a second
		for _, run := range r.Runs {
			settled += run.settled
		}
		if settled != 4 {
			t.Errorf("%s: %d pairs settled", path, settled)
		}
		if r.Pairs != 4 || r.Verified != verified || r.Unverified != 4-verified {
			t.Errorf("%s: %d pairs, %d verified, %d not", path, r.Pairs, r.Verified, r.Unverified)
		}
		if verified < 4 && (len(r.Resume) != 1 || r.Resume[0].Left != 3 ||
			!strings.Contains(r.Resume[0].Command, " --verify ")) || verified == 4 && len(r.Resume) > 0 {
			t.Errorf("%s: to go on: %+v", path, r.Resume)
		}
	}
}

// A pass that was kept because its user is protected is not a failure, neither in the report,
// its groups of causes and its progress, nor in the summary.
func TestProtectedIsNotLeft(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 3, "--protect", "glass.txt")
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Protected)
	m.row("a.csv", 4, results.Protected)
	m.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	if got, want := r.Verdict(), "1 of 3 passes is gone, 2 are protected and kept."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if r.Done != 1 || r.Left != 0 {
		t.Errorf("%d done and %d left, want 1 and 0", r.Done, r.Left)
	}
	if len(r.Failures) != 0 {
		t.Errorf("what is not done: %+v, want nothing", r.Failures[0])
	}
	if last := r.Progress[len(r.Progress)-1]; last.Left != 0 || last.Protected != 2 {
		t.Errorf("progress ends with %+v, want 2 protected and none left", last)
	}
	var page strings.Builder
	logs, err := OpenLogs(t.Context(), []string{m.write(t, "b.jsonl")})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	if err := r.HTML(t.Context(), &page, logs, Page{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), `class="left"`) {
		t.Error("the page marks a protected row as not done")
	}
}
