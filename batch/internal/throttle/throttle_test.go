package throttle

import (
	"math"
	"slices"
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

var t0 = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * 1e9)) }

func newController(opts Options) *Controller {
	opts.Jitter = func() float64 { return 0 }
	return New(opts)
}

// takeAll takes batches of 20 until Take returns 0, and returns their sizes. It waits if batches are kept
// apart by stagger.
func takeAll(c *Controller, now time.Time) (sizes []int) {
	for {
		n, next := c.Take(now, 20)
		switch {
		case n > 0:
			sizes = append(sizes, n)
		case !next.After(now) || next.Sub(now) > maxStagger:
			return sizes
		default:
			now = next
		}
	}
}

func sum(sizes []int) (n int) {
	for _, s := range sizes {
		n += s
	}
	return n
}

func TestFirstFlightGoesAtOnce(t *testing.T) {
	c := newController(Options{})
	if got := takeAll(c, t0); len(got) != 2 || sum(got) != 40 {
		t.Errorf("first batches %v, want two of 20", got)
	}
}

// Before the first refusal, the number of requests in flight grows by half with each round trip.
func TestGrowth(t *testing.T) {
	c := newController(Options{})
	flights := takeAll(c, t0)
	var got []int
	for round := 1; round < 10; round++ {
		now := at(float64(round) * 0.2)
		for _, n := range flights {
			c.Done(now, Feedback{Sent: now.Add(-50 * time.Millisecond), Accepted: n})
		}
		flights = takeAll(c, now.Add(10*time.Millisecond))
		got = append(got, sum(flights))
	}
	if want := []int{60, 80, 80, 120, 160, 200, 240, 280, 360}; !slices.Equal(got, want) {
		t.Errorf("%v requests in flight, want %v: up to half more",
			got, want)
	}
}

// With MaxInFlight, that many requests are sent after the first answer, in full batches.
func TestMaxInFlight(t *testing.T) {
	for _, most := range []int{20, 40, 320} {
		c := newController(Options{MaxInFlight: most})
		flights := takeAll(c, t0)
		for _, n := range flights {
			c.Done(at(0.05), Feedback{Sent: t0, Accepted: n})
		}
		flights = takeAll(c, at(1))
		if sum(flights) != most || slices.Min(flights) != 20 {
			t.Errorf("batches of %v, want %d requests in batches of 20", flights, most)
		}
	}
}

// If chance refuses more often than the limit, the number of requests in flight triples with each round
// trip.
func TestGrowthWhereChanceRefuses(t *testing.T) {
	for _, tt := range []struct {
		limits, others float64
		most, want     int
	}{{1, 1, 0, 60}, {1, 1.5, 0, 120}, {1, 1.5, 80, 80}} {
		c := newController(Options{MaxInFlight: tt.most})
		c.detector.limitCount, c.detector.chanceCount = tt.limits, tt.others
		for _, n := range takeAll(c, t0) {
			c.Done(at(0.05), Feedback{Sent: t0, Accepted: n})
		}
		if got := sum(takeAll(c, at(1))); got != tt.want {
			t.Errorf("limit %v times and chance %v times, at most %d in flight: %d requests go, want %d", tt.limits,
				tt.others, tt.most, got, tt.want)
		}
	}
}

// Growth ends when answers take twice as long as at first.
func TestGrowthEndsWhereTheServiceIsSaturated(t *testing.T) {
	c := newController(Options{})
	flights := takeAll(c, t0)
	most := 0
	for round := 1; round < 60; round++ {
		now := at(float64(round))
		took := time.Duration(max(40, sum(flights))) * time.Millisecond
		for _, n := range flights {
			c.Done(now, Feedback{Sent: now.Add(-took), Accepted: n})
		}
		flights = takeAll(c, now.Add(100*time.Millisecond))
		most = max(most, sum(flights))
	}
	if most < 80 || most > 600 {
		t.Errorf("%d requests in flight where 80 take twice as long", most)
	}
}

