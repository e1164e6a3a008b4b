package input

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const maxShown = 100 // characters of a value in a message

// minPass is the number of characters that a pass has at least.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration,
// property defaultLength.
const minPass = 8

// shown returns a value from a list in a form that is safe to show. A value that is neither a GUID
// nor a user principal name may be or hold the pass itself, which lets anybody sign in, so only its
// first two characters and its length are shown.
func shown(s string) string {
	runes := []rune(s)
	switch {
	case IsGUID(s):
		return s
	case len(runes) >= minPass && !isName(s):
		return fmt.Sprintf("%s... (%d characters)", printable(string(runes[:2])), len(runes))
	case len(runes) > maxShown:
		s = string(runes[:maxShown]) + "..."
	}
	return printable(s)
}

// printable makes characters visible that a terminal would act on or hide, such as an escape
// sequence or a zero-width space.
func printable(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}

// shownColumn is like shown, but for the name of a column. Where a header is missing, it may be
// the pass itself, so an unknown name is shown as a whole only if it consists of letters.
func shownColumn(s string) string {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(" _-.", r) }
	if roles[fold(s)] == unknown && strings.ContainsFunc(s, other) {
		return shown(s)
	}
	return printable(s)
}
