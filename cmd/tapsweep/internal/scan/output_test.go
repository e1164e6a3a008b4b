package scan

import (
	"strings"
	"testing"
)

// Every text from the service is safe in a spreadsheet, including the reason.
func TestWriterProtectsFormulas(t *testing.T) {
	var b strings.Builder
	w, err := NewWriter(&b, "csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&Line{User: ";=1", Method: "=2", UPN: "\t=3", Reason: ";=4"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(b.String(), "\n")
	if want := ";'=1,'=2,\"\t'=3\",;'=4,,,,false\n"; row != want {
		t.Errorf("the row is %q, want %q", row, want)
	}
}
