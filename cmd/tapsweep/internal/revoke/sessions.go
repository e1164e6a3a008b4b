package revoke

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

type sessions struct {
	seed   maphash.Seed
	users  map[uint64]*userState // by the hash of the name, because a list may have a million users
	counts Counts                // the totals of the rows about sessions

	calls  int            // the number of calls that are sent and not answered
	queued []*sessionCall // the calls that wait until fewer calls are sent
}

func newSessions() sessions {
	return sessions{seed: maphash.MakeSeed(), users: make(map[uint64]*userState), counts: NewCounts()}
}

// A userState is the state of a user whose sessions the Job revokes.
type userState struct {
	open    int32           // passes without an outcome, and items with OnlySessions that have not begun
	blocked results.Outcome // the outcome of a pass that is not gone, so that the call must not be sent
	deleted bool            // this run has deleted a pass
	decided bool            // the call was sent, or a row says why it was not
}

// A sessionCall is the call that revokes the sessions of a user, and their verification.
type sessionCall struct {
	key  string
	then func(*Job, *sessionCall, batch.Result)
	row  results.Row // the row, as far as it is known

	guest, unread bool // the user is a guest; the verification failed

	verification verification
}

// SessionName returns the name of a user in rows about sessions. For the signed-in user, whose names are self, and
// for users in names it is the object ID. For all others it is the name on the list.
func SessionName(self []string, names map[string]string, user string) string {
	user = cmp.Or(names[strings.ToLower(user)], user)
	if user != input.Me && input.IsAmong(user, self) {
		if i := slices.IndexFunc(self, input.IsGUID); i >= 0 {
			return self[i]
		}
	}
	return user
}

func (j *Job) sessionName(user string) string { return SessionName(j.opts.Self, j.opts.Names, user) }

// stateOf returns the state of the user of a pair, nil if the pair has nothing to do with sessions.
func (j *Job) stateOf(pair *input.Pair) *userState {
	if !j.opts.Sessions || pair.FirstOf != nil || pair.User == "" || j.opts.isProtected(pair) {
		return nil
	}
	id := maphash.String(j.sessions.seed, j.key(j.sessionName(pair.User)))
	u := j.sessions.users[id]
	if u == nil {
		u = new(userState)
		j.sessions.users[id] = u
	}
	return u
}

// Expect announces an item, so that the sessions of its user are not revoked before it is handled. It must be
// called for all items of a user before the first one begins.
func (j *Job) Expect(item *Item) {
	pair := &item.Pair
	u := j.stateOf(pair)
	switch {
	case u == nil:
	case item.OnlySessions:
		u.open++
	case pair.Err != nil:
		u.block(results.Invalid)
	case j.opts.Earlier.Completed(pair):
		u.block(j.opts.Earlier.PassOutcome(pair.User, pair.Method))
	default:
		u.open++
	}
}

// block keeps the sessions from being revoked if a pass of the user has this outcome and is not gone.
func (u *userState) block(o results.Outcome) {
	if u.blocked == "" && !o.FreesSessions() {
		u.blocked = o
	}
}

// dealtWith records the outcome of a pair. deleted is set if this run deleted the pass. After the last pair of a
// user, dealtWith starts to revoke the sessions.
func (j *Job) dealtWith(pair *input.Pair, o results.Outcome, deleted bool) {
	if u := j.stateOf(pair); u != nil {
		u.open--
		u.deleted = u.deleted || deleted
		u.block(o)
		j.startSessions(u, pair)
	}
}

// startOnlySessions handles an item that another item or an earlier run has completed. If all items of its user
// are completed, only the sessions may be left.
func (j *Job) startOnlySessions(item *Item) {
	u := j.stateOf(&item.Pair)
	if u == nil || !item.OnlySessions && item.Err != nil {
		return
	}
	if item.OnlySessions {
		u.open--
	}
	j.startSessions(u, &item.Pair)
}

