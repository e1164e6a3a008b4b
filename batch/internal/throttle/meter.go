package throttle

import (
	"math"
	"slices"
	"time"
)

// A meter measures the limit: what was accepted from one refusal to the next,
// by the time of sending, over the time between. The quota is used up at both,
// so nothing that was free at one end is missing at the other.
type meter struct {
	burst  float64 // how many pile up in a wait at most, infinite while unknown
	rate   float64 // requests a second, 0 while unknown
	counts bool    // refused requests seem to use up quota too
	shorts int     // spans in a row in which less came back than the rate would have made
	agreed int     // measurements in a row that agreed

	tallies []tally   // of the last batches accepted since
	since   time.Time // when the last refused request was sent
	opened  time.Time // the end of the wait
	worked  time.Time // when the first one accepted after it was sent
	count   int       // accepted since, or ever if there was no refusal yet
	refused int       // refused since
	before  int       // count of the span before
	first   int       // accepted before the first refusal: more never piles up
	ramp    float64   // seconds before the first refusal in which these were accepted
	broken  bool      // for a part of the span nothing could be sent

	// Sums over recent spans, so that one request more or less in a short span
	// does not matter.
	requests, seconds float64
}

// shortSpan is the least time after a wait, in seconds, that says more of the rate than of
// what had piled up.
const shortSpan = 0.5

// leastStretch is the shortest stretch, in seconds, that is measured by itself. In a shorter one it
// matters to which end a batch is counted.
const leastStretch = 0.2

const (
	maxTallies = 64  // batches before a refusal that are remembered
	smallBurst = 1.0 // seconds of the rate up to which a burst is small
	maxShorts  = 3   // spans in a row that may contradict the rate before it is given up
)

// mostDebt times what was accepted in a span are refused before it. If more are, and refused requests
// use up the limit too, the span shows how many were refused, and no rate.
const mostDebt = 3

// unsurePeriod is after how many seconds a rate that was measured once is tried a good deal
// faster. It may be that of refusals by chance, or of what had piled up.
const unsurePeriod = 2.0

// surePeriod is the same for a rate that several measurements agree on. It may be off by doubt, as a share
// of it. Below one request a second it may be off by slowDoubt over the number of requests measured.
const surePeriod, doubt, slowDoubt = 12.0, 0.015, 4.0

// note takes in an answer. fresh says that the request was sent after the last
// wait, so that a refusal ends a span.
func (m *meter) note(r Feedback, fresh bool, latency time.Duration) {
	if !r.Sent.Before(m.since) {
		m.count += r.Accepted
		m.tally(r)
		if r.Accepted > 0 && m.worked.IsZero() {
			m.worked = r.Sent
		}
	}
	if r.Refused > 0 && fresh {
		m.endSpan(r.Sent, latency)
	}
	m.refused += r.Refused
}

func (m *meter) endSpan(sent time.Time, latency time.Duration) {
	if m.since.IsZero() {
		m.first, m.ramp = m.count, sent.Sub(m.worked).Seconds()
	}
	if span := sent.Sub(m.since); !m.since.IsZero() && !m.broken {
		if m.count == 0 {
			return // a wait that was too short
		}
		if m.refused <= mostDebt*m.count || m.counts {
			m.measure(span.Seconds(), sent)
		}
	}
	m.learnBurst(sent, latency)
	m.before = m.count
	m.since, m.worked, m.count, m.refused, m.broken = sent, time.Time{}, 0, 0, false
	m.tallies = m.tallies[:0]
}

// learnBurst takes in the refusal at the end of a span. If it comes within the few round trips in
// which what has piled up in the wait is spent, so much does not pile up. What was accepted before
// the first refusal is the most that can, but a tenth of a second's worth does.
func (m *meter) learnBurst(sent time.Time, latency time.Duration) {
	least := max(m.rate/10, 1)
	switch {
	case m.rate > 0 && sent.Sub(m.opened) < 6*latency:
		m.burst = max(float64(m.count), least)
	case m.first > 0:
		m.burst = min(1.5*m.burst, max(float64(m.first), least))
	default:
		m.burst *= 1.5
	}
}

