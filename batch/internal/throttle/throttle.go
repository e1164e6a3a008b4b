// Package throttle finds the highest pace that a limit of the service allows. It learns the pace
// only from the answers to earlier requests. It is pure: it takes the time as an argument, starts
// no goroutine and knows no HTTP.
//
// Nobody outside of the service knows the limit, and it changes. A request beyond the limit is
// refused (429) and has to wait. So a pace that is too high costs time, as one that is too low does.
//
// A [Controller] answers three questions, each with a type of its own:
//
//   - Was it a limit? The service also refuses requests for other reasons, such as a busy user or a
//     busy part of the service. Here all of these are called chance. If a limit is the cause, the
//     next batch is refused too. If chance is the cause, it usually is not. So batches are sent in
//     pairs, a few milliseconds apart, and a detector weighs the answers. Only refusals by the limit
//     close the gate and are measured. After a refusal by chance, the caller only lets the refused
//     requests wait.
//   - How fast does quota come back? Quota is the number of requests that the limit accepts at a
//     moment. At each refusal it is used up. So the rate is the number of requests accepted between
//     two refusals, divided by that time. A meter measures it. It also finds the rate if little
//     quota piles up in a wait (a small burst), and if the first refusal already shows a high rate.
//     If all quota comes back at once, in windows, the number accepted after each wait is the same.
//     Type fixedWindows recognizes this.
//   - How many requests may be in flight? Some services limit only this number. A ceiling is the
//     number in flight at the last refusals. Now and then the Controller tries more.
//
// A Controller goes through these states:
//
//   - No refusal by the limit yet: the number of requests in flight grows by half with each round
//     trip. It triples if chance refuses more often than the limit. It stops growing when answers
//     take twice as long as at first, because the service is saturated then.
//   - Waiting: a refusal by the limit closes the gate for as long as the service asks. Then one
//     request is sent. If it is accepted, two follow, then four and so on. If several measurements
//     agree on the rate, all requests that should be free follow at once.
//   - Paced: requests are sent at the measured rate. The pace climbs above it, slowly if several
//     measurements agree and fast if they do not. The next refusal measures the rate again.
//
// To read on, start with [Controller.Take], which decides what to send, and [Controller.Done],
// which learns from answers. Then read detector, meter, fixedWindows and ceiling.
//
// Numbers without a source were chosen by simulation: TestShapes compares the Controller with a
// client that knows the limit, and TestGoals holds what is reached.
package throttle

import (
	"math"
	"math/rand/v2"
	"time"
)

// Options are the settings of a Controller. The zero value of each field is its default.
type Options struct {
	// MaxRate is the most requests per second, even if the service allows more. Zero means no such bound.
	MaxRate float64

	// MaxInFlight is the most requests in flight. This number is reached with the first answer. Zero means no such
	// bound: then the number grows step by step, because a fast start makes the service refuse more requests at
	// once.
	MaxInFlight int

	// Jitter returns a number in [0,1). It spreads waits for which the service gave no time. Nil means math/rand.
	Jitter func() float64
}

// Feedback is the result of the requests of one Take.
type Feedback struct {
	Sent     time.Time // when Take was called
	Accepted int       // number answered, but not with 429
	Refused  int       // number answered with 429
	Lost     int       // number without an answer

	Retried      int // of Accepted and Refused, the requests that had been refused before
	RefusedAgain int // of Refused, the requests that had been refused before

	// RetryAfter is the longest wait that an answer asked for. It is valid if HasRetryAfter is true.
	RetryAfter    time.Duration
	HasRetryAfter bool

	// Used is the part of the limit in use, as the service reports it. At 1 the service refuses requests. 0 means
	// not reported.
	Used float64
}

// wait returns the wait that the answers asked for, or firstPause if they asked for none.
func (r Feedback) wait() time.Duration {
	if r.HasRetryAfter && r.RetryAfter > 0 {
		return r.RetryAfter
	}
	return firstPause
}

const (
	// batchSize is the most requests in a batch.
	// Source: learn.microsoft.com/graph/json-batching (up to 20 requests).
	batchSize = 20

	// firstFlight is the number of requests that may be in flight before the first answer. So a list of 40 requests
	// is sent at once.
	firstFlight = 2 * batchSize

	// topRate is the highest rate, in requests per second, for which the number in flight grows at full speed.
	topRate = 2000

	// pacePeriod is how often a batch is sent at least when requests are paced, if the rate allows one request in
	// this time. At a low rate, batches therefore have fewer requests than they could. An additional round trip is
	// cheap, but a full batch that arrives when quota is used up is refused as a whole.
	pacePeriod = 200 * time.Millisecond

	// maxStagger is the longest time between two batches that could be sent at once. It is shorter than
	// neighborGap, so each batch of a pair is evidence for the other.
	maxStagger = 8 * time.Millisecond

	// maxAway is the longest time until Take wants to be asked again. It keeps a very low rate from overflowing a
	// Duration.
	maxAway = 24 * time.Hour
)

