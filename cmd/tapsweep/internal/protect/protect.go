// Package protect keeps users from being touched, whatever a list says: the
// break-glass accounts that are left when everything else is locked.
//
// A user has two names, an object id and a user principal name, and a list may
// use the one that the protect list does not have. So a protect list is no more
// than a [List] until [List.Resolve] has looked up what is missing; only the
// [Users] that it returns tell who is protected.
package protect

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// A List is the rows of the protect lists as they were read.
type List struct {
	users []input.User

	// Check says how Resolve checks that the users exist.
	Check Check
}

// A Check says how to check that protected users exist. A name that does not exist protects
// nobody, so it is an error whenever it can be detected.
type Check struct {
	// Ask makes Resolve look up every row. If the tenant does not have a name, or if the two
	// names of a row are not of one user, Resolve returns an error. If a row cannot be looked
	// up, it counts as not checked.
	Ask bool

	// Rehearsal says that the tenant was created from the lists. A name that no pair has
	// then counts as not checked, even if the tenant has it.
	Rehearsal bool

	// Why says why names cannot be checked if Ask is false.
	Why string
}

// Empty tells whether nobody is on the lists, or there are none.
func (l *List) Empty() bool { return len(l.users) == 0 }

// Open reads protect lists in the forms that input.ReadUsers and read know; read may be nil. A row that
// is no user is an error, and so are a pattern and a list without a user, because
// somebody was meant to be protected. Without any list, the List protects nobody.
func Open(read input.Reader, names ...string) (*List, error) {
	users, err := input.ReadUsers(read, names...)
	if err != nil {
		return nil, err
	}
	if err := patterns(users); err != nil {
		return nil, err
	}
	return &List{users: users}, nil
}

// patterns returns an error if a name is a pattern for several users, which would protect
// nobody. A user principal name never contains a star. input.CheckUser refuses the other
// characters of patterns.
// Source: learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname.
func patterns(users []input.User) error {
	e := &ResolveError{}
	for _, u := range users {
		if strings.Contains(u.UPN, "*") {
			e.add(u, nil, fmt.Sprintf("%s is a pattern, which protects nobody: name each user in a separate row",
				safetext.Printable(u.UPN)))
		}
	}
	if e.Count == 0 {
		return nil
	}
	return e
}

// Rows returns the rows of the lists in order. They must not be changed.
func (l *List) Rows() []input.User { return l.users }

// Resolve finds out what it takes to recognise the protected users in pairs. A
// row that has only one name of its user is looked up through runner if the
// pairs use the other kind of name; pairs is read no further than it takes to
// know that, and not at all if every row has both names. Check decides whether other rows
// are looked up.
//
// If a user whose other name is needed cannot be looked up, or if a user is not in the
// tenant, the error is a *ResolveError that lists all of them. Any other error is that of
// pairs or of the run, and may wrap the cause of ctx, batch.ErrUnauthorized or
// batch.ErrBlocked. After an error, no pass may be deleted.
func (l *List) Resolve(ctx context.Context, runner *batch.Runner, pairs iter.Seq2[input.Pair, error]) (*Users, error) {
	wanted, err := l.wanted(pairs)
	if err != nil {
		return nil, err
	}
	needed, others := l.split(wanted)
	u := &Users{names: make(map[string]struct{}, 2*len(l.users))}
	u.Checked.Names = len(needed) + len(others)
	asked := others
	if !l.Check.Ask {
		u.Checked.doubt(l.Check.Why, others...)
		asked = nil
	}
	found, err := u.Checked.lookUp(ctx, runner, needed, asked)
	if err != nil {
		return nil, err
	}
	if l.Check.Rehearsal {
		if err := u.Checked.rehearse(append(needed, others...), pairs, l.Check.Why); err != nil {
			return nil, err
		}
	}
	u.add(l.users)
	u.add(found)
	return u, nil
}

// forms are kinds of names.
type forms struct{ id, upn bool }

// wanted tells which kinds of names the pairs use that some row does not have.
func (l *List) wanted(pairs iter.Seq2[input.Pair, error]) (forms, error) {
	var missing, used forms
	for i := range l.users {
		missing.id = missing.id || l.users[i].ID == ""
		missing.upn = missing.upn || l.users[i].UPN == ""
	}
	if !missing.id && !missing.upn {
		return used, nil
	}
	for p, err := range pairs {
		if err != nil {
			return used, err
		}
		switch {
		case p.Err != nil: // left out by --skip-invalid
			continue
		case strings.Contains(p.User, "@"):
			used.upn = missing.upn
		default:
			used.id = missing.id
		}
		if used == missing {
			break
		}
	}
	return used, nil
}

// split returns the rows whose other name is needed, and the other rows, each user once.
func (l *List) split(wanted forms) (needed, others []input.User) {
	seen := make(map[string]struct{})
	for _, u := range l.users {
		if _, again := seen[fold(u.ID+u.UPN)]; again {
			continue
		}
		seen[fold(u.ID+u.UPN)] = struct{}{}
		if wanted.id && u.ID == "" || wanted.upn && u.UPN == "" {
			needed = append(needed, u)
		} else {
			others = append(others, u)
		}
	}
	return needed, others
}

// Users are the users that are protected. The zero value, and nil, is nobody.
// It may be used by several goroutines.
type Users struct {
	names map[string]struct{}

	// Checked says for how many names on the lists a user is known to exist.
	Checked Checked
}

// Has tells whether the user that a pair names, by object id or user principal
// name, is protected.
func (u *Users) Has(user string) bool {
	if u == nil {
		return false
	}
	_, ok := u.names[fold(user)]
	return ok
}

// Doubt returns a sentence about protected names that could not be checked, and "" if there
// are none.
func (u *Users) Doubt() string {
	if u == nil {
		return ""
	}
	return u.Checked.String()
}

func (u *Users) add(users []input.User) {
	for _, user := range users {
		for _, name := range [...]string{user.ID, user.UPN} {
			if name != "" {
				u.names[fold(name)] = struct{}{}
			}
		}
	}
}

// fold makes equal names equal: Entra compares both kinds without case.
func fold(name string) string { return strings.ToLower(name) }
