package protect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// Checked says for how many names of the protect lists a user is known to exist. The zero
// value is for no list.
type Checked struct {
	Names     int      // on the lists, each counted once
	Unchecked int      // names for which no user may exist
	First     []string // the first three of these
	Why       string   // why the first of these could not be checked
}

// String returns a sentence about the names that could not be checked, and "" if there are
// none.
func (c *Checked) String() string {
	if c.Unchecked == 0 {
		return ""
	}
	first := strings.Join(c.First, ", ")
	if c.Unchecked > len(c.First) {
		first += ", …"
	}
	text := fmt.Sprintf("%d of %d protected names could not be checked (%s)", c.Unchecked, c.Names, first)
	if c.Why != "" {
		text += ": " + c.Why
	}
	return text
}

// notChecked counts users as not checked.
func (c *Checked) notChecked(why string, users ...input.User) {
	for _, u := range users {
		if c.Unchecked++; len(c.First) < 3 {
			c.First = append(c.First, nameOf(u))
		}
		c.Why = cmp.Or(c.Why, why)
	}
}

// ErrStopped says that the lookups ended early, so it is not known who is protected. An error
// that wraps it also wraps the error of the run.
var ErrStopped = errors.New("looking up protected users")

// tries is the number of denied lookups, with none answered, after which the others are not
// sent. A list may have thousands of names.
const tries = 20

// lookUp asks Graph for both names of each row; each row has at least one of them. Every
// needed row must be found. Other rows only must not be missing in the tenant; any other
// failure of their lookup counts as not checked.
func (c *Checked) lookUp(ctx context.Context, runner *batch.Runner,
	needed, others []input.User) ([]input.User, error) {
	rows := append(needed[:len(needed):len(needed)], others...)
	if len(rows) == 0 {
		return nil, nil
	}
	found := make([]input.User, 0, len(rows))
	failed := make(map[int]error) // by row
	denied, asked := 0, 0
	src := func(yield func(batch.Request) bool) {
		for i, u := range rows {
			if i >= len(needed) && denied >= tries && denied == len(failed) && len(found) == 0 {
				return
			}
			if asked++; !yield(request(u, i)) {
				return
			}
		}
	}
	err := runner.Run(ctx, src, func(res batch.Result) []batch.Request {
		i := res.Request.Tag.(int)
		u, err := read(rows[i], res)
		if err == nil {
			found = append(found, u)
		} else if failed[i] = err; status(err) == 403 {
			denied++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStopped, err)
	}
	if err := c.checkFailures(rows, len(needed), asked, failed); err != nil {
		return nil, err
	}
	return found, nil
}

// checkFailures counts the rows that could not be looked up. The first rows are the needed ones; rows
// from asked on were not sent. It returns an error if a needed row failed, or if the tenant does not
// have one of the users.
func (c *Checked) checkFailures(rows []input.User, needed, asked int, failed map[int]error) error {
	refused := &ResolveError{}
	for i, u := range rows {
		err, why := failed[i], ""
		if err != nil {
			why = safetext.Printable(err.Error())
		}
		switch {
		case i >= asked:
			c.notChecked("", u) // for the same reason as the rows before
		case err == nil:
		case status(err) == 404:
			refused.Unknown = true
			refused.add(u, err, "protected user %s is not in the tenant: %s", nameOf(u), why)
		case errors.Is(err, errTwoUsers):
			refused.TwoUsers = true
			refused.add(u, err, "protected user %s: %s", nameOf(u), why)
		case i >= needed:
			c.notChecked(why, u)
		default:
			refused.Denied = refused.Denied || status(err) == 403
			refused.add(u, err, "protected user %s cannot be looked up: %s", nameOf(u), why)
		}
	}
	return refused.orNil()
}

// nameOf returns the names that a row gives its user, for messages.
func nameOf(u input.User) string {
	if u.ID != "" && u.UPN != "" {
		return safetext.Printable(u.UPN) + " (" + u.ID + ")"
	}
	return safetext.Printable(u.ID + u.UPN)
}

// status returns the status of Graph's answer, 0 if there was none.
func status(err error) int {
	if answer, ok := errors.AsType[*batch.StatusError](err); ok {
		return answer.Status
	}
	return 0
}

// comparePairs counts users as not checked if no pair names them, or if a row has both names of its
// user, because pairs do not show that they belong together. It returns an error if the domain of a
// name differs by one letter from the domain of a pair's user with the same local part: the row
// probably means that user.
func (c *Checked) comparePairs(users []input.User, pairs iter.Seq2[input.Pair, error], why string) error {
	c.Unchecked, c.First, c.Why = 0, nil, ""
	if len(users) == 0 {
		return nil
	}
	named := make(map[string]bool, len(users))
	local := make(map[string][]int, len(users)) // users by the part of their name before the @
	for i, u := range users {
		named[fold(u.ID+u.UPN)] = false // a row with both names equals no pair
		if name, _, ok := strings.Cut(fold(u.UPN), "@"); ok {
			local[name] = append(local[name], i)
		}
	}
	similar := make(map[int]input.Pair) // by user
	for p, err := range pairs {
		if err != nil {
			return err
		}
		if p.Err != nil {
			continue
		}
		user := fold(p.User)
		if _, is := named[user]; is {
			named[user] = true
		}
		name, domain, _ := strings.Cut(user, "@")
		for _, i := range local[name] {
			if _, theirs, _ := strings.Cut(fold(users[i].UPN), "@"); oneLetterOff(theirs, domain) {
				similar[i] = p
			}
		}
	}
	refused := &ResolveError{}
	for i, u := range users {
		switch p, typo := similar[i]; {
		case named[fold(u.ID+u.UPN)]:
		case typo:
			refused.Unknown = true
			refused.add(u, nil, "protected user %s is on no list, but %s at %s differs by one letter: "+
				"did you mean that user?", safetext.Printable(u.UPN), safetext.Printable(p.User), p.Place())
		default:
			c.notChecked(why, u)
		}
	}
	return refused.orNil()
}

// oneLetterOff reports whether a and b differ by one letter that was omitted, added or
// changed, or by two adjacent letters that were swapped.
func oneLetterOff(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a)+len(b) > 0 && len(a) <= 1 && len(b) <= 1 || swapped
}
