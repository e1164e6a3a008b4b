package main

import (
	"os"
	"slices"
	"strings"

	"tapsweep/batch"
)

// visible makes what is said fit for a terminal. The lines of a message stay lines, but for
// those that the name of a file would make: one such as "a\nb" is known by the command line,
// or by a variable that names a file.
func (a *app) visible(text string) string {
	for _, name := range a.names() {
		text = strings.ReplaceAll(text, name, batch.Visible(name, ""))
	}
	return batch.Visible(text, "\n\t")
}

// names are what is on the command line, and in variables that name files, with line breaks
// or tabs. The longest come first, since one may hold another.
func (a *app) names() (names []string) {
	given := slices.Clone(a.args)
	for _, name := range append(slices.Clone(readsToo), "SSL_CERT_DIR", "TMPDIR") {
		given = append(given, os.Getenv(name))
	}
	for _, arg := range given {
		_, value, _ := strings.Cut(arg, "=")
		for _, name := range []string{arg, value} {
			if strings.ContainsAny(name, "\n\t") && strings.TrimSpace(name) != "" {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, func(x, y string) int { return len(y) - len(x) })
	return names
}
