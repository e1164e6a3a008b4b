package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
	"tapsweep/internal/safetext"
)

// sampleSize is how many pairs are shown before a person says yes.
const sampleSize = 5

// typedAbove is the number of pairs from which "y" is not enough: a number has
// to be read to be typed.
const typedAbove = 100

// canAsk tells whether somebody is there to confirm.
func (a *app) canAsk(lists []string) bool {
	return isTerminal(a.stdin) && isTerminal(a.stderr) && !slices.Contains(lists, "-")
}

// plan is what a run is about to do, as a person has to know it.
type plan struct {
	passes, users, anyPass, own          int
	sample                               []input.Pair
	protected, settled, repeats, invalid int
	done, shielded                       int // as the list itself says
}

// plan goes through the list once more, for what is left of it.
func (r *runOf) plan() (p plan) {
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

// confirm shows what is about to happen and asks.
func (a *app) confirm(ctx context.Context, r *runOf) error {
	p := r.plan()
	return a.confirmPlan(ctx, r, &p)
}

func (a *app) confirmPlan(ctx context.Context, r *runOf, p *plan) error {
	fmt.Fprintf(a.stderr, "About to revoke %s of %s in tenant %s at %s.\n",
		format.Plural(p.passes, "pass", "passes"), format.Plural(p.users, "user", "users"), format.OrUnknown(r.tenant.id), r.tenant.root)
	fmt.Fprintf(a.stderr, "Signed in as %s.\n", format.OrUnknown(r.tenant.token.Who))
	if len(a.variables) > 0 {
		fmt.Fprintf(a.stderr, "Flags by the environment: %s.\n", strings.Join(a.variables, ", "))
	}
	for _, pair := range p.sample {
		method := pair.Method
		if method == "" {
			method = "ANY Temporary Access Pass of the user"
		}
		fmt.Fprintf(a.stderr, "  %s  %s\n", person(&pair), safetext.Printable(method))
	}
	if more := p.passes - len(p.sample); more > 0 {
		fmt.Fprintf(a.stderr, "  and %d more\n", more)
	}
	switch {
	case p.own == 1 && p.passes == 1:
		fmt.Fprintln(a.stderr, "It is your own.")
	case p.own == 1:
		fmt.Fprintln(a.stderr, "One of them is your own.")
	case p.own > 1:
		fmt.Fprintf(a.stderr, "%d of them are your own.\n", p.own)
	}
	if p.anyPass > 0 {
		users := "these users"
		if p.anyPass == 1 {
			users = "this user"
		}
		fmt.Fprintf(a.stderr, "%s no pass: ANY Temporary Access Pass of %s will be deleted.\n",
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
			fmt.Fprintf(a.stderr, "Left out: %d %s.\n", left.n, left.what)
		}
	}
	if doubt := r.keep.Doubt(); doubt != "" {
		fmt.Fprintf(a.stderr, "%s.\n", doubt)
	}
	a.drain()
	want := []string{"y", "yes"}
	if p.passes > typedAbove {
		want = []string{strconv.Itoa(p.passes)}
		fmt.Fprintf(a.stderr, "Type %s to go on: ", want[0])
	} else {
		fmt.Fprint(a.stderr, "Go on? [y/N] ")
	}
	typed := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
		typed <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-typed:
		if slices.Contains(want, answer) {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return interrupted(ctx)
	}
	return status.Refuse(errors.New("not confirmed, nothing was sent"))
}

// person returns a pair's user for display: the user principal name if the list has one, and
// the object ID, which identifies the user.
func person(pair *input.Pair) string {
	if pair.UPN == "" {
		return safetext.Printable(pair.User)
	}
	return safetext.Printable(pair.UPN) + " (" + safetext.Printable(pair.User) + ")"
}
