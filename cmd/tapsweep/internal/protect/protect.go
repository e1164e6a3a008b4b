// Package protect protects users whatever a list says: the break-glass accounts that still work when
// everything else is locked.
//
// A user has two names, an object id and a user principal name, and a list may use the one that the
// protect list does not have. So [Rows.Resolve] looks up the users of a [Rows], and returns the
// [Users] that are protected.
package protect

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// Rows are the rows of the protect lists as they were read.
type Rows struct{ users []input.User }

// Empty reports whether nobody is on the lists.
func (l *Rows) Empty() bool { return len(l.users) == 0 }

// Open reads protect lists in the forms that input.ReadUsers and read accept; read may be nil. It
// returns an error for a row without a user, for a pattern and for a list without users, because such
// a list would protect nobody. Without lists, the List protects nobody.
func Open(read input.Reader, names ...string) (*Rows, error) {
	users, err := input.ReadUsers(read, names...)
	if err != nil {
		return nil, err
	}
	if err := patterns(users); err != nil {
		return nil, err
	}
	return &Rows{users: users}, nil
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
func (l *Rows) Rows() []input.User { return l.users }

// Resolve looks up each user of the list, and returns the protected users by all their names. It reads
// pairs only until it knows which kinds of names they use, and not at all if every row has both names.
// If forbidden is not empty, it says why no user may be looked up, and Resolve asks nobody.
//
// The error is a *ResolveError that lists all rows at fault: a user who is not in the tenant, a row with
// the names of two users, and a row that could not be looked up although the pairs use the kind of name
// that it lacks. Other rows that could not be looked up are in the warning of the Users. Any other error
// is that of pairs or of the run, and may wrap the cause of ctx, batch.ErrUnauthorized or
// batch.ErrBlocked. After an error, no pass may be deleted.
func (l *Rows) Resolve(ctx context.Context, runner *batch.Runner, pairs iter.Seq2[input.Pair, error],
	forbidden string) (*Users, error) {
	missing, err := l.missing(pairs)
	if err != nil {
		return nil, err
	}
	rows := l.distinct()
	answers, err := lookUp(ctx, runner, rows, forbidden)
	if err != nil {
		return nil, err
	}
	u := &Users{names: make(map[string]bool, 2*len(l.users))}
	u.add(l.users...)
	refused, why, unchecked := &ResolveError{}, "", []string{}
	for i, row := range rows {
		u.add(answers[i].user)
		if err := answers[i].err; err != nil {
			needed := missing.id && row.ID == "" || missing.upn && row.UPN == ""
			if !refused.judge(row, err, needed) {
				unchecked, why = append(unchecked, nameOf(row)), cmp.Or(why, safetext.Printable(err.Error()))
			}
		}
	}
	if err := refused.orNil(); err != nil {
		return nil, err
	}
	if n := len(unchecked); n > 0 {
		first := strings.Join(unchecked[:min(n, 3)], ", ")
		if n > 3 {
			first += ", …"
		}
		u.warning = fmt.Sprintf("%d of %d protected names could not be checked (%s): %s", n, len(rows), first, why)
	}
	return u, nil
}

// kinds are kinds of names.
type kinds struct{ id, upn bool }

// missing returns the kinds of names that the pairs use and some row does not have.
func (l *Rows) missing(pairs iter.Seq2[input.Pair, error]) (kinds, error) {
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

// distinct returns the rows, each user once.
func (l *Rows) distinct() (rows []input.User) {
	seen := make(map[string]bool)
	for _, u := range l.users {
		if key := fold(u.ID + u.UPN); !seen[key] {
			seen[key] = true
			rows = append(rows, u)
		}
	}
	return rows
}

// Users are the protected users. The zero value and nil are nobody. Several goroutines may use it.
type Users struct {
	names   map[string]bool
	warning string
}

// Has reports whether a user is protected, by object id or user principal name.
func (u *Users) Has(user string) bool { return u != nil && u.names[fold(user)] }

// Warning returns a sentence about protected names that could not be checked, and "" if there
// are none.
func (u *Users) Warning() string {
	if u == nil {
		return ""
	}
	return u.warning
}

func (u *Users) add(users ...input.User) {
	for _, user := range users {
		for _, name := range [...]string{user.ID, user.UPN} {
			if name != "" {
				u.names[fold(name)] = true
			}
		}
	}
}

// nameOf returns the names that a row gives its user, for messages.
func nameOf(u input.User) string {
	if u.ID != "" && u.UPN != "" {
		return safetext.Printable(u.UPN) + " (" + u.ID + ")"
	}
	return safetext.Printable(u.ID + u.UPN)
}

// fold returns the same text for equal names: Entra compares both kinds without case.
func fold(name string) string { return strings.ToLower(name) }
