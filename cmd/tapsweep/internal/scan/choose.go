package scan

import (
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
)

// take passes a pass to the caller, if it matches the Options and was not found before under another name of the
// user. It reports whether it did. Two object IDs are two users, even if their passes have one ID: nothing says that
// the IDs of passes are unique in a tenant.
func (s *scanner) take(f *Found, now time.Time) (found bool) {
	key := s.key(f.ID)
	user, again := s.found[key]
	twoUsers := isID(user) && isID(f.User)
	if again && !twoUsers || !s.wanted(f, now) {
		return false
	}
	s.found[key] = f.User
	s.counts.Found++
	if f.Match == input.MatchTime {
		s.counts.ByTime++
	}
	s.sinks.Found(f)
	return true
}

// wanted reports whether a pass matches the Options, and counts why it does not. now is the time of the service.
func (s *scanner) wanted(f *Found, now time.Time) bool {
	if len(s.opts.Reasons) > 0 && !slices.Contains(s.opts.Reasons, f.Reason) {
		return false
	}
	switch {
	case s.opts.MinAge > 0 && (f.Created.IsZero() || now.Sub(f.Created) < s.opts.MinAge):
		s.counts.Recent++
	case s.opts.ExpiredFor > 0 && f.Reason == pass.Expired &&
		(f.Expires().IsZero() || now.Sub(f.Expires()) < s.opts.ExpiredFor):
		s.counts.Recent++
	case f.Match != input.MatchID && !f.Created.IsZero() && f.Created.Before(s.opts.CreatedSince):
		s.counts.Older++ // a pass without a time is kept, because an intruder may have created it
	default:
		return true
	}
	return false
}
