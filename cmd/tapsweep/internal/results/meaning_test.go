package results

import (
	"os"
	"strings"
	"testing"
)

// The manual explains each outcome in the words that the program prints.
func TestTheManualExplainsOutcomes(t *testing.T) {
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "`", "")
	for _, o := range Outcomes {
		if o.Meaning() == "" {
			t.Errorf("%s has no meaning", o)
		}
		if row := "| " + string(o) + " | " + o.Meaning() + " |"; !strings.Contains(text, row) {
			t.Errorf("the manual lacks the row %q", row)
		}
	}
}
