package progress

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

const (
	// minElapsed is the shortest running time from which the time left is estimated. maxLeft is the longest time left
	// that is shown.
	minElapsed = 2 * time.Second
	maxLeft    = 1000 * time.Hour

	// minWait is the shortest wait that is shown. The shortest Retry-After is one second, which would only flicker.
	minWait = 1500 * time.Millisecond

	// paceWindow is the time over which the current pace is measured.
	paceWindow = 5 * time.Second

	// barWidth is the number of columns of the bar itself.
	barWidth = 12
)

// A counter holds the counts that the progress shows. It has no clock: its callers pass the time.
type counter struct {
	Options
	start time.Time
	ended bool

	done, left          int                     // passes without the verification, or users of a scan
	verifying, verified int                     // passes that are gone, and must be or are verified
	outcomes            map[results.Outcome]int // the number of completed rows by outcome
	sessions            int                     // users whose sessions are revoked
	accepted, refused   int                     // requests
	samples             []sample                // the samples of the last paceWindow, never empty
	closed              map[string]time.Time    // until when each quota is closed
	outage              time.Time               // when the connection was lost, zero if there is one
}

// A sample is the number of completed rows at a time.
type sample struct {
	at   time.Time
	done int
}

func newMeter(now time.Time, opts Options) counter {
	return counter{Options: opts, start: now, closed: make(map[string]time.Time), samples: []sample{{at: now}},
		outcomes: make(map[results.Outcome]int)}
}

// row counts a row of the results log. With --verify, a pass has two rows: a provisional one when it is deleted, and
// one when it is verified. Rows that are not_sent do not count, because a run that stops writes many of them at once.
func (m *counter) row(r *results.Row) {
	first := !r.SupersedesPending // not the second row of a pass
	switch {
	case r.Action == results.RevokeSessions:
		counts := r.Outcome == results.Revoked || r.Outcome == results.Planned
		switch {
		case first && counts:
			m.sessions++
		case !first && !counts: // the verification shows that they are not revoked
			m.sessions--
		}
		return
	case r.Beside, r.Outcome == results.NotSent, r.Provisional && r.Outcome == results.Found,
		r.Outcome == results.Duplicate, r.Outcome == results.Invalid:
		return
	}
	if first {
		m.done++
	} else {
		m.verifying--
	}
	if r.Provisional {
		m.verifying++
		return
	}
	if r.Verified {
		m.verified++
	}
	m.outcomes[r.Outcome]++
	if r.Outcome.Left() {
		m.left++
	}
}

// wait returns how long the tenant asks to wait, zero if that is too short to show.
func (m *counter) wait(now time.Time) (longest time.Duration) {
	for _, until := range m.closed {
		longest = max(longest, until.Sub(now))
	}
	if longest < minWait {
		return 0
	}
	return longest
}

// work returns how much is done, and how much is to do. A pass has two steps, and is verified in the second one.
func (m *counter) work() (done, total int) { return 2*m.done - m.verifying, 2 * m.Total }

// timeLeft estimates the time left from the work since the start. The time includes waits, because more waits will
// follow. The current wait is part of this time, and is added to the time left, so that the time left decreases evenly.
func (m *counter) timeLeft(now time.Time) (left time.Duration, known bool) {
	wait := m.wait(now)
	done, total := m.work()
	elapsed := now.Add(wait).Sub(m.start)
	if done >= total || done == 0 || elapsed < minElapsed || !m.outage.IsZero() {
		return 0, false
	}
	seconds := elapsed.Seconds() * float64(total-done) / float64(done)
	return wait + time.Duration(seconds*float64(time.Second)), seconds < maxLeft.Seconds()
}

// pace takes a sample, and returns the current pace in rows per second.
func (m *counter) pace(now time.Time) float64 {
	m.samples = append(m.samples, sample{now, m.done})
	for now.Sub(m.samples[1].at) >= paceWindow {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	return float64(m.done-first.done) / max(now.Sub(first.at), time.Millisecond).Seconds()
}

// parts returns the parts of the line, the most important first. Main parts are more important than the bar.
func (m *counter) parts(now time.Time) (main, more []string) {
	add := func(parts *[]string, when bool, format string, args ...any) {
		if when {
			*parts = append(*parts, fmt.Sprintf(format, args...))
		}
	}
	add(&main, m.Total > 0, "%d/%d %s", m.done, m.Total, m.Noun)
	add(&main, m.Total == 0, "%d %s", m.done, m.Noun)
	if !m.ended {
		wait := m.wait(now)
		left, known := m.timeLeft(now)
		add(&main, !m.outage.IsZero(), "no connection for %v", now.Sub(m.outage).Round(time.Second))
		add(&main, wait > 0, "wait %.0fs", math.Ceil(wait.Seconds()))
		add(&main, known, "%s left", precise(left))
	}
	add(&main, m.left > 0, "%d not done", m.left)
	add(&main, m.verifying+m.verified > 0 && !m.ReadOnly, "%d verified", m.verified)
	add(&more, !m.ended, "%.1f/s", m.pace(now))
	for _, o := range []results.Outcome{results.Revoked, results.Planned, results.Found, results.Absent} {
		add(&more, m.outcomes[o] > 0 && !m.ReadOnly, "%d %s", m.outcomes[o], o)
	}
	add(&more, m.sessions > 0, "sessions of %d users", m.sessions)
	throttled := 100 * float64(m.refused) / float64(max(1, m.accepted+m.refused))
	add(&more, m.refused > 0, "%.1f %% throttled", max(0.1, throttled))
	return main, more
}

// precise rounds an estimated time.
func precise(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Second)
}

// line returns the line for a terminal with width columns. It leaves out each part that does not fit.
func (m *counter) line(now time.Time, width int) string {
	phase := m.Phase[:min(len(m.Phase), max(width, 1))]
	room := width - len(phase)
	fit := func(parts ...string) (text string) {
		for _, part := range parts {
			if part != "" && len("  ")+len(part) <= room {
				text += "  " + part
				room -= len("  ") + len(part)
			}
		}
		return text
	}
	main, more := m.parts(now)
	text := fit(main...)
	return phase + fit(m.bar()) + text + fit(more...)
}

// bar returns the bar, which is empty if the total is not known.
func (m *counter) bar() string {
	done, total := m.work()
	if total == 0 {
		return ""
	}
	filled := barWidth * min(done, total) / total
	return "[" + strings.Repeat("=", filled) + strings.Repeat("-", barWidth-filled) + "]"
}

// sentence returns the line for Plain.
func (m *counter) sentence(now time.Time) string {
	main, more := m.parts(now)
	return fmt.Sprintf("tapsweep: %s: %s\n", m.Phase, strings.Join(append(main, more...), ", "))
}
