package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// check fails the test if got is not want.
func check[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// diff fails the test if got is not want, and shows where they differ.
func diff(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// A tally is the rows of a report by outcome.
type tally = map[results.Outcome]int

// wantNote fails the test if the report has no note that contains a text.
func wantNote(t testing.TB, r *Report, text string) {
	t.Helper()
	if notes := r.Notes(); !strings.Contains(strings.Join(notes, "\n"), text) {
		t.Errorf("no note %q in %q", text, notes)
	}
}

func sumOf[K comparable](counts map[K]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
