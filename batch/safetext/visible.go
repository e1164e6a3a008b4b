package safetext

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Visible returns text from the user, such as a file name, in a form that is safe for a terminal. It escapes control
// characters, characters that reorder or hide text, and bytes that are not UTF-8, except the characters in keep. Unlike
// Printable, it removes nothing.
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
