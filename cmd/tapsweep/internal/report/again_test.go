package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
)

func summary(outcomes map[results.Outcome]int, change func(*Summary)) string {
	s := Summary{Counts: revoke.Counts{Outcomes: outcomes}, Took: time.Second, Results: "v.jsonl",
		Command: []string{"revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv"}}
	if change != nil {
		change(&s)
	}
	var b bytes.Buffer
	s.Print(&b)
	return b.String()
}

// What remains is mostly another pass than the list names: a run that went on with the
// list sent the delete of the old one again, and could only end as replaced.
func TestRemainsIsRevokedByTheLog(t *testing.T) {
	m := &made{now: night}
	m.begin(2, "revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv")
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Revoked, pending)
	m.row("a.csv", 3, results.Remains, of(by(3), "another"))
	killed := m.copy()
	m.end(1, "")
	path := m.write(t, "v.jsonl")
	r := reportOf(t, path)
	if len(r.Resume) != 1 || r.Resume[0].Left != 1 || r.Resume[0].Command != "tapsweep revoke --verify "+path {
		t.Errorf("to go on: %+v", r.Resume)
	}
	// A log without its end is no list: the run is gone on with first.
	r = reportOf(t, killed.write(t, "k.jsonl"))
	if len(r.Resume) != 1 || r.Resume[0].Left != 1 || !strings.Contains(r.Resume[0].Command, "--resume") {
		t.Errorf("to go on with a run that was killed: %+v", r.Resume)
	}
	got := summary(map[results.Outcome]int{results.Revoked: 1, results.Remains: 1}, nil)
	if !strings.HasSuffix(got, "\nto revoke what remains: tapsweep revoke --verify v.jsonl\n") || strings.Contains(got, "to go on") {
		t.Errorf("summary:\n%s", got)
	}
	if got := summary(map[results.Outcome]int{results.Remains: 1}, func(s *Summary) { s.Simulated = true }); strings.Contains(got, "tapsweep revoke") {
		t.Errorf("a drill has nothing to go on with:\n%s", got)
	}
}

// For pairs that are protected a command was told that could only say so again.
func TestProtectedHasNoCommand(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 2, "--protect", "glass.txt")
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Protected)
	m.end(1, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	if len(r.Resume) != 0 || len(r.Failures) != 1 || !strings.Contains(r.Failures[0].Hint, "take them off it") {
		t.Errorf("to go on: %+v, hint %q", r.Resume, r.Failures[0].Hint)
	}
	got := summary(map[results.Outcome]int{results.Revoked: 1, results.Protected: 1}, nil)
	if strings.Contains(got, "to go on") || !strings.Contains(got, "take them off it") {
		t.Errorf("summary:\n%s", got)
	}
}
