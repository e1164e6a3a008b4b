// Package docs holds the manual of tapsweep: a page for each task. GitHub shows the pages as they
// are, and tapsweep help shows them in the terminal.
package docs

import (
	"embed"
	"strings"
)

// A Page is a page of the manual.
type Page struct {
	Name  string // the file is NAME.md, and tapsweep help NAME shows it
	Title string // its first heading
	Text  string // Markdown
}

//go:embed *.md
var files embed.FS

// names is the order of the pages.
var names = []string{"lists", "signing-in", "finding", "incident", "nightly", "results", "reports", "pace",
	"kubernetes", "troubleshooting", "library"}

// Pages returns all pages in the order in which a reader needs them.
func Pages() []Page {
	pages := make([]Page, len(names))
	for i, name := range names {
		text, err := files.ReadFile(name + ".md")
		if err != nil {
			panic(err) // the build embeds all pages
		}
		title, _, _ := strings.Cut(string(text), "\n")
		pages[i] = Page{Name: name, Title: strings.TrimPrefix(title, "# "), Text: string(text)}
	}
	return pages
}
