package report

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// A tally is the rows of a report by outcome.
type tally = map[results.Outcome]int

// wantNote fails the test if the report has no note that contains a text.
func wantNote(t testing.TB, r *Report, text string) {
	t.Helper()
	assert.That(t, strings.Contains(strings.Join(r.Notes(), "\n"), text), "no note %q in %q", text, r.Notes())
}

func sumOf[K comparable](counts map[K]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
