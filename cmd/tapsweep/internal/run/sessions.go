package run

import (
	"fmt"
	"io"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// withSessions adds what sessions need of the token.
func (g *Guards) withSessions(task token.Task) token.Task {
	task.Sessions, task.SessionProof = g.Sessions, g.Sessions && g.Verify > 0
	return task
}

// sessionName returns the name under which a user has a row about sessions.
func (r *run) sessionName(user string) string { return revoke.SessionName(r.tenant.Token.Self, user) }

// expectSessions announces everybody to the job, which so knows the last one of each user.
func (r *run) expectSessions() error {
	for item, err := range r.everyItem() {
		if err != nil {
			return err
		}
		r.job.Expect(&item)
	}
	return nil
}

// sessionsLeft are the users whose passes earlier runs have deleted, or have begun to delete, and
// whose sessions are left.
func (s *sweepRun) sessionsLeft() (items []revoke.Item) {
	if !s.o.Sessions || s.o.DryRun {
		return nil
	}
	rows := append(s.earlier.SessionsWanted(), s.earlier.AllUnconfirmed()...)
	seen := make(map[string]bool)
	for _, row := range rows {
		if user := strings.ToLower(row.User); !seen[user] {
			seen[user] = true
			pair := input.Pair{Source: row.Source, User: row.User, UPN: row.UPN}
			items = append(items, revoke.Item{Pair: pair, OnlySessions: true})
		}
	}
	return items
}

// items yields what the list names, and then the users whose passes are gone, as the lists say, and
// whose sessions are left. Only the users for which these is true count.
func (r *run) items(these func(user string) bool) revoke.Items {
	return func(yield func(revoke.Item, error) bool) {
		for pair, err := range r.list.Pairs() {
			if (err != nil || these(pair.User)) && !yield(revoke.Item{Pair: pair}, err) {
				return
			}
		}
		for _, pair := range r.doneBefore {
			if these(pair.User) && !yield(revoke.Item{Pair: pair, OnlySessions: true}, nil) {
				return
			}
		}
	}
}

// everyItem yields the items of all users.
func (r *run) everyItem() revoke.Items { return r.items(func(string) bool { return true }) }

// showSessions shows a row about sessions in the progress display.
func (r *run) showSessions(row *results.Row) {
	if d := r.console.Display(); d != nil && row.SupersedesPending == "" {
		d.Sessions(row.Outcome)
	}
}

// countSessions returns the counts of this run, and puts those of its whole log into the summary. Both
// are nil without sessions.
func (r *run) countSessions(c *revoke.Counts) *revoke.Counts {
	whole, proven := r.earlier.SessionCounts()
	if len(whole) == 0 && (c == nil || len(c.Before) == 0) {
		return c
	}
	if c == nil { // a verify whose log has them all
		c = new(revoke.NewCounts())
	}
	r.summary.SessionsProvenBefore = proven
	if whole == nil {
		whole = make(map[results.Outcome]int)
	}
	for o, n := range c.Outcomes {
		whole[o] += n
	}
	r.summary.SessionLog = whole
	thisRun := *c
	thisRun.Outcomes = c.ThisRun()
	return &thisRun
}

// everybody yields the pairs of the list, and the users whose passes are gone and whose sessions are left.
func (r *run) everybody() revoke.Source {
	return func(yield func(input.Pair, error) bool) {
		for item, err := range r.everyItem() {
			if !yield(item.Pair, err) {
				return
			}
		}
	}
}

// countSessionUsers returns the number of users on the list whose sessions are left to be revoked.
func (r *run) countSessionUsers() int {
	users := make(map[string]struct{})
	for pair, err := range r.everybody() {
		if err != nil {
			break // the run will meet it too, and say so
		}
		user := r.sessionName(pair.User)
		if pair.Err == nil && !r.protected(pair.User) && (pair.UPN == "" || !r.protected(pair.UPN)) &&
			!r.earlier.SessionsCompleted(user) {
			users[strings.ToLower(user)] = struct{}{}
		}
	}
	return len(users)
}

// countSessionUsers returns the number of users who hold the passes, or whose sessions an earlier run
// has left.
func (s *sweepRun) countSessionUsers(found []*scan.Found) int {
	users := make(map[string]struct{})
	for _, f := range found {
		users[strings.ToLower(s.sessionName(f.User))] = struct{}{}
	}
	for _, it := range s.sessionsLeft() {
		users[strings.ToLower(s.sessionName(it.User))] = struct{}{}
	}
	return len(users)
}

// sessions writes what became of the sessions.
func (s *summary) sessions(w io.Writer) {
	if s.Counts.Sessions == nil {
		return
	}
	fmt.Fprintln(w, "sessions:")
	t := outcomeTable{counts: s.Counts.Sessions, log: s.SessionLog, meaning: results.Outcome.SessionMeaning}
	t.print(w)
	whole := s.whole().Sessions
	printLines(w, []line{
		{whole.Guests > 0, format.Plural(whole.Guests, "user is a guest", "users are guests") +
			", whom the home tenant signs in: only that can end the sessions"},
		{whole.Unverified > 0, fmt.Sprintf("sessions of %s revoked, but not verified; the rows say why",
			format.Plural(whole.Unverified, "user", "users"))},
	})
}

// sessionSentence says how many users' sessions are revoked, in the whole log. It follows the
// sentence about passes, and is empty without sessions and for a dry run, whose sentence has both.
func (s *summary) sessionSentence() string {
	whole := s.whole().Sessions
	if whole == nil || s.Run.DryRun {
		return ""
	}
	n := whole.Outcomes[results.Revoked]
	unchecked := 0 // of a verify, for which another outcome is no answer
	if s.Run.Kind() == "verify" {
		unchecked = whole.Total() - n - whole.Outcomes[results.Remains]
	}
	text := fmt.Sprintf(" The sessions of %d of %s are revoked", n, format.Plural(whole.Total(), "user", "users"))
	if n == whole.Total() {
		text = " The sessions of " + format.Plural(n, "user are", "users are") + " revoked"
	}
	if unchecked > 0 && unchecked == whole.Total() {
		return " The sessions of " + format.Plural(unchecked, "user", "users") + " could not be checked."
	}
	if unchecked > 0 {
		text += fmt.Sprintf(", those of %d could not be checked", unchecked)
	}
	if n := whole.Verified + s.SessionsProvenBefore; s.Run.Verify || s.Run.Kind() == "verify" {
		text += fmt.Sprintf(", %d %s verified", n, are(n))
	}
	return text + "."
}

// sessionsToRepeat returns the number of users for whom a run that resumes has something to do.
func sessionsToRepeat(c *revoke.Counts) (n int) {
	if c == nil {
		return 0
	}
	n = c.Unverified
	for o, k := range c.Outcomes {
		if o.Again() {
			n += k
		}
	}
	return n
}
