package run

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
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

var update = flag.Bool("update", false, "rewrite golden files")

// rowCounts are the numbers of rows by outcome.
type rowCounts = map[results.Outcome]int

func TestSummary(t *testing.T) {
	every := make(rowCounts)
	for i, o := range results.Outcomes {
		every[o] = i + 1
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
				Sessions: &revoke.Counts{Outcomes: rowCounts{results.Revoked: 3, results.Denied: 1}, Verified: 2,
					Guests: 1, Unverified: 1}},
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
				Passes: map[pass.Reason]int{pass.Expired: 200, pass.Used: 20, pass.Unknown: 1},
				Audit: &scan.AuditCounts{Name: "mallory@contoso.com", Records: 303, Made: 300, By: 100, There: 98,
					Creators: []format.Count{{Name: "helpdesk@contoso.com", N: 200}}, Others: 100,
					Gone: scan.Examples[string]{Count: 3, First: []string{"dana@contoso.com"}},
					Unlisted: scan.Examples[scan.Unlisted]{Count: 3, First: []scan.Unlisted{
						{User: "lee@contoso.com", Made: start, At: start.Add(time.Hour), By: "helpdesk@contoso.com"},
						{User: "erik@contoso.com", Made: start, Doubtful: true}}}}},
			Run: *ran("scan", "--created-by", "mallory@contoso.com", "--results", "log.jsonl")},
	} {
		t.Run(name, func(t *testing.T) {
			s.Took, s.Results = 4321*time.Millisecond, "log.jsonl"
			var got bytes.Buffer
			s.print(&got)
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				assert.OK(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want := assert.Must(os.ReadFile(golden))
			assert.Equal(t, "summary", got.String(), string(want))
		})
	}
}

var start = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// What is advised after a log that is not complete says what else it does: a row without a pass means another
// pass later.
func TestIncomplete(t *testing.T) {
	const harmless = "Completed passes are not sent again\n"
	const deletes = "Without --resume it also deletes passes that users have received meanwhile\n"
	for name, tt := range map[string]struct {
		s    summary
		want string
	}{
		"passes of a list":    {summary{}, harmless},
		"rows without a pass": {summary{Lists: input.Stats{AnyPass: 1}}, deletes},
		"any pass":            {summary{Run: results.Run{AnyPass: true}}, deletes},
		"a dry run":           {summary{Run: results.Run{AnyPass: true, DryRun: true}}, harmless},
	} {
		var b bytes.Buffer
		tt.s.Incomplete = true
		tt.s.kept(&b)
		assert.Holds(t, name, b.String(), tt.want)
	}
}

