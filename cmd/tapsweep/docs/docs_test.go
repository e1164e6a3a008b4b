package docs

import (
	"slices"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// Each file is a page, and begins with its title.
func TestPages(t *testing.T) {
	t.Parallel()
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		assert.That(t, slices.Contains(names, strings.TrimSuffix(entry.Name(), ".md")),
			"%s is not in the list of pages", entry.Name())
	}
	for _, page := range Pages() {
		assert.That(t, page.Title != "", "%s has no title", page.Name)
		assert.That(t, strings.HasPrefix(page.Text, "# "+page.Title+"\n\n"), "%s does not begin with its title:\n%.80s",
			page.Name, page.Text)
	}
}
