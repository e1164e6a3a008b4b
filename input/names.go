package input

import (
	"fmt"
	"strings"
	"unicode"
)

// A name is a column or key that the readers know, however it is spelled.
type name int

// The user's names stand in the order in which they are believed when a row
// fills more than one. Object ids come first: a user principal name can be
// renamed, and then given to somebody else, between the export and the run.
// Source: learn.microsoft.com/graph/api/resources/user, properties id and
// userPrincipalName.
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

// passMarks are properties that only Graph's
// temporaryAccessPassAuthenticationMethod has. Beside them, id is the pass's.
var passMarks = map[string]bool{"lifetimeinminutes": true, "methodusabilityreason": true, "isusableonce": true}

// fold reduces a name to what is compared: "User-Principal Name" is userprincipalname.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// suspect tells names under which a pass id may stand unread. Where one does,
// taking the row for "whatever pass" would delete another pass than was meant.
func suspect(folded string) bool {
	return strings.Contains(folded, "method") || strings.Contains(folded, "pass") && !strings.Contains(folded, "password") ||
		strings.HasPrefix(folded, "tap") || strings.HasSuffix(folded, "tap")
}

// almostMethod tells names that are the method's but for their spelling, and those that
// others have for it.
func almostMethod(folded string) bool {
	for _, end := range []string{"methodid", "passid", "tapid"} {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return misspelt(folded, "method") || misspelt(folded, "methodid") || misspelt(folded, "passid") || folded == "credentialid"
}

// misspelt tells whether a letter of a name was left out, doubled, changed, or two that
// follow each other were swapped.
func misspelt(s, name string) bool {
	if s == name {
		return false
	}
	i := 0
	for i < len(s) && i < len(name) && s[i] == name[i] {
		i++
	}
	j := 0
	for j < len(s)-i && j < len(name)-i && s[len(s)-1-j] == name[len(name)-1-j] {
		j++
	}
	a, b := s[i:len(s)-j], name[i:len(name)-j]
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

func hiddenPass(name string) error {
	return fmt.Errorf("%s holds a pass id under a name that is not known: rename it to methodId, or remove it", show(name))
}

// A nameSet is the names that one header or one object uses, and knows which
// of them cannot stand together.
type nameSet struct {
	spelled  [nameCount]string // as written, empty when absent
	passMark bool
	almost   string // an unknown name that reads like the method's
}

// add takes in the next name. The bool is false for one that means nothing here.
func (s *nameSet) add(raw string) (name, bool, error) {
	folded := fold(raw)
	n, ok := names[folded]
	if !ok {
		s.passMark = s.passMark || passMarks[folded]
		if almostMethod(folded) {
			s.almost = raw
		}
		return 0, false, nil
	}
	if first := s.spelled[n]; first != "" {
		return 0, false, fmt.Errorf("%s and %s are the same name twice: remove one", show(first), show(raw))
	}
	s.spelled[n] = raw
	return n, true, nil
}

func (s *nameSet) hasUser() bool   { return s.any(nameUserID, nameUPN) }
func (s *nameSet) hasMethod() bool { return s.any(nameMethod, nameTAPMethodID) }

func (s *nameSet) any(from, to name) bool {
	for _, raw := range s.spelled[from : to+1] {
		if raw != "" {
			return true
		}
	}
	return false
}

// ambiguous refuses names under which the pass id may be in a place that is
// not read: taking such a row for "whatever pass" would delete another one.
func (s *nameSet) ambiguous() error {
	if s.hasMethod() || !s.hasUser() {
		return nil
	}
	id := s.spelled[nameID]
	for _, n := range []name{nameUserID, nameObjectID, nameUser, nameUserPrincipalName, nameUPN} {
		other := s.spelled[n]
		// Beside a user principal name, id is the user's: so export Graph and
		// the portal their users.
		if id == "" || other == "" || n > nameID && !s.passMark {
			continue
		}
		return fmt.Errorf("%s beside %s may be the user's id or the pass's: rename it to userId or methodId",
			show(id), show(other))
	}
	if id != "" && s.passMark {
		return fmt.Errorf("this is a pass without its user: add the user as userId and rename %s to methodId", show(id))
	}
	if s.almost != "" {
		return fmt.Errorf("%s looks like a pass id under a name that is not known: rename it to methodId, or remove it",
			show(s.almost))
	}
	return nil
}

// A record is the values of one row under the names they stand for, trimmed.
type record [nameCount]string

// row makes the choice among the names and checks what was chosen.
func (rec *record) row(line int) row {
	r := row{line: line}
	for _, v := range rec[nameUserID : nameUPN+1] {
		if r.user = v; v != "" {
			break
		}
	}
	for _, v := range rec[nameMethod : nameTAPMethodID+1] {
		if r.method != "" && v != "" && !strings.EqualFold(r.method, v) {
			return r.refuse("method", fmt.Errorf("method is given twice, as %s and as %s", show(r.method), show(v)))
		}
		if r.method == "" {
			r.method = v
		}
	}
	if strings.EqualFold(r.user, Me) {
		r.user = Me
	} else if err := CheckUser(r.user); err != nil {
		return r.refuse("user", err)
	}
	if r.method != "" {
		if err := CheckMethod(r.method); err != nil {
			return r.refuse("method", err)
		}
	}
	r.upn = rec.upn(r.user)
	return r
}

// upn is the user principal name that the record has beside an object id.
func (rec *record) upn(user string) string {
	if user == Me || strings.Contains(user, "@") {
		return ""
	}
	for _, v := range rec[nameUser : nameUPN+1] {
		if strings.Contains(v, "@") && CheckUser(v) == nil {
			return v
		}
	}
	return ""
}

func (r row) refuse(field string, err error) row {
	r.err = &LineError{Line: r.line, Column: r.column, Field: field, Msg: err.Error(), Err: err}
	return r
}
