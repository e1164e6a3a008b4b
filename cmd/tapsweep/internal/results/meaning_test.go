package results

import (
	"os"
	"strings"
	"testing"
)

// The README explains each outcome in the words that the program prints.
func TestREADMEExplainsOutcomes(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readme), "`", "")
	for _, o := range Outcomes {
		if o.Meaning() == "" {
			t.Errorf("%s has no meaning", o)
		}
		if row := "| " + string(o) + " | " + o.Meaning() + " |"; !strings.Contains(text, row) {
			t.Errorf("README.md lacks the row %q", row)
		}
	}
}
