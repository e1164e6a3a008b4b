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

var errMe = errors.New(`user "me" names nobody: give an object id or a user principal name, ` +
	"or use revoke --self for the pass of the user who is signed in")

// localMarks are the marks that are allowed before the @, in addition to letters and digits. The
// documentation names fewer, but tenants have older and synchronized names. None of these marks
// ends a path segment or starts an escape.
const localMarks = ".-_!#^~'$&*+={}|`"

// CheckUser returns an error if s is neither an object id nor a user principal name. A name that
// it accepts is safe in a URL path after url.PathEscape, which alone would accept "..".
func CheckUser(s string) error {
	switch {
	case s == "":
		return errors.New("user is empty: give an object id or a user principal name")
	case isGUID(s):
		return nil
	case strings.EqualFold(s, Me):
		return errMe
	case len(s) > maxUserBytes:
		return fmt.Errorf("user %s is longer than %d bytes", showUser(s), maxUserBytes)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return fmt.Errorf("user %s holds a character outside ASCII: use the user's object id", showUser(s))
	}
	if s[0] == '#' {
		return fmt.Errorf("user %s starts with #, and lists have no comments: remove the row, "+
			"or use the user's object id", showUser(s))
	}
	local, domain, found := strings.Cut(s, "@")
	switch {
	case !found:
		return fmt.Errorf("user %s is neither an object id nor a user principal name such as dana@contoso.com",
			showUser(s))
	case strings.Contains(domain, "@"):
		return fmt.Errorf("user %s holds more than one @", showUser(s))
	case strings.Trim(local, ".") == "":
		return fmt.Errorf("user %s has no name before the @", showUser(s))
	}
	strange := func(r rune) bool { return !isAlnum(byte(r)) && !strings.ContainsRune(localMarks, r) }
	if i := strings.IndexFunc(local, strange); i >= 0 {
		return fmt.Errorf("user %s may not hold %q before the @: use the user's object id", showUser(s), local[i])
	}
	if !isDomain(domain) {
		return fmt.Errorf("user %s does not end in a domain such as contoso.com", showUser(s))
	}
	return nil
}

// CheckMethod returns an error if s is not the id of a pass. The empty string is not one.
func CheckMethod(s string) error {
	if !isGUID(s) {
		return fmt.Errorf("method %s is not a GUID: this looks like the pass itself, not its id; "+
			"write the pass id as 8-4-4-4-12 hex digits", showMethod(s))
	}
	return nil
}

// isGUID reports whether s has the form of Graph's ids.
func isGUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil // which takes three other forms, too
}

func isDomain(s string) bool {
	if !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return r != '-' && !isAlnum(byte(r)) }) {
			return false
		}
	}
	return true
}

// isAlnum reports whether c is an ASCII letter or digit.
func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
