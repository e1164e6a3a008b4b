package input

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A User is one row of a list of users. ID, UPN or both are set, as written in the row.
type User struct {
	Source string // the name of the list that was given to ReadUsers
	Line   int    // the line on which the row starts, counted from 1
	ID     string // object ID
	UPN    string // user principal name
}

// A UserList has the users of lists.
type UserList struct {
	Users    []User
	Files    []File   // the lists
	Warnings []string // of ReadScope
}

// IsAmong reports whether a user has one of the names. Entra ignores case in both kinds of names.
func IsAmong(user string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, user) })
}

// ReadUsers reads lists of users in the formats of Open, and ignores their passes. A list with one user on each line
// may also have object IDs.
//
// If rows are invalid, ReadUsers returns a *Problems and no users: it skips no row, because every user counts. A list
// without a user is an error. ReadUsers does not read standard input. If read knows the format of a list, each of its
// rows counts, even if nothing is left to do for it. read may be nil.
func ReadUsers(read Reader, names ...string) (UserList, error) { return readLists(read, names, false) }

// ReadScope is like ReadUsers, but for lists of users to scan. A list may have a header and no rows. Rows with
// OutRefused that name no user are left out, unless there are no other rows. The Warnings name these lists.
func ReadScope(read Reader, names ...string) (UserList, error) { return readLists(read, names, true) }

func readLists(read Reader, names []string, lenient bool) (list UserList, err error) {
	var problems Problems
	for _, name := range names {
		if name == "-" {
			return UserList{}, errors.New("a list of users is not read from standard input: name a file")
		}
		s := &source{name: name, read: read, usersOnly: true}
		found, warning, err := s.users(lenient, &problems)
		if err != nil {
			return UserList{}, err
		}
		list.Users, list.Files = append(list.Users, found...), append(list.Files, s.asFile())
		if warning != "" {
			list.Warnings = append(list.Warnings, warning)
		}
	}
	if problems.Count > 0 {
		return UserList{}, &problems
	}
	return list, nil
}

// users returns the users of a list and a warning about it. It adds the errors in the list to problems. It returns read
// errors.
func (s *source) users(lenient bool, problems *Problems) (users []User, warning string, err error) {
	const none = "no user in this list"
	before, leftOut := problems.Count, 0
	s.yield = func(r ListRow) {
		if r.Err == nil && r.UPN != "" { // the name will also be looked up
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
	if err := s.open(); err != nil {
		return nil, "", err
	}
	defer s.file.Close()
	if err := s.readAll(problems); err != nil {
		return nil, "", err
	}
	if leftOut > 0 {
		warning = fmt.Sprintf("%s: rows left out, because the run of this log refused them "+
			"and they name no user: %d", s.name, leftOut)
	}
	switch {
	case len(users) > 0 || problems.Count > before:
	case lenient && leftOut == 0:
		warning = s.name + ": " + none
	default:
		problems.addFatal(&LineError{Source: s.name, Msg: none})
	}
	return users, warning, nil
}

func (r *ListRow) toUser() User {
	u := User{Source: r.Source, Line: r.Line, ID: r.User, UPN: r.UPN}
	if !IsGUID(r.User) {
		u.ID, u.UPN = "", r.User
	}
	return u
}
