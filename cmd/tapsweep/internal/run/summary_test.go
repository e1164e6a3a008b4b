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

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestSummary(t *testing.T) {
	every := make(map[results.Outcome]int)
	for i, o := range results.Outcomes {
		every[o] = i + 1
	}
	causes := map[revoke.Cause]*revoke.Tally{
		{Outcome: results.Denied, Code: "accessDenied"}: {Rows: 7,
			Hint: "the user may hold an admin role"},
		{Outcome: results.Denied, Code: "insufficient_claims"}:           {Rows: 2, Hint: "sign in again"},
		{Outcome: results.UnknownUser, Code: "Request_ResourceNotFound"}: {Rows: 8},
		{Outcome: results.NotSent}:                                       {Rows: 13},
	}
	for _, code := range "abcdefghij" {
		causes[revoke.Cause{Outcome: results.Rejected, Code: string(code)}] = &revoke.Tally{Rows: 1}
	}
	tests := []struct {
		name string
		s    summary
	}{
		{"done", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Revoked: 4980, results.Absent: 20},
				Requests: 5040, Throttled: 12},
			Run:  *ran("revoke", "--results", "log.jsonl", "list.csv"),
			Took: 252 * time.Second, Results: "log.jsonl"}},
		{"a scan without a log", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Found: 5}, Requests: 200},
			Run:    *ran("scan", "--all-users"),
			Scan:   &scan.Counts{Users: 200, Found: 5, Passes: map[pass.Reason]int{pass.Usable: 5}},
			Took:   time.Second}},
		{"every outcome, stopped", summary{
			Counts: revoke.Counts{Outcomes: every, Requests: 100, Causes: causes},
			Run:    *ran("revoke", "--yes", "--results", "log.jsonl", "a list.csv"),
			Took:   4321 * time.Millisecond, Results: "log.jsonl", Stopped: errors.New("interrupt signal received")}},
		{"dry run", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Planned: 2}, Requests: 2},
			First:  map[results.Outcome][]string{results.Planned: {"dana@contoso.com"}},
			Took:   120 * time.Millisecond, Results: "log.jsonl", Run: *ran("revoke", "--dry-run", "list.csv")}},
		{"resumed", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Revoked: 664, results.Denied: 20},
				Requests: 748, Throttled: 44, Verified: 600,
				Causes: map[revoke.Cause]*revoke.Tally{{Outcome: results.Denied, Code: "accessDenied"}: {Rows: 20,
					Hint: "the user may hold an admin role"}}},
			Log:     map[results.Outcome]int{results.Revoked: 1277, results.Denied: 20, results.UnknownUser: 3},
			Earlier: 616, VerifiedBefore: 600, Run: *ran("revoke", "--yes", "--resume", "--verify",
				"--results", "log.jsonl", "list.csv"),
			Took: 1800 * time.Millisecond, Results: "log.jsonl"}},
		{"a resumed scan", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Found: 221}, Requests: 230},
			Log:    map[results.Outcome]int{results.Found: 300}, Earlier: 79,
			Scan: &scan.Counts{Users: 230, Found: 221, Earlier: 170,
				Passes: map[pass.Reason]int{pass.Expired: 200, pass.Used: 21}},
			Took: time.Second, Results: "log.jsonl", Run: *ran("scan", "--all-users", "--results", "log.jsonl")}},
		{"verified", summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Revoked: 140, results.Absent: 6,
				results.Remains: 2}, Requests: 148, Verified: 146},
			Run:  *ran("verify", "--results", "log.jsonl", "incident.jsonl"),
			Took: time.Second, Results: "log.jsonl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			tt.s.print(&got)
			golden := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
		})
	}
}

// summaryOf prints the summary of a revoke run with these outcomes.
func summaryOf(outcomes map[results.Outcome]int, change func(*summary)) string {
	s := summary{Counts: revoke.Counts{Outcomes: outcomes}, Took: time.Second, Results: "v.jsonl",
		Run: *ran("revoke", "--yes", "--verify", "--results", "v.jsonl", "a.csv")}
	if change != nil {
		change(&s)
	}
	var b bytes.Buffer
	s.print(&b)
	return b.String()
}

// What is left decides which commands the summary names.
func TestSummaryNamesCommands(t *testing.T) {
	const resume = "Resume: tapsweep revoke --resume --results v.jsonl --yes --verify a.csv\n"
	const useAsList = "To revoke what remains: tapsweep revoke --verify v.jsonl\n"
	for _, tt := range []struct {
		name     string
		outcomes map[results.Outcome]int
		change   func(*summary)
		ends     string // the summary, empty if it names no command
		has      string
	}{
		{"a pass remains", map[results.Outcome]int{results.Revoked: 1, results.Remains: 1}, nil, useAsList, ""},
		{"a pass remains after a simulation", map[results.Outcome]int{results.Remains: 1},
			func(s *summary) { s.Run.Simulated = true }, "", ""},
		{"protected users", map[results.Outcome]int{results.Revoked: 1, results.Protected: 2}, nil, "",
			"a separate list of them"},
		{"protected users are not left", map[results.Outcome]int{results.Revoked: 1, results.Protected: 2}, nil, "",
			"\nThe pass is gone; 2 passes of protected users are left alone.\n"},
		{"a row is not verified", map[results.Outcome]int{results.Revoked: 2},
			func(s *summary) { s.Counts.Verified, s.Counts.Unverified = 1, 1 }, resume,
			"All 2 passes are gone; for 1 it is not proven"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := summaryOf(tt.outcomes, tt.change)
			if tt.ends != "" && !strings.HasSuffix(got, tt.ends) {
				t.Errorf("the summary does not end with %q\n%s", tt.ends, got)
			}
			if tt.ends == "" && strings.Contains(got, "tapsweep revoke") {
				t.Errorf("the summary names a command\n%s", got)
			}
			if !strings.Contains(got, tt.has) {
				t.Errorf("the summary does not say %q\n%s", tt.has, got)
			}
		})
	}
}

// ran returns the first line of the log of a run with these arguments.
func ran(args ...string) *results.Run {
	r := &results.Run{Command: args, Verify: slices.Contains(args, "--verify"),
		AnyPass:   slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--any-pass") }),
		Simulated: slices.Contains(args, "--simulate"), DryRun: slices.Contains(args, "--dry-run")}
	r.Describe("r.jsonl")
	return r
}
