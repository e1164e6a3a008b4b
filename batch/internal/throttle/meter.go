package throttle

import (
	"math"
	"slices"
	"time"
)

// A meter measures the limit by the requests accepted in a span: the time from one refusal to the next. Requests
// count at the time of sending. The quota is used up at both ends of a span, so the count is exact.
type meter struct {
	burst          float64 // the most requests that pile up while nothing is sent, infinite while unknown
	rate           float64 // requests per second, 0 while unknown
	chargesRefused bool    // the limit seems to count refused requests too
	shortSpans     int     // spans in a row that were too short to measure, and slower than the rate
	agreed         int     // measurements in a row that agreed with the rate

	tallies            []tally   // the last accepted batches of this span, in the order of sending
	spanStart          time.Time // the start of this span: when the refused request was sent, zero before any
	waitEnd            time.Time // the end of the wait of this span
	firstAccepted      time.Time // when the first accepted request of this span was sent
	accepted           int       // accepted in this span, or before the first refusal
	refused            int       // refused in this span
	previousAccepted   int       // accepted in the span before
	beforeFirstRefusal int       // accepted before the first refusal: the most that can pile up
	ramp               float64   // seconds from the first accepted request to the first refusal
	interrupted        bool      // for a part of this span nothing could be sent

	// The rate is requests over seconds: sums over the spans that agreed, so that one request more or less in a
	// short span matters little.
	requests, seconds float64
}

// shortSpan is the shortest time after a wait, in seconds, that shows the rate. In a shorter one, most accepted
// requests had piled up in the wait.
const shortSpan = 0.5

// leastStretch is the shortest part of a span, in seconds, that is measured alone. In a shorter one it matters too
// much whether a batch counts as before or after its start.
const leastStretch = 0.2

const (
	maxTallies    = 64  // batches of a span that are remembered
	smallBurst    = 1.0 // seconds: a burst is small if the rate returns it in less time
	maxShortSpans = 3   // short spans in a row that do not change the rate
)

// maxRefusedRatio is the largest ratio of refused to accepted requests for which a span is measured. Beyond it, the
// rate would be wrong if the limit counts refused requests too.
const maxRefusedRatio = 3

// unsurePeriod is the time in seconds after which the pace exceeds a rate that was measured once by 43 %. It is
// short because such a rate may be wrong: it may come from refusals by chance, or from quota that had piled up.
const unsurePeriod = 2.0

// surePeriod is the same time, in seconds, for a rate that several measurements agree on. Then the pace exceeds it
// by 1.7 times its possible error. doubt is that error, as a fraction of the rate. Below one request per second the
// error is slowDoubt over the number of requests measured, if that is more.
const surePeriod, doubt, slowDoubt = 12.0, 0.015, 4.0

// note records an answer. afterWait means that its requests were sent after the last wait, so a refusal ends the
// span. latency is the mean of a round trip.
func (m *meter) note(r Feedback, afterWait bool, latency time.Duration) {
	if !r.Sent.Before(m.spanStart) {
		m.accepted += r.Accepted
		m.tally(r)
		if r.Accepted > 0 && m.firstAccepted.IsZero() {
			m.firstAccepted = r.Sent
		}
	}
	if r.Refused > 0 && afterWait {
		m.endSpan(r.Sent, latency)
	}
	m.refused += r.Refused
}

// endSpan measures the span that a refused request ends, and begins the next one.
func (m *meter) endSpan(sent time.Time, latency time.Duration) {
	if m.spanStart.IsZero() {
		m.beforeFirstRefusal, m.ramp = m.accepted, sent.Sub(m.firstAccepted).Seconds()
	}
	if span := sent.Sub(m.spanStart); !m.spanStart.IsZero() && !m.interrupted {
		if m.accepted == 0 {
			return // the wait was too short, so the span continues
		}
		if m.refused <= maxRefusedRatio*m.accepted || m.chargesRefused {
			m.measure(span.Seconds(), sent)
		}
	}
	m.learnBurst(sent, latency)
	m.previousAccepted = m.accepted
	m.spanStart, m.firstAccepted, m.accepted, m.refused, m.interrupted = sent, time.Time{}, 0, 0, false
	m.tallies = m.tallies[:0]
}

// learnBurst updates burst at the end of a span. If the refusal comes within 6 round trips of the wait, the number
// accepted is all that had piled up. Otherwise burst grows by half, but not above the number accepted before the
// first refusal. It is at least what comes back in a tenth of a second.
func (m *meter) learnBurst(sent time.Time, latency time.Duration) {
	least := max(m.rate/10, 1)
	switch {
	case m.rate > 0 && sent.Sub(m.waitEnd) < 6*latency:
		m.burst = max(float64(m.accepted), least)
	case m.beforeFirstRefusal > 0:
		m.burst = min(1.5*m.burst, max(float64(m.beforeFirstRefusal), least))
	default:
		m.burst *= 1.5
	}
}

