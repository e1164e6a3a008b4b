package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// rowCounts are the numbers of rows by outcome.
type rowCounts = map[results.Outcome]int

func TestSummary(t *testing.T) {
	every := make(rowCounts)
	for i, o := range results.Outcomes {
		if o != results.Guest { // it is only about sessions
			every[o] = i + 1
		}
	}
	causes := map[revoke.Cause]*revoke.CauseRows{
		{Outcome: results.Denied, Code: "accessDenied"}:        {Rows: 7, Hint: "the user may hold an admin role"},
		{Outcome: results.Denied, Code: "insufficient_claims"}: {Rows: 2, Hint: "sign in again"},
		{Outcome: results.NotSent}:                             {Rows: 13},
	}
	for _, code := range "abcdefghij" {
		causes[revoke.Cause{Outcome: results.Rejected, Code: string(code)}] = &revoke.CauseRows{Rows: 1}
	}
	for name, s := range map[string]summary{
		"stopped": {
			Counts: revoke.Counts{Outcomes: every, Requests: 100, Throttled: 1, Causes: causes, Beside: 2},
			Rows:   100, Earlier: 20, Stopped: errors.New("interrupt signal received"),
			Run: *ran("revoke", "--yes", "--results", "log.jsonl", "a list.csv")},
		"sessions": {
			Counts: revoke.Counts{Outcomes: rowCounts{results.Revoked: 5}, Verified: 4, Unverified: 1,
				Sessions: &revoke.Counts{Outcomes: rowCounts{results.Revoked: 3, results.Denied: 1, results.Guest: 1},
					Verified: 2, Unverified: 1}},
			Rows: 5, Run: *ran("revoke", "--verify", "--results", "log.jsonl", "list.csv")},
		"dry run": {
			Counts: revoke.Counts{Outcomes: rowCounts{results.Planned: 5, results.Invalid: 1}},
			First: map[results.Outcome][]string{results.Planned: {"ann@contoso.com", "bo@contoso.com",
				"dana@contoso.com"},
				results.Invalid: {"x"}},
			Rows: 6, Run: *ran("revoke", "--dry-run", "--results", "log.jsonl", "list.csv")},
		"verify": {
			Counts: revoke.Counts{Outcomes: rowCounts{results.Revoked: 4, results.Absent: 1, results.Remains: 1}},
			Rows:   6, Run: *ran("verify", "--results", "log.jsonl", "a.jsonl")},
		"scan": {
			Counts: revoke.Counts{Outcomes: rowCounts{results.Found: 221}, Requests: 230},
			Scan: &scan.Totals{Users: 230, Found: 221, Earlier: 170, ByTime: 7, Recent: 3,
				Failed: scan.Examples[string]{Count: 4, First: []string{"ann@contoso.com", "bo@contoso.com"}},
				Passes: map[pass.Reason]int{pass.Expired: 200, pass.Used: 20, pass.Unknown: 1},
				Audit: &scan.AuditCounts{Name: "mallory@contoso.com", Records: 303, Made: 300, By: 100, There: 98,
					NotKnown: 2,
					Creators: []format.Count{{Name: "helpdesk@contoso.com", N: 200}}, Others: 100,
					Gone: scan.Examples[string]{Count: 3, First: []string{"dana@contoso.com"}},
					Unlisted: scan.Examples[scan.Unlisted]{Count: 3, First: []scan.Unlisted{
						{User: "lee@contoso.com", Made: start, At: start.Add(time.Hour), By: "helpdesk@contoso.com"},
						{User: "erik@contoso.com", Made: start, Doubtful: true}}}}},
			NotScanned: 2,
			Run:        *ran("scan", "--created-by", "mallory@contoso.com", "--results", "log.jsonl")},
	} {
		t.Run(name, func(t *testing.T) {
			s.Took, s.Results, s.Counts.NoPass = 4321*time.Millisecond, "log.jsonl", noPass(s.Counts.Outcomes)
			var got strings.Builder
			s.print(&got)
			assert.Golden(t, name, got.String(), *update)
		})
	}
}

// noPass returns those of the rows that are never about a pass.
func noPass(rows rowCounts) rowCounts {
	return rowCounts{results.UnknownUser: rows[results.UnknownUser], results.Invalid: rows[results.Invalid]}
}

// A sweep that saw no pass has no part about passes in its line.
func TestBrief(t *testing.T) {
	s := summary{Run: *ran("sweep", "--all-users"), Scan: &scan.Totals{Earlier: 2, Protected: 30}}
	var got strings.Builder
	s.brief(&got)
	assert.Same(t, "the line", got.String(), "tapsweep: 0 users scanned in 0.0 s; 2 scanned by an earlier run; "+
		"30 skipped: protected users; There was no pass to delete.\n")
}

var start = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// The advice after a log that is not complete says if the command that runs again also deletes other passes: a
// row without a pass means another pass later.
func TestIncomplete(t *testing.T) {
	for name, tt := range map[string]struct {
		s       summary
		deletes bool
	}{
		"passes of a list":    {summary{}, false},
		"rows without a pass": {summary{Lists: input.Stats{AnyPass: 1}}, true},
		"any pass":            {summary{Run: results.Header{AnyPass: true}}, true},
		"a dry run":           {summary{Run: results.Header{AnyPass: true, DryRun: true}}, false},
	} {
		var b strings.Builder
		tt.s.Incomplete = true
		tt.s.kept(&b)
		assert.Same(t, name+": a warning of deletes", strings.Contains(b.String(), "also deletes"), tt.deletes)
	}
}

