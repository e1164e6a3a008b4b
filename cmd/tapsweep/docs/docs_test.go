package docs

import (
	"slices"
	"strings"
	"testing"
)

// Each file is a page, and begins with its title.
func TestPages(t *testing.T) {
	t.Parallel()
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), ".md"); !slices.Contains(names, name) {
			t.Errorf("%s is not in the list of pages", entry.Name())
		}
	}
	for _, page := range Pages() {
		if page.Title == "" || !strings.HasPrefix(page.Text, "# "+page.Title+"\n\n") {
			t.Errorf("%s does not begin with a title:\n%.80s", page.Name, page.Text)
		}
	}
}
