// Package protect protects users, whatever other lists say: for example the emergency access (break-glass) accounts.
//
// A user has two names, an object ID and a user principal name. A list may use the name that the protect list does not
// have. So [Named.Resolve] looks up the users of [Named], and returns the [Users] that are protected.
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

// Named has the users whom the protect lists name.
type Named struct {
	users []input.User
	files []input.File
}

// Empty reports whether nobody is on the lists.
func (l *Named) Empty() bool { return len(l.users) == 0 }

// Open reads protect lists in the formats that input.ReadUsers and read accept; read may be nil. It returns an error
// for a row without a user, for a pattern and for a list without users, because they would protect nobody. Without
// lists, Named has nobody.
func Open(read input.Reader, names ...string) (*Named, error) {
	list, err := input.ReadUsers(read, names...)
	e := &ResolveError{}
	for _, u := range list.Users {
		// A user principal name never contains a star. input.CheckUser refuses the other characters of patterns.
		// Source: learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname.
		if strings.Contains(u.UPN, "*") {
			e.add(u, nil, "%s is a pattern, which protects nobody: name each user in a separate row",
				safetext.Printable(u.UPN))
		}
	}
	if err = cmp.Or(err, e.orNil()); err != nil {
		return nil, err
	}
	return &Named{users: list.Users, files: list.Files}, nil
}

// Files returns the lists, in order.
func (l *Named) Files() []input.File { return l.files }

// Users returns the users of the lists in order. They must not be changed.
func (l *Named) Users() []input.User { return l.users }

// Resolve looks up each user of the list, and returns the protected users with all their names. It reads pairs only
// until it knows which kinds of names they use, and does not read them if every row has both names. If forbidden is
// not empty, Resolve looks up nobody; forbidden is the reason.
//
// Resolve returns a *ResolveError with all rows that are wrong: a user who is not in the tenant, the names of two
// users in one row, or a row that could not be looked up although the list uses the kind of name that the row lacks.
// Users.Warning has other rows that could not be looked up. Any other error is the error of pairs or of the run, and
// may wrap the cause of ctx, batch.ErrUnauthorized or batch.ErrBlocked. After an error, the caller must not delete
// any pass.
func (l *Named) Resolve(ctx context.Context, runner *batch.Runner, pairs iter.Seq2[input.Pair, error],
	forbidden string) (*Users, error) {
	missing, err := l.missing(pairs)
	if err != nil {
		return nil, err
	}
	rows := l.distinct()
	answers, err := lookUpAll(ctx, runner, rows, forbidden)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStopped, err)
	}
	u := &Users{names: make(map[string]bool, 2*len(l.users)), ids: make(map[string]string)}
	u.add(l.users...)
	refused, why, unchecked := &ResolveError{denied: forbidden != ""}, "", []string{}
	for i, row := range rows {
		u.add(answers[i].User)
		if err := answers[i].Err; err != nil {
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

// kinds is a set of the two kinds of names.
type kinds struct{ id, upn bool }

// missing returns the kinds of names that the pairs use and that at least one row does not have.
func (l *Named) missing(pairs iter.Seq2[input.Pair, error]) (kinds, error) {
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
		case p.Err != nil: // --skip-invalid leaves it out
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

// distinct returns one row for each user.
func (l *Named) distinct() (rows []input.User) {
	seen := make(map[string]bool)
	for _, u := range l.users {
		if key := fold(u.ID + u.UPN); !seen[key] {
			seen[key] = true
			rows = append(rows, u)
		}
	}
	return rows
}

// Users is the set of protected users. The zero value and nil are empty sets. Several goroutines may use it.
type Users struct {
	names   map[string]bool
	ids     map[string]string // the object ID of each user principal name, if it is known
	warning string
}

// Has reports whether a user is protected, by object ID or user principal name.
func (u *Users) Has(user string) bool { return u != nil && u.names[fold(user)] }

// AreTwo reports whether upn is the name of a protected user, and user the object ID of another user.
func (u *Users) AreTwo(user, upn string) bool {
	if u == nil || !input.IsGUID(user) {
		return false
	}
	id, known := u.ids[fold(upn)]
	return known && id != fold(user)
}

// CheckRows returns an error with the rows that have the user principal name of a protected user and the object ID of
// another user: such a row would keep the passes of a user whom nobody protects.
func (u *Users) CheckRows(pairs iter.Seq2[input.Pair, error]) error {
	if u == nil || len(u.ids) == 0 {
		return nil
	}
	var problems input.Problems
	for p, err := range pairs {
		if err != nil {
			return err
		}
		if p.Err == nil && u.AreTwo(p.User, p.UPN) {
			problems.Add(&input.LineError{Source: p.Source, Line: p.Line, Column: p.Column, Err: errTwoUsers,
				Msg: fmt.Sprintf("%v: %s is the name of a protected user, who is not %s", errTwoUsers,
					safetext.Printable(p.UPN), p.User)})
		}
	}
	if problems.Count > 0 {
		return &problems
	}
	return nil
}

// Warning returns a sentence about protected names that could not be checked, "" if there are none.
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
		if user.ID != "" && user.UPN != "" {
			u.ids[fold(user.UPN)] = fold(user.ID)
		}
	}
}

// nameOf returns the names of a user in a row, for messages.
func nameOf(u input.User) string {
	if u.ID != "" && u.UPN != "" {
		return safetext.Printable(u.UPN) + " (" + u.ID + ")"
	}
	return safetext.Printable(u.ID + u.UPN)
}

// fold returns the same text for equal names. Entra ignores case in both kinds.
func fold(name string) string { return strings.ToLower(name) }
