package results

import (
	"os"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// The manual explains each outcome in the words that the program prints.
func TestTheManualExplainsOutcomes(t *testing.T) {
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "`", "")
	for _, o := range Outcomes {
		assert.That(t, o.Meaning() != "", "%s has no meaning", o)
		assert.That(t, strings.Contains(text, "| "+string(o)+" | "+o.Meaning()+" |"),
			"the manual lacks the row %q", "| "+string(o)+" | "+o.Meaning()+" |")
	}
}
