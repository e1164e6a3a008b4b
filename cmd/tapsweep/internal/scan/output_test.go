package scan

import (
	"strings"
	"testing"

	"tapsweep/input"
)

// Every text from the service is safe in a spreadsheet, including the reason.
func TestWriterProtectsFormulas(t *testing.T) {
	var b strings.Builder
	w, err := NewWriter(&b, "csv", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&Line{User: ";=1", Method: "=2", UPN: "\t=3", Reason: ";=4",
		Creation: input.Creation{By: "=5", AuditID: "+6"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(b.String(), "\n")
	if want := ";'=1,'=2,\"\t'=3\",;'=4,,,,false,'=5,,'+6,\n"; row != want {
		t.Errorf("the row is %q, want %q", row, want)
	}
}
