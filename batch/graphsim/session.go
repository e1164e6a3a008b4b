package graphsim

import (
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// revokeSessions carries out POST …/revokeSignInSessions. For a guest it answers the same, and changes
// nothing. Called with mu held, like all below.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
func (t *Tenant) revokeSessions(c *call, u *storedUser, now time.Time) callAnswer {
	if u.Privileged || u.KeepsSessions {
		return t.forbidden(c)
	}
	t.stats.Revoked++
	a := jsonAnswer(200, map[string]any{"@odata.context": c.root + "/$metadata#Edm.Boolean", "value": true})
	if u.Guest {
		return a
	}
	s, shown := u.keep(), time.Time{}
	for _, at := range s.sessions {
		if !at.Add(t.opts.SessionLag).After(now) {
			shown = at
		}
	}
	s.sessions, s.sessionLag = append(s.sessions[:0:0], shown, now), t.opts.SessionLag
	a.done = true
	return a
}

// sessionsFrom returns since when sign-ins of the user count, as Graph shows it at now, or null if
// the sessions were never revoked.
func (u *storedUser) sessionsFrom(now time.Time) any {
	var shown time.Time
	if u.state != nil {
		for _, at := range u.state.sessions {
			if !at.Add(u.state.sessionLag).After(now) {
				shown = at
			}
		}
	}
	if shown.IsZero() {
		return wire.Null
	}
	return shown.UTC().Format(time.RFC3339)
}

// SessionsFrom returns when the sessions of a user were last revoked, zero if they never were.
func (t *Tenant) SessionsFrom(name string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(name)
	if u == nil || u.state == nil || len(u.state.sessions) == 0 {
		return time.Time{}
	}
	return u.state.sessions[len(u.state.sessions)-1]
}
