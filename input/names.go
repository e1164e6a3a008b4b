package input

import (
	"errors"
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

// A nameSet is the names that one header or one object uses, and knows which
// of them cannot stand together.
type nameSet struct {
	spelled   [nameCount]string    // as written, empty when absent
	marks     [meaningCount]string // the first column of each meaning, as written
	doubt     error                // if id may be the user's or the pass's beside another user column
	target    string               // the column in which an audit log has the affected user
	usersOnly bool                 // the list names users only; passes are not read
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
	for _, raw := range s.spelled[from : to+1] {
		if raw != "" {
			return true
		}
	}
	return false
}

// resolve decides whether the name id means the pass or the user, and refuses the names of
// something else than a list of users and passes. If another name means the pass, id is the
// user's. Beside another user column, the rows decide: resolve sets s.doubt.
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
	for _, n := range []name{nameUserID, nameObjectID, nameUser, nameUserPrincipalName, nameUPN} {
		if other := s.spelled[n]; other != "" && beside == "" {
			beside = " beside " + show(other)
		}
	}
	err = fmt.Errorf("%s%s may be the user's id or the pass's: rename it to userId or methodId", show(id), beside)
	if other && !ofPass {
		s.doubt, err = err, nil
	}
	return false, err
}

// A person holds the names that one row gives for its user. The object ID decides: a user
// principal name can change, and then belong to somebody else, between the export and the run.
// Source: learn.microsoft.com/graph/api/resources/user, properties id and userPrincipalName.
type person struct{ id, upn string }

// add adds the next name. A row may give both an object ID and a user principal name. Two
// different names of the same kind are two users, which is an error, and so is any other value.
func (p *person) add(v string) error {
	form := &p.upn
	if isGUID(v) {
		form = &p.id
	} else if err := CheckUser(v); err != nil && !isName(v) {
		// Beside an object ID, a name with characters outside ASCII will do.
		return fmt.Errorf("%w; correct it, or rename the column if it names no users", err)
	}
	if *form == "" {
		*form = v
	} else if !strings.EqualFold(*form, v) {
		return twoUsers(*form, v)
	}
	return nil
}

func twoUsers(first, second string) error {
	return fmt.Errorf("the row names two users, %s and %s: keep one of them, or make two rows",
		showUser(first), showUser(second))
}

// A record is the values of one row under the names they stand for, trimmed.
type record [nameCount]string

// sameID reports whether the value of id is also that of another user column, so that it is
// the user's.
func (rec *record) sameID() bool {
	return rec[nameID] != "" && slices.ContainsFunc(rec[:nameID], func(v string) bool {
		return strings.EqualFold(v, rec[nameID])
	})
}

// row makes the choice among the names and checks what was chosen.
func (rec *record) row(line int) row {
	r := row{line: line}
	var who person
	var two error
	for _, v := range rec[nameUserID : nameUPN+1] {
		if v == "" {
			continue
		}
		if r.user == "" {
			r.user = v
		}
		if err := who.add(v); two == nil {
			two = err
		}
	}
	for _, v := range rec[nameMethod : nameTAPMethodID+1] {
		if r.method != "" && v != "" && !strings.EqualFold(r.method, v) {
			return r.refuse("method", fmt.Errorf("method is given twice, as %s and as %s",
				showMethod(r.method), showMethod(v)))
		}
		if r.method == "" {
			r.method = v
		}
	}
	if strings.Contains(r.method, "@") && CheckUser(r.method) == nil && CheckUser(r.user) != nil && r.user != "" {
		r.user = "" // it may be the pass itself
		return r.refuse("user", errors.New("the method column holds a user: "+
			"the values of user and method are swapped"))
	}
	if err := CheckUser(r.user); err != nil {
		return r.refuse("user", err)
	}
	if two != nil {
		return r.refuse("user", two)
	}
	if isNull(r.method) {
		return r.refuse("method", nullPass(show(r.method)))
	}
	if r.method != "" {
		if err := CheckMethod(r.method); err != nil {
			return r.refuse("method", err)
		}
	}
	if who.id != "" {
		r.user, r.upn = who.id, who.upn
	}
	return r
}

// isNull reports whether s is what exports write where there is no value. It is refused as a
// pass: the row may be of a user without a pass, and must not mean any pass.
func isNull(s string) bool {
	switch strings.ToLower(s) {
	case "null", "(null)", "nil", "none", "n/a", "#n/a", "na", "-", "undefined":
		return true
	}
	return false
}

// nullPass returns the error for a pass that is given as a null value.
func nullPass(value string) error {
	return fmt.Errorf("method is %s: leave it empty if any pass of the user is meant, or remove the row", value)
}

func (r row) refuse(field string, err error) row {
	r.err = &LineError{Line: r.line, Column: r.column, Field: field, Msg: err.Error(), Err: err}
	return r
}
