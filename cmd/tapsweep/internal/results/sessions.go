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
	Rejected:    "Graph refuses the request itself, or that for a pass; the message is in the results log",
	Invalid:     "a row of the user is invalid; fix it and run it again",
	Failed:      "every attempt failed; try again later",
	Unknown:     "no response came; resume to send it again",
	NotSent:     "the user still has a pass, or the run stopped; resume to revoke the sessions",
	Protected:   "on a --protect list since an earlier run; they are kept",
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

// WantsSessions reports whether the run revokes the sessions of the user of a row about a pass. It does not if a scan
// could not list the passes of the user.
func (r *Header) WantsSessions(row *Row) bool {
	return r.Sessions && row.Action == "" && (row.Method != "" || row.User != "" && !row.FromScan()) &&
		!slices.Contains([]Outcome{Duplicate, Invalid, Protected}, row.Outcome)
}

// noteSessions keeps the users whose sessions must still be revoked. id is the key of the row. The sessions of a user
// are not_sent from the first row about a pass of the user, because a run that is killed writes no row about them. Such
// a word lapses with the last row of the user, unless the sessions are wanted.
func (e *ResumeState) noteSessions(id uint64, r *Row) {
	user := e.state.key(sessionsKey(r.User))
	again := r.Action == "" && e.run.callsAfter(r, e.next.Sessions)
	w, known := e.state.words[user]
	if again || (!known || w.has(sessions|lapses)) && e.run.WantsSessions(r) {
		w = word{ref: uint32(len(e.state.last)), outcome: uint8(slices.Index(Outcomes, NotSent)), flags: sessions}
		if _, wanted := e.wanted[user]; !again && !wanted {
			w.flags |= lapses
		}
		e.state.words[user] = w
	}
	switch {
	case again:
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

// SessionsLeft reports whether the sessions of a user are left according to the log, and the run that resumes it has
// no row about them.
func (e *ResumeState) SessionsLeft(user string) bool {
	w, known := e.state.words[e.state.key(sessionsKey(user))]
	return known && Outcomes[w.outcome].Left() && !w.has(replaced)
}

// SessionsUnconfirmed returns the row about the sessions of a user if an earlier run revoked them and they must
// still be verified. Otherwise it returns nil.
func (e *ResumeState) SessionsUnconfirmed(user string) *Row {
	return e.unconfirmed[e.state.key(sessionsKey(user))]
}

// SessionsWanted returns one row for each user whose passes a scan found and whose sessions must still be revoked
// or verified, in no order.
func (e *ResumeState) SessionsWanted() []*Row {
	return slices.AppendSeq(e.unconfirmedOf(RevokeSessions), maps.Values(e.wanted))
}