// A Controller is the gate for all requests that share a limit. A Controller and its siblings together are not safe
// for concurrent use.
type Controller struct {
	opts Options

	fullBatch   int // requests in a full batch: the most that Take was asked for
	inFlight    int // requests sent or promised, and not yet answered
	secondBatch int // requests in the second batch of a pair: part of inFlight, and sent by the next Take

	target     float64 // requests that should be in flight now
	growth     float64 // what target grows by at growAt
	growAt     time.Time
	lastTarget float64 // target at the last refusal by the limit

	latency     latencies
	closedUntil time.Time // the end of the wait: nothing is sent before this time
	nearLimitAt time.Time // when the service last reported that 80 % of the limit or more is in use
	pauses      pauses

	detector detector     // decides whether the limit refused a request
	meter    meter        // the measured rate and burst
	windows  fixedWindows // the same, if quota comes back all at once
	ceiling  ceiling      // the limit for requests in flight
	level    level        // the requests that should be free now

	maxRate *level // the requests that MaxRate has free, shared by all siblings
	capped  bool   // the last Take returned 0 because of MaxRate
}

// New returns an open Controller.
func New(opts Options) *Controller {
	if opts.Jitter == nil {
		opts.Jitter = rand.Float64
	}
	return &Controller{opts: opts, target: firstFlight, meter: meter{burst: math.Inf(1)}, detector: newDetector(),
		maxRate: &level{free: 1, most: max(1, opts.MaxRate*2*pacePeriod.Seconds())}}
}

// Sibling returns an open Controller for another limit. It has the same Options, but MaxRate is for all siblings
// together.
func (c *Controller) Sibling() *Controller {
	s := New(c.opts)
	s.maxRate = c.maxRate
	return s
}

// Take asks to send up to want requests at now. It returns how many may be sent, and counts them as sent. If n is
// 0, at is when to ask again. A zero at means that only Done can change the answer.
func (c *Controller) Take(now time.Time, want int) (n int, at time.Time) {
	c.capped = false
	c.fullBatch = max(c.fullBatch, want)
	if until, held := c.detector.blocks(now); held {
		return 0, until
	}
	c.applyCause(c.detector.cause(true))
	if now.Before(c.closedUntil) {
		return 0, c.closedUntil
	}
	if next := c.detector.lastSent.Add(c.stagger()); now.Before(next) {
		return 0, next
	}
	if n = c.takeSecondBatch(want); n > 0 {
		c.detector.sent(now, c.inFlight-c.secondBatch-n)
		return n, time.Time{}
	}
	if c.meter.reopen(c.latency.mean) {
		// This makes onAccepted set the target to what comes back in half a round trip.
		c.lastTarget = max(c.lastTarget, c.meter.rate)
	}
	c.windows.reopen(now, c.latency.mean)
	c.windows.advance(now, c.latency.mean)
	if c.growth > 0 && !now.Before(c.growAt) {
		c.target = c.clampTarget(c.target + c.growth)
		c.growth = 0
	}
	room, at := c.room(now, want)
	if room == 0 {
		return 0, at
	}
	if n, at = c.paced(now, min(c.pairOf(want, room), room), want); n == 0 {
		return 0, at
	}
	first := c.firstOf(n, want)
	c.inFlight += n
	c.secondBatch = n - first
	c.detector.sent(now, c.inFlight-n)
	return first, time.Time{}
}

// pairOf returns the size of two batches of want requests, or of one if there is no room for two.
func (c *Controller) pairOf(want, room int) int {
	if c.serial() || c.opts.MaxInFlight > 0 && room < 2*want {
		return want
	}
	return 2 * want
}

// firstOf returns how many of n requests are sent in the first batch of a pair.
func (c *Controller) firstOf(n, want int) int {
	if c.serial() || c.opts.MaxInFlight > 0 && n >= want {
		return min(n, want) // few batches fit in flight, so they are full
	}
	return min((n+1)/2, want)
}

// serial reports whether there is no room for two full batches in flight.
func (c *Controller) serial() bool {
	return c.opts.MaxInFlight > 0 && c.opts.MaxInFlight < 2*c.fullBatch
}

