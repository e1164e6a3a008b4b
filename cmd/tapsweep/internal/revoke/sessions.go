package revoke

import (
	"encoding/json"
	"fmt"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// maxCalls is how many calls are with the runner at once. More of them would keep it from taking
// deletes from the list while the calls are throttled.
const maxCalls = 1000

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

// startSessions decides what becomes of the sessions of a user, and is the one place that does. It
// decides once the user has a single name and no pass without an outcome, and decides again only if
// that changes. pair is the last pair of the user.
func (j *Job) startSessions(u *sessionUser, pair *input.Pair) {
	if u.open > 0 || u.calling {
		return
	}
	if j.sessions.unnamed {
		j.sessions.waiting = append(j.sessions.waiting, *pair)
		return
	}
	blocked := u.blockedBy()
	if u.written != nil && (j.opts.DryRun || !u.deleted && (blocked != "" || u.written.outcome != results.NotSent)) {
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
	case blocked == results.UnknownUser:
		c.row.Outcome = results.UnknownUser
	case blocked != "":
		c.row.Outcome = results.NotSent
		c.row.Message = fmt.Sprintf("a pass of the user is %s: the sessions are revoked when it is gone", blocked)
	case j.opts.DryRun:
		c.row.Outcome = results.Planned
	default:
		j.callOrQueue(c)
		return
	}
	j.finishSessions(c, c.row)
}

// callOrQueue sends the call, or queues it while maxCalls are with the runner.
func (j *Job) callOrQueue(c *sessionCall) {
	if j.sessions.calls >= maxCalls {
		j.sessions.queued = append(j.sessions.queued, c)
		return
	}
	j.call(c)
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
	if j.sessions.unnamed {
		select {
		case names := <-j.opts.Sessions.Names:
			j.nameUsers(names)
		default:
		}
	}
	next := j.followUps
	j.followUps = nil
	return next
}

// afterCall handles the answer to the call. Graph has answered 200 and 204, so each 2xx is a success.
// Source: microsoftgraph/microsoft-graph-docs#12656.
func (j *Job) afterCall(c *sessionCall, res batch.Result) {
	j.sessions.calls--
	if queued := j.sessions.queued; len(queued) > 0 && !res.Stopped() {
		j.sessions.queued = queued[1:]
		j.call(queued[0])
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
	written := j.sessions.counted.add(&row, c)
	if err := j.write(&row); err != nil {
		j.stop(err)
	}
	u := c.user
	if u == nil {
		return
	}
	u.written.remove() // that row is superseded
	u.calling, u.written = false, written
	if u.deleted { // since the call was sent
		j.startSessions(u, &input.Pair{Source: row.Source, Line: row.Line, Column: row.Column, User: row.User,
			UPN: row.UPN})
	}
}

// completeSessions fills in what each row about sessions says.
func (j *Job) completeSessions(row *results.Row) {
	row.Action, row.Time = results.RevokeSessions, time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.SessionsHint()
	}
}

// Flush writes the rows of the calls that were still queued when the run was stopped.
func (j *Job) Flush() {
	queued := j.sessions.queued
	j.sessions.queued = nil
	for _, c := range queued {
		c.row.Outcome, c.row.Message = results.NotSent, batch.ErrNotSent.Error()
		j.finishSessions(c, c.row)
	}
}
