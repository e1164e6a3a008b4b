package scan

import (
	"cmp"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
)

// A making is what a record shows about a created pass.
type making struct {
	input.Creation
	theirs     bool      // Audit.By is the creator, or is empty
	id         string    // the ID of the pass; empty if the record has none
	start, end time.Time // the start and end of the pass; zero if the record has none
}

// recordSlack is the maximum difference between the time of a pass and the time of its record.
const recordSlack = 5 * time.Minute

// near reports whether a pass was created close to the time of the record, or at an unknown time.
func (m *making) near(p *pass.Pass) bool {
	return p.Created.IsZero() || p.Created.Sub(m.At).Abs() <= recordSlack
}

// fits reports whether the record may be about a pass, although it does not have the ID of the pass. A record with
// another ID must also have the start and end of the pass.
func (m *making) fits(p *pass.Pass) bool {
	return m.near(p) && (m.id == "" || sameTime(m.start, p.Start) && sameTime(m.end, p.Expires()))
}

// sameTime reports whether two times differ by less than a second, because a record has whole seconds. It also
// returns true if one of them is not known.
func sameTime(a, b time.Time) bool { return a.IsZero() || b.IsZero() || a.Sub(b).Abs() < time.Second }

// recordOf returns the record about a pass: the record with its ID, else the nearest one in time that fits. It
// returns nil if there is none. older is set if the pass is older than all records of its user.
func (f *auditFindings) recordOf(user string, p *pass.Pass) (nearest *making, older bool) {
	older = !p.Created.IsZero()
	records := f.records[strings.ToLower(user)]
	for i := range records {
		m := &records[i]
		if strings.EqualFold(m.id, p.ID) {
			f.idsArePassIDs = true
			return m, false
		}
		older = older && p.Created.Before(m.At.Add(-recordSlack))
		if m.fits(p) && (nearest == nil || p.Created.Sub(m.At).Abs() < p.Created.Sub(nearest.At).Abs()) {
			nearest = m
		}
	}
	return nearest, older
}

// A waiting pass has the dates of a record by Audit.By, but another ID. Microsoft does not document whether records
// have the IDs of passes. So tapsweep decides about these passes after all users have been listed.
type waiting struct {
	*Found
	now    time.Time // the time of the service
	record *making
}

// decide takes or leaves out the waiting passes, after all users have been listed. If a LIST showed any pass under the
// ID in its record, the records have the IDs of passes. Then the waiting passes are other passes and are left out.
func (s *scanner) decide() {
	for _, w := range s.audit.waiting {
		known := !w.record.start.IsZero() && !w.record.end.IsZero() && !w.Expires().IsZero()
		found := false
		if known && !s.audit.idsArePassIDs {
			s.audit.counts.There++
			found = s.take(w.Found, w.now)
		} else {
			w.Creation = input.Creation{}
			found = s.unlisted(w.Found, w.now)
		}
		if !found {
			s.sinks.Done(w.User)
		}
	}
}

// attribute takes the pass if Audit.By created it. It also returns true for a pass that decide judges later.
func (s *scanner) attribute(f *Found, now time.Time) (found bool) {
	m, older := s.audit.recordOf(f.User, &f.Pass)
	if m != nil {
		f.Creation = m.Creation
		if strings.EqualFold(m.id, f.ID) {
			f.Creation.Match = input.MatchID
		}
	}
	switch {
	case m == nil && older:
		s.counts.Older++
		s.gone(f.User, f.UPN)
		return false
	case m == nil || !m.theirs:
		return s.unlisted(f, now)
	case m.id != "" && f.Creation.Match != input.MatchID:
		s.audit.waiting = append(s.audit.waiting, waiting{f, now, m})
		return true
	}
	s.audit.counts.There++
	return s.take(f, now)
}

// unlisted leaves out a pass without a record by Audit.By. If the scan looks for passes of any creator, it takes the
// pass, but without a creator.
func (s *scanner) unlisted(f *Found, now time.Time) (found bool) {
	if len(s.audit.by) == 0 {
		f.Creation = input.Creation{Match: input.MatchTime}
		return s.take(f, now)
	}
	u := Unlisted{User: f.User, UPN: f.UPN, At: f.Created, By: f.Creation.By}
	for _, m := range s.audit.records[strings.ToLower(f.User)] {
		if !m.theirs {
			continue
		}
		if m.At.After(u.Made) {
			u.Made = m.At
		}
		u.Doubtful = u.Doubtful || u.By == "" && m.near(&f.Pass)
	}
	if s.audit.counts.Unlisted.add(u); u.Doubtful {
		s.audit.counts.Doubtful++
	} else {
		s.gone(f.User, f.UPN)
	}
	return false
}

// The reasons of passes that are known only from the audit log.
const (
	Gone       pass.Reason = "gone"        // a LIST no longer shows the pass
	NotScanned pass.Reason = "not scanned" // the passes of the user could not be listed
)

func (s *scanner) gone(user, upn string) { s.tellOf(user, upn, Gone, s.opts.OnGone) }

// tellOf calls tell with the last pass of a user that Audit.By created. The pass needs the ID in the record, because
// a row without an ID would mean any pass of the user. tell may be nil.
func (s *scanner) tellOf(user, upn string, reason pass.Reason, tell func(*Found)) {
	if tell == nil {
		return
	}
	var last *making
	records := s.audit.records[strings.ToLower(user)]
	for i := range records {
		if m := &records[i]; m.theirs && m.id != "" && (last == nil || m.At.After(last.At)) {
			last = m
		}
	}
	if last == nil {
		s.audit.counts.NoID.add(cmp.Or(upn, user))
		return
	}
	f := &Found{User: user, UPN: upn, Pass: pass.Pass{ID: last.id, Start: last.start}, Reason: reason,
		Creation: last.Creation}
	f.Match = ""
	tell(f)
}
