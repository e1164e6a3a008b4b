package batch

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrintable bounds how much server text goes into an error, a log line or a
// results row, in characters.
const maxPrintable = 500

// Printable returns text from the service fit for a terminal and a log: control
// characters and whatever reorders or hides text are shown as escapes, and it
// is cut after 500 characters.
func Printable(s string) string {
	if len(s) <= maxPrintable && strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxPrintable {
			b.WriteString("…")
			break
		}
		n++
		if hidden(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden tells runes that a terminal acts on or shows as nothing: Cc, Cf (which
// holds the bidirectional overrides), and separators other than the space.
func hidden(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}