// The last lines say how many passes are gone, and which command comes next.
func TestVerdict(t *testing.T) {
	const resume = " Resume: tapsweep revoke --resume --results r.jsonl a.csv"
	for _, tt := range []struct {
		name    string
		command string
		counts  rowCounts
		change  func(*summary)
		want    string
	}{
		{"all", "revoke a.csv", rowCounts{results.Revoked: 3, results.Absent: 1, results.Duplicate: 2}, nil,
			"All 4 passes are gone.\n"},
		{"one", "revoke a.csv", rowCounts{results.Revoked: 1, results.Protected: 2}, nil,
			"The pass is gone; 2 protected, left alone.\n"},
		{"none", "revoke a.csv", rowCounts{results.Protected: 2}, nil,
			"There was no pass to delete; 2 protected, left alone.\n"},
		{"stopped before the first delete", "sweep --all-users", nil, func(s *summary) { s.Stopped = errors.New("x") },
			"The run stopped before it deleted a pass. " +
				"Resume: tapsweep sweep --resume --results r.jsonl --all-users\n"},
		{"some denied", "revoke a.csv", rowCounts{results.Revoked: 1, results.Denied: 1, results.Invalid: 1}, nil,
			"1 of 3 passes are gone; 2 left: see above." + resume + "\n"},
		{"a pass remains", "revoke a.csv", rowCounts{results.Revoked: 1, results.Remains: 1}, nil,
			"1 of 2 passes are gone; 1 left: see above.\nTo revoke what remains: tapsweep revoke r.jsonl\n"},
		{"not proven", "revoke --verify a.csv", rowCounts{results.Revoked: 2},
			func(s *summary) { s.Counts.Unverified = 1 },
			"All 2 passes are gone; 1 could not be verified, because Graph did not list the passes of the user. " +
				"Resume: tapsweep revoke --resume --results r.jsonl --verify a.csv\n"},
		{"standard input", "revoke -", rowCounts{results.NotSent: 1}, nil,
			"0 of 1 passes are gone; 1 left: see above. " +
				"Resume with the same list on standard input: tapsweep revoke --resume --results r.jsonl -\n"},
		{"standard output", "revoke a.csv", rowCounts{results.NotSent: 1},
			func(s *summary) { s.Results = "-" }, "0 of 1 passes are gone; 1 left: see above.\n"},
		{"a device", "revoke a.csv", rowCounts{results.NotSent: 1},
			func(s *summary) { s.Results = os.DevNull }, "0 of 1 passes are gone; 1 left: see above.\n"},
		{"a simulation", "revoke --simulate a.csv", rowCounts{results.Remains: 1}, nil,
			"0 of 1 passes are gone; 1 left: see above.\n"},
		{"dry run", "revoke --dry-run a.csv", rowCounts{results.Planned: 2, results.UnknownUser: 1}, nil,
			"Nothing was changed: the run would delete 2 passes; 1 row cannot be done: see above.\n" +
				"To delete these passes: tapsweep revoke r.jsonl\n"},
		{"verify", "verify a.jsonl", rowCounts{results.Revoked: 4, results.Absent: 1, results.Remains: 2}, nil,
			"Verified: 5 of 7 users hold no pass.\nTo revoke what remains: tapsweep revoke r.jsonl\n"},
		{"sweep whose scan did not end", "sweep --all-users", nil,
			func(s *summary) { s.ScanStopped, s.Stopped = true, errors.New("x") }, "No pass was deleted; " + unseen +
				". Resume: tapsweep sweep --resume --results r.jsonl --all-users\n"},
		{"resumed sweep whose scan did not end", "sweep --all-users", rowCounts{results.Revoked: 2},
			func(s *summary) { s.ScanStopped = true }, "2 of the 2 passes found so far are gone; " + unseen + ".\n"},
		{"dry run of a sweep whose scan did not end", "sweep --all-users --dry-run", nil,
			func(s *summary) { s.ScanStopped = true }, "Nothing was changed: the run would delete 0 passes; " + unseen +
				".\n"},
		{"scan", "scan --all-users", rowCounts{results.Found: 4}, nil, ""},
		{"scan that stopped", "scan --all-users", rowCounts{results.Found: 4},
			func(s *summary) { s.Stopped = errors.New("x") },
			"Resume: tapsweep scan --resume --results r.jsonl --all-users\n"},
		{"sessions of some", "verify a.jsonl", rowCounts{results.Revoked: 2}, func(s *summary) {
			s.Counts.Sessions = &revoke.Counts{Outcomes: rowCounts{results.Revoked: 1, results.Remains: 1}, Verified: 1}
		}, "Verified: 2 of 2 users hold no pass. Verified: the sessions of 1 of 2 users are revoked. " +
			"Resume: tapsweep verify --resume --results r.jsonl a.jsonl\n" +
			"To revoke what remains: tapsweep revoke --revoke-sessions r.jsonl\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := summary{Counts: revoke.Counts{Outcomes: tt.counts}, Results: "r.jsonl",
				Run: *ran(strings.Fields(tt.command)...)}
			if tt.change != nil {
				tt.change(&s)
			}
			var b bytes.Buffer
			s.conclusion(&b)
			assert.Same(t, "the end of the summary", b.String(), tt.want)
		})
	}
}

// ran returns the first line of the log of a run with these arguments.
func ran(args ...string) *results.Run {
	r := &results.Run{Command: args, Verify: slices.Contains(args, "--verify"),
		Simulated: slices.Contains(args, "--simulate"), DryRun: slices.Contains(args, "--dry-run")}
	r.Describe("r.jsonl")
	return r
}
