package report

import (
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

// Every outcome that leaves something to do has a hint.
func TestHints(t *testing.T) {
	for _, o := range results.Outcomes {
		if got := Hint(o) == ""; got != o.Done() {
			t.Errorf("%s: done %v, hint %q", o, o.Done(), Hint(o))
		}
	}
}
