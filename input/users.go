package input

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A User is one row of a list of users. At least one of ID and UPN is set, as written. Both are
// set if the row gives both.
type User struct {
	Source string // the list's name as it was given to ReadUsers
	Line   int    // on which the row starts, counted from 1
	ID     string // object id
	UPN    string // user principal name
}

// IsAmong reports whether a user has one of the names. Entra compares both kinds of names without case.
func IsAmong(user string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, user) })
}

// ReadUsers reads lists that name users, and ignores the passes that they name. It takes the
// forms that Open takes. In a list with one user on each line, object ids are taken too.
//
// It is never lenient, because it is for lists on which everybody counts: if rows are bad, the
// error is a *Problems and there are no users. A list without a user is an error. Standard
// input is not read. Of a list that read knows, each row counts, whatever became of its pair;
// read may be nil.
func ReadUsers(read Reader, names ...string) ([]User, error) {
	users, _, err := readLists(read, names, false)
	return users, err
}

// ReadScope is ReadUsers for lists that say where to look. It leaves out rows with OutRefused
// that name no user, unless there are no others, and a list may have a header and no rows. The
// warnings say which lists these are.
func ReadScope(read Reader, names ...string) (users []User, warnings []string, err error) {
	return readLists(read, names, true)
}

func readLists(read Reader, names []string, lenient bool) (users []User, warnings []string, err error) {
	var problems Problems
	for _, name := range names {
		if name == "-" {
			return nil, nil, errors.New("a list of users is not read from standard input: name a file")
		}
		s := &source{name: name, read: read, usersOnly: true}
		found, warning, err := s.users(lenient, &problems)
		if err != nil {
			return nil, nil, err
		}
		users = append(users, found...)
		if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	if problems.Count > 0 {
		return nil, nil, &problems
	}
	return users, warnings, nil
}

// users returns the users of a list and a warning about it. It adds what is wrong with the list to
// problems. An error is that of reading.
func (s *source) users(lenient bool, problems *Problems) (users []User, warning string, err error) {
	const none = "no user in this list"
	before, leftOut := problems.Count, 0
	s.yield = func(r Row) {
		if r.Err == nil && r.UPN != "" { // a name beside an object id will be looked up too
			if err := CheckUser(r.UPN); err != nil {
				r = r.refuse(err)
			}
		}
		switch bad, _ := r.Err.(*LineError); {
		case bad == nil:
			users = append(users, r.toUser())
		case lenient && r.Out == OutRefused:
			leftOut++
		default:
			problems.Add(bad)
		}
	}
	if err := s.readAll(problems); err != nil {
		return nil, "", err
	}
	if leftOut > 0 {
		warning = fmt.Sprintf("%s: rows left out, because the run of this log refused them "+
			"and they name no user: %d", s.name, leftOut)
	}
	switch {
	case len(users) > 0 || problems.Count > before:
	case lenient && !s.isBlank && leftOut == 0:
		warning = s.name + ": " + none
	default:
		problems.addFatal(&LineError{Source: s.name, Msg: none})
	}
	return users, warning, nil
}

func (r *Row) toUser() User {
	u := User{Source: r.Source, Line: r.Line, ID: r.User, UPN: r.UPN}
	if !IsGUID(r.User) {
		u.ID, u.UPN = "", r.User
	}
	return u
}
