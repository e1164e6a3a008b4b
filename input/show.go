package input

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxShown = 100 // characters of a value in a message

// minPass is the number of characters that a pass has at least.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration,
// property defaultLength.
const minPass = 8

// show quotes a value from a list for a message. It makes characters visible that a terminal
// would act on or hide, such as an escape sequence or a zero-width space.
func show(s string) string {
	if len(s) > maxShown {
		n := 0
		for range maxShown {
			_, size := utf8.DecodeRuneInString(s[n:])
			n += size
		}
		if n < len(s) {
			s = s[:n] + "..."
		}
	}
	return strconv.QuoteToASCII(s)
}

// showMethod is like show, but for a value in the method column. A value that is not a GUID
// may be the pass itself, which lets anybody sign in, so showMethod returns only its first
// two characters and its length.
func showMethod(s string) string {
	if s == "" || isGUID(s) {
		return show(s)
	}
	runes, unit := []rune(s), "characters"
	if len(runes) == 1 {
		unit = "character"
	}
	return fmt.Sprintf("%s (%d %s)", show(string(runes[:min(2, len(runes))])+"..."), len(runes), unit)
}

// showUser is like show, but for a value in a user column. A value that does not look like a
// user principal name may be or hold the pass itself, and is shown as showMethod does.
func showUser(s string) string {
	if utf8.RuneCountInString(s) < minPass || isName(s) {
		return show(s)
	}
	return showMethod(s)
}

// showColumn is like show, but for the name of an unknown column. Where a header is missing, it
// may be the pass itself, so only a name that consists of letters is shown as a whole.
func showColumn(s string) string {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(" _-.", r) }
	if strings.ContainsFunc(s, other) {
		return showMethod(s)
	}
	return show(s)
}

// unquoted returns what one of the functions above returned, without the quotes.
func unquoted(shown string) string {
	end := strings.LastIndexByte(shown, '"')
	return strings.ReplaceAll(shown[1:end], `\"`, `"`) + shown[end+1:]
}

// isName reports whether s is a user principal name apart from characters outside ASCII.
func isName(s string) bool {
	strange := func(r rune) bool {
		return r < utf8.RuneSelf && !isAlnum(byte(r)) && !strings.ContainsRune(localMarks, r)
	}
	at := strings.LastIndexByte(s, '@')
	return at >= 0 && isDomain(s[at+1:]) && !strings.ContainsFunc(s[:at], strange)
}
