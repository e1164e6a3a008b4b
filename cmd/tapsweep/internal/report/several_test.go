package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// A row without a pass whose user had three passes is one pair. Each pass has a final row, and
// pairs without a row are counted correctly.
func TestSeveralPasses(t *testing.T) {
	pass := func(n string) rowChange {
		return func(r *results.Row) { r.Method, r.AnyPass = "9f0c11aa-1111-4222-8333-00000000000"+n, true }
	}
	found := func(r *results.Row) { r.Provisional, r.Status, r.Attempts, r.RequestID = true, 0, 0, "" }
	beside := func(r *results.Row) { r.Beside = true }
	m := &logBuilder{now: night}
	m.run("l.csv", 3)
	m.row("l.csv", 2, results.Found, pass("1"), found)
	m.row("l.csv", 2, results.Revoked, pass("1"), notVerified, beside)
	m.row("l.csv", 2, results.Found, pass("2"), found)
	m.row("l.csv", 2, results.Revoked, pass("2"), notVerified, beside)
	m.row("l.csv", 2, results.Found, pass("3"), found)
	m.row("l.csv", 2, results.Revoked, pass("3"), notVerified)
	m.row("l.csv", 3, results.Revoked, notVerified)
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

	// The rows of the table that are not beside are the pairs, for a spreadsheet and for a list.
	var table strings.Builder
	w, err := NewCSV(&table)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := OpenLogs(t.Context(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	for row, err := range logs.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(table.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at, pairs := slices.Index(lines[0], "beside"), 0
	for _, line := range lines[1:] {
		if at < 0 || line[at] != "true" {
			pairs++
		}
	}
	if len(lines) != 5 || pairs != r.Pairs {
		t.Errorf("%d rows of pairs of %d in the table, want %d of 4:\n%s", pairs, len(lines)-1, r.Pairs, table.String())
	}
	list, err := input.Open([]string{"-"}, input.Options{Reader: new(results.Lists).Read,
		Stdin: strings.NewReader(table.String())})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	if got := list.Stats(); got.Done != r.Pairs || got.Rows != 0 {
		t.Errorf("the table as a list has %+v, want %d done", got, r.Pairs)
	}
}
