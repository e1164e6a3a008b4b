package scan

import (
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/pass"
)

// wanted reports whether a pass matches the Options, and counts why it does not. now is the
// service's time.
func (s *Scan) wanted(p *pass.Pass, why pass.Reason, t target, now time.Time) bool {
	if len(s.opts.Reasons) > 0 && !slices.Contains(s.opts.Reasons, why) {
		return false
	}
	switch {
	case s.opts.MinAge > 0 && (p.Created.IsZero() || now.Sub(p.Created) < s.opts.MinAge):
		s.counts.Recent++
	case s.opts.ExpiredFor > 0 && why == pass.Expired &&
		(p.Expires().IsZero() || now.Sub(p.Expires()) < s.opts.ExpiredFor):
		s.counts.Recent++
	case before(p, s.opts.CreatedSince), before(p, t.since):
		s.counts.Older++
	case t.replaced(p):
		s.noteReplaced(p, &t)
	default:
		return true
	}
	return false
}

// before reports whether a pass was created before since. A pass without a known time was not:
// a search for an intruder's passes must not miss it.
func before(p *pass.Pass, since time.Time) bool {
	return !since.IsZero() && !p.Created.IsZero() && p.Created.Before(since)
}