// The gate stays closed for the longest wait that a limit asks for. Then one request is sent.
func TestGate(t *testing.T) {
	c := newController(Options{})
	takeAll(c, t0)
	c.Done(at(0.05), Feedback{Sent: t0, Accepted: 5, Refused: 15, RetryAfter: 10 * time.Second, HasRetryAfter: true})
	c.Done(at(0.06), Feedback{Sent: t0, Refused: 20, RetryAfter: 3 * time.Second, HasRetryAfter: true})
	n, next := c.Take(at(10), 20)
	if n != 0 || !next.Equal(c.ClosedUntil()) || next.Before(at(10.05)) || next.After(at(10.06)) {
		t.Errorf("Take in the wait = %d, %v, want 0 and its end", n, next)
	}
	opens := c.ClosedUntil()
	if got := takeAll(c, opens); len(got) != 1 || got[0] != 1 {
		t.Errorf("after the wait %v go, want one request", got)
	}
	if n, next := c.Take(opens.Add(time.Second), 20); n != 0 || !next.IsZero() {
		t.Errorf("Take before the probe is answered = %d, %v, want 0 and no time", n, next)
	}
	c.Done(at(11), Feedback{Sent: opens, Refused: 1, RetryAfter: 20 * time.Second, HasRetryAfter: true})
	if _, next := c.Take(at(12), 20); !next.Equal(at(31)) {
		t.Errorf("the next may go at %v, want 20 s from the answer", next)
	}
}

// The cause of a refusal is unknown until the batches that were sent near it are answered. Until then
// nothing is sent. If they were accepted, as much is sent as before.
func TestChanceClosesNoGate(t *testing.T) {
	c := newController(Options{})
	takeAll(c, t0)
	c.Done(at(0.05), Feedback{Sent: t0, Accepted: 18, Refused: 2, RetryAfter: 10 * time.Second, HasRetryAfter: true})
	if n, next := c.Take(at(0.05), 20); n != 0 || !next.Equal(at(10.05)) {
		t.Errorf("Take while a refusal is in question = %d, %v, want 0 and the end of its wait", n, next)
	}
	if until := c.ClosedUntil(); until.After(at(0.05)) {
		t.Errorf("closed until %v while a refusal is in question, want no wait yet", until)
	}
	c.Done(at(0.051), Feedback{Sent: t0.Add(2 * time.Millisecond), Accepted: 20})
	if got := sum(takeAll(c, at(0.1))); got < 40 {
		t.Errorf("%d requests go after a refusal by chance, want as many as before", got)
	}
}

// The rate is the number of requests accepted between two refusals, divided by the time.
func TestMeter(t *testing.T) {
	m := meter{burst: math.Inf(1)}
	refuse := func(sent float64) {
		m.note(Feedback{Sent: at(sent), Refused: 1, RetryAfter: time.Second, HasRetryAfter: true}, true, 0)
	}
	accept := func(sent float64, n int) { m.note(Feedback{Sent: at(sent), Accepted: n}, true, 0) }
	accept(0, 60)
	refuse(1)
	if m.rate != 0 {
		t.Errorf("rate %v after one refusal, want none", m.rate)
	}
	accept(3, 20)
	accept(5, 20)
	accept(0.5, 7) // of before
	refuse(3.1)
	if m.rate != 40/2.1 {
		t.Errorf("rate %v, want 40 in 2.1 s", m.rate)
	}
	refuse(3.2)
	if m.rate != 40/2.1 {
		t.Errorf("rate %v, want a span without requests to change nothing", m.rate)
	}
	// If the limit has changed, the old measurement does not count.
	// A limit that has moved is not averaged with what was.
	accept(7, 100)
	refuse(13.1)
	if m.rate != 10 || m.agreed != 0 {
		t.Errorf("rate %v, agreed %d, want 100 in 10 s", m.rate, m.agreed)
	}
}

// Several short spans in a row show that the rate is wrong. One does not, because its requests had piled up
// in the wait.
func TestMeterShortSpan(t *testing.T) {
	m := meter{burst: math.Inf(1)}
	sent := 0.0
	span := func(accepted int, wait, seconds float64) {
		m.waitEnd = at(sent + wait)
		m.note(Feedback{Sent: at(sent + wait), Accepted: accepted}, true, 0)
		sent += seconds
		m.note(Feedback{Sent: at(sent), Refused: 1}, true, 0)
	}
	span(60, 0, 1)
	if span(1200, 1, 20); m.rate != 60 {
		t.Errorf("rate %v, want 1,200 in 20 s", m.rate)
	}
	for i := range 3 {
		if span(21, 1, 1.1); m.rate != 60 {
			t.Errorf("rate %v after %d short spans, want 60 as before", m.rate, i+1)
		}
	}
	if span(21, 1, 1.1); math.Abs(m.rate-21/1.1) > 1e-9 {
		t.Errorf("rate %v after many short spans, want what they have", m.rate)
	}
}

// Requests accepted within half a second of a wait had piled up in it. They show no rate.
func TestMeterShortestSpan(t *testing.T) {
	for _, tt := range []struct{ seconds, want float64 }{{1.49, 100}, {1.51, 20 / 1.51}} {
		m := meter{burst: math.Inf(1), rate: 100, spanStart: t0, waitEnd: at(1), firstAccepted: at(1), accepted: 20}
		if m.measure(tt.seconds, at(tt.seconds)); math.Abs(m.rate-tt.want) > 1e-9 {
			t.Errorf("rate %v after 1 s of waiting and a refusal at %v s, want %v", m.rate, tt.seconds, tt.want)
		}
	}
}

