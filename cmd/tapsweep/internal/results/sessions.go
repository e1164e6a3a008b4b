package results

import (
	"maps"
	"slices"
)

// sessionMeanings has what an outcome means for the sessions of a user.
var sessionMeanings = map[Outcome]string{
	Revoked:     "the sessions were revoked",
	Planned:     "dry run: the sessions would be revoked",
	Remains:     "Graph still accepts sign-ins from before the call; it has to be sent again",
	UnknownUser: "no such user in this tenant; check the name, or use the object ID",
	Denied:      "Graph answers 403",
	Rejected:    "Graph refuses the request itself; the message is in the results log",
	Failed:      "every attempt failed; try again later",
	Unknown:     "sent, and no answer came; another run sends it again",
	NotSent:     "a pass of the user is not gone, or the run stopped; another run sends it",
	Guest:       meanings[Guest].text,
}

// SessionMeaning is Meaning for rows about sessions.
func (o Outcome) SessionMeaning() string { return sessionMeanings[o] }

// FreesSessions reports whether the sessions of a user may be revoked after a pass has this outcome: the pass is
// gone, or a dry run would delete it.
func (o Outcome) FreesSessions() bool {
	return o == Revoked || o == Absent || o == Replaced || o == Planned
}

// sessionsFollow reports whether the row is about a pass that is gone, so that the sessions of its user may be
// revoked.
func (r *Row) sessionsFollow() bool {
	return r.Action == "" && r.Outcome.FreesSessions() && r.User != "" && (r.Method != "" || !r.FromScan())
}

// callsAfter reports whether this row is the last one before the call that revokes the sessions of the user. With
// --verify that is the provisional row. resumed is set if a run resumes this one with --revoke-sessions.
func (r *Header) callsAfter(row *Row, resumed bool) bool {
	return (r.Sessions || resumed) && row.FromScan() && row.Method != "" && row.Outcome.FreesSessions() &&
		row.Outcome != Planned && (row.Provisional || !r.Verify || row.Outcome == Replaced)
}

// noteSessions keeps the users whose sessions must still be revoked. id is the key of the row.
func (e *ResumeState) noteSessions(id uint64, r *Row) {
	switch {
	case r.Action == "" && e.run.callsAfter(r, e.next.Sessions):
		user := e.state.key(sessionsKey(r.User))
		delete(e.state.words, user)
		e.wanted[user] = new(*r)
	case r.Action == "":
	case !r.Outcome.Retryable():
		delete(e.wanted, id)
	case r.FromScan():
		e.wanted[id] = new(*r)
	}
}

// SessionsCompleted reports whether a resumed run has nothing to do for the sessions of a user.
func (e *ResumeState) SessionsCompleted(user string) bool {
	return e.state.words[e.state.key(sessionsKey(user))].has(completed)
}

// SessionsUnconfirmed returns the row about the sessions of a user if an earlier run revoked them and they must
// still be verified. Otherwise it returns nil.
func (e *ResumeState) SessionsUnconfirmed(user string) *Row {
	return e.unconfirmed[e.state.key(sessionsKey(user))]
}

// ReopenSessions says that the sessions of a user get a further row, which counts in place of the one that an
// earlier run has completed.
func (e *ResumeState) ReopenSessions(user string) {
	id := e.state.key(sessionsKey(user))
	if w := e.state.words[id]; w.has(completed) {
		e.SessionCounts[Outcomes[w.outcome]]--
		if w.has(verified) {
			e.SessionsVerified--
		}
	}
	delete(e.state.words, id)
}

// SessionsWanted returns one row for each user whose passes a scan found and whose sessions must still be revoked
// or verified, in no order.
func (e *ResumeState) SessionsWanted() []*Row {
	return slices.AppendSeq(e.unconfirmedOf(RevokeSessions), maps.Values(e.wanted))
}
