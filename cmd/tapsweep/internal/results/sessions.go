package results

import (
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

// A SessionsError says that a run which leaves sessions alone must not resume the log of one that
// revokes them: their users would be forgotten.
type SessionsError struct {
	Run *Run // the last one in the log that revokes sessions
}

func (e *SessionsError) Error() string {
	return "the run of the log revokes sessions also: add --revoke-sessions"
}

// sessionState is what a log says of the sessions of users.
type sessionState struct {
	words  map[uint64]sessionWord // of users who need no further call
	doubts map[uint64]*Row        // revoked and not verified, and to be verified

	// wanted are rows of passes that a scan has found and that are gone, by the key of the user's
	// sessions, of runs that were to revoke the sessions and have no row that says they did.
	wanted map[uint64]*Row
}

// A sessionWord is the last row about the sessions of a user, if no further call is needed.
type sessionWord struct {
	outcome  uint8 // an index into Outcomes
	verified bool
}

func newSessionState() sessionState {
	return sessionState{make(map[uint64]sessionWord), make(map[uint64]*Row), make(map[uint64]*Row)}
}

// row takes in a row about sessions. A row of a run that is over says nothing of the next one.
func (s *sessionState) row(id uint64, r *Row, verify, over bool) {
	delete(s.words, id)
	delete(s.doubts, id)
	switch {
	case r.Outcome.Again():
		if r.FromScan() {
			s.want(id, r)
		}
		return
	case r.Outcome == Revoked && verify && !r.Verified && !r.NoProof:
		s.doubts[id] = clone(r)
	case !over:
		s.words[id] = sessionWord{uint8(slices.Index(Outcomes, r.Outcome)), r.Verified}
	}
	delete(s.wanted, id)
}

// want takes in a pass of the user that was dealt with.
func (s *sessionState) want(id uint64, r *Row) {
	delete(s.words, id)
	s.wanted[id] = clone(r)
}

func clone(r *Row) *Row {
	row := *r
	row.Provisional = false
	return &row
}

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

// SessionsCompleted reports whether the sessions of a user need no further call.
func (e *ResumeState) SessionsCompleted(user string) bool {
	if e == nil {
		return false
	}
	_, settled := e.sessions.words[e.state.key(sessionsKey(user))]
	return settled
}

// SessionsUnconfirmed returns the row about the sessions of a user that an earlier run has revoked,
// and that are to be verified. It is nil if there are none.
func (e *ResumeState) SessionsUnconfirmed(user string) *Row {
	if e == nil {
		return nil
	}
	return e.sessions.doubts[e.state.key(sessionsKey(user))]
}

// ReopenSessions says that the sessions of a user are revoked once more.
func (e *ResumeState) ReopenSessions(user string) {
	if e != nil {
		delete(e.sessions.words, e.state.key(sessionsKey(user)))
	}
}

// SessionsWanted returns rows of the users whose passes scans have found and whose sessions are
// left to be revoked, or to be verified, in no order.
func (e *ResumeState) SessionsWanted() []*Row {
	if e == nil {
		return nil
	}
	return slices.AppendSeq(slices.Collect(maps.Values(e.sessions.wanted)), maps.Values(e.sessions.doubts))
}

// PassOutcome returns the outcome of a completed pair, see Completed.
func (e *ResumeState) PassOutcome(user, method string) Outcome {
	if e == nil {
		return ""
	}
	w, ok := e.state.words[e.state.key(PassKey(user, method))]
	switch o := Outcomes[w.outcome]; {
	case !ok || !w.has(settled):
		return ""
	case o == Remains: // another pass, in place of the one that the list names
		return Replaced
	default:
		return o
	}
}

// SessionCounts returns the users whose sessions need no further call, by outcome, and how many of them are
// verified.
func (e *ResumeState) SessionCounts() (counts map[Outcome]int, proven int) {
	if e == nil {
		return nil, 0
	}
	counts = make(map[Outcome]int)
	for _, w := range e.sessions.words {
		counts[Outcomes[w.outcome]]++
		if w.verified {
			proven++
		}
	}
	return counts, proven
}