// startSessions revokes the sessions of a user, or writes a row that says why not, as soon as all passes of the
// user have an outcome. pair is the last pair of the user.
func (j *Job) startSessions(u *userState, pair *input.Pair) {
	if u.open > 0 || u.decided {
		return
	}
	u.decided = true
	user := j.sessionName(pair.User)
	c := &sessionCall{key: j.key(user), row: results.Row{Source: pair.Source, Line: pair.Line, Column: pair.Column,
		User: user, UPN: pair.UPN}}
	if !u.deleted && j.startedBefore(c) {
		return
	}
	j.opts.Earlier.ReopenSessions(c.row.User)
	switch {
	case u.blocked == results.UnknownUser:
		c.row.Outcome = results.UnknownUser
	case u.blocked != "":
		c.row.Outcome = results.NotSent
		c.row.Message = fmt.Sprintf("a pass of the user is %s: the sessions are revoked when it is gone", u.blocked)
	case j.opts.DryRun:
		c.row.Outcome = results.Planned
	default:
		j.callOrQueue(c)
		return
	}
	j.finishSessions(c, c.row)
}

// startedBefore reports whether an earlier run revoked the sessions. It verifies them if the earlier run did not.
func (j *Job) startedBefore(c *sessionCall) bool {
	if d := j.opts.Earlier.SessionsUnconfirmed(c.row.User); d != nil {
		c.row.Outcome, c.row.SentAt = d.Outcome, d.SentAt
		c.row.Status, c.row.Attempts, c.row.RequestID = d.Status, d.Attempts, d.RequestID
		j.verifySessions(c, firstPause)
		return true
	}
	return j.opts.Earlier.SessionsCompleted(c.row.User)
}

// maxCalls is the maximum number of calls that the runner has at once. If it had more while calls are throttled, it
// would take no deletes from the list.
const maxCalls = 1000

// callOrQueue sends the call, or queues it if the runner already has maxCalls. Sending a call twice does no harm.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
func (j *Job) callOrQueue(c *sessionCall) {
	if j.sessions.calls >= maxCalls {
		j.sessions.queued = append(j.sessions.queued, c)
		return
	}
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

// afterCall handles the answer to the call. Graph answers 200 or 204, so each 2xx is a success.
// Source: microsoftgraph/microsoft-graph-docs#12656.
func (j *Job) afterCall(c *sessionCall, res batch.Result) {
	j.sessions.calls--
	if queued := j.sessions.queued; len(queued) > 0 && !res.Stopped() {
		j.sessions.queued = queued[1:]
		j.callOrQueue(queued[0])
	}
	row := c.withUser(answer.RowOfWrite(res))
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
	c.row = row
	c.row.SupersedesPending = results.Revoked
	row.Provisional = true
	j.describeSessions(&row)
	if err := j.Journal(&row); err != nil {
		j.stop(err)
	}
	j.verifySessions(c, firstPause)
}

// withUser returns the row of an answer with the fields that describe the user.
func (c *sessionCall) withUser(row results.Row) results.Row {
	row.Source, row.Line, row.Column = c.row.Source, c.row.Line, c.row.Column
	row.User, row.UPN, row.SentAt = c.row.User, c.row.UPN, c.row.SentAt
	return row
}

// sentAt returns when the last attempt of a request was sent, by the clock of Graph, or a little earlier. Graph
// dates the answer to the whole batch, which is later than the moment when it revoked the sessions.
func sentAt(res batch.Result) time.Time { return res.Date.Add(-res.Took).UTC().Truncate(time.Second) }

func (j *Job) finishSessions(c *sessionCall, row results.Row) {
	j.describeSessions(&row)
	counts := &j.sessions.counts
	j.writeRow(counts, &row)
	if c.guest {
		counts.Guests++
	}
	if c.unread {
		counts.Unverified++
	}
}

// describeSessions sets the fields that all rows about sessions have.
func (j *Job) describeSessions(row *results.Row) {
	row.Action, row.Time = results.RevokeSessions, time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.SessionsHint()
	}
}

// flush writes the rows of the calls that were still queued when the run was stopped.
func (j *Job) flush() {
	queued := j.sessions.queued
	j.sessions.queued = nil
	for _, c := range queued {
		c.row.Outcome, c.row.Message = results.NotSent, batch.ErrNotSent.Error()
		j.finishSessions(c, c.row)
	}
}
