package run

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// sampleSize is how many passes the confirmation shows.
const sampleSize = 5

// typedAbove is the largest number of passes that "y" confirms. Above it, the person types the number,
// because a number must be read before it can be typed.
const typedAbove = 100

// A question holds what a person must know to confirm a run.
type question struct {
	passes, anyPass, own int
	users                int // users whose passes are deleted, or whose sessions are revoked
	verify, verifyUsers  int // passes, and users whose sessions, an earlier run completed but did not verify
	sample               []revoke.Item
	signOuts             int                     // users of whom only the sessions are revoked
	signOutSample        []input.Pair            // some of them
	completed            int                     // rows that an earlier run has completed
	leftOut              map[results.Outcome]int // rows that have this outcome at once
	unread               bool                    // some items could not be read, so more may be left to do
}

// needless reports whether the run will delete no pass and revoke no sessions.
func (q *question) needless() bool { return !q.unread && q.passes+q.users == 0 }

// question counts what is left to do of the items.
func (r *run) question(items revoke.Items) *question {
	q := &question{leftOut: make(map[results.Outcome]int)}
	opts := revoke.Options{Protected: r.isProtected, Earlier: r.earlier}
	// By hash, because a list may have a million users.
	seed, users := maphash.MakeSeed(), make(map[uint64]userTask)
	for item, err := range items {
		if err != nil {
			q.unread = true // the run will report the error
			return q
		}
		pair := &item.Pair
		outcome, completed := opts.AtOnce(&item)
		d, isDelete := r.earlier.Unconfirmed(pair), false
		switch {
		case completed:
			q.completed++
		case outcome != "":
			q.leftOut[outcome]++
			continue
		case item.OnlySessions:
		case d != nil && !d.Intended():
			q.verify++
		default:
			isDelete = true
			q.passes++
			if r.isSelf(pair.User) {
				q.own++
			}
			if item.Method == "" {
				q.anyPass++
			}
			if len(q.sample) < sampleSize {
				q.sample = append(q.sample, item)
			}
		}
		user := strings.ToLower(pair.User)
		id := maphash.String(seed, user)
		users[id] = max(users[id], r.taskFor(pair, user, isDelete))
	}
	q.countUsers(users)
	for item := range items { // a later row may have changed the task of a user
		if len(q.signOutSample) == min(q.signOuts, sampleSize) {
			break
		}
		if id := maphash.String(seed, strings.ToLower(item.User)); users[id] == signsOut {
			q.signOutSample = append(q.signOutSample, item.Pair)
			users[id] = noTask
		}
	}
	return q
}

// A userTask is what a run does for a user. Of several pairs of a user, the greatest counts.
type userTask uint8

const (
	noTask   userTask = iota
	verifies          // sessions that an earlier run revoked
	signsOut          // revokes only the sessions
	deletes           // a pass, and revokes the sessions if the run revokes any
)

func (q *question) countUsers(users map[uint64]userTask) {
	n := make(map[userTask]int)
	for _, task := range users {
		n[task]++
	}
	q.users, q.signOuts, q.verifyUsers = n[deletes]+n[signsOut], n[signsOut], n[verifies]
}

// taskFor returns what the run does for the user of a pair. isDelete is set if it deletes the pass of the pair.
func (r *run) taskFor(pair *input.Pair, user string, isDelete bool) userTask {
	switch {
	case isDelete:
		return deletes
	case !r.header.Sessions, pair.Err != nil, r.isProtected(pair.User, pair.UPN):
		return noTask
	case r.earlier.SessionsUnconfirmed(user) != nil:
		return verifies
	case r.earlier.SessionsCompleted(user):
		return noTask
	}
	return signsOut
}

// confirm shows what the run is about to do and asks. It returns an error if the answer is not yes.
func (r *run) confirm(ctx context.Context, q *question) error {
	if r.runner != nil {
		r.tenant.LearnDomain(ctx, r.runner)
	}
	r.printQuestion(q)
	c := r.console
	c.Drain()
	want := []string{"y", "yes"}
	if n := max(q.passes, q.users); n > typedAbove {
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

func (r *run) printQuestion(q *question) {
	w, users := r.console.Err, format.Plural(q.users, "user", "users")
	what := passes(q.passes) + " of " + users
	if r.header.Sessions {
		what = passes(q.passes) + " and revoke the sessions of " + users
	}
	fmt.Fprintf(w, "About to delete %s. This cannot be undone.\n", what)
	fmt.Fprintf(w, "Tenant: %s\nGraph: %s\n", r.tenant.Name(), r.tenant.Root)
	fmt.Fprintf(w, "Signed in as: %s\n", format.OrUnknown(r.tenant.Token.Who))
	for i := range q.sample {
		item := &q.sample[i]
		method := item.Method
		if method == "" || r.header.AnyPass {
			method = "ANY Temporary Access Pass of the user"
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s  %s  %s", person(&item.Pair),
			safetext.Printable(method), item.Reason), " "))
	}
	left := nonZero(count{q.leftOut[results.Protected], "of protected users"},
		count{q.completed, "completed by an earlier run"}, count{q.leftOut[results.Duplicate], "named twice"},
		count{q.leftOut[results.Invalid], "invalid"})
	more, warning := q.passes-len(q.sample), r.protectedUsers.Warning()
	printIf(more > 0, w, "  and ", strconv.Itoa(more), " more")
	for i := range q.signOutSample {
		fmt.Fprintf(w, "  %s  only the sessions\n", person(&q.signOutSample[i]))
	}
	more = q.signOuts - len(q.signOutSample)
	printIf(more > 0, w, "  and only the sessions of ", format.Plural(more, "more user", "more users"))
	var verify []string
	if q.verify > 0 {
		verify = append(verify, passes(q.verify))
	}
	if q.verifyUsers > 0 {
		verify = append(verify, "the sessions of "+format.Plural(q.verifyUsers, "user", "users"))
	}
	printIf(len(verify) > 0, w, "Earlier runs completed ", strings.Join(verify, " and "), ", which are only verified.")
	printIf(len(r.opts.Variables) > 0, w,
		"Flags set by environment variables: ", strings.Join(r.opts.Variables, ", "), ".")
	printIf(q.own > 0, w, "These passes include ", strconv.Itoa(q.own), " of your own.")
	printIf(q.anyPass > 0, w, format.Plural(q.anyPass, "row has", "rows have"),
		" no pass ID: ANY Temporary Access Pass of the user will be deleted.")
	printIf(len(left) > 0, w, "Rows left out: ", strings.Join(left, ", "), ".")
	printIf(warning != "", w, warning, ".")
}

// person returns the user of a pair for display. Both names would not fit in one line with the pass.
func person(pair *input.Pair) string { return safetext.Printable(cmp.Or(pair.UPN, pair.User)) }
