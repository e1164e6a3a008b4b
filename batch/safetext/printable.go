// Package safetext makes text from other systems and from the user safe to show in a terminal, a log or a report. It
// removes secrets, and escapes characters that a terminal would execute or hide.
package safetext

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrintable is the maximum length of a text from a service, in characters.
const maxPrintable = 500

// secrets finds secrets of a request that a service or a proxy may quote: tokens, and the fields of token requests. An
// opaque token is recognised by the word before it.
var secrets = regexp.MustCompile("(?i:bearer|pop)\\s+[\\w~+/.-]{12,}=*|eyJ[\\w-]{8,}(?:\\.[\\w-]*)*|" +
	`(?i:client_secret|client_assertion|access_token|refresh_token)(?:["\\]*\s*[:=]\s*["\\\[]*|%3D)[^\s"'&,;<>\\]{8,}`)

// Printable returns text from a service in a form that is safe to show. It escapes control characters and characters
// that reorder or hide text, removes tokens and secrets that were passed to Conceal, and truncates the text after 500
// characters.
func Printable(s string) string {
	s = Mask(s)
	if secrets.MatchString(s) { // unlike replacing, this does not allocate
		s = secrets.ReplaceAllString(s, "[secret]")
	}
	if len(s) > maxPrintable && utf8.RuneCountInString(s) > maxPrintable {
		s = string([]rune(s)[:maxPrintable]) + "…"
	}
	return Visible(strings.ToValidUTF8(s, "\ufffd"), "")
}

// hidden reports whether a terminal executes or hides a character: the Unicode categories Cc and Cf (which has the
// bidirectional overrides), and separators except the space.
func hidden(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}
