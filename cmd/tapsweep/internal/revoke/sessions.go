package revoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
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

	calls  int        // the number of calls that are sent and not answered
	queued []*subject // the calls that wait for a free slot, see maxCalls
}

// A userState is the state of a user whose sessions the Job revokes.
type userState struct {
	open    int32           // passes without an outcome, and items with OnlySessions that have not begun
	blocked results.Outcome // the outcome of a pass that is not gone, so that the call must not be sent
	deleted bool            // this run has deleted a pass
	decided bool            // the call was sent, or a row says why it was not
}

// sessionsOf returns the subject of the rows about the sessions of a user. pair is the last pair of the user.
func sessionsOf(pair *input.Pair) *subject {
	return &subject{action: results.RevokeSessions, upn: pair.UPN,
		pair: input.Pair{Source: pair.Source, Line: pair.Line, Column: pair.Column, User: pair.User}}
}

// countsOf returns the totals of the rows with an action.
func (j *Job) countsOf(action results.Action) *Counts {
	if action == results.RevokeSessions {
		return &j.sessions.counts
	}
	return &j.counts
}

// stateOf returns the state of the user of a pair, nil if the pair has nothing to do with sessions.
func (j *Job) stateOf(pair *input.Pair) *userState {
	if !j.opts.Sessions || pair.FirstOf != nil || pair.User == "" || j.opts.Protected(pair.User, pair.UPN) {
		return nil
	}
	id := maphash.String(j.sessions.seed, strings.ToLower(pair.User))
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
	s := sessionsOf(pair)
	if !u.deleted && j.startedBefore(s) {
		return
	}
	var row results.Row
	switch {
	case u.blocked == results.UnknownUser:
		row.Outcome = results.UnknownUser
	case u.blocked != "":
		row.Message = fmt.Sprintf("a pass of the user is %s: the sessions are revoked when it is gone", u.blocked)
		if row.Outcome = u.blocked; u.blocked.Retryable() {
			row.Outcome = results.NotSent
		}
	case j.opts.DryRun && s.isGuest():
		row.Outcome = results.Guest
	case j.opts.DryRun:
		row.Outcome = results.Planned
	default:
		j.callOrQueue(s)
		return
	}
	j.writeLastRow(s, row)
}

// startedBefore reports whether an earlier run revoked the sessions. It verifies them if the earlier run did not. If
// the time of the call is not known, it returns false: only another call can be verified.
func (j *Job) startedBefore(s *subject) bool {
	d := j.opts.Earlier.SessionsUnconfirmed(s.pair.User)
	if d == nil || d.SentAt.IsZero() {
		return j.opts.Earlier.SessionsCompleted(s.pair.User)
	}
	j.verify(s, results.Row{Outcome: d.Outcome, SentAt: d.SentAt, Status: d.Status, Attempts: d.Attempts,
		RequestID: d.RequestID})
	return true
}

// maxCalls is the maximum number of calls that the runner has at once. If it had more while calls are throttled, it
// would take no deletes from the list.
const maxCalls = 1000

// callOrQueue sends the call, or queues it if the runner already has maxCalls. Sending a call twice does no harm.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
func (j *Job) callOrQueue(s *subject) {
	if j.sessions.calls >= maxCalls {
		j.sessions.queued = append(j.sessions.queued, s)
		return
	}
	j.sessions.calls++
	j.send(batch.Request{Method: "POST", URL: pass.SessionsURL(s.pair.User), Body: json.RawMessage("{}"),
		Quota: pass.SessionQuota, Key: strings.ToLower(s.pair.User)}, func(res batch.Result) { j.afterCall(s, res) })
}

// afterCall handles the answer to the call. Graph answers 200 or 204, so each 2xx is a success, unless its body says
// that the value is false. Sources: microsoftgraph/microsoft-graph-docs#12656;
// learn.microsoft.com/graph/api/user-revokesigninsessions.
func (j *Job) afterCall(s *subject, res batch.Result) {
	j.sessions.calls--
	if queued := j.sessions.queued; len(queued) > 0 && !res.Stopped() {
		j.sessions.queued = queued[1:]
		j.callOrQueue(queued[0])
	}
	row := answer.RowOfWrite(res)
	if res.Err != nil || res.Response.Status >= 300 {
		j.writeLastRow(s, row)
		return
	}
	revoked := struct{ Value bool }{true}
	_ = json.Unmarshal(res.Response.Body, &revoked) // without a value that is a boolean, it stays true
	if !revoked.Value {
		row.Outcome = results.Failed
		row.Message = fmt.Sprintf("Graph answered %d with the value false: the sessions are not revoked", row.Status)
		j.writeLastRow(s, row)
		return
	}
	row.Outcome = results.Revoked
	var doubt error
	if row.SentAt, doubt = sentAt(res); doubt != nil {
		row.Message = notVerified + ": " + doubt.Error()
	}
	switch {
	case s.isGuest():
		row.Outcome, row.Message = results.Guest, hintGuest
		j.writeLastRow(s, row)
	case j.opts.Verify <= 0:
		j.writeLastRow(s, row)
	case doubt != nil:
		j.sessions.counts.Unverified++
		j.writeLastRow(s, row)
	default:
		j.verify(s, j.journal(s, row))
	}
}

// hintGuest is the message of rows about the sessions of a guest. The call succeeds and changes nothing.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
var hintGuest = results.Guest.SessionMeaning()

// isGuest reports whether a name of the user shows that it is a guest from another tenant.
func (s *subject) isGuest() bool { return isGuestName(s.pair.User) || isGuestName(s.upn) }

// isGuestName reports whether a user principal name belongs to a guest from another tenant.
// Source: learn.microsoft.com/entra/external-id/user-properties.
func isGuestName(name string) bool { return strings.Contains(strings.ToUpper(name), "#EXT#@") }

// maxSkew is how far the clocks of Graph and of this computer may be apart. Entra allows five minutes for tokens.
const maxSkew = 5 * time.Minute

// sentAt returns when the last attempt of a request was sent, by the clock of Graph, or a little earlier. Graph
// dates the answer to the whole batch, which is later than the moment when it revoked the sessions. A time that is much
// too early would prove sessions that an older call revoked, so sentAt returns an error if the two clocks disagree.
func sentAt(res batch.Result) (time.Time, error) {
	if !res.Dated {
		return time.Time{}, errors.New("the answer of Graph to the call has no Date to compare with")
	}
	if skew := res.Replied.Sub(res.Date).Round(time.Second); skew.Abs() > maxSkew {
		return time.Time{}, fmt.Errorf("the answer of Graph to the call is dated %s, which differs by %v from the "+
			"clock of this computer: one of them is wrong", res.Date.UTC().Format(time.RFC3339), skew.Abs())
	}
	return res.Date.Add(-res.Took).UTC().Truncate(time.Second), nil
}

// flush writes the rows of the calls that were still queued when the run was stopped.
func (j *Job) flush() {
	queued := j.sessions.queued
	j.sessions.queued = nil
	for _, s := range queued {
		j.writeLastRow(s, results.Row{Outcome: results.NotSent, Message: batch.ErrNotSent.Error()})
	}
}