// A bucket holds 10, so most of the wait is lost. The rate is measured from the time when the bucket was
// full: here 60 batches of 5, one every 50 ms.
func TestMeterBeyondBurst(t *testing.T) {
	m := meter{beforeFirstRefusal: 10}
	for i := range 60 {
		m.tally(Feedback{Sent: at(float64(i) / 20), Accepted: 5})
	}
	rate, requests, span := m.beyondBurst(at(3))
	if requests != 290 || span != 3 || math.Abs(rate-290.0/3) > 1e-9 {
		t.Errorf("%v requests in %v s, %v a second, want 290 in 3 s", requests, span, rate)
	}
	if rate, _, _ = m.beyondBurst(at(2.951)); rate > 100 {
		t.Errorf("rate %v, want no stretch of less than 0.2 s to count", rate)
	}
}

// The rate is measured this way only if the number accepted before the first refusal is what comes back in
// less than a second.
func TestMeterSmallBurst(t *testing.T) {
	for _, tt := range []struct {
		first int
		want  float64
	}{{80, 220 / 2.5}, {90, 300 / 3.5}} {
		m := meter{burst: math.Inf(1), beforeFirstRefusal: tt.first, accepted: 300, spanStart: t0, waitEnd: at(1),
			firstAccepted: at(1),
			tallies:       []tally{{at(1), 300}}}
		if m.measure(3.5, at(3.5)); math.Abs(m.rate-tt.want) > 1e-9 {
			t.Errorf("rate %v if %d were accepted before the first refusal, want %v", m.rate, tt.first, tt.want)
		}
	}
}

// A span with more than three times as many refused requests as accepted ones shows no rate, unless the
// limit is known to count refused requests.
func TestMeterManyRefused(t *testing.T) {
	for _, tt := range []struct {
		refused int
		counts  bool
		want    float64
	}{{30, false, 5}, {31, false, 0}, {31, true, 20.5}} {
		m := meter{burst: math.Inf(1), spanStart: t0, waitEnd: at(1), firstAccepted: at(1), accepted: 10,
			refused:        tt.refused,
			chargesRefused: tt.counts, previousAccepted: 30}
		m.endSpan(at(2), 0)
		if m.rate != tt.want {
			t.Errorf("10 accepted in 2 s after %d refused, that count: %v: rate %v, want %v", tt.refused, tt.counts,
				m.rate, tt.want)
		}
	}
}

// A rate that was measured once is exceeded by 43 % after two seconds, or later if answers or requests take
// long. A rate that measurements agree on is exceeded by 2.6 % after twelve. This is more if the rate is
// below one request per second and was measured from few requests.
func TestGain(t *testing.T) {
	for _, tt := range []struct {
		meter
		latency, since float64
		want           float64
	}{
		{meter{rate: 40}, 0.05, 2, 0.43}, {meter{rate: 40}, 1, 10, 0.43}, {meter{rate: 0.5}, 0.05, 4, 0.43},
		{meter{rate: 40, agreed: 1, requests: 20}, 0.05, 12, 0.0258},
		{meter{rate: 1, agreed: 1, requests: 20}, 0.05, 30, 0.0258},
		{meter{rate: 0.5, agreed: 1, requests: 300}, 0.05, 60, 0.0258},
		{meter{rate: 0.5, agreed: 1, requests: 20}, 0.05, 60, 0.344},
	} {
		got := tt.gain(time.Duration(tt.since*1e9), time.Duration(tt.latency*1e9))
		if math.Abs(got-tt.want) > tt.want/50 {
			t.Errorf("%v a second, agreed %d, latency %v s: gain %.4f after %v s, want about %.4f", tt.rate, tt.agreed,
				tt.latency, got, tt.since, tt.want)
		}
	}
}

// If a refusal comes soon after a wait, the number accepted until then is the burst. If it comes later, the
// burst grows by half, up to the number accepted before the first refusal.
func TestBurst(t *testing.T) {
	const latency = 50 * time.Millisecond
	m := meter{beforeFirstRefusal: 20, burst: math.Inf(1), rate: 40, accepted: 7, waitEnd: t0}
	for _, tt := range []struct{ sent, want float64 }{{0.299, 7}, {0.301, 10.5}, {60, 15.75}, {60, 20}, {0, 7}} {
		if m.learnBurst(at(tt.sent), latency); m.burst != tt.want {
			t.Errorf("%v pile up after a refusal %v s after the wait, want %v", m.burst, tt.sent, tt.want)
		}
	}
	if most := m.most(); math.Abs(most-6.3) > 1e-9 {
		t.Errorf("up to %v are free where 7 pile up, want a tenth less", most)
	}
}

