package protect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// Checked says how many names of the protect lists are known to be somebody's. The
// zero value is that of no list.
type Checked struct {
	Names     int      // on the lists, each counted once
	Unchecked int      // of these, the ones that may be nobody's
	First     []string // the first three of those
	Why       string   // why the first of them could not be checked
}

// String is a sentence about the names that could not be checked, and empty if there
// are none.
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

// doubt counts users as not checked.
func (c *Checked) doubt(why string, users ...input.User) {
	for _, u := range users {
		if c.Unchecked++; len(c.First) < 3 {
			c.First = append(c.First, batch.Printable(u.ID+u.UPN))
		}
		if c.Why == "" {
			c.Why = why
		}
	}
}

// tries is how many look-ups have to be denied, and none answered, until the others
// are not sent: a list may have thousands of names.
const tries = 20

// lookUp asks Graph for both names of each row, which have one of them at least. It
// takes all of the needed rows. Of the others it takes no more than that the tenant has
// them: whatever else keeps one from being looked up is a doubt.
func (c *Checked) lookUp(ctx context.Context, runner *batch.Runner, needed, others []input.User) ([]input.User, error) {
	rows := append(needed[:len(needed):len(needed)], others...)
	if len(rows) == 0 {
		return nil, nil
	}
	found := make([]input.User, 0, len(rows))
	failed := make(map[int]error) // by row
	denied := 0
	asked := 0
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
		switch {
		case err == nil:
			found = append(found, u)
		case status(err) == 403:
			denied++
			fallthrough
		default:
			failed[i] = err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking up protected users: %w", err)
	}
	refused := &ResolveError{}
	for i, u := range rows {
		err, bad := failed[i]
		switch {
		case i >= asked:
			c.doubt("", u) // as those before
		case !bad:
		case status(err) == 404:
			refused.Unknown = true
			refused.add(u, err, fmt.Sprintf("protected user %s is not in the tenant: %s",
				batch.Printable(u.ID+u.UPN), batch.Printable(err.Error())))
		case i >= len(needed):
			c.doubt(batch.Printable(err.Error()), u)
		default:
			refused.Denied = refused.Denied || status(err) == 403
			refused.add(u, err, fmt.Sprintf("protected user %s cannot be looked up: %s",
				batch.Printable(u.ID+u.UPN), batch.Printable(err.Error())))
		}
	}
	if refused.Count > 0 {
		return nil, refused
	}
	return found, nil
}

// status is that of Graph's answer, 0 if there was none.
func status(err error) int {
	answer, ok := errors.AsType[*batch.StatusError](err)
	if !ok {
		return 0
	}
	return answer.Status
}

// rehearse counts as not checked whom no pair names.
func (c *Checked) rehearse(users []input.User, pairs iter.Seq2[input.Pair, error], why string) error {
	c.Unchecked, c.First, c.Why = 0, nil, ""
	if len(users) == 0 {
		return nil
	}
	named := make(map[string]bool, 2*len(users))
	for _, u := range users {
		named[fold(u.ID)], named[fold(u.UPN)] = false, false
	}
	for p, err := range pairs {
		if err != nil {
			return err
		}
		if _, is := named[fold(p.User)]; is && p.Err == nil {
			named[fold(p.User)] = true
		}
	}
	for _, u := range users {
		if !(u.ID != "" && named[fold(u.ID)] || u.UPN != "" && named[fold(u.UPN)]) {
			c.doubt(why, u)
		}
	}
	return nil
}
