// Package throttle finds the pace that a limit allows, from nothing but what
// became of the requests sent so far. It is pure: it takes the time as an
// argument, starts nothing, and knows no HTTP.
//
// Nobody outside of the service knows the limit, and it moves. A Controller keeps
// three estimates, each in a type of its own:
//
//   - Is it a limit at all? Graph also refuses requests because a user, a partition
//     or the moment is busy. A limit that is reached refuses what is sent right behind
//     the first refusal, and chance does not. So requests go in pairs of batches, close
//     together, and a detector weighs the answers in the order of sending. Only refusals
//     that it ascribes to a limit close the gate and are measured. Others wait by themselves.
//     A few requests alone, with no other batch near, show no limit where chance refuses too.
//   - How fast does it come back? At two refusals by the limit nothing was left, so what
//     was accepted between them, over the time between them, is its rate. Where a burst is
//     small most of a wait is wasted, and the meter finds the rate in the stretch that began
//     with a full burst. A high rate shows at once, in what is accepted of the batches that
//     were on their way at the first refusal. A limit that comes back all at once, in windows,
//     is recognized by type windows: from one wait to the next just as many are accepted.
//   - How many requests may be in flight? Some services bound just that. A ceiling keeps
//     how many were in flight at the last refusals and tries more now and then.
//
// A run goes through these states:
//
//   - Before the first refusal the number of requests in flight grows by half with each
//     round trip. Where chance refuses, it triples. It stops growing when the answers take
//     twice as long as at first, because the service is saturated.
//   - A refusal by the limit closes the gate for the wait that it names. Then one request
//     goes, and if it is accepted two, four and so on, up to what should be free.
//   - After that requests go at the measured rate. The rate climbs, slowly where several
//     measurements agree and fast where they do not. The next refusal measures again.
package throttle

import (
	"math"
	"math/rand/v2"
	"time"
)

// Options of a Controller. The zero value of each field is its default.
type Options struct {
	// MaxRate is the most requests a second, whatever the service would take.
	// Zero means no such bound.
	MaxRate float64

	// MaxInFlight is the most requests in flight. It is reached with the first answer.
	// Zero means no such bound: the number grows step by step, because the higher the
	// speed at which an unknown limit is hit, the more is refused at once.
	MaxInFlight int

	// Jitter returns a number in [0,1) that spreads waits which the service did
	// not name. Nil means math/rand.
	Jitter func() float64
}

// Feedback is what became of requests that Take let go together.
type Feedback struct {
	Sent     time.Time // when they were sent
	Accepted int       // answered, and not refused for their pace
	Refused  int       // answered with 429
	Lost     int       // not answered

	Retried int // of Accepted and Refused, requests that were refused before
	Again   int // of Refused, requests that were refused before

	// RetryAfter is the longest wait that the answers named, if Told.
	RetryAfter time.Duration
	Told       bool

	// Used is the share of the limit in use as the service reports it, where 1 is
	// where refusals begin; zero if it does not.
	Used float64
}

// wait returns the wait that the answers named, or firstPause if they named none.
func (r Feedback) wait() time.Duration {
	if r.Told && r.RetryAfter > 0 {
		return r.RetryAfter
	}
	return firstPause
}

const (
	// batchSize is the most requests of a batch.
	// Source: learn.microsoft.com/graph/json-batching (up to 20 requests).
	batchSize = 20

	// firstFlight is how many requests go before anything is known: a list this
	// short is not slowed by caution.
	firstFlight = 2 * batchSize

	// topRate is the highest limit worth finding fast, in requests a second.
	topRate = 2000

	// pacePeriod is how often requests go at least when they are paced. At a
	// low rate batches are smaller than they could be: round trips are cheap,
	// and a batch that comes when the level is used up is refused as a whole.
	pacePeriod = 200 * time.Millisecond

	// maxStagger is the longest time between two batches that could go at once.
	maxStagger = 8 * time.Millisecond

	// maxAway is the longest time after which to ask again, however low the rate.
	maxAway = 24 * time.Hour
)

