package results

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/docs"
)

// The manual explains each outcome in the words that the program prints.
func TestTheManualExplainsOutcomes(t *testing.T) {
	text := strings.ReplaceAll(docs.Find("results").Text, "`", "")
	for _, o := range Outcomes {
		if o.Meaning() == "" {
			t.Errorf("%s has no meaning", o)
		}
		if row := "| " + string(o) + " | " + o.Meaning() + " |"; !strings.Contains(text, row) {
			t.Errorf("the manual lacks the row %q", row)
		}
	}
}
