package revoke

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Sessions say what is known of the users before a Job revokes their sessions.
type Sessions struct {
	// Before is what earlier runs on the log have done. Nil is nothing.
	Before *results.ResumeState

	// Name returns the name under which a user has a row. Nil returns the name as it is.
	Name func(user string) string

	// Names sends, once, the object ids of users who are on the list by id and by user principal
	// name, by that name in lower case. Until then no sessions are revoked. FinishSessions waits
	// for it. Nil means that each user has one name.
	Names <-chan map[string]string
}

// sessions are what a Job knows of the sessions of users.
type sessions struct {
	seed    maphash.Seed
	users   map[uint64]*sessionUser // by hash of the name: a list may have a million
	counted sessionRows

	unnamed bool              // Sessions.Names has sent nothing yet
	names   map[string]string // what it has sent
	waiting []input.Pair      // the last pairs of users who wait for it

	calls  int            // that are sent and not answered
	queued []*sessionCall // that wait until there are fewer calls
}

func newSessions(opts *Sessions) sessions {
	return sessions{seed: maphash.MakeSeed(), users: make(map[uint64]*sessionUser), counted: make(sessionRows),
		unnamed: opts != nil && opts.Names != nil}
}

// A sessionUser is what a Job knows of a user whose sessions it revokes.
type sessionUser struct {
	open    int32       // passes without an outcome, and items with OnlySessions that are not begun
	blocks  []passBlock // passes that keep the call from being sent
	deleted bool        // a pass was deleted since the last call
	calling bool        // the call has begun, and has no last row
	written *sessionTally
}

// A passBlock is a pass that keeps the sessions of its user from being revoked.
type passBlock struct {
	pass    uint64 // hash of its id
	outcome results.Outcome
}

// blockedBy returns the outcome of the first pass that keeps the call from being sent, empty if none
// does.
func (u *sessionUser) blockedBy() results.Outcome {
	if len(u.blocks) == 0 {
		return ""
	}
	return u.blocks[0].outcome
}

// passIs takes in the outcome of a pass of the user, in place of an earlier outcome of that pass.
func (j *Job) passIs(u *sessionUser, method string, o results.Outcome) {
	id := maphash.String(j.sessions.seed, strings.ToLower(method))
	u.blocks = slices.DeleteFunc(u.blocks, func(b passBlock) bool { return b.pass == id })
	if !o.FreesSessions() {
		u.blocks = append(u.blocks, passBlock{id, o})
	}
}

// invalidPass stands for the id of a pass that a list does not name well.
const invalidPass = "invalid"

// listedPasses stands for the id of a pass that a scan may have missed, because it could not list the
// passes of the user.
const listedPasses = "listed"

// sessionName returns the name under which the user of a pair has a row about sessions.
func (j *Job) sessionName(user string) string {
	if id, ok := j.sessions.names[strings.ToLower(user)]; ok {
		user = id
	}
	if j.opts.Sessions == nil || j.opts.Sessions.Name == nil {
		return user
	}
	return j.opts.Sessions.Name(user)
}

func (j *Job) sessionID(user string) uint64 {
	return maphash.String(j.sessions.seed, j.key(j.sessionName(user)))
}

func (j *Job) sessionUser(user string) *sessionUser {
	id := j.sessionID(user)
	u := j.sessions.users[id]
	if u == nil {
		u = new(sessionUser)
		j.sessions.users[id] = u
	}
	return u
}

// nameUsers takes in which users have two names, and begins the sessions that have waited for that.
func (j *Job) nameUsers(names map[string]string) {
	byName := make(map[string]*sessionUser)
	for name := range names {
		id := j.sessionID(name)
		byName[name] = j.sessions.users[id]
		delete(j.sessions.users, id)
	}
	j.sessions.unnamed, j.sessions.names = false, names
	for name, u := range byName {
		if u == nil {
			continue
		}
		one := j.sessionUser(name)
		one.open += u.open
		one.blocks = append(one.blocks, u.blocks...)
		one.deleted = one.deleted || u.deleted
	}
	waiting := j.sessions.waiting
	j.sessions.waiting = nil
	for i := range waiting {
		j.startSessions(j.sessionUser(waiting[i].User), &waiting[i])
	}
}

// FinishSessions revokes the sessions that have waited for Sessions.Names. It is called after the last
// Run. If ctx has ended, the rows say that nothing was sent.
func (j *Job) FinishSessions(ctx context.Context) error {
	if !j.sessions.unnamed {
		return nil
	}
	return j.run(ctx, func(yield func(batch.Request) bool) {
		var names map[string]string
		select {
		case names = <-j.opts.Sessions.Names:
		case <-ctx.Done():
		}
		j.nameUsers(names)
		for _, req := range j.takeFollowUps() {
			if !yield(req) {
				return
			}
		}
	})
}