// room returns how many more requests may be in flight. This is at least one if none is in flight. If room returns
// 0, at is when to ask again, as in Take.
func (c *Controller) room(now time.Time, want int) (n int, at time.Time) {
	n = int(c.target) - c.inFlight
	if n < c.worthwhile(want) && c.inFlight > 0 {
		// So few are not worth a round trip. An answer makes room for more.
		if c.growth > 0 {
			return 0, c.growAt
		}
		return 0, time.Time{}
	}
	if c.meter.rate == 0 && !c.meter.spanStart.IsZero() {
		// The rate is not known yet. The limit should accept as many requests as before the last refusal. Beyond
		// that, more are sent only when none is in flight.
		left := c.meter.previousAccepted - c.meter.accepted - c.inFlight
		if left < min(batchSize, c.meter.previousAccepted/4) {
			if c.inFlight > 0 {
				return 0, time.Time{}
			}
			left = max(2, c.meter.accepted/2)
		}
		n = int(min(float64(min(n, left)), max(c.meter.most(), float64(c.meter.accepted)/4)))
	}
	return max(n, 1), time.Time{}
}

// worthwhile returns the smallest number of requests that is worth a round trip while others are in flight. A third
// of the target keeps batches full (TestFullBatches of package batch). If chance refuses more often than the limit,
// batches are smaller: they soon show that other requests are accepted.
func (c *Controller) worthwhile(want int) int {
	switch {
	case c.mostlyChance():
		return min(want, max(1, int(c.target)/16))
	case c.opts.MaxInFlight > 0:
		return want
	}
	return min(2*want, max(want, int(c.target)/3))
}

// paced takes up to n requests from the limit and from MaxRate. If it takes none, at is when to ask again. Under
// MaxRate it takes at most one batch, because a pair is evidence only for the limit of the service.
func (c *Controller) paced(now time.Time, n, want int) (_ int, at time.Time) {
	if rate := c.meter.rate; rate > 0 {
		since := now.Sub(later(c.meter.waitEnd, c.nearLimitAt))
		gain := c.meter.gain(since, c.latency.mean)
		switch {
		case c.windows.size > 0:
			n, at = c.windows.take(now, n, since)
		default:
			pace := rate * (1 + gain)
			c.level.most = c.meter.most() * (1 + gain)
			c.level.advance(now, pace)
			// Even if the measured rate is very low, a request is sent every maxPause.
			c.level.free = max(c.level.free, 1-pace*maxPause.Seconds())
			n, at = c.level.take(now, n, pace)
		}
		if n == 0 {
			return 0, at
		}
	}
	if r := c.opts.MaxRate; r > 0 {
		c.maxRate.advance(now, r)
		if n, at = c.maxRate.take(now, min(n, want), r); n == 0 {
			c.capped = true
			return 0, at
		}
		c.maxRate.free -= float64(n)
	}
	c.level.free -= float64(n)
	c.windows.sent(now, n)
	return n, time.Time{}
}

// stagger is the minimum time between two batches. It keeps them in order, so a refusal of the second one is
// evidence. If many batches are in flight, the time is shorter, so that it does not slow them down. If the rate is
// known, batches are spread over most of the round trip. Otherwise the same requests would be refused at the end of
// each burst.
func (c *Controller) stagger() time.Duration {
	batches, share := max(1, c.target/float64(c.fullBatch)), 0.5
	if c.meter.rate > 0 {
		share = 0.9
	}
	return min(maxStagger, time.Duration(share*float64(c.latency.mean)/batches))
}

// takeSecondBatch returns the size of the second batch of a pair, at most want, and returns the other requests of
// that batch to the limit.
func (c *Controller) takeSecondBatch(want int) int {
	n := min(c.secondBatch, want)
	back := c.secondBatch - n
	c.level.free += float64(back)
	c.maxRate.free += float64(back)
	c.windows.free += back
	c.inFlight -= back
	c.secondBatch = 0
	return n
}

// Interrupted discards the current measurement, because for some time nothing could be sent, and the reason was not
// the limit.
func (c *Controller) Interrupted() {
	c.meter.interrupted = !c.meter.spanStart.IsZero()
	c.windows.interrupted()
}

// Capped reports whether only MaxRate made the last Take return 0. Then siblings must wait, because they would use
// what this Controller waits for.
func (c *Controller) Capped() bool { return c.capped }

// ClosedUntil returns the end of the current wait. It is in the past if there is none. It does not include a
// refusal whose cause is not yet known, although Take returns 0 then too.
func (c *Controller) ClosedUntil() time.Time { return c.closedUntil }