// reopen is called at the end of a wait. If the rate is unknown, reopen takes it from the batches that were in
// flight when the first refusal was answered. They were sent after the refused batch, when quota was used up. So
// the requests accepted from them are what has come back since then, or less if all were accepted. reopen then
// subtracts from beforeFirstRefusal what came back before the refusal. It reports whether it set the rate.
func (m *meter) reopen(latency time.Duration) (known bool) {
	if m.rate > 0 {
		return false
	}
	requests, span := 0.0, 0.0
	for _, t := range m.tallies {
		if s := t.sent.Sub(m.spanStart); s > 0 && s < latency {
			requests, span = requests+float64(t.accepted), s.Seconds()
		}
	}
	if requests < batchSize || span < neighborGap.Seconds() {
		return false
	}
	m.rate, m.requests, m.seconds = requests/span, requests, span
	m.beforeFirstRefusal = int(max(float64(m.beforeFirstRefusal)-m.rate*m.ramp, firstFlight))
	m.burst = float64(m.beforeFirstRefusal)
	return true
}

// most returns the most requests that should be free: a little less than burst.
func (m *meter) most() float64 { return max(1, 0.9*m.burst) }

// A tally is the number of requests of a batch that were accepted.
type tally struct {
	sent     time.Time
	accepted int
}

// tally records the accepted requests of an answer.
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

// beyondBurst measures the rate in a part of the span that ends with the refusal at end. It returns the rate, the
// number of requests that came back, and the seconds that this took. In any part, the requests accepted are at most
// the burst and what came back. So the requests beyond the burst, over the time, are at most the rate. They are
// equal to it if the burst was full at the start of the part, so beyondBurst returns the part with the highest
// value.
func (m *meter) beyondBurst(end time.Time) (rate, requests, span float64) {
	sum := -float64(m.beforeFirstRefusal)
	for _, t := range slices.Backward(m.tallies) {
		sum += float64(t.accepted)
		s := end.Sub(t.sent).Seconds()
		if s >= leastStretch && sum/s > rate {
			rate, requests, span = sum/s, sum, s
		}
	}
	return rate, requests, span
}

// measure updates the rate with a span of so many seconds that ends with a refusal at end.
func (m *meter) measure(span float64, end time.Time) {
	requests := float64(m.accepted)
	seen := requests / span
	// Does the limit count refused requests? A span with many of them shows it, if nothing was accepted for much
	// longer than it takes one request to come back. Either quota comes back in windows: then as many are accepted
	// as in the span before. Or refused requests count: then fewer are. Three quarters tell these apart (TestGoals,
	// "charged").
	if m.refused > m.accepted/2 {
		if waited := m.firstAccepted.Sub(m.spanStart).Seconds(); waited > 1/seen+1.5 {
			m.chargesRefused = 4*m.accepted < 3*m.previousAccepted
		}
	}
	if m.chargesRefused {
		requests += float64(m.refused)
		seen = requests / span
	}
	wait := m.waitEnd.Sub(m.spanStart).Seconds()
	active := span - wait
	rate, beyond, stretch := m.beyondBurst(end)
	switch short := active < max(shortSpan, wait/4); {
	case rate > seen && float64(m.beforeFirstRefusal) < smallBurst*rate:
		// The burst is small, so it was full early in the wait, and most of the quota of the wait was lost.
		seen, requests, span = rate, beyond, stretch
	case short && m.rate > 0 && requests < 0.9*m.rate*wait:
		// Less was accepted than the rate returns in the wait. If the rate is right, this is the burst, which shows
		// no rate. If the rate is too high, the next spans are like this one.
		if m.shortSpans++; m.shortSpans <= maxShortSpans {
			return
		}
	case !short:
		// The quota that had piled up in the wait was used first, so it does not count.
		if r := (requests - min(m.burst, seen*wait)) / active; r > seen {
			seen, requests, span = r, r*active, active
		}
	}
	m.shortSpans = 0
	// If a few requests more or less explain the difference, the measurements add up. Otherwise the limit has
	// changed.
	if m.rate > 0 && math.Abs(seen/m.rate-1) <= 0.05+4/requests {
		m.agreed++
	} else {
		m.requests, m.seconds, m.agreed = 0, 0, 0
	}
	m.requests += requests
	m.seconds += span
	m.rate = m.requests / m.seconds
}

// gain returns by which fraction to exceed the measured rate. It grows with the time since the last wait, slowly at
// first and then faster and faster. It grows later if answers or requests take long.
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
