package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// stated are the rows of a report, as far as they tell of passes.
func stated(t *testing.T, paths ...string) (states []string, r *Report) {
	t.Helper()
	l := open(t, paths...)
	r, err := New(t.Context(), l, func(row *Row) error {
		s := fmt.Sprintf("%s %s %d %s %s", row.Method[len(row.Method)-1:], row.Outcome, row.Status, row.RequestID,
			row.Time.Format("15:04"))
		if row.Verified {
			s += " verified"
		}
		if row.Beside {
			s += " beside"
		}
		states = append(states, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.HTML(t.Context(), &page, l, Page{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), "<tr data-o="); n != len(states) {
		t.Errorf("%d rows in the page, %d in the CSV", n, len(states))
	}
	if n := strings.Count(page.String(), `class="left"><td`); n != r.Left {
		t.Errorf("%d rows that are not done in the page, %d left", n, r.Left)
	}
	return states, r
}

func requestID(s string) rowChange  { return func(r *results.Row) { r.RequestID = s } }
func answered(status int) rowChange { return func(r *results.Row) { r.Status = status } }

// A look that found another pass gave its row the answer to the delete of the old one,
// and of the old one no row told any more.
func TestBothPasses(t *testing.T) {
	v1 := &logBuilder{now: night}
	v1.begin(3, "revoke", "--yes", "--results", "v1.jsonl", "a.csv")
	v1.row("a.csv", 2, results.Revoked, notVerified, requestID("del-2"))
	v1.row("a.csv", 3, results.Replaced, requestID("list-3"))
	v1.row("a.csv", 4, results.Denied, requestID("del-4"))
	v1.end(1, "")
	path := v1.write(t, "v1.jsonl")
	proof := &logBuilder{now: night.Add(time.Hour)}
	proof.begin(3, "verify", "--results", "proof.jsonl", path)
	for line := 2; line < 5; line++ { // of the log
		proof.row(path, line, results.Remains, aboutPass(userName(line), fmt.Sprint("new", line+4)), answered(200),
			requestID(fmt.Sprint("look-", line)))
	}
	proof.end(1, "")
	proofPath := proof.write(t, "proof.jsonl")

	got, r := stated(t, path, proofPath)
	want := []string{"2 revoked 204 del-2 02:14 beside", "3 replaced 200 list-3 02:14 beside",
		"4 denied 403 del-4 02:14 beside",
		"6 remains 200 look-2 03:14", "7 remains 200 look-3 03:14", "8 remains 200 look-4 03:14"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if r.Pairs != 3 || r.Counts[results.Remains] != 3 || r.All() != 3 || r.place() == "Line" {
		t.Errorf("%d pairs, %v", r.Pairs, r.Counts)
	}
	if len(r.Resume) != 1 || r.Resume[0].Left != 3 || !r.Resume[0].list {
		t.Errorf("to go on: %+v", r.Resume)
	}
	if !strings.Contains(strings.Join(r.Notes(), "\n"), "Users held other passes in place of 3 passes") {
		t.Errorf("notes %q", r.Notes())
	}

	// What is done about the new ones is theirs, and the old ones keep their rows.
	rest := &logBuilder{now: night.Add(2 * time.Hour)}
	rest.begin(3, "revoke", "--yes", proofPath)
	rest.row(proofPath, 2, results.Revoked, notVerified, aboutPass(userName(2), "new6"), requestID("del-6"))
	rest.row(proofPath, 3, results.Denied, aboutPass(userName(3), "new7"), requestID("del-7"))
	rest.row(proofPath, 4, results.Revoked, notVerified, aboutPass(userName(4), "new8"), requestID("del-8"))
	rest.end(1, "")
	restPath := rest.write(t, "rest.jsonl")
	again := &logBuilder{now: night.Add(3 * time.Hour)}
	again.begin(3, "verify", "--results", "again.jsonl", path)
	again.row(path, 2, results.Revoked, aboutPass(userName(2), pass(2)), answered(200))
	again.row(path, 3, results.Remains, aboutPass(userName(3), "new7"), answered(200), requestID("again-3"))
	again.row(path, 4, results.Remains, aboutPass(userName(4), "new9"), answered(200), requestID("again-4"))
	again.end(1, "")
	got, r = stated(t, path, proofPath, restPath, again.write(t, "again.jsonl"))
	want = []string{"2 revoked 204 del-2 02:14 verified beside", "3 replaced 200 list-3 02:14 beside",
		"4 denied 403 del-4 02:14 beside",
		"6 revoked 204 del-6 04:14 verified", "7 denied 403 del-7 04:14", "8 revoked 204 del-8 04:14 beside",
		"9 remains 200 again-4 05:14"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows in the end (-want +got):\n%s", diff)
	}
	if r.Pairs != 3 || r.Left != 2 {
		t.Errorf("%d pairs, %d left", r.Pairs, r.Left)
	}
}

// The same of one log: what a run that goes on with the list says of the old pass once
// more does not take the place of either.
func TestBothPassesOfARun(t *testing.T) {
	for last, want := range map[results.Outcome][]string{
		results.Replaced: {"2 revoked 204 del 02:14 beside", "6 remains 200 look 02:14"},
		results.Absent:   {"2 revoked 204 del 02:14 beside", "6 absent 200 look 02:14 verified"},
	} {
		m := &logBuilder{now: night}
		m.begin(1, "revoke", "--yes", "--verify", "a.csv")
		m.row("a.csv", 2, results.Revoked, pending, requestID("del"))
		m.row("a.csv", 2, results.Remains, instead("new6"), answered(200), requestID("look"))
		m.end(1, "")
		m.later(time.Hour)
		m.begin(1, "revoke", "--yes", "--resume", "a.csv")
		m.row("a.csv", 2, last)
		m.end(1, "")
		got, r := stated(t, m.write(t, "a.jsonl"))
		if diff := cmp.Diff(want, got); diff != "" || r.Pairs != 1 {
			t.Errorf("%s: %d pairs, rows (-want +got):\n%s", last, r.Pairs, diff)
		}
	}
}

// A look that finds a pass where there was none says all that there is of it.
func TestPassOutOfNone(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(1, "revoke", "--yes", "--verify", "a.csv")
	m.row("a.csv", 2, results.Absent, pending, anyPass, aboutPass(userName(2), ""), requestID("list"))
	m.row("a.csv", 2, results.Remains, anyPass, aboutPass(userName(2), "new6"), answered(200), requestID("look"))
	m.end(1, "")
	got, _ := stated(t, m.write(t, "a.jsonl"))
	if diff := cmp.Diff([]string{"6 remains 200 look 02:14"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
