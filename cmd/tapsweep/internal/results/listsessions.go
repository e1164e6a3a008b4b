package results

import (
	"strings"

	"tapsweep/input"
)

// listSessions is what logs that are lists say of the sessions of users whose passes are gone. The
// zero value is ready to use.
type listSessions struct {
	users []*listUser          // in the order of the logs
	at    map[string]*listUser // by name in lower case
	wants bool                 // the run that is being read revokes sessions
}

// A listUser is a user of a log whose pass is gone, or whose sessions have a row.
type listUser struct {
	pair    input.Pair // without a pass
	gone    bool       // a pass of the user is gone
	wanted  bool       // a run was to revoke the sessions
	revoked bool       // it did, or there is no such user
}

// add takes in a line of the log with that name. all says to keep also users whose sessions no run
// was to revoke.
func (s *listSessions) add(log string, rec *Record, all bool) {
	r := rec.Row
	switch {
	case rec.Run != nil:
		s.wants = rec.Run.Sessions && !rec.Run.DryRun
	case r == nil || r.User == "" || r.User == input.Me:
	case rec.Kind == KindSessions && r.Outcome != Planned:
		u := s.user(log, rec)
		u.wanted, u.revoked = true, r.Outcome == Revoked || r.Outcome == UnknownUser
	case rec.Kind == KindRow && r.sessionsFollow() && r.Outcome != Planned && (all || s.wants):
		u := s.user(log, rec)
		u.gone, u.wanted = true, u.wanted || s.wants
	}
}

// user returns what is known of the user of a row.
func (s *listSessions) user(log string, rec *Record) *listUser {
	name := strings.ToLower(rec.Row.User)
	u := s.at[name]
	if u == nil {
		if s.at == nil {
			s.at = make(map[string]*listUser)
		}
		u = &listUser{pair: input.Pair{Source: log, Line: rec.Line, User: rec.Row.User}}
		s.at[name], s.users = u, append(s.users, u)
	}
	if rec.Row.UPN != "" {
		u.pair.UPN = rec.Row.UPN
	}
	return u
}

// SessionsLeft returns the users whose passes are gone, as logs say, and whose sessions no run
// has revoked. The pairs name no pass.
func (l *Lists) SessionsLeft() (pairs []input.Pair) {
	for _, u := range l.left.users {
		if u.gone && !u.revoked {
			pairs = append(pairs, u.pair)
		}
	}
	return pairs
}

// SessionsMissed returns how many users have sessions that a run was to revoke and did not.
func (l *Lists) SessionsMissed() (n int) {
	for _, u := range l.left.users {
		if u.wanted && !u.revoked {
			n++
		}
	}
	return n
}
