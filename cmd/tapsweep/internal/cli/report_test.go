package cli

import (
	"path/filepath"
	"testing"

	"tapsweep/cmd/tapsweep/internal/report"
)

// A page by the name of a CSV file is not its own companion.
func TestCompanionOfAPage(t *testing.T) {
	dir := t.TempDir()
	f := &reportFlags{report.Outputs{HTML: filepath.Join(dir, "page.csv"), JSON: filepath.Join(dir, "page-2.csv")}}
	if got, want := f.beside(), filepath.Join(dir, "page-3.csv"); got != want {
		t.Errorf("beside %s = %s, want %s", f.HTML, got, want)
	}
}
