package batch

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Visible returns a text of the user's, such as the name of a file, fit for a terminal: each
// control character, whatever reorders or hides text, and each byte that is no UTF-8 is shown
// as an escape. Unlike Printable it takes nothing out. Characters in keep stay as they are.
func Visible(s, keep string) string {
	acts := func(r rune) bool { return r != '\ufffd' && hidden(r) && !strings.ContainsRune(keep, r) }
	if strings.IndexFunc(s, acts) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || acts(r) {
			q := strconv.QuoteToASCII(s[:n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
