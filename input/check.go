package input

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// maxUserBytes is the maximum length of a user principal name. It is more than the documented 113 characters,
// because the name of a guest contains the whole address in another tenant.
// Source: learn.microsoft.com/entra/identity/authentication/concept-sspr-policy,
// "UserPrincipalName policies that apply to all user accounts".
const maxUserBytes = 256

// Me is the user of the pair for Options.Self: the user who is signed in, as in the path /me of Graph. CheckUser and
// lists refuse it, because it does not name a user.
const Me = "me"

// localMarks are the marks that are allowed before the @, in addition to letters and digits. The documentation lists
// fewer, but tenants have older and synchronized names. None of these marks ends a path segment or starts an escape.
const localMarks = ".-_!#^~'$&*+={}|`"

// CheckUser returns an error if s is neither an object ID nor a user principal name. A name that
// it accepts is safe in a URL path after url.PathEscape, which alone would accept "..".
func CheckUser(s string) error {
	switch {
	case IsGUID(s):
		return nil
	case s == "":
		return errors.New("user is empty: give an object ID or a user principal name")
	case strings.EqualFold(s, Me):
		return errors.New(`user "me" is not allowed: give an object ID or a user principal name, ` +
			"or use revoke --self for the pass of the user who is signed in")
	case !isName(s):
		return fmt.Errorf(`user "%s" is neither an object ID nor a user principal name such as dana@contoso.com`,
			shown(s))
	case strings.ContainsFunc(s, isWide):
		return fmt.Errorf(`user "%s" contains a character outside ASCII: use the object ID of the user`, shown(s))
	}
	return nil
}

// CheckMethod returns an error if s is not the ID of a pass. The empty string is an error.
func CheckMethod(s string) error {
	switch {
	case IsGUID(s):
		return nil
	case isName(s):
		return fmt.Errorf(`method "%s" looks like a user principal name: are the columns of the user and the pass `+
			"swapped?", shownMethod(s))
	case uuid.Validate(s) == nil: // in braces, without hyphens, or a URN
		return fmt.Errorf(`method "%s" is a GUID in another form: write it as 8-4-4-4-12 hex digits, with hyphens `+
			"and without braces", shownMethod(s))
	}
	return fmt.Errorf(`method "%s" is not a GUID: this may be the pass itself, not its ID; write the pass ID `+
		"as 8-4-4-4-12 hex digits, or leave it empty to delete any pass of the user", shownMethod(s))
}

// IsGUID reports whether s has the form of an ID in Graph: 36 characters with hyphens.
func IsGUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil } // Validate accepts three other forms

// isName reports whether s is a user principal name. It allows characters outside ASCII.
func isName(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	strange := func(r rune) bool { return !isWide(r) && !isAlnum(r) && !strings.ContainsRune(localMarks, r) }
	return found && len(s) <= maxUserBytes && strings.Trim(local, ".") != "" && local[0] != '#' &&
		!strings.ContainsFunc(local, strange) && isDomain(domain)
}

func isDomain(s string) bool {
	if !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return r != '-' && !isAlnum(r) }) {
			return false
		}
	}
	return true
}

// isAlnum reports whether r is an ASCII letter or digit.
func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func isWide(r rune) bool { return r >= utf8.RuneSelf }