// reopen takes in, at the end of the first wait, what was accepted of the batches that were already on
// their way when the refusal was answered. All of that came back after the refused batch, so it is the
// rate, or less where all was accepted. What had not come back before the refusal had piled up. It
// reports whether the rate was unknown and is known now.
func (m *meter) reopen(latency time.Duration) (known bool) {
	if m.rate > 0 {
		return false
	}
	requests, span := 0.0, 0.0
	for _, t := range m.tallies {
		if s := t.sent.Sub(m.since); s > 0 && s < latency {
			requests, span = requests+float64(t.accepted), s.Seconds()
		}
	}
	if requests < batchSize || span < heel.Seconds() {
		return false
	}
	m.rate, m.requests, m.seconds = requests/span, requests, span
	m.first = int(max(float64(m.first)-m.rate*m.ramp, firstFlight))
	m.burst = float64(m.first)
	return true
}

// most returns how many should be free at most: a little less than what seems to pile up.
func (m *meter) most() float64 { return max(1, 0.9*m.burst) }

// A tally is how many requests of a batch were accepted.
type tally struct {
	sent     time.Time
	accepted int
}

// tally notes an answer, in the order of sending.
func (m *meter) tally(r Feedback) {
	if r.Accepted == 0 {
		return
	}
	i := len(m.tallies)
	for i > 0 && m.tallies[i-1].sent.After(r.Sent) {
		i--
	}
	m.tallies = slices.Insert(m.tallies, i, tally{r.Sent, r.Accepted})
	if len(m.tallies) > maxTallies {
		m.tallies = slices.Delete(m.tallies, 0, 1)
	}
}

// beyondBurst returns the rate at which requests came back in the stretch that ends with a
// refusal at end and began with a full burst, how many these were, and its seconds. In any
// stretch at most the burst and what came back are accepted. So what was accepted beyond the
// burst, over the length of the stretch, is at most the rate, and it is the rate where the
// stretch began with a full burst: there it is highest.
func (m *meter) beyondBurst(end time.Time) (rate, requests, span float64) {
	sum := -float64(m.first)
	for _, t := range slices.Backward(m.tallies) {
		sum += float64(t.accepted)
		s := end.Sub(t.sent).Seconds()
		if s >= leastStretch && sum/s > rate {
			rate, requests, span = sum/s, sum, s
		}
	}
	return rate, requests, span
}

// measure takes in a span of so many seconds between two refusals, the last one at end.
func (m *meter) measure(span float64, end time.Time) {
	requests := float64(m.count)
	seen := requests / span
	// A wait much longer than one request takes to be refilled is that of a
	// window, after which there is as much as before, or pays for the refused
	// requests. What shows this is a span in which those are many.
	if m.refused > m.count/2 {
		if waited := m.worked.Sub(m.since).Seconds(); waited > 1/seen+1.5 {
			m.counts = 4*m.count < 3*m.before
		}
	}
	if m.counts {
		requests += float64(m.refused)
		seen = requests / span
	}
	wait := m.opened.Sub(m.since).Seconds()
	active := span - wait
	rate, beyond, stretch := m.beyondBurst(end)
	switch short := active < max(shortSpan, wait/4); {
	case rate > seen && float64(m.first) < smallBurst*rate:
		// Most of the wait was wasted.
		seen, requests, span = rate, beyond, stretch
	case short && m.rate > 0 && requests < 0.9*m.rate*wait:
		// All that piles up, if the rate is right. If it is not, this happens again and again.
		if m.shorts++; m.shorts <= maxShorts {
			return
		}
	case !short:
		// What had piled up was spent first, and came back at no matter what rate.
		if r := (requests - min(m.burst, seen*wait)) / active; r > seen {
			seen, requests, span = r, r*active, active
		}
	}
	m.shorts = 0
	// Within what a few requests more or less explain, add up; else the limit has
	// moved.
	if m.rate > 0 && math.Abs(seen/m.rate-1) <= 0.05+4/requests {
		m.agreed++
	} else {
		m.requests, m.seconds, m.agreed = 0, 0, 0
	}
	m.requests += requests
	m.seconds += span
	m.rate = m.requests / m.seconds
}

// gain is by how much to go faster than the measured rate so long after the last wait: hardly at
// first, then ever faster. A rate that was measured once is tried sooner.
func (m *meter) gain(since, latency time.Duration) float64 {
	if m.agreed == 0 {
		x := since.Seconds() / max(unsurePeriod, 10*latency.Seconds(), 2/m.rate)
		return min(0.25*math.Expm1(x*x), 1e6)
	}
	x := since.Seconds() / max(surePeriod, 30/m.rate)
	off := doubt
	if m.rate < 1 {
		off = max(off, slowDoubt/m.requests)
	}
	return off * math.Expm1(min(x*x, 10))
}
