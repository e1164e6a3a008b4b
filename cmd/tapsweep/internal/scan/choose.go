package scan

import (
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/passes"
)

// wanted tells whether a pass is one that is looked for. now is the service's time.
func (s *Scan) wanted(p *passes.Pass, why passes.Reason, t target, now time.Time) bool {
	if len(s.opts.Reasons) > 0 && !slices.Contains(s.opts.Reasons, why) {
		return false
	}
	switch {
	case s.opts.MinAge > 0 && (p.Created.IsZero() || now.Sub(p.Created) < s.opts.MinAge):
		s.counts.Recent++
	case s.opts.ExpiredFor > 0 && why == passes.Expired && (p.Expires().IsZero() || now.Sub(p.Expires()) < s.opts.ExpiredFor):
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

// before tells whether a pass surely is older than since. In doubt it is not: who
// looks for an intruder's passes wants to see it.
func before(p *passes.Pass, since time.Time) bool {
	return !since.IsZero() && !p.Created.IsZero() && p.Created.Before(since)
}