// Expect says that an item will be begun, so that the sessions of its user are revoked after it. It is
// called for each item before the first one of the same user is begun.
func (j *Job) Expect(item *Item) {
	pair := &item.Pair
	if !j.revokesSessionsAfter(pair) {
		return
	}
	u := j.sessionUser(pair.User)
	before := j.opts.Sessions.Before
	switch {
	case item.OnlySessions:
		u.open++
	case pair.Err != nil:
		j.passIs(u, invalidPass, results.Invalid)
	case before.Settled(pair):
		j.passIs(u, pair.Method, before.PassOutcome(pair.User, pair.Method))
	default:
		u.open++
	}
}

// revokesSessionsAfter reports whether a pair counts for the sessions of its user.
func (j *Job) revokesSessionsAfter(pair *input.Pair) bool {
	return j.opts.Sessions != nil && pair.FirstOf == nil && pair.User != "" &&
		!j.protects(pair)
}

// protects reports whether the user of a pair must not be touched.
func (j *Job) protects(pair *input.Pair) bool {
	p := j.opts.Protected
	return p != nil && (p(pair.User) || pair.UPN != "" && p(pair.UPN))
}

// dealtWith takes in the outcome of a pair of this run. After the last pair of a user the sessions
// are revoked.
func (j *Job) dealtWith(s *pairState, o results.Outcome) {
	if s.stage != stageNone && s.pair.Err == nil {
		j.dealWith(s, o, o == results.Revoked)
	}
}

// dealtWithBefore is dealtWith for a pair that an earlier run has dealt with, and that this one only
// verifies.
func (j *Job) dealtWithBefore(s *pairState, o results.Outcome) { j.dealWith(s, o, false) }

func (j *Job) dealWith(s *pairState, o results.Outcome, deleted bool) {
	if s.dealtWith || !j.revokesSessionsAfter(&s.pair) {
		return
	}
	s.dealtWith = true
	u := j.sessionUser(s.pair.User)
	u.open--
	u.deleted = u.deleted || deleted
	j.passIs(u, s.pair.Method, o)
	j.startSessions(u, &s.pair)
}

// notListed says that a scan could not list the passes of a user, so one that an earlier run has not
// deleted may be there.
func (j *Job) notListed(row *results.Row) {
	if pair := (&input.Pair{User: row.User}); row.Method == "" && !row.Outcome.Done() && j.revokesSessionsAfter(pair) {
		j.passIs(j.sessionUser(row.User), listedPasses, row.Outcome)
	}
}

// settledBefore takes in a pair that an earlier run has completed. If all pairs of its user are, only
// the sessions may be left.
func (j *Job) settledBefore(pair *input.Pair) {
	if pair.Err == nil && j.revokesSessionsAfter(pair) {
		j.startSessions(j.sessionUser(pair.User), pair)
	}
}

// startOnlySessions begins the sessions of a user whose passes were dealt with before.
func (j *Job) startOnlySessions(item *Item) {
	if j.revokesSessionsAfter(&item.Pair) {
		u := j.sessionUser(item.User)
		u.open--
		j.startSessions(u, &item.Pair)
	}
}

// reopen says that another pass of the pair's user is deleted after all.
func (j *Job) reopen(s *pairState) {
	if s.dealtWith {
		s.dealtWith = false
		j.sessionUser(s.pair.User).open++
	}
}

// A sessionRow is what is counted of the last row about the sessions of a user.
type sessionRow struct {
	outcome, before         results.Outcome
	code, hint              string
	verified, guest, unread bool
}

// A sessionTally is how many users have such a row. Few rows differ in what is counted, so it takes
// little memory to know which one to take back.
type sessionTally struct {
	sessionRow
	users int
}

// sessionRows are the tallies by what they count.
type sessionRows map[sessionRow]*sessionTally

// add counts a row.
func (rows sessionRows) add(row *results.Row, c *sessionCall) *sessionTally {
	key := sessionRow{row.Outcome, c.before, "", "", row.Verified, c.guest, c.unread}
	if row.Outcome.Left() && len(rows) < maxCauses {
		key.code, key.hint = cause(row), row.Hint
	}
	if rows[key] == nil {
		rows[key] = &sessionTally{sessionRow: key}
	}
	rows[key].users++
	return rows[key]
}

// remove takes a row back that another one supersedes. The tally may be nil.
func (t *sessionTally) remove() {
	if t != nil {
		t.users--
	}
}

// counts returns the Counts of the last row of each user.
func (rows sessionRows) counts() *Counts {
	counts := NewCounts()
	for _, t := range rows {
		if t.users == 0 {
			continue
		}
		row := results.Row{Outcome: t.outcome, Code: t.code, Hint: t.hint, Verified: t.verified}
		counts.rows(&row, t.before, t.users)
		if t.guest {
			counts.Guests += t.users
		}
		if t.unread {
			counts.Unverified += t.users
		}
	}
	return &counts
}
