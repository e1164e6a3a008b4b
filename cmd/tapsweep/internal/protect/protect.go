// Package protect protects users whatever a list says: the break-glass accounts that still work when
// everything else is locked.
//
// A user has two names, an object id and a user principal name, and a list may use the one that the
// protect list does not have. So [List.Resolve] looks up the missing names of a [List], and returns
// the [Users] that are protected.
package protect

import (
	"context"
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

// Empty reports whether nobody is on the lists.
func (l *List) Empty() bool { return len(l.users) == 0 }

// Open reads protect lists in the forms that input.ReadUsers and read accept; read may be nil. It
// returns an error for a row without a user, for a pattern and for a list without users, because such
// a list would protect nobody. Without lists, the List protects nobody.
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
			e.add(u, nil, "%s is a pattern, which protects nobody: name each user in a separate row",
				safetext.Printable(u.UPN))
		}
	}
	return e.orNil()
}

// Rows returns the rows of the lists in order. They must not be changed.
func (l *List) Rows() []input.User { return l.users }

// Resolve returns the protected users, by all names that the pairs can use. If a row has one name of
// its user and the pairs use the other kind of name, Resolve looks the user up. It reads pairs only
// until it knows which kinds they use, and not at all if every row has both names. Check decides
// whether other rows are looked up.
//
// If a user whose other name is needed cannot be looked up, or if a user is not in the
// tenant, the error is a *ResolveError that lists all of them. Any other error is that of
// pairs or of the run, and may wrap the cause of ctx, batch.ErrUnauthorized or
// batch.ErrBlocked. After an error, no pass may be deleted.
func (l *List) Resolve(ctx context.Context, runner *batch.Runner,
	pairs iter.Seq2[input.Pair, error]) (*Users, error) {
	missing, err := l.missing(pairs)
	if err != nil {
		return nil, err
	}
	needed, others := l.split(missing)
	u := &Users{names: make(map[string]bool, 2*len(l.users))}
	u.Checked.Names = len(needed) + len(others)
	asked := others
	if !l.Check.Ask {
		u.Checked.notChecked(l.Check.Why, others...)
		asked = nil
	}
	found, err := u.Checked.lookUp(ctx, runner, needed, asked)
	if err != nil {
		return nil, err
	}
	if l.Check.Rehearsal {
		if err := u.Checked.comparePairs(append(needed, others...), pairs, l.Check.Why); err != nil {
			return nil, err
		}
	}
	u.add(l.users)
	u.add(found)
	return u, nil
}

// kinds are kinds of names.
type kinds struct{ id, upn bool }

// missing returns the kinds of names that the pairs use and some row does not have.
func (l *List) missing(pairs iter.Seq2[input.Pair, error]) (kinds, error) {
	var missing, used kinds
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
func (l *List) split(missing kinds) (needed, others []input.User) {
	seen := make(map[string]bool)
	for _, u := range l.users {
		if seen[fold(u.ID+u.UPN)] {
			continue
		}
		seen[fold(u.ID+u.UPN)] = true
		if missing.id && u.ID == "" || missing.upn && u.UPN == "" {
			needed = append(needed, u)
		} else {
			others = append(others, u)
		}
	}
	return needed, others
}

// Users are the protected users. The zero value and nil are nobody. Several goroutines may use it.
type Users struct {
	names map[string]bool

	// Checked says for how many names on the lists a user is known to exist.
	Checked Checked
}

// Has reports whether a user is protected, by object id or user principal name.
func (u *Users) Has(user string) bool { return u != nil && u.names[fold(user)] }

// Warning returns a sentence about protected names that could not be checked, and "" if there
// are none.
func (u *Users) Warning() string {
	if u == nil {
		return ""
	}
	return u.Checked.String()
}

func (u *Users) add(users []input.User) {
	for _, user := range users {
		for _, name := range [...]string{user.ID, user.UPN} {
			if name != "" {
				u.names[fold(name)] = true
			}
		}
	}
}

// fold returns the same text for equal names: Entra compares both kinds without case.
func fold(name string) string { return strings.ToLower(name) }
