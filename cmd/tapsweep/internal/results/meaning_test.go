package results

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/internal/assert"
)

// The manual explains each outcome in the words that the program prints.
func TestTheManualExplainsOutcomes(t *testing.T) {
	text := strings.ReplaceAll(docs.Find("results").Text, "`", "")
	for _, o := range Outcomes {
		assert.That(t, o.Meaning() != "", "%s has no meaning", o)
		assert.That(t, strings.Contains(text, "| "+string(o)+" | "+o.Meaning()+" |"),
			"the manual lacks the row %q", "| "+string(o)+" | "+o.Meaning()+" |")
	}
}