// A Controller is the one gate that all requests of a quota pass. It is not
// safe for concurrent use, and neither are siblings.
type Controller struct {
	opts Options

	size     int // of a full batch: the most that Take was asked for
	inFlight int
	rest     int     // of inFlight, what goes as the second batch of a pair
	window   float64 // most requests in flight while feeling the way
	grown    float64 // what the window is to grow by at growAt
	growAt   time.Time
	opening  float64 // the window at the last refusal by the limit

	latency latencies
	closed  time.Time // nothing goes before this time
	near    time.Time // when the service last reported that the limit is near
	pauses  pauses

	detector detector // of refusals by the limit
	limit    meter    // what the service allows
	fixed    windows  // the same, where it comes back all at once
	ceiling  ceiling  // of requests in flight
	level    level    // what should be free of the limit

	capped *level // what MaxRate leaves, of all siblings
	short  bool   // of it, at the last Take
}

// New returns an open Controller.
func New(opts Options) *Controller {
	if opts.Jitter == nil {
		opts.Jitter = rand.Float64
	}
	return &Controller{opts: opts, window: firstFlight, limit: meter{burst: math.Inf(1)}, detector: newDetector(),
		capped: &level{free: 1, most: max(1, opts.MaxRate*2*pacePeriod.Seconds())}}
}

// Sibling returns an open Controller for another quota. It has the same Options, and
// MaxRate is for what all siblings let go together.
func (c *Controller) Sibling() *Controller {
	s := New(c.opts)
	s.capped = c.capped
	return s
}

