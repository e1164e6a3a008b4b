package scan

import (
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// Every text from the service is safe in a spreadsheet, including the reason.
func TestWriterProtectsFormulas(t *testing.T) {
	var b strings.Builder
	w := assert.Must(NewWriter(&b, "csv", true))
	if err := w.Write(&Line{User: ";=1", Method: "=2", UPN: "\t=3", Reason: ";=4",
		Creation: input.Creation{By: "=5", AuditID: "+6"}}); err != nil {
		t.Fatal(err)
	}
	assert.OK(t, w.Close())
	_, row, _ := strings.Cut(b.String(), "\n")
	assert.Same(t, "the row", row, ";'=1,'=2,\"\t'=3\",;'=4,,,,false,'=5,,'+6,\n")
}