// The last lines say how many passes are gone, and which command comes next.
func TestConclusion(t *testing.T) {
	stopped := func(s *summary) { s.Stopped = errors.New("x") }
	to := func(log string) func(*summary) { return func(s *summary) { s.Results = log } }
	var got strings.Builder
	for _, tt := range []struct {
		name    string
		command string
		counts  rowCounts
		change  func(*summary)
	}{
		{"all", "revoke a.csv", rowCounts{results.Revoked: 3, results.Absent: 1, results.Duplicate: 2}, nil},
		{"one", "revoke a.csv", rowCounts{results.Revoked: 1, results.Protected: 2}, nil},
		{"none", "revoke a.csv", rowCounts{results.Protected: 2}, nil},
		{"stopped before the first delete", "sweep --all-users", nil, stopped},
		{"some denied", "revoke a.csv", rowCounts{results.Revoked: 1, results.Denied: 1, results.Invalid: 1}, nil},
		{"one user of four is misspelled", "revoke a.csv", rowCounts{results.Revoked: 3, results.UnknownUser: 1}, nil},
		{"a misspelled user", "revoke --user x@contoso.com", rowCounts{results.UnknownUser: 1}, nil},
		{"a user without a pass", "revoke --user x@contoso.com", rowCounts{results.Absent: 1},
			func(s *summary) { s.Counts.NoPass[results.Absent] = 1 }},
		{"a user cannot be scanned", "sweep --all-users", rowCounts{results.Revoked: 20, results.Denied: 1},
			func(s *summary) { s.Counts.NoPass[results.Denied] = 1 }},
		{"stopped with users on the list", "revoke a.csv", rowCounts{results.Revoked: 20, results.NotSent: 2},
			func(s *summary) { s.Counts.NoPass[results.NotSent], s.Stopped = 2, errors.New("x") }},
		{"a pass remains", "revoke a.csv", rowCounts{results.Revoked: 1, results.Remains: 1}, nil},
		{"passes that no list names", "revoke a.csv", rowCounts{results.Remains: 3},
			func(s *summary) { s.Counts.Unnamed = 2 }},
		{"not proven", "revoke --verify a.csv", rowCounts{results.Revoked: 2},
			func(s *summary) { s.Counts.Unverified = 1 }},
		{"standard input", "revoke -", rowCounts{results.NotSent: 1}, nil},
		{"standard output", "revoke a.csv", rowCounts{results.NotSent: 1}, to("-")},
		{"a simulation", "revoke --simulate a.csv", rowCounts{results.Remains: 1}, nil},
		{"dry run", "revoke --dry-run a.csv", rowCounts{results.Planned: 2, results.UnknownUser: 1}, nil},
		{"dry run of sessions alone", "revoke --dry-run --revoke-sessions a.csv", rowCounts{results.Absent: 2},
			func(s *summary) {
				s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Planned: 2}}
				s.Run.Sessions = true
			}},
		{"verify", "verify a.jsonl", rowCounts{results.Revoked: 4, results.Absent: 1, results.Remains: 2}, nil},
		{"verify of a log with protected users", "verify a.jsonl", rowCounts{results.Remains: 1},
			func(s *summary) { s.Run.ProtectFlags = []string{"--protect=glass.txt"} }},
		{"sweep whose scan did not end", "sweep --all-users", nil,
			func(s *summary) { s.ScanStopped, s.Stopped = true, errors.New("x") }},
		{"resumed sweep whose scan did not end", "sweep --all-users", rowCounts{results.Revoked: 2},
			func(s *summary) { s.ScanStopped = true }},
		{"dry run of a sweep whose scan did not end", "sweep --all-users --dry-run", nil,
			func(s *summary) { s.ScanStopped = true }},
		{"scan", "scan --all-users", rowCounts{results.Found: 4}, nil},
		{"scan that stopped", "scan --all-users", rowCounts{results.Found: 4}, stopped},
		{"sessions of some", "verify a.jsonl", rowCounts{results.Revoked: 2}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Revoked: 1, results.Remains: 1}, Verified: 1}
		}},
		{"sessions without a call", "verify a.jsonl", rowCounts{results.Revoked: 2}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Revoked: 1, results.NotSent: 1}, Verified: 1}
		}},
		{"sessions of nobody", "verify a.jsonl", rowCounts{results.UnknownUser: 1}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.UnknownUser: 1}}
		}},
		{"sessions of a guest", "revoke --verify a.csv", rowCounts{results.Revoked: 2}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Revoked: 1, results.Guest: 1}, Verified: 1}
		}},
		{"verified sessions of guests", "verify a.jsonl", rowCounts{results.Revoked: 2}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Guest: 2}}
		}},
	} {
		s := summary{Counts: revoke.Counts{Outcomes: tt.counts, NoPass: noPass(tt.counts)}, Results: "r.jsonl",
			Run: *ran(strings.Fields(tt.command)...)}
		if tt.change != nil {
			tt.change(&s)
		}
		fmt.Fprintf(&got, "# %s: %s\n", tt.name, tt.command)
		s.conclusion(&got)
	}
	assert.Golden(t, "conclusions", got.String(), *update)
}

// ran returns the first line of the log of a run with these arguments.
func ran(args ...string) *results.Header {
	return &results.Header{Own: true, Command: args, Verify: slices.Contains(args, "--verify"),
		Simulated: slices.Contains(args, "--simulate"), DryRun: slices.Contains(args, "--dry-run")}
}
