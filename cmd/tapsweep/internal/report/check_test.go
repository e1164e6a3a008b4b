package report

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

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
