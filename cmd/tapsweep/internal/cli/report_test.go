package cli

import (
	"path/filepath"
	"testing"
)

// A page by the name of a CSV file is not its own companion.
func TestCompanionOfAPage(t *testing.T) {
	dir := t.TempDir()
	f := &reportFlags{html: filepath.Join(dir, "page.csv"), json: filepath.Join(dir, "page-2.csv")}
	if got, want := f.beside(), filepath.Join(dir, "page-3.csv"); got != want {
		t.Errorf("beside %s = %s, want %s", f.html, got, want)
	}
}
