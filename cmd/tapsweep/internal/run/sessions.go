package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
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

// sessions returns what the job needs to know to revoke sessions, nil if it is not to. name returns
// the name under which a user has a row, nil if each user has one name.
func (r *run) sessions(wanted bool, name func(string) string) *revoke.Sessions {
	if !wanted {
		return nil
	}
	return &revoke.Sessions{Before: r.earlier, Name: name}
}

// sessionNames are the object ids of users whom a list names by both names, by the user principal
// name in lower case.
type sessionNames map[string]string

// of returns the name under which a user has a row about sessions.
func (n sessionNames) of(user string) string {
	if id, ok := n[strings.ToLower(user)]; ok {
		return id
	}
	return user
}

// expectSessions announces all pairs to the job, which so knows the last one of each user. If a list
// names some users by id and some by name, it finds out who is one user under two names.
func (r *run) expectSessions(ctx context.Context, names sessionNames) error {
	if r.list.Mixed() {
		if err := r.nameUsers(ctx, names); err != nil {
			return err
		}
	}
	for pair, err := range r.list.Pairs() {
		if err != nil {
			return err
		}
		r.job.Expect(&pair)
	}
	return nil
}

// nameUsers fills in the names. A user who cannot be looked up gets a call for each name, which does
// no harm.
func (r *run) nameUsers(ctx context.Context, names sessionNames) error {
	var asked []string
	ids := make(map[string]bool) // on the list, in lower case
	for pair, err := range r.list.Pairs() {
		switch {
		case err != nil:
			return err
		case pair.Err != nil || r.protected(pair.User):
		case !strings.Contains(pair.User, "@"):
			ids[strings.ToLower(pair.User)] = true
			if pair.UPN != "" {
				names[strings.ToLower(pair.UPN)] = pair.User
			}
		case pair.FirstOf == nil && !r.isSelf(pair.User):
			asked = append(asked, pair.User)
		}
	}
	if len(asked) > 0 && !r.mayTryLookUp() {
		r.console.Say("warning: a user who is on the list by id and by name gets two calls that revoke sessions: "+
			"the token lacks %s", lookUpPermission)
		return nil
	}
	return r.runner.Run(ctx, lookUps(asked, names), func(res batch.Result) []batch.Request {
		r.job.Sent(res)
		var user struct {
			ID string `json:"id"`
		}
		if res.Err == nil && res.Response.Status == 200 && json.Unmarshal(res.Response.Body, &user) == nil &&
			ids[strings.ToLower(user.ID)] {
			names[strings.ToLower(res.Request.Tag.(string))] = user.ID
		}
		return nil
	})
}

// lookUps yields a request for the id of each user whose id is not known.
func lookUps(users []string, names sessionNames) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		seen := make(map[string]bool)
		for _, user := range users {
			key := strings.ToLower(user)
			if _, known := names[key]; known || seen[key] {
				continue
			}
			seen[key] = true
			if !yield(batch.Request{Method: "GET", URL: pass.UserURL(user) + "?$select=id", Quota: pass.ProofQuota,
				Tag: user}) {
				return
			}
		}
	}
}

// wantedSessions are the users whose passes earlier runs have deleted, and whose sessions are left.
func (s *sweepRun) wantedSessions() (items []revoke.Item) {
	if !s.o.Sessions {
		return nil
	}
	for _, row := range s.earlier.SessionsWanted() {
		pair := input.Pair{Source: row.Source, User: row.User, UPN: row.UPN}
		items = append(items, revoke.Item{Pair: pair, OnlySessions: true})
	}
	return items
}

// showSessions shows a row about sessions in the progress display.
func (r *run) showSessions(row *results.Row) {
	if d := r.console.Display(); d != nil && row.SupersedesPending == "" {
		d.Sessions(row.Outcome)
	}
}

// countSessions returns the counts of this run, and puts those of its whole log into the summary. c
// is nil without sessions.
func (r *run) countSessions(c *revoke.Counts) *revoke.Counts {
	whole, proven := r.earlier.SessionCounts()
	if c == nil || len(whole)+len(c.Before) == 0 {
		return c
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

// countSessionUsers returns the number of users on the list whose sessions are left to be revoked.
func (r *run) countSessionUsers() int {
	users := make(map[string]struct{})
	for pair, err := range r.list.Pairs() {
		if err != nil {
			break // the run will meet it too, and say so
		}
		if pair.Err == nil && !r.protected(pair.User) && (pair.UPN == "" || !r.protected(pair.UPN)) &&
			!r.earlier.SessionsSettled(pair.User) {
			users[strings.ToLower(pair.User)] = struct{}{}
		}
	}
	return len(users)
}

// countUsers returns the number of users who hold the passes.
func countUsers(found []*scan.Found) int {
	users := make(map[string]struct{})
	for _, f := range found {
		users[strings.ToLower(f.User)] = struct{}{}
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
	text := fmt.Sprintf(" The sessions of %d of %s are revoked", n, format.Plural(whole.Total(), "user", "users"))
	if n == whole.Total() {
		text = " The sessions of " + format.Plural(n, "user are", "users are") + " revoked"
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