// Take asks to send up to want requests at now. It returns how many may go;
// they count as sent. If none may, at is the time to ask again; a zero at means
// that only Feedback changes the answer.
func (c *Controller) Take(now time.Time, want int) (n int, at time.Time) {
	c.short = false
	c.size = max(c.size, want)
	if until, held := c.detector.holds(now); held {
		return 0, until
	}
	c.rule(c.detector.cause(true))
	if now.Before(c.closed) {
		return 0, c.closed
	}
	if next := c.detector.last.Add(c.stagger()); now.Before(next) {
		return 0, next
	}
	if n = c.takeRest(want); n > 0 {
		c.detector.sent(now, c.inFlight-c.rest-n)
		return n, time.Time{}
	}
	if c.limit.reopen(c.latency.mean) {
		c.opening = max(c.opening, c.limit.rate) // so the window opens to half a round trip's worth
	}
	c.fixed.reopen(now, c.latency.mean)
	c.fixed.advance(now, c.latency.mean)
	if c.grown > 0 && !now.Before(c.growAt) {
		c.window = c.widen(c.window + c.grown)
		c.grown = 0
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
	c.rest = n - first
	c.detector.sent(now, c.inFlight-n)
	return first, time.Time{}
}

// pairOf returns how many requests may go in two batches of want: of one, where batches in
// flight are few and there is no room for a second that is full.
func (c *Controller) pairOf(want, room int) int {
	if c.serial() || c.opts.MaxInFlight > 0 && room < 2*want {
		return want
	}
	return 2 * want
}

// firstOf returns how many of n requests go in the first batch of a pair.
func (c *Controller) firstOf(n, want int) int {
	if c.serial() || c.opts.MaxInFlight > 0 && n >= want {
		return min(n, want) // where batches in flight are few, they are full
	}
	return min((n+1)/2, want)
}

// serial reports whether there is never a second full batch in flight.
func (c *Controller) serial() bool { return c.opts.MaxInFlight > 0 && c.opts.MaxInFlight < 2*c.size }

// room returns how many more requests may be in flight, at least one if there are none,
// or 0 and when to ask again.
func (c *Controller) room(now time.Time, want int) (n int, at time.Time) {
	n = int(c.window) - c.inFlight
	if n < c.worthwhile(want) && c.inFlight > 0 {
		// What is left is not worth a round trip; an answer makes room for more.
		if c.grown > 0 {
			return 0, c.growAt
		}
		return 0, time.Time{}
	}
	if c.limit.rate == 0 && !c.limit.since.IsZero() {
		// As many as before the first refusal should fit; more go with care.
		left := c.limit.before - c.limit.count - c.inFlight
		if left < min(batchSize, c.limit.before/4) {
			if c.inFlight > 0 {
				return 0, time.Time{}
			}
			left = max(2, c.limit.count/2)
		}
		n = int(min(float64(min(n, left)), max(c.limit.most(), float64(c.limit.count)/4)))
	}
	return max(n, 1), time.Time{}
}

// worthwhile returns the smallest number of requests that is worth a round trip while others are in flight. Where
// chance refuses more often than the limit, small batches soon show that others get through.
func (c *Controller) worthwhile(want int) int {
	switch {
	case c.mostlyChance():
		return min(want, max(1, int(c.window)/16))
	case c.opts.MaxInFlight > 0:
		return want
	}
	return min(2*want, max(want, int(c.window)/3))
}

// paced returns how many of n requests the limit and MaxRate leave, and takes them, or 0 and
// when to ask again. Under MaxRate it is one batch: a pair is evidence only of the service's limit.
func (c *Controller) paced(now time.Time, n, want int) (_ int, at time.Time) {
	if rate := c.limit.rate; rate > 0 {
		since := now.Sub(later(c.limit.opened, c.near))
		gain := c.limit.gain(since, c.latency.mean)
		switch {
		case c.fixed.size > 0:
			n, at = c.fixed.take(now, n, since)
		default:
			pace := rate * (1 + gain)
			c.level.most = c.limit.most() * (1 + gain)
			c.level.advance(now, pace)
			// However slow the service seems, it is asked now and then.
			c.level.free = max(c.level.free, 1-pace*maxPause.Seconds())
			n, at = c.level.take(now, n, pace)
		}
		if n == 0 {
			return 0, at
		}
	}
	if r := c.opts.MaxRate; r > 0 {
		c.capped.advance(now, r)
		if n, at = c.capped.take(now, min(n, want), r); n == 0 {
			c.short = true
			return 0, at
		}
		c.capped.free -= float64(n)
	}
	c.level.free -= float64(n)
	c.fixed.sent(now, n)
	return n, time.Time{}
}

// stagger is how far apart two batches are sent at least, so that the first one arrives
// first: what is refused behind it is evidence then. Where many are in flight it is less,
// so that it does not slow them down. Where the rate is known, batches are spread further over
// the round trip: close together, the same requests are refused again and again.
func (c *Controller) stagger() time.Duration {
	batches, share := max(1, c.window/float64(c.size)), 0.5
	if c.limit.rate > 0 {
		share = 0.9
	}
	return min(maxStagger, time.Duration(share*float64(c.latency.mean)/batches))
}

// takeRest returns the second batch of a pair, at most want requests of it, and gives back
// the others.
func (c *Controller) takeRest(want int) int {
	n := min(c.rest, want)
	back := c.rest - n
	c.level.free += float64(back)
	c.capped.free += float64(back)
	c.fixed.free += back
	c.inFlight -= back
	c.rest = 0
	return n
}

// Close lets nothing go before until, for a reason that says nothing of the pace.
func (c *Controller) Close(until time.Time) {
	if until.After(c.closed) {
		c.takeRest(0)
		c.closed = until
		c.Interrupted()
	}
}

// Interrupted says that for a time nothing could be sent, for another reason than the
// pace: what is being measured meanwhile is no measure.
func (c *Controller) Interrupted() {
	c.limit.broken = !c.limit.since.IsZero()
	c.fixed.interrupted()
}

// Capped reports whether it was for MaxRate alone that the last Take let nothing go,
// so that a sibling which goes now would be taking it away.
func (c *Controller) Capped() bool { return c.short }

// ClosedUntil returns the end of the wait in force, a time past if there is none. A refusal
// in question is no wait yet, though nothing goes until it is settled.
func (c *Controller) ClosedUntil() time.Time { return c.closed }
