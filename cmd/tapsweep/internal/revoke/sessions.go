package revoke

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Sessions say what is known of the users before a Job revokes their sessions.
type Sessions struct {
	// Before is what earlier runs on the log have done. Nil is nothing.
	Before *results.ResumeState

	// Name returns the name under which a user has a row, so that a user who is on the list under
	// two names has one. Nil returns the name as it is.
	Name func(user string) string
}

// sessions are what a Job knows of the sessions of users.
type sessions struct {
	opts  *Sessions
	seed  maphash.Seed
	users map[uint64]*sessionUser // by hash of the name: a list may have a million

	calls int            // that are sent and not answered
	held  []*sessionCall // that wait until there are fewer calls
}

// maxCalls is how many calls are with the runner at once. More of them would keep it from taking
// deletes from the list while the calls are throttled.
const maxCalls = 1000

// A sessionUser is what a Job knows of a user whose sessions it revokes.
type sessionUser struct {
	open    int32           // passes without an outcome
	blocked results.Outcome // of a pass, which keeps the call from being sent; empty if none does
	deleted bool            // a pass was deleted since the last call
	calling bool            // the call has begun, and has no last row
	written results.Outcome // of the last row, empty before
}

// A sessionCall is the call that revokes the sessions of a user, and the proof that follows.
type sessionCall struct {
	user *sessionUser // nil for a proof without a call
	key  string
	then func(*Job, *sessionCall, batch.Result)
	row  results.Row // what is known of the row

	guest, unread bool // the proof shows a guest, or could not be read

	before      results.Outcome // of an earlier run that has sent the call, empty if this one does
	journaled   results.Outcome // of the row before the proof
	verifySince time.Time
	pause       time.Duration // before the proof is read again
}

func newSessions(opts *Sessions) sessions {
	return sessions{opts: opts, seed: maphash.MakeSeed(), users: make(map[uint64]*sessionUser)}
}

// sessionName returns the name under which the user of a pair has a row about sessions.
func (j *Job) sessionName(user string) string {
	if j.opts.Sessions == nil || j.opts.Sessions.Name == nil {
		return user
	}
	return j.opts.Sessions.Name(user)
}

func (j *Job) sessionUser(user string) *sessionUser {
	id := maphash.String(j.sessions.seed, j.key(j.sessionName(user)))
	u := j.sessions.users[id]
	if u == nil {
		u = new(sessionUser)
		j.sessions.users[id] = u
	}
	return u
}

