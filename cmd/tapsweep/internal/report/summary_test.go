package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/passes"
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
		{Outcome: results.Denied, Code: "accessDenied"}:                  {Rows: 7, Hint: "the user may hold an admin role"},
		{Outcome: results.Denied, Code: "insufficient_claims"}:           {Rows: 2, Hint: "sign in again"},
		{Outcome: results.UnknownUser, Code: "Request_ResourceNotFound"}: {Rows: 8},
		{Outcome: results.NotSent}:                                       {Rows: 13},
	}
	for _, code := range "abcdefghij" {
		causes[revoke.Cause{Outcome: results.Rejected, Code: string(code)}] = &revoke.Tally{Rows: 1}
	}
	tests := []struct {
		name string
		s    Summary
	}{
		{"done", Summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Revoked: 4980, results.Absent: 20}, Requests: 5040, Throttled: 12},
			Took:   252 * time.Second, Results: "log.jsonl"}},
		{"every outcome, stopped", Summary{
			Counts: revoke.Counts{Outcomes: every, Requests: 100, Causes: causes},
			Run:    *ran("revoke", "--yes", "--results", "log.jsonl", "a list.csv"),
			Took:   4321 * time.Millisecond, Results: "log.jsonl", Stopped: errors.New("interrupt signal received")}},
		{"dry run", Summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Planned: 2}, Requests: 2},
			Took:   120 * time.Millisecond, Results: "-", DryRun: true, Simulated: true}},
		{"gone on with", Summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Revoked: 664, results.Denied: 20}, Requests: 748, Throttled: 44, Verified: 600,
				Causes: map[revoke.Cause]*revoke.Tally{{Outcome: results.Denied, Code: "accessDenied"}: {Rows: 20, Hint: "the user may hold an admin role"}}},
			Log:     map[results.Outcome]int{results.Revoked: 1277, results.Denied: 20, results.UnknownUser: 3},
			Earlier: 616, Verify: true, VerifiedBefore: 600, Run: *ran("revoke", "--yes", "--resume", "--verify", "--results", "log.jsonl", "list.csv"),
			Took: 1800 * time.Millisecond, Results: "log.jsonl"}},
		{"a scan gone on with", Summary{
			Counts: revoke.Counts{Outcomes: map[results.Outcome]int{results.Found: 221}, Requests: 230},
			Log:    map[results.Outcome]int{results.Found: 300}, Earlier: 79,
			Scan: &scan.Counts{Users: 230, Found: 221, Earlier: 170, Passes: map[passes.Reason]int{passes.Expired: 200, passes.Used: 21}},
			Took: time.Second, Results: "log.jsonl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			tt.s.Print(&got)
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
