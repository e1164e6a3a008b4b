package main

import (
	"os"
	"slices"
	"strings"

	"tapsweep/internal/safetext"
)

// visible makes a message safe for a terminal. It keeps the line breaks of the message, but
// escapes those in file names, such as "a\nb". It finds these names on the command line and in
// variables that name files.
func (a *app) visible(text string) string {
	for _, name := range a.names() {
		text = strings.ReplaceAll(text, name, safetext.Visible(name, ""))
	}
	return safetext.Visible(text, "\n\t")
}

// names returns the names with line breaks or tabs from the command line and from variables
// that name files. The longest come first, because one may contain another.
func (a *app) names() (names []string) {
	given := slices.Clone(a.args)
	for _, name := range []string{"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "SSL_CERT_FILE",
		"SSL_CERT_DIR", "TMPDIR"} {
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
