package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// sampleSize is how many pairs are shown before a person says yes.
const sampleSize = 5

// typedAbove is the number of pairs from which "y" is not enough: a number has
// to be read to be typed.
const typedAbove = 100

// plan is what a run is about to do, as a person has to know it.
type plan struct {
	passes, users, anyPass, own          int
	sample                               []input.Pair
	protected, settled, repeats, invalid int
	done, shielded                       int // as the list itself says
}

// plan goes through the list once more, for what is left of it.
func (r *run) plan() (p plan) {
	p.done, p.shielded = r.list.Stats().Done, r.list.Stats().Protected
	users := make(map[uint64]struct{}) // hashes: a list may have a million
	seed := maphash.MakeSeed()
	for pair, err := range r.list.Pairs() {
		switch {
		case err != nil:
			return p // the run will meet it too, and say so
		case r.earlier.Settled(&pair):
			p.settled++
		case pair.Err != nil:
			p.invalid++
		case r.protected(pair.User), pair.UPN != "" && r.protected(pair.UPN):
			p.protected++
		case pair.FirstOf != nil:
			p.repeats++
		default:
			p.passes++
			user := strings.ToLower(pair.User)
			if r.isSelf(user) { // by whatever name
				user = input.Me
				p.own++
			}
			users[maphash.String(seed, user)] = struct{}{}
			if pair.Method == "" {
				p.anyPass++
			}
			if len(p.sample) < sampleSize {
				p.sample = append(p.sample, pair)
			}
		}
	}
	p.users = len(users)
	return p
}

// confirm shows what is about to happen and asks. The error says that nobody agreed.
func (r *run) confirm(ctx context.Context, p *plan) error {
	r.printPlan(p)
	c := r.console
	c.Drain()
	want := []string{"y", "yes"}
	if p.passes > typedAbove {
		want = []string{strconv.Itoa(p.passes)}
		fmt.Fprintf(c.Err, "Type %s to go on: ", want[0])
	} else {
		fmt.Fprint(c.Err, "Go on? [y/N] ")
	}
	typed := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(c.In).ReadString('\n')
		typed <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-typed:
		if slices.Contains(want, answer) {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(c.Err)
		return interrupted(ctx)
	}
	return status.Refuse(errors.New("not confirmed, nothing was sent"))
}

// printPlan shows what is about to happen.
func (r *run) printPlan(p *plan) {
	w := r.console.Err
	fmt.Fprintf(w, "About to revoke %s of %s in tenant %s at %s.\n", format.Plural(p.passes, "pass", "passes"),
		format.Plural(p.users, "user", "users"), format.OrUnknown(r.tenant.ID), r.tenant.Root)
	fmt.Fprintf(w, "Signed in as %s.\n", format.OrUnknown(r.tenant.Token.Who))
	if len(r.opts.Variables) > 0 {
		fmt.Fprintf(w, "Flags by the environment: %s.\n", strings.Join(r.opts.Variables, ", "))
	}
	for _, pair := range p.sample {
		method := pair.Method
		if method == "" {
			method = "ANY Temporary Access Pass of the user"
		}
		fmt.Fprintf(w, "  %s  %s\n", person(&pair), safetext.Printable(method))
	}
	if more := p.passes - len(p.sample); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	switch {
	case p.own == 1 && p.passes == 1:
		fmt.Fprintln(w, "It is your own.")
	case p.own == 1:
		fmt.Fprintln(w, "One of them is your own.")
	case p.own > 1:
		fmt.Fprintf(w, "%d of them are your own.\n", p.own)
	}
	if p.anyPass > 0 {
		users := "these users"
		if p.anyPass == 1 {
			users = "this user"
		}
		fmt.Fprintf(w, "%s no pass: ANY Temporary Access Pass of %s will be deleted.\n",
			format.Plural(p.anyPass, "row names", "rows name"), users)
	}
	for _, left := range []struct {
		n    int
		what string
	}{
		{p.protected, "of protected users"}, {p.settled, "settled before"}, {p.done, "done, as the list itself says"},
		{p.shielded, "protected, as the list itself says"},
		{p.repeats, "there twice"}, {p.invalid, "bad rows"},
	} {
		if left.n > 0 {
			fmt.Fprintf(w, "Left out: %d %s.\n", left.n, left.what)
		}
	}
	if warning := r.protectedUsers.Warning(); warning != "" {
		fmt.Fprintf(w, "%s.\n", warning)
	}
}

// person returns a pair's user for display: the user principal name if the list has one, and
// the object ID, which identifies the user.
func person(pair *input.Pair) string {
	if pair.UPN == "" {
		return safetext.Printable(pair.User)
	}
	return safetext.Printable(pair.UPN) + " (" + safetext.Printable(pair.User) + ")"
}
