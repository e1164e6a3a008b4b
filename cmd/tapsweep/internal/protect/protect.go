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
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// A List is the rows of the protect lists as they were read.
type List struct {
	users []input.User

	// Me are the names that are known of the user whom rows input.Me mean, as
	// [Me] finds them out.
	Me input.User
}

// Empty tells whether nobody is on the lists, or there are none.
func (l *List) Empty() bool { return len(l.users) == 0 }

// Open reads protect lists in the forms that input.ReadUsers knows. A row that
// is no user is an error, and so is a list without a user: somebody meant to
// protect someone. No list at all is a List that protects nobody.
func Open(names ...string) (*List, error) {
	users, err := input.ReadUsers(names...)
	if err != nil {
		return nil, err
	}
	return &List{users: users}, nil
}

// Rows returns the rows of the lists in order. They must not be changed.
func (l *List) Rows() []input.User { return l.users }

// Resolve finds out what it takes to recognise the protected users in pairs. A
// row that has only one name of its user is looked up through runner if the
// pairs use the other kind of name; pairs is read no further than it takes to
// know that, and not at all if every row has both names.
//
// If a user cannot be looked up, the error is a *ResolveError that tells all of
// those. Any other error is that of pairs or of the run, and may wrap the cause of
// ctx or batch.ErrUnauthorized. Nobody may be touched after an error.
func (l *List) Resolve(ctx context.Context, runner *batch.Runner, pairs iter.Seq2[input.Pair, error]) (*Users, error) {
	wanted, err := l.wanted(pairs)
	if err != nil {
		return nil, err
	}
	found, err := lookUp(ctx, runner, l.incomplete(wanted))
	if err != nil {
		return nil, err
	}
	u := &Users{names: make(map[string]struct{}, 2*len(l.users))}
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
		case p.User == input.Me && l.Me.ID == "" && l.Me.UPN == "":
			return used, ErrNobody
		case p.User == input.Me: // who is known by both names needs no row with both
			used.id = used.id || missing.id && l.Me.UPN == ""
			used.upn = used.upn || missing.upn && l.Me.ID == ""
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

// incomplete returns the rows to be looked up, each user once.
func (l *List) incomplete(wanted forms) []input.User {
	var rows []input.User
	seen := make(map[string]struct{})
	for _, u := range l.users {
		if !(wanted.id && u.ID == "" || wanted.upn && u.UPN == "") {
			continue
		}
		if _, again := seen[fold(u.ID+u.UPN)]; !again {
			seen[fold(u.ID+u.UPN)] = struct{}{}
			rows = append(rows, u)
		}
	}
	return rows
}

// Users are the users that are protected. The zero value, and nil, is nobody.
// It may be used by several goroutines.
type Users struct {
	names map[string]struct{}
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
