package input

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// maxUserBytes is more than the 113 characters that a user principal name may have, because that
// of a guest contains a whole foreign address before its own domain.
// Source: learn.microsoft.com/entra/identity/authentication/concept-sspr-policy,
// "UserPrincipalName policies that apply to all user accounts".
const maxUserBytes = 256

// Me is the user of the pair of Options.Self: whoever is signed in, as in Graph's own /me.
// CheckUser refuses it, and so does every list, because it does not say who that is.
const Me = "me"

// localMarks are the marks that are allowed before the @, in addition to letters and digits. The
// documentation names fewer, but tenants have older and synchronized names. None of these marks
// ends a path segment or starts an escape.
const localMarks = ".-_!#^~'$&*+={}|`"

// CheckUser returns an error if s is neither an object id nor a user principal name. A name that
// it accepts is safe in a URL path after url.PathEscape, which alone would accept "..".
func CheckUser(s string) error {
	switch {
	case IsGUID(s):
		return nil
	case s == "":
		return errors.New("user is empty: give an object id or a user principal name")
	case strings.EqualFold(s, Me):
		return errors.New(`user "me" names nobody: give an object id or a user principal name, ` +
			"or use revoke --self for the pass of the user who is signed in")
	case !isName(s):
		return fmt.Errorf(`user "%s" is neither an object id nor a user principal name such as dana@contoso.com`,
			shown(s))
	case strings.ContainsFunc(s, isWide):
		return fmt.Errorf(`user "%s" holds a character outside ASCII: use the user's object id`, shown(s))
	}
	return nil
}

// CheckMethod returns an error if s is not the id of a pass. The empty string is not one.
func CheckMethod(s string) error {
	if !IsGUID(s) {
		return fmt.Errorf(`method "%s" is not a GUID: this looks like the pass itself, not its id; write the pass id `+
			"as 8-4-4-4-12 hex digits, or leave it empty if any pass of the user is meant", shownMethod(s))
	}
	return nil
}

// IsGUID reports whether s has the form of Graph's ids: 36 characters with hyphens.
func IsGUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil } // which takes three other forms, too

// isName reports whether s is a user principal name, apart from characters outside ASCII.
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
