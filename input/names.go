package input

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A name is a column or key that identifies the user or the pass, in any spelling.
type name int

const (
	nameUserID name = iota
	nameObjectID
	nameUser
	nameID
	nameUserPrincipalName
	nameUPN
	nameMethod
	nameMethodID
	namePassID
	nameTAPMethodID
	nameCount
)

var names = map[string]name{
	"userid":            nameUserID,
	"objectid":          nameObjectID,
	"userobjectid":      nameObjectID,
	"user":              nameUser,
	"id":                nameID,
	"userprincipalname": nameUserPrincipalName,
	"upn":               nameUPN,
	"method":            nameMethod,
	"methodid":          nameMethodID,
	"passid":            namePassID,
	"temporaryaccesspassauthenticationmethodid": nameTAPMethodID,
}

const (
	userNames   = "user, userId, userPrincipalName, upn, id, objectId"
	methodNames = "method, methodId, passId, temporaryAccessPassAuthenticationMethodId"
)

// fold reduces a name to the form that is compared: "User-Principal Name" becomes
// userprincipalname. It maps full-width letters, which East Asian keyboards produce, to
// ASCII.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// A nameSet is the names that a header or an object uses. It finds names that contradict each
// other.
type nameSet struct {
	spelled   [nameCount]string    // as written, empty if absent
	marks     [meaningCount]string // the first column of each meaning, as written
	unclearID error                // set if the value of id decides whether it is the user's, see resolve
	target    string               // the column in which an audit log has the affected user
	usersOnly bool                 // the list names users only, and passes are not read
}

// add adds the next name. If the meaning is naming, the returned name identifies the user or
// the pass.
func (s *nameSet) add(raw string) (name, meaning, error) {
	folded := fold(raw)
	n, ok := names[folded]
	if !ok {
		m := columns[folded]
		if s.marks[m] == "" {
			s.marks[m] = raw
		}
		s.noteTarget(folded, raw)
		return 0, m, nil
	}
	if first := s.spelled[n]; first != "" {
		return 0, naming, fmt.Errorf("%s and %s are the same name twice: remove one", show(first), show(raw))
	}
	s.spelled[n] = raw
	return n, naming, nil
}

func (s *nameSet) hasUser() bool   { return s.any(nameUserID, nameUPN) }
func (s *nameSet) hasMethod() bool { return s.any(nameMethod, nameTAPMethodID) }

func (s *nameSet) any(from, to name) bool {
	return slices.ContainsFunc(s.spelled[from:to+1], func(raw string) bool { return raw != "" })
}

// resolve decides whether the name id means the pass or the user. It returns an error if the
// names are not those of a list of users and passes. If another name means the pass, id is the
// user's. If another column names the user, id is too if its value is the same, and otherwise
// the row is refused with s.unclearID.
func (s *nameSet) resolve() (idIsPass bool, err error) {
	if s.hasMethod() {
		return false, nil
	}
	if err := s.log(); err != nil {
		return false, err
	}
	if err := s.thing(); err != nil {
		return false, err
	}
	id, ofUser, ofPass := s.spelled[nameID], s.marks[ofUser] != "", s.marks[ofPass] != ""
	// Exports of users from Graph and the portal have both a user principal name and id, so
	// id may be the user's. A list that names the user in another way does not need id for it.
	other := s.any(nameUserID, nameUser)
	named := other || s.any(nameUserPrincipalName, nameUPN)
	switch {
	case id == "":
		return false, nil
	case ofPass && !ofUser && !named:
		return false, fmt.Errorf("this is a pass without its user: "+
			"add the user as userId and rename %s to methodId", show(id))
	case ofPass && !ofUser:
		return true, nil
	case ofUser && !ofPass && !other:
		return false, nil
	}
	beside := ""
	if named {
		beside = " beside " + show(cmp.Or(s.spelled[nameUserID], s.spelled[nameObjectID], s.spelled[nameUser],
			s.spelled[nameUserPrincipalName], s.spelled[nameUPN]))
	}
	err = fmt.Errorf("%s%s may be the user's id or the pass's: rename it to userId or methodId", show(id), beside)
	if other && !ofPass {
		s.unclearID, err = err, nil
	}
	return false, err
}
