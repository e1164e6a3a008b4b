package progress

import (
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

const (
	// rateWindow is how far back the rate looks that is called the present one.
	rateWindow = 5 * time.Second

	// paceWindow is how far back the time left looks at least. It is six times the
	// longest wait if that is more: a tenant that takes 3,000 requests at once and
	// then asks for two minutes has a pace only over several of both, and with fewer
	// the time left would jump with each burst that leaves the window.
	paceWindow = 30 * time.Second
	maxWindow  = 20 * time.Minute
	waitsBack  = 6

	// minElapsed is how long a run is too young to be extrapolated.
	minElapsed = 2 * time.Second

	// minWait is the shortest wait that is shown. The tenant's shortest Retry-After
	// is one second, and would only flicker.
	minWait = 1500 * time.Millisecond

	sampleEvery = 500 * time.Millisecond
)

// A meter counts, and measures the pace. It knows no clock: whoever calls says
// what time it is.
type meter struct {
	total   int
	phase   string
	first   string // phase, which goes without saying
	verb    string
	noun    string
	good    []results.Outcome
	over    time.Duration // window of the rate
	samples []sample      // oldest first, never empty
	gates   map[string]gate
	longest time.Duration // wait so far

	outage, next time.Time // since when, and when it is tried again; zero for none

	done, revoked, absent, notRevoked, verifying int
	accepted, refused                            int
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
	m := meter{total: opts.Total, phase: opts.Phase, first: opts.Phase, verb: opts.Verb, noun: opts.Noun, good: opts.Good,
		over: rateWindow, samples: []sample{{at: now}}, gates: make(map[string]gate)}
	if opts.Mode != Bar {
		m.over = lineEvery // what happened since the line before
	}
	return m
}

func (m *meter) row(o results.Outcome) {
	if o == results.NotSent { // a run that stops writes these rows off at once, which is no progress
		return
	}
	m.done++
	m.count(o, 1)
}

// count counts n rows of which it is known what became of them; fewer than none where
// another thing became of them than was counted.
func (m *meter) count(o results.Outcome, n int) {
	switch {
	case slices.Contains(m.good, o):
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

// wait is the longest wait in force, zero if there is none worth telling.
func (m *meter) wait(now time.Time) (quota string, until time.Time, left time.Duration) {
	for name, g := range m.gates {
		rest := g.until.Sub(now)
		if rest <= 0 || g.until.Sub(g.since) < minWait {
			continue
		}
		if rest > left || rest == left && name < quota {
			quota, until, left = name, g.until, rest
		}
	}
	return quota, until, left
}

// back is the newest sample that is as old as age, or the oldest there is.
func (m *meter) back(now time.Time, age time.Duration) sample {
	i, _ := slices.BinarySearchFunc(m.samples, now.Add(-age), func(s sample, t time.Time) int { return s.at.Compare(t) })
	if i == len(m.samples) || i > 0 && m.samples[i].at.After(now.Add(-age)) {
		i--
	}
	return m.samples[i]
}

// look takes a sample and works out what there is to show.
func (m *meter) look(now time.Time) view {
	v := view{phase: m.phase, changed: m.phase != m.first, verb: m.verb, noun: m.noun, total: m.total, done: m.done, revoked: m.revoked,
		absent: m.absent, notRevoked: m.notRevoked, verifying: m.verifying, accepted: m.accepted, refused: m.refused, several: len(m.gates) > 1}
	if s := m.back(now, m.over); now.After(s.at) {
		v.rate = float64(m.done-s.done) / now.Sub(s.at).Seconds()
	}
	end := now
	if v.quota, v.until, v.wait = m.wait(now); v.wait > 0 {
		end = v.until
	}
	v.left, v.known = m.left(now, end)
	if !m.outage.IsZero() { // which lasts as long as it lasts
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

// left extrapolates the pace. A wait in force is part of the pace, as more will
// follow where it came from, and what remains of it is still to come: so the time
// left counts down evenly while the run stands still.
func (m *meter) left(now, end time.Time) (left time.Duration, known bool) {
	rest := m.total - m.done
	if m.total == 0 || rest <= 0 {
		return 0, m.total > 0
	}
	s := m.back(now, min(max(paceWindow, waitsBack*m.longest), maxWindow))
	elapsed := end.Sub(s.at)
	if n := m.done - s.done; n > 0 && elapsed >= minElapsed {
		seconds := elapsed.Seconds() * float64(rest) / float64(n)
		if seconds > (1000 * time.Hour).Seconds() {
			return 0, false
		}
		return end.Sub(now) + time.Duration(seconds*float64(time.Second)), true
	}
	return 0, false
}
