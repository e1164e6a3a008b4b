package results

import (
	"errors"
	"maps"
	"slices"
)

// sessionMeanings say what an outcome means for the sessions of a user.
var sessionMeanings = map[Outcome]string{
	Revoked:     "the sessions were revoked",
	Planned:     "dry run: the sessions would be revoked",
	Remains:     "Graph still accepts sign-ins from before the call; it has to be sent again",
	UnknownUser: "no such user in this tenant; check the name, or use the object id",
	Denied:      "Graph answers 403",
	Rejected:    "Graph refuses the request itself; the message is in the results log",
	Failed:      "every attempt failed; try again later",
	Unknown:     "sent, and no answer came; another run sends it again",
	NotSent:     "a pass of the user is not gone, or the run stopped; another run sends it",
}

// SessionMeaning is Meaning for a row about the sessions of a user.
func (o Outcome) SessionMeaning() string { return sessionMeanings[o] }

// ErrSessions says that a run which leaves sessions alone must not resume the log of one that revokes
// them: their users would be forgotten.
var ErrSessions = errors.New("the run of the log revokes sessions also: add --revoke-sessions")

// FreesSessions reports whether a pass with this outcome lets the sessions of its user be revoked: the
// pass is gone, or a dry run would delete it.
func (o Outcome) FreesSessions() bool {
	return o == Revoked || o == Absent || o == Replaced || o == Planned
}

// sessionsFollow reports whether the row is of a pass that is gone, so that a run may revoke the sessions
// of its user.
func (r *Row) sessionsFollow() bool {
	return r.Action == "" && r.Outcome.FreesSessions() && r.User != "" && (r.Method != "" || !r.FromScan())
}

// callsAfter reports whether the row is of a pass after which the sessions of the user are revoked: by the
// run, a sweep, or by the one that resumes it with the flag. With --verify, that is the row before the
// pass is verified.
func (r *Run) callsAfter(row *Row, resumed bool) bool {
	return (r.Sessions || resumed) && row.FromScan() && row.Method != "" && row.Outcome.FreesSessions() &&
		row.Outcome != Planned && (row.Provisional || !r.Verify || row.Outcome == Replaced)
}

// noteSessions keeps who is left to have the sessions revoked. id is the key of the row.
func (e *ResumeState) noteSessions(id uint64, r *Row) {
	switch {
	case r.Action == "" && e.run.callsAfter(r, e.next.Sessions):
		user := e.state.key(sessionsKey(r.User))
		delete(e.state.words, user)
		e.wanted[user] = clone(r)
	case r.Action == "":
	case !r.Outcome.Retryable():
		delete(e.wanted, id)
	case r.FromScan():
		e.wanted[id] = clone(r)
	}
}

// SessionsCompleted reports whether the sessions of a user need no further call.
func (e *ResumeState) SessionsCompleted(user string) bool {
	return e.state.words[e.state.key(sessionsKey(user))].has(completed)
}

// SessionsUnconfirmed returns the row about the sessions of a user that an earlier run has revoked,
// and that are to be verified. It is nil if there are none.
func (e *ResumeState) SessionsUnconfirmed(user string) *Row {
	return e.unconfirmed[e.state.key(sessionsKey(user))]
}

// ReopenSessions says that the sessions of a user are revoked once more.
func (e *ResumeState) ReopenSessions(user string) {
	delete(e.state.words, e.state.key(sessionsKey(user)))
}

// SessionsWanted returns rows of the users whose passes scans have found and whose sessions are
// left to be revoked, or to be verified, in no order.
func (e *ResumeState) SessionsWanted() []*Row {
	return slices.AppendSeq(e.unconfirmedOf(RevokeSessions), maps.Values(e.wanted))
}