// A wait that the service does not ask for, or asks for wrongly, has a minimum and a maximum.
func TestPauses(t *testing.T) {
	tests := []struct {
		name       string
		report     Feedback
		fails      int
		elapsed    time.Duration
		least, top time.Duration
	}{
		{"told", Feedback{RetryAfter: 7 * time.Second, HasRetryAfter: true}, 0, 0, 7 * time.Second, 7 * time.Second},
		{"told a moment", Feedback{RetryAfter: time.Millisecond, HasRetryAfter: true}, 0, 0, time.Millisecond,
			time.Millisecond},
		{"not told", Feedback{}, 0, 0, time.Second, time.Second},
		{"told nothing", Feedback{HasRetryAfter: true}, 0, 0, time.Second, time.Second},
		{"told too little again", Feedback{RetryAfter: time.Second, HasRetryAfter: true}, 3, time.Minute,
			10 * time.Second, 15 * time.Second},
		{"never less than told", Feedback{RetryAfter: time.Hour, HasRetryAfter: true}, 3, time.Minute, time.Hour,
			time.Hour},
		{"not for ever", Feedback{}, 9, 24 * time.Hour, maxPause, maxPause},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, jitter := range []float64{0, 0.999} {
				p := pauses{firstRefusal: t0, failedWaits: tt.fails}
				tt.report.Sent = t0.Add(tt.elapsed)
				got := p.wait(t0.Add(tt.elapsed), tt.report, jitter)
				if got < tt.least || got > tt.top {
					t.Errorf("wait = %v, want %v to %v", got, tt.least, tt.top)
				}
			}
		})
	}
}

// After an accepted request, the next wait is again the one that the service asks for.
func TestPausesAfterAnAcceptedRequest(t *testing.T) {
	var p pauses
	for _, sent := range []float64{0, 1, 2} {
		p.refused(at(sent))
	}
	assert.Same(t, "waits that failed", p.failedWaits, 2)
	p.accepted()
	assert.Same(t, "wait", p.wait(at(60), Feedback{RetryAfter: time.Second, HasRetryAfter: true}, 0), time.Second)
}

func TestMaxRate(t *testing.T) {
	c := newController(Options{MaxRate: 10})
	sent := 0
	for now := t0; now.Before(at(10)); {
		n, next := c.Take(now, 20)
		if n > 0 {
			sent += n
			c.Done(now, Feedback{Sent: now, Accepted: n})
			continue
		}
		if !next.After(now) {
			t.Fatalf("Take at %v = 0, %v", now, next)
		}
		now = next
	}
	if sent < 99 || sent > 101 {
		t.Errorf("%d requests in 10 s at 10/s", sent)
	}
}

// If MaxRate is almost 0, the time to ask again is still in the future.
func TestMaxRateNearNothing(t *testing.T) {
	c := newController(Options{MaxRate: 1e-12})
	if n, _ := c.Take(t0, 1); n != 1 {
		t.Fatalf("Take = %d at first", n)
	}
	if n, next := c.Take(t0, 1); n != 0 || !next.After(t0) {
		t.Errorf("Take = %d, again at %v", n, next)
	}
}

// An interruption keeps the rate, and discards the span.
func TestInterrupted(t *testing.T) {
	c := newController(Options{})
	c.meter.rate, c.meter.spanStart = 100, t0
	c.Interrupted()
	if c.meter.rate != 100 || !c.meter.interrupted {
		t.Errorf("rate %v, broken %v, want 100 and a span that is not measured", c.meter.rate, c.meter.interrupted)
	}
}

// Each sibling has a limit of its own, but they share MaxRate. Capped reports which sibling MaxRate stops.
func TestSibling(t *testing.T) {
	reads := newController(Options{MaxRate: 10})
	writes := reads.Sibling()
	if n, _ := reads.Take(t0, 1); n != 1 || reads.Capped() {
		t.Errorf("Take = %d, capped %v", n, reads.Capped())
	}
	reads.Done(t0, Feedback{Sent: t0, Refused: 1, RetryAfter: 10 * time.Second, HasRetryAfter: true})
	reads.Take(t0, 1)
	if n, next := writes.Take(t0, 1); n != 0 || !writes.Capped() || !next.Equal(at(0.1)) {
		t.Errorf("Take = %d, %v, capped %v, want none before the tenth of a second", n, next, writes.Capped())
	}
	if n, next := reads.Take(at(0.1), 1); n != 0 || reads.Capped() || !next.Equal(at(10)) {
		t.Errorf("Take behind the gate = %d, %v, capped %v", n, next, reads.Capped())
	}
	if n, _ := writes.Take(at(0.1), 1); n != 1 || writes.Capped() {
		t.Errorf("Take = %d, capped %v, want 1: the gate is the other's", n, writes.Capped())
	}
}

