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
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// sampleSize is how many passes are shown before a person says yes.
const sampleSize = 5

// typedAbove is the number of passes from which "y" is not enough: a number has
// to be read to be typed.
const typedAbove = 100

// A question is what a run is about to do, as a person has to know it.
type question struct {
	passes, users, anyPass, own            int
	sessions                               int // users whose sessions are revoked
	sample                                 []input.Pair
	protected, completed, repeats, invalid int
	done, shielded                         int // as the list itself says
}

// question goes through the list once more, for what is left of it.
func (r *run) question() (q question) {
	q.done, q.shielded = r.list.Stats().Done, r.list.Stats().Protected
	users := make(map[uint64]struct{}) // hashes: a list may have a million
	seed := maphash.MakeSeed()
	for pair, err := range r.list.Pairs() {
		switch {
		case err != nil:
			return q // the run will meet it too, and say so
		case r.earlier.Completed(&pair):
			q.completed++
		case pair.Err != nil:
			q.invalid++
		case r.protected(pair.User), pair.UPN != "" && r.protected(pair.UPN):
			q.protected++
		case pair.FirstOf != nil:
			q.repeats++
		default:
			q.passes++
			user := strings.ToLower(pair.User)
			if r.isSelf(user) { // by whatever name
				user = input.Me
				q.own++
			}
			users[maphash.String(seed, user)] = struct{}{}
			if pair.Method == "" {
				q.anyPass++
			}
			if len(q.sample) < sampleSize {
				q.sample = append(q.sample, pair)
			}
		}
	}
	q.users = len(users)
	if r.header.Sessions {
		q.sessions = r.countSessionUsers()
	}
	return q
}

// confirm shows what is about to happen and asks. The error says that nobody agreed.
func (r *run) confirm(ctx context.Context, q *question) error {
	if r.runner != nil {
		r.tenant.LearnDomain(ctx, r.runner)
	}
	r.printQuestion(q)
	c := r.console
	c.Drain()
	want := []string{"y", "yes"}
	if n := max(q.passes, q.sessions); n > typedAbove {
		want = []string{strconv.Itoa(n)}
		fmt.Fprintf(c.Err, "Type %s to confirm: ", want[0])
	} else {
		fmt.Fprint(c.Err, "Continue? [y/N] ")
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
		return status.Interrupted(ctx)
	}
	return status.Refuse(errors.New("not confirmed: nothing was deleted"))
}

// ask shows what was found and asks.
func (s *sweepRun) ask(ctx context.Context, found []*scan.Found) error {
	s.console.Display().Stop()
	q := question{passes: len(found), users: len(found)}
	if s.o.Sessions {
		q.sessions = s.countSessionUsers(found)
	}
	seen := make(map[pass.Reason]int)
	for _, f := range found {
		seen[f.Why]++
		if len(q.sample) < sampleSize {
			q.sample = append(q.sample, input.Pair{User: f.User, UPN: f.UPN, Method: f.ID})
		}
	}
	fmt.Fprintf(s.console.Err, "Found: %s.\n", byReason(seen))
	return s.confirm(ctx, &q)
}

// what says what the run is about to delete. The parts are joined by "and".
func (q *question) what() string {
	parts := []string{passes(q.passes) + " of " + format.Plural(q.users, "user", "users")}
	if q.sessions > 0 {
		parts = []string{passes(q.passes), "revoke the sessions of " + format.Plural(q.sessions, "user", "users")}
	}
	return strings.Join(parts, " and ")
}

// printQuestion shows what is about to happen.
func (r *run) printQuestion(q *question) {
	w := r.console.Err
	fmt.Fprintf(w, "About to delete %s\n  in tenant %s at %s.\n", q.what(), r.tenant.Name(), r.tenant.Root)
	fmt.Fprintf(w, "Signed in as %s.\n", format.OrUnknown(r.tenant.Token.Who))
	printLines(w, []line{{len(r.opts.Variables) > 0,
		"Flags set by environment variables: " + strings.Join(r.opts.Variables, ", ") + "."}})
	for _, pair := range q.sample {
		method := pair.Method
		if method == "" {
			method = "ANY Temporary Access Pass of the user"
		}
		fmt.Fprintf(w, "  %s  %s\n", person(&pair), safetext.Printable(method))
	}
	if more := q.passes - len(q.sample); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	left := func(n int, what string) line { return line{n > 0, "Left out: " + rows(n) + " " + what + "."} }
	warning := r.protectedUsers.Warning()
	printLines(w, []line{
		{q.own == 1 && q.passes == 1, "It is your own."},
		{q.own == 1 && q.passes > 1, "One of them is your own."},
		{q.own > 1, fmt.Sprintf("%d of them are your own.", q.own)},
		{q.anyPass > 0, format.Plural(q.anyPass, "row names", "rows name") + " no pass ID: ANY Temporary Access Pass " +
			"of " + those(q.anyPass) + " will be deleted."},
		left(q.protected, "of protected users"), left(q.completed, "completed by an earlier run"),
		left(q.done, "done, as the list itself says"), left(q.shielded, "protected, as the list itself says"),
		left(q.repeats, "named twice"), left(q.invalid, "bad"),
		{warning != "", warning + "."},
	})
}

// those names the users of rows that name no pass.
func those(rows int) string {
	if rows == 1 {
		return "that user"
	}
	return "those users"
}

// person returns a pair's user for display: the user principal name if the list has one, and
// the object ID, which identifies the user.
func person(pair *input.Pair) string {
	if pair.UPN == "" {
		return safetext.Printable(pair.User)
	}
	return safetext.Printable(pair.UPN) + " (" + safetext.Printable(pair.User) + ")"
}
