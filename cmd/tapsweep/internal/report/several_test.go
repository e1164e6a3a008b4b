package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A row without a pass whose user had three passes is one pair. Each pass has a final row, and
// pairs without a row are counted correctly.
func TestSeveralPasses(t *testing.T) {
	pass := func(n string) rowChange {
		return func(r *results.Row) { r.Method, r.AnyPass = "9f0c11aa-1111-4222-8333-00000000000"+n, true }
	}
	found := func(r *results.Row) { r.Pending, r.Status, r.Attempts, r.RequestID = true, 0, 0, "" }
	beside := func(r *results.Row) { r.Beside = true }
	m := &made{now: night}
	m.run("l.csv", 3)
	m.row("l.csv", 2, results.Found, pass("1"), found)
	m.row("l.csv", 2, results.Revoked, pass("1"), unproven, beside)
	m.row("l.csv", 2, results.Found, pass("2"), found)
	m.row("l.csv", 2, results.Revoked, pass("2"), unproven, beside)
	m.row("l.csv", 2, results.Found, pass("3"), found)
	m.row("l.csv", 2, results.Revoked, pass("3"), unproven)
	m.row("l.csv", 3, results.Revoked, unproven)
	path := m.write(t, "several.jsonl")

	states, r := stated(t, path)
	var got []string
	for _, s := range states {
		fields := strings.Fields(s)
		got = append(got, fields[0]+" "+fields[1]+" "+fields[len(fields)-1])
	}
	if diff := cmp.Diff([]string{"1 revoked beside", "2 revoked beside", "3 revoked 02:14", "3 revoked 02:14"},
		got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if r.Pairs != 2 || r.WithoutRow != 1 {
		t.Errorf("%d pairs and %d without a row, want 2 and 1", r.Pairs, r.WithoutRow)
	}
	if r.Counts[results.Revoked] != 2 || len(r.Counts) != 1 {
		t.Errorf("counts %v, want 2 revoked", r.Counts)
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes,
		"2 passes of users who had several have an additional row") {
		t.Errorf("the notes do not mention the additional rows:\n%s", notes)
	}
}
