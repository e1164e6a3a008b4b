package scan

import (
	"cmp"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/input"
)

// A making is what a record says about a created pass.
type making struct {
	input.Creation
	theirs     bool      // Audit.By is the creator, or is empty
	id         string    // of the pass; empty if the record has none
	start, end time.Time // of the pass; zero if the record has none
}

// recordSlack is the maximum difference between the time of a pass and the time of its record.
const recordSlack = 5 * time.Minute

// fits reports whether a pass may be the one that the record is about, although the record does
// not name its id. A record with another id must also have the start and end of the pass.
func (m *making) fits(p *pass.Pass) bool {
	return m.near(p) && (m.id == "" || sameTime(m.start, p.Start) && sameTime(m.end, p.Expires()))
}

// near reports whether a pass was created about when the record was written, or at an unknown time.
func (m *making) near(p *pass.Pass) bool {
	return p.Created.IsZero() || p.Created.Sub(m.At).Abs() <= recordSlack
}

// sameTime reports whether two times differ by less than a second, or one of them is not known.
// A record has whole seconds.
func sameTime(a, b time.Time) bool { return a.IsZero() || b.IsZero() || a.Sub(b).Abs() < time.Second }

// A verdict says what is known about the creator of a listed pass.
type verdict int

const (
	notTheirs verdict = iota // a record names another creator, or no record is about the pass
	tooOld                   // the pass is older than each record of its user
	theirs                   // a record of Audit.By is about the pass
	undecided                // a record of Audit.By has the dates of the pass, and another id
)

// judge returns the verdict on a pass, and the record that may be about it or nil.
func (f *auditFindings) judge(user string, p *pass.Pass) (verdict, *making) {
	var nearest *making
	old := !p.Created.IsZero()
	records := f.records[strings.ToLower(user)]
	for i := range records {
		m := &records[i]
		if strings.EqualFold(m.id, p.ID) {
			f.proven, m.Match, nearest = true, input.MatchID, m
			break
		}
		old = old && p.Created.Before(m.At.Add(-recordSlack))
		if m.fits(p) && (nearest == nil || p.Created.Sub(m.At).Abs() < p.Created.Sub(nearest.At).Abs()) {
			nearest = m
		}
	}
	switch {
	case nearest == nil && old:
		return tooOld, nil
	case nearest == nil || !nearest.theirs:
		return notTheirs, nearest
	case nearest.id != "" && nearest.Match != input.MatchID:
		return undecided, nearest
	}
	return theirs, nearest
}

// A waiting pass is undecided. Whether the ids in records are those of passes is not documented,
// so such passes wait until all users have been listed. If one pass was listed under the id in
// its record, the ids are those of passes, and this one is another pass.
type waiting struct {
	*Found
	now    time.Time // of the service
	record *making
}

// attribute passes a listed pass on if Audit.By created it. found is also true if that is
// undecided: decide follows.
func (s *Scan) attribute(f *Found, now time.Time) (found bool) {
	v, m := s.audit.judge(f.User, &f.Pass)
	if m != nil {
		f.Creation = m.Creation
	}
	switch v {
	case undecided:
		s.audit.waiting = append(s.audit.waiting, waiting{f, now, m})
		return true
	case theirs:
		s.audit.counts.There++
		return s.take(f, now)
	case tooOld:
		s.counts.Older++
		s.gone(f.User, f.UPN)
		return false
	}
	return s.unlisted(f, now, false)
}

// unlisted leaves out a pass that no record of Audit.By is about. If anybody's passes are looked
// for, it takes the pass and names no creator.
func (s *Scan) unlisted(f *Found, now time.Time, doubtful bool) (found bool) {
	if len(s.audit.by) == 0 {
		f.Creation = input.Creation{Match: input.MatchTime}
		return s.take(f, now)
	}
	u := Unlisted{User: f.User, UPN: f.UPN, At: f.Created, By: f.Creation.By, Doubtful: doubtful}
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

// Gone is the reason of a pass that a LIST does not show any more.
const Gone pass.Reason = "gone"

// gone hands the last pass of a user that Audit.By created to OnGone. It has the id in the record: without
// an id the row would mean any pass of the user.
func (s *Scan) gone(user, upn string) {
	if s.opts.OnGone == nil {
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
	s.audit.counts.OnList++
	f := &Found{User: user, UPN: upn, Pass: pass.Pass{ID: last.id, Start: last.start}, Why: Gone,
		Creation: last.Creation}
	f.Match = ""
	s.opts.OnGone(f)
}

// decide takes the passes that wait or leaves them out, once all users have been listed.
func (s *Scan) decide() {
	if s.audit == nil || !s.audit.ended || s.open+len(s.queue)+len(s.held) > 0 {
		return
	}
	all := s.audit.waiting
	s.audit.waiting = nil
	for _, w := range all {
		known := !w.record.start.IsZero() && !w.record.end.IsZero() && !w.Expires().IsZero()
		var found bool
		if known && !s.audit.proven {
			s.audit.counts.There++
			found = s.take(w.Found, w.now)
		} else {
			w.Creation = input.Creation{}
			found = s.unlisted(w.Found, w.now, !s.audit.proven)
		}
		if !found && s.sinks.Done != nil {
			s.sinks.Done(w.User)
		}
	}
}
