package batch

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrintable bounds how much server text goes into an error, a log line or a
// results row, in characters.
const maxPrintable = 500

// secrets are what a service, or a proxy before it, may quote back of what it was
// sent: tokens, with the word before them that announces opaque ones, and what
// token requests hold.
var secrets = regexp.MustCompile("(?i:bearer|pop)\\s+[\\w~+/.-]{12,}=*|eyJ[\\w-]{8,}(?:\\.[\\w-]*)*|" +
	`(?i:client_secret|client_assertion|access_token|refresh_token)(?:["\\]*\s*[:=]\s*["\\\[]*|%3D)[^\s"'&,;<>\\]{8,}`)

// Printable returns text from the service fit for a terminal and a log: control
// characters and characters that reorder or hide text are shown as escapes, tokens and
// secrets passed to Conceal are removed, and the text is cut after 500 characters.
func Printable(s string) string {
	s = Mask(s)
	if secrets.MatchString(s) { // which, unlike replacing, allocates nothing
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

// hidden tells runes that a terminal acts on or shows as nothing: Cc, Cf (which
// holds the bidirectional overrides), and separators other than the space.
func hidden(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}
