// Package safetext makes text from other systems and from the user safe to show: in a terminal, a
// log or a report. It removes secrets, and shows characters that a terminal acts on as escapes.
package safetext

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrintable is the maximum length of a text from a service, in characters.
const maxPrintable = 500

// secrets finds what a service or a proxy may quote of a request: tokens, of which opaque ones are
// recognised by the word before them, and the fields of token requests.
var secrets = regexp.MustCompile("(?i:bearer|pop)\\s+[\\w~+/.-]{12,}=*|eyJ[\\w-]{8,}(?:\\.[\\w-]*)*|" +
	`(?i:client_secret|client_assertion|access_token|refresh_token)(?:["\\]*\s*[:=]\s*["\\\[]*|%3D)[^\s"'&,;<>\\]{8,}`)

// Printable returns text from a service in a form that is safe to show: control characters and
// characters that reorder or hide text are shown as escapes, tokens and secrets passed to Conceal
// are removed, and the text is truncated after 500 characters.
func Printable(s string) string {
	s = Mask(s)
	if secrets.MatchString(s) { // unlike replacing, this does not allocate
		s = secrets.ReplaceAllString(s, "[secret]")
	}
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

// hidden reports whether a terminal acts on a character or shows nothing for it: those of Cc, of Cf
// (which has the bidirectional overrides), and separators other than the space.
func hidden(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}