// If the service reports that the limit is nearly used up, neither the number in flight nor the pace grows.
func TestUsed(t *testing.T) {
	c := newController(Options{})
	flights := takeAll(c, t0)
	for _, n := range flights {
		c.Done(at(0.05), Feedback{Sent: t0, Accepted: n, Used: 0.85})
	}
	if got := sum(takeAll(c, at(1))); got != 40 {
		t.Errorf("%d requests in flight near the limit, want no more than before", got)
	}
}

func TestBackoff(t *testing.T) {
	tests := []struct {
		n      int
		jitter float64
		want   time.Duration
	}{
		{0, 0, time.Second}, {3, 0, 8 * time.Second}, {3, 1, 6 * time.Second}, {6, 0, time.Minute},
		{1000, 0, time.Minute},
	}
	for _, tt := range tests {
		if got := Backoff(tt.n, time.Second, time.Minute, tt.jitter); got != tt.want {
			t.Errorf("Backoff(%d) = %v, want %v", tt.n, got, tt.want)
		}
	}
}

// Whatever the service answers, Take never returns a time in the past, sends nothing while the gate is
// closed, and sends again later.
func FuzzController(f *testing.F) {
	f.Add([]byte{20, 0, 1, 20, 5, 10, 1, 0, 3, 0, 20, 255})
	f.Add([]byte{1, 1, 1, 1, 200, 100, 50, 25, 12, 6, 3, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		c := newController(Options{})
		now := t0
		for i := 0; i+2 < len(script); i += 3 {
			sent := now
			n, next := c.Take(now, int(script[i]%20)+1)
			if n < 0 || n > 20 || n > 0 && now.Before(c.ClosedUntil()) || n == 0 && !next.IsZero() && !next.After(now) {
				t.Fatalf("Take at %v = %d, %v, closed until %v", now, n, next, c.ClosedUntil())
			}
			if n == 0 {
				if next.IsZero() {
					t.Fatal("nothing is in flight, and only an answer is to change that")
				}
				if next.Sub(now) > maxPause+26*time.Second {
					t.Fatalf("asks to come back in %v", next.Sub(now))
				}
				now = next
				continue
			}
			now = now.Add(time.Duration(script[i+1]) * 10 * time.Millisecond)
			refused := min(n, int(script[i+2]%32))
			c.Done(now, Feedback{Sent: sent, Accepted: n - refused, Refused: refused, HasRetryAfter: script[i+2]&32 > 0,
				RetryAfter: time.Duration(script[i+2]) * 100 * time.Millisecond, Used: float64(script[i+1]) / 200})
		}
	})
}

// While others are in flight, a third of the target is worth a round trip, from one full batch to two. If
// chance refuses more often than the limit, a sixteenth is worth it, up to one batch.
func TestWorthwhile(t *testing.T) {
	for _, tt := range []struct {
		target  float64
		chances float64 // questions for which the cause was chance
		want    int
	}{{20, 0, 20}, {100, 0, 33}, {800, 0, 40}, {160, 1, 10}, {800, 1, 20}} {
		c := newController(Options{})
		c.detector.chanceCount = tt.chances
		c.target = tt.target
		c.inFlight = int(tt.target) - tt.want
		if n, _ := c.room(t0, 20); n != tt.want {
			t.Errorf("%v in flight and room for %d: %d go", tt.target, tt.want, n)
		}
		c.inFlight++
		if n, _ := c.room(t0, 20); n != 0 {
			t.Errorf("%v in flight and room for %d: %d go, want none", tt.target, tt.want-1, n)
		}
	}
}

// Two batches are sent half a round trip apart, divided by the number of batches in flight. If the rate is
// known, it is 0.9 of a round trip.
func TestStagger(t *testing.T) {
	c := New(Options{})
	c.latency.mean, c.fullBatch, c.target = 100*time.Millisecond, 20, 400
	assert.Same(t, "before the rate is known", c.stagger(), 2500*time.Microsecond)
	c.meter.rate = 100
	assert.Same(t, "with a rate", c.stagger(), 4500*time.Microsecond)
}