// Expect says that a pair will be begun, so that the sessions of its user are revoked after it.
// It is called for each pair of a list before the first of them is begun.
func (j *Job) Expect(pair *input.Pair) {
	if !j.revokesSessionsAfter(pair) {
		return
	}
	u := j.sessionUser(pair.User)
	before := j.opts.Sessions.Before
	switch {
	case pair.Err != nil:
		u.block(results.Invalid)
	case before.Settled(pair):
		u.block(before.PassOutcome(pair.User, pair.Method))
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

// block takes in the outcome of a pass. The first that keeps the call from being sent counts.
func (u *sessionUser) block(o results.Outcome) {
	if !o.PassIsDealtWith() && u.blocked == "" {
		u.blocked = o
	}
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
	u.block(o)
	j.startSessions(u, &s.pair)
}

// settledBefore takes in a pair that an earlier run has completed. If all pairs of its user are, only
// the sessions may be left.
func (j *Job) settledBefore(pair *input.Pair) {
	if pair.Err == nil && j.revokesSessionsAfter(pair) {
		j.startSessions(j.sessionUser(pair.User), pair)
	}
}

// startOnlySessions begins the sessions of a user whose passes an earlier run has dealt with. If
// another pass of the user is to be deleted first, that begins them.
func (j *Job) startOnlySessions(item *Item) {
	if j.revokesSessionsAfter(&item.Pair) {
		j.startSessions(j.sessionUser(item.User), &item.Pair)
	}
}

// reopen says that another pass of the pair's user is deleted after all.
func (j *Job) reopen(s *pairState) {
	if s.dealtWith {
		s.dealtWith = false
		j.sessionUser(s.pair.User).open++
	}
}

// startSessions begins the call for a user, unless it has to wait for passes or is not called for.
// pair is the last pair of the user.
func (j *Job) startSessions(u *sessionUser, pair *input.Pair) {
	if u.open > 0 || u.calling || u.written != "" && (!u.deleted || j.opts.DryRun) {
		return
	}
	c := &sessionCall{user: u, row: results.Row{Source: pair.Source, Line: pair.Line, Column: pair.Column,
		User: j.sessionName(pair.User), UPN: pair.UPN}}
	c.key = j.key(c.row.User)
	if !u.deleted && j.startedBefore(c) {
		return
	}
	j.opts.Sessions.Before.ReopenSessions(c.row.User)
	u.calling, u.deleted = true, false
	switch {
	case u.blocked == results.UnknownUser:
		c.row.Outcome = results.UnknownUser
	case u.blocked != "":
		c.row.Outcome = results.NotSent
		c.row.Message = fmt.Sprintf("a pass of the user is %s: the sessions are revoked when it is gone", u.blocked)
	case j.opts.DryRun:
		c.row.Outcome = results.Planned
	case j.sessions.calls >= maxCalls:
		j.sessions.held = append(j.sessions.held, c)
		return
	default:
		j.call(c)
		return
	}
	j.finishSessions(c, c.row)
}

// startedBefore reports whether an earlier run has revoked the sessions. It verifies them if that is
// left to do.
func (j *Job) startedBefore(c *sessionCall) bool {
	before := j.opts.Sessions.Before
	if d := before.SessionsDoubted(c.row.User); d != nil {
		c.user.calling, c.before, c.row.Outcome, c.row.SentAt = true, d.Outcome, d.Outcome, d.SentAt
		c.row.Status, c.row.Attempts, c.row.RequestID = d.Status, d.Attempts, d.RequestID
		j.prove(c, firstPause)
		return true
	}
	return before.SessionsSettled(c.row.User)
}

// call sends the call. It may be sent again, so an attempt without an answer does no harm.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
func (j *Job) call(c *sessionCall) {
	j.sessions.calls++
	c.then = (*Job).afterCall
	j.followUps = append(j.followUps, batch.Request{Method: "POST", URL: pass.SessionsURL(c.row.User),
		Body: json.RawMessage("{}"), Quota: pass.SessionQuota, Key: c.key, Tag: c})
}

func (j *Job) takeFollowUps() []batch.Request {
	next := j.followUps
	j.followUps = nil
	return next
}

// afterCall handles the answer to the call. Graph has answered 200 and 204, so each 2xx is a success.
// Source: microsoftgraph/microsoft-graph-docs#12656.
func (j *Job) afterCall(c *sessionCall, res batch.Result) {
	j.sessions.calls--
	if held := j.sessions.held; len(held) > 0 && !res.Stopped() {
		j.sessions.held = held[1:]
		j.call(held[0])
	}
	row := answer.ToRow(res)
	row.Source, row.Line, row.Column = c.row.Source, c.row.Line, c.row.Column
	row.User, row.UPN = c.row.User, c.row.UPN
	if res.Err == nil && res.Response.Status < 300 {
		row.Outcome, row.SentAt = results.Revoked, sentAt(res)
		if isGuestName(row.User) || isGuestName(row.UPN) {
			c.guest, row.Message = true, hintGuest
		}
	}
	if row.Outcome != results.Revoked || j.opts.Verify <= 0 {
		j.finishSessions(c, row)
		return
	}
	c.row, c.journaled = row, results.Revoked
	row.Provisional = true
	j.completeSessions(&row)
	if err := j.Journal(&row); err != nil {
		j.stop(err)
	}
	j.prove(c, firstPause)
}

// sentAt returns when the last attempt of a request was sent, by Graph's clock, or a little earlier.
// Graph dates the answer to the whole batch, and has revoked the sessions some time before.
func sentAt(res batch.Result) time.Time { return res.Date.Add(-res.Took).UTC().Truncate(time.Second) }

// finishSessions writes the last row about the sessions of a user.
func (j *Job) finishSessions(c *sessionCall, row results.Row) {
	row.SupersedesPending = c.journaled
	j.completeSessions(&row)
	counts := j.sessionCounts()
	counts.Row(&row, c.before)
	if c.guest {
		counts.Guests++
	}
	if c.unread {
		counts.Unverified++
	}
	if err := j.write(&row); err != nil {
		j.stop(err)
	}
	u := c.user
	if u == nil {
		return
	}
	if u.written != "" {
		counts.Outcomes[u.written]-- // that row is superseded
	}
	u.calling, u.written = false, row.Outcome
	if u.deleted { // since the call was sent
		j.startSessions(u, &input.Pair{Source: row.Source, Line: row.Line, Column: row.Column, User: row.User,
			UPN: row.UPN})
	}
}

// sessionCounts returns the counts of the rows about sessions.
func (j *Job) sessionCounts() *Counts {
	if j.counts.Sessions == nil {
		j.counts.Sessions = new(NewCounts())
	}
	return j.counts.Sessions
}

// completeSessions fills in what each row about sessions says.
func (j *Job) completeSessions(row *results.Row) {
	row.Action, row.Time = results.RevokeSessions, time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.SessionsHint()
	}
}

// Flush writes the rows of the calls that a run which was stopped has held back.
func (j *Job) Flush() {
	held := j.sessions.held
	j.sessions.held = nil
	for _, c := range held {
		c.row.Outcome, c.row.Message = results.NotSent, batch.ErrNotSent.Error()
		j.finishSessions(c, c.row)
	}
}
