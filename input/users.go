package input

import (
	"errors"
	"fmt"
)

// maxUsersBytes bounds a list of users, because all of its users are kept. It is the size of some
// 100,000 users as Graph exports them, and of many more in other forms.
const maxUsersBytes = 64 << 20

// A User is one row of a list of users. At least one of ID and UPN is set, as written. Both are
// set if the row gives both.
type User struct {
	Source string // the list's name as it was given to ReadUsers
	Line   int    // on which the row starts, counted from 1
	ID     string // object id
	UPN    string // user principal name
}

// ReadUsers reads lists that name users, and ignores the passes that they name. It takes the
// forms that Open takes, but goes by the content alone and not by the extension. In a list with
// one user on each line, object ids are taken too.
//
// It is never lenient, because it is for lists on which everybody counts: if rows are bad, the
// error is a *Problems and there are no users. A list without a user is an error. Standard
// input is not read. Of a list that read knows, each row counts, whatever became of its pair;
// read may be nil.
func ReadUsers(read Reader, names ...string) ([]User, error) {
	users, _, err := readLists(read, names, false)
	return users, err
}

// ReadScope is ReadUsers for lists that say where to look. It leaves out rows with LeftRefused
// that name no user, unless there are no others, and a list may have a header and no rows. The
// warnings say which lists these are.
func ReadScope(read Reader, names ...string) (users []User, warnings []string, err error) {
	return readLists(read, names, true)
}

func readLists(read Reader, names []string, lenient bool) (users []User, warnings []string, err error) {
	var problems Problems
	for _, name := range names {
		s, err := openUsers(read, name)
		if err != nil {
			return nil, nil, err
		}
		found, warning, err := s.users(lenient, &problems)
		if err = withClose(err, s.close()); err != nil {
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
	before, skipped := problems.Count, 0
	for r, err := range s.rows() {
		bad, unreadable := errors.AsType[*LineError](err)
		switch r = r.asUser(); {
		case unreadable:
			problems.addFatal(bad)
		case err != nil:
			return nil, "", err
		case r.err == nil:
			users = append(users, r.toUser(s.name))
		case r.left == LeftRefused && lenient:
			skipped++
		default:
			r.err.Source = s.name
			problems.Add(r.err)
		}
	}
	if skipped > 0 {
		warning = fmt.Sprintf("%s: rows left out, because the run of this log refused them "+
			"and they name no user: %d", s.name, skipped)
	}
	switch {
	case len(users) > 0 || problems.Count > before:
	case lenient && !s.blank && skipped == 0:
		warning = s.name + ": " + none
	default:
		problems.addFatal(&LineError{Source: s.name, Msg: none})
	}
	return users, warning, nil
}

// openUsers returns the source of a list of users.
func openUsers(read Reader, name string) (*source, error) {
	if name == "-" {
		return nil, errors.New("a list of users is not read from standard input: name a file")
	}
	s, err := newSource(name, Options{})
	if err != nil {
		return nil, err
	}
	if s.size > maxUsersBytes {
		return nil, withClose(fmt.Errorf("reading %s: longer than 64 MiB", name), s.close())
	}
	s.format, s.usersOnly = "", true
	if err := s.recognize(read); err != nil {
		return nil, withClose(fmt.Errorf("reading %s: %w", name, err), s.close())
	}
	return s, nil
}

// asUser refuses a row that gives a name which cannot be looked up, even beside an object id.
func (r row) asUser() row {
	if r.err == nil && r.upn != "" {
		if err := CheckUser(r.upn); err != nil {
			return r.refuse(err)
		}
	}
	return r
}

func (r row) toUser(source string) User {
	u := User{Source: source, Line: r.line, ID: r.user, UPN: r.upn}
	if !isGUID(r.user) {
		u.ID, u.UPN = "", r.user
	}
	return u
}
