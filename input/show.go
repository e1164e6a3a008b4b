package input

import (
	"fmt"
	"strconv"
)

const maxShown = 100 // characters of a value in a message

// minPass is the minimum length of a pass in characters.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration,
// property defaultLength.
const minPass = 8

// shown returns a value from a list in a form that is safe to show. A value that is neither a GUID nor a user principal
// name may contain the pass itself, with which anybody can sign in. So only its first two characters and its length are
// shown.
func shown(s string) string {
	runes := []rune(s)
	switch {
	case IsGUID(s):
		return s
	case len(runes) >= minPass && !isName(s):
		return cut(s)
	case len(runes) > maxShown:
		s = string(runes[:maxShown]) + "..."
	}
	return escaped(s)
}

// shownMethod is like shown, but for a value in the column of the pass. It may be the pass itself, or a part of it, so
// only a GUID is shown completely.
func shownMethod(s string) string {
	if s == "" || IsGUID(s) {
		return s
	}
	return cut(s)
}

// cut returns the first two characters of a value, and its length.
func cut(s string) string {
	runes := []rune(s)
	unit := "characters"
	if len(runes) == 1 {
		unit = "character"
	}
	return fmt.Sprintf("%s... (%d %s)", escaped(string(runes[:min(2, len(runes))])), len(runes), unit)
}

// escaped makes characters visible that a terminal would execute or hide, such as an escape sequence or a zero-width
// space.
func escaped(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
