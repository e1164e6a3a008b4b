package progress

import (
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

const (
	// rateWindow is the time over which a bar measures the present rate.
	rateWindow = 5 * time.Second

	// The time left is extrapolated from the last paceWindow, or from waitsBack times the longest
	// wait if that is more. A tenant that accepts 3,000 requests at once and then asks for two
	// minutes has a pace only over several of both. With a shorter window the time left would jump
	// with each burst that leaves it.
	paceWindow = 30 * time.Second
	waitsBack  = 6
	maxWindow  = 20 * time.Minute

	// minElapsed is the shortest time that can be extrapolated.
	minElapsed = 2 * time.Second

	// maxLeft is the longest time left that is shown.
	maxLeft = 1000 * time.Hour

	// minWait is the shortest wait that is shown. The tenant's shortest Retry-After is one second,
	// and would only flicker.
	minWait = 1500 * time.Millisecond

	sampleEvery = 500 * time.Millisecond
)

// counts are what the run has reported.
type counts struct {
	done, revoked, absent, notRevoked, verifying int // rows
	accepted, refused                            int // requests
	sessions                                     int // users whose sessions are revoked
}

// A meter counts, and measures the pace. It has no clock: its callers say what time it is.
type meter struct {
	Options
	counts
	window  time.Duration // over which the rate is measured
	samples []sample      // oldest first, never empty
	gates   map[string]gate
	longest time.Duration // wait so far

	// outage is when the connection was lost, and next when it is tried again. Zero if there is a
	// connection.
	outage, next time.Time
}

// A sample is how many rows were settled at a time.
type sample struct {
	at   time.Time
	done int
}

// A gate is one quota's: closed from since until until.
type gate struct{ since, until time.Time }

func newMeter(now time.Time, opts Options) meter {
	if len(opts.Good) == 0 {
		opts.Good = []results.Outcome{results.Revoked, results.Planned, results.Found}
	}
	m := meter{Options: opts, window: rateWindow, samples: []sample{{at: now}}, gates: make(map[string]gate)}
	if opts.Mode != Bar {
		m.window = lineEvery // since the line before
	}
	return m
}

func (m *meter) row(o results.Outcome) {
	if o == results.NotSent { // a run that stops writes many of these at once, which is no progress
		return
	}
	m.done++
	m.count(o, 1)
}

// count adds n rows with an outcome. n is negative for rows that now have another outcome.
func (m *meter) count(o results.Outcome, n int) {
	switch {
	case slices.Contains(m.Good, o):
		m.revoked += n
	case o == results.Absent:
		m.absent += n
	case o.Left():
		m.notRevoked += n
	}
}

func (m *meter) observe(now time.Time, accepted, refused int, quota string, until time.Time) {
	m.accepted += accepted
	m.refused += refused
	g := m.gates[quota]
	if !g.until.After(now) {
		g.since = now
	}
	g.until = until
	m.gates[quota] = g
	m.longest = max(m.longest, until.Sub(g.since))
}

// closed returns the quota that is closed for the longest time. left is zero if no wait is long
// enough to show.
func (m *meter) closed(now time.Time) (quota string, left time.Duration) {
	for name, g := range m.gates {
		rest := g.until.Sub(now)
		if rest <= 0 || g.until.Sub(g.since) < minWait {
			continue
		}
		if rest > left || rest == left && name < quota {
			quota, left = name, rest
		}
	}
	return quota, left
}

// back returns the newest sample that is at least as old as age, or the oldest of all.
func (m *meter) back(now time.Time, age time.Duration) sample {
	i, _ := slices.BinarySearchFunc(m.samples, now.Add(-age),
		func(s sample, t time.Time) int { return s.at.Compare(t) })
	if i == len(m.samples) || i > 0 && m.samples[i].at.After(now.Add(-age)) {
		i--
	}
	return m.samples[i]
}

// view takes a sample and returns what there is to show.
func (m *meter) view(now time.Time) view {
	v := view{Options: m.Options, counts: m.counts, several: len(m.gates) > 1}
	if s := m.back(now, m.window); now.After(s.at) {
		v.rate = float64(m.done-s.done) / now.Sub(s.at).Seconds()
	}
	v.quota, v.wait = m.closed(now)
	v.left, v.known = m.left(now, v.wait)
	if !m.outage.IsZero() { // nobody knows how long it lasts
		v.outage, v.wait = max(now.Sub(m.outage), time.Second), max(m.next.Sub(now), 0)
		v.left, v.known = 0, false
	}
	if now.Sub(m.samples[len(m.samples)-1].at) >= sampleEvery {
		m.samples = append(m.samples, sample{now, m.done})
	}
	old := 0
	for old+1 < len(m.samples) && now.Sub(m.samples[old+1].at) >= maxWindow {
		old++
	}
	m.samples = slices.Delete(m.samples, 0, old)
	return v
}

// left extrapolates the pace. A wait in force is part of the pace, because more waits will follow.
// The rest of it is added, so the time left goes down evenly while the run stands still.
func (m *meter) left(now time.Time, wait time.Duration) (left time.Duration, known bool) {
	rest := m.Total - m.done
	if m.Total == 0 || rest <= 0 {
		return 0, m.Total > 0
	}
	s := m.back(now, min(max(paceWindow, waitsBack*m.longest), maxWindow))
	elapsed, n := now.Add(wait).Sub(s.at), m.done-s.done
	if n <= 0 || elapsed < minElapsed {
		return 0, false
	}
	seconds := elapsed.Seconds() * float64(rest) / float64(n)
	if seconds > maxLeft.Seconds() {
		return 0, false
	}
	return wait + time.Duration(seconds*float64(time.Second)), true
}
