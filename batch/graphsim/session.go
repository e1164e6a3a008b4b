package graphsim

import "time"

// revokeSessions carries out POST …/revokeSignInSessions. For a guest from another tenant it gives the same
// answer but changes nothing. It is called with mu held, like all functions below.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
func (t *Tenant) revokeSessions(c *call) callAnswer {
	u := c.user
	if u.Privileged || u.KeepsSessions {
		return t.forbidden(c)
	}
	t.stats.Revoked++
	a := jsonAnswer(200, object{"@odata.context": c.root + "/$metadata#Edm.Boolean", "value": true})
	if u.Guest {
		return a
	}
	u.keep().sessions = []time.Time{t.shownSessions(u, c.now), c.now}
	a.done = true
	return a
}

// shownSessions returns the signInSessionsValidFromDateTime that Graph shows at now. It is zero if the
// sessions were never revoked.
func (t *Tenant) shownSessions(u *storedUser, now time.Time) (shown time.Time) {
	if u.state == nil {
		return shown
	}
	for _, at := range u.state.sessions {
		if !at.Add(t.opts.SessionLag).After(now) {
			shown = at
		}
	}
	return shown
}

// SessionsFrom returns when the sessions of a user were last revoked. It is zero if they never were.
func (t *Tenant) SessionsFrom(name string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(name)
	if u == nil || u.state == nil || len(u.state.sessions) == 0 {
		return time.Time{}
	}
	return u.state.sessions[len(u.state.sessions)-1]
}
