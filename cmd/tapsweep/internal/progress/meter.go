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

	// barWidth is the number of columns of the bar itself. A terminal with fewer than barFrom columns shows no bar.
	barWidth = 20
	barFrom  = 60
)

// A counter holds the counts that the progress shows. It has no clock: its callers pass the time.
type counter struct {
	Options
	start time.Time
	ended bool

	done, left, verifying int                     // rows, or users of a scan
	outcomes              map[results.Outcome]int // the number of completed rows by outcome
	sessions              int                     // users whose sessions are revoked
	accepted, refused     int                     // requests
	samples               []sample                // the samples of the last paceWindow, never empty
	closed                map[string]time.Time    // until when each quota is closed
	outage                time.Time               // when the connection was lost, zero if there is one
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

// row counts a row of the results log. A pass counts when its last row is written. Rows that are not_sent do not count,
// because a run that stops writes many of them at once.
func (m *counter) row(r *results.Row) {
	switch {
	case r.Action == results.RevokeSessions:
		counts := r.Outcome == results.Revoked || r.Outcome == results.Planned
		switch first := r.SupersedesPending == ""; {
		case first && counts:
			m.sessions++
		case !first && !counts: // the verification shows that they are not revoked
			m.sessions--
		}
		return
	case r.Beside, r.Outcome == results.NotSent, r.Provisional && r.Outcome == results.Found:
		return
	case r.Provisional:
		if r.SupersedesPending == "" {
			m.verifying++
		}
		return
	case r.SupersedesPending != "":
		m.verifying--
	}
	m.done++
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

// timeLeft estimates the time left from the pace since the start, including waits, because more waits will follow. The
// current wait is part of the pace, and is added to the time left, so that the time left decreases evenly.
func (m *counter) timeLeft(now time.Time) (left time.Duration, known bool) {
	wait, rest := m.wait(now), m.Total-m.done
	elapsed := now.Add(wait).Sub(m.start)
	if rest <= 0 || m.done == 0 || elapsed < minElapsed || !m.outage.IsZero() {
		return 0, false
	}
	seconds := elapsed.Seconds() * float64(rest) / float64(m.done)
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

// parts returns the parts of the line, the most important first.
func (m *counter) parts(now time.Time) (parts []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	if m.Total > 0 {
		add(true, "%d/%d %s", m.done, m.Total, m.Noun)
	} else {
		add(true, "%d %s", m.done, m.Noun)
	}
	if !m.ended {
		left, known := m.timeLeft(now)
		add(known, "%s left", precise(left))
		wait := m.wait(now)
		add(!m.outage.IsZero(), "no connection for %v", now.Sub(m.outage).Round(time.Second))
		add(wait > 0, "tenant asks for %.0f s", math.Ceil(wait.Seconds()))
	}
	add(m.left > 0, "%d not done", m.left)
	add(!m.ended, "%.1f/s", m.pace(now))
	for _, o := range []results.Outcome{results.Revoked, results.Planned, results.Found, results.Absent} {
		add(m.outcomes[o] > 0 && !m.ReadOnly, "%d %s", m.outcomes[o], o)
	}
	add(m.sessions > 0, "sessions of %d users", m.sessions)
	add(m.verifying > 0, "%d verifying", m.verifying)
	add(m.refused > 0, "%.1f %% refused", max(0.1, 100*float64(m.refused)/float64(max(1, m.accepted+m.refused))))
	return parts
}

// precise rounds an estimated time.
func precise(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Second)
}

// line returns the line for a terminal with width columns. It leaves out the first part that does not fit, and all
// parts after it.
func (m *counter) line(now time.Time, width int) string {
	parts := m.parts(now)
	if m.Total > 0 && width >= barFrom {
		filled := barWidth * min(m.done, m.Total) / m.Total
		parts = append([]string{"[" + strings.Repeat("=", filled) + strings.Repeat("-", barWidth-filled) + "]"},
			parts...)
	}
	text := m.Phase[:min(len(m.Phase), max(width, 1))]
	for _, part := range parts {
		if len(text)+len("  ")+len(part) > width {
			break
		}
		text += "  " + part
	}
	return text
}

// sentence returns the line for Plain.
func (m *counter) sentence(now time.Time) string {
	return fmt.Sprintf("tapsweep: %s: %s\n", m.Phase, strings.Join(m.parts(now), ", "))
}
