// Package throttle finds the pace that a quota allows, from nothing but what
// became of the requests sent so far. It is pure: it takes the time as an
// argument, starts nothing, and knows no HTTP.
//
// Nobody outside of the service knows the limit, and it moves. But a refusal
// tells that the quota is used up at that moment, so what was accepted between
// two refusals, over the time between them, is the limit, be it a bucket that
// refills or a window that starts anew. The Controller keeps that rate and a
// level of requests that should be free, like the service does:
//
//   - Before the first refusal the number of requests in flight grows with each
//     round trip, by half at first and then fourfold.
//   - A refusal empties the level and closes the gate for the wait it names.
//     Then one request goes, and if it is accepted two, four and so on, or all
//     at once when what was measured is to be trusted, until the level that has
//     built up meanwhile is spent.
//   - After that requests go at the measured rate. It climbs, slowly at first
//     and faster the longer nothing is refused, so that a limit that was raised
//     is found. The next refusal measures again.
//   - Where just as many are accepted from each wait to the next, however long that
//     takes, the quota comes back all at once, in windows. Then as many go at the
//     beginning of each as fit in, now and then a few more to see whether they do,
//     and the rest when the next one begins, for which nobody has to be refused.
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

	// MaxInFlight is the most requests in flight. It is gone up to with the first
	// answer. Zero means as many as make 2,000 a second at the latency seen, step
	// by step: the higher the speed at which an unknown limit is hit, the more is
	// refused at once.
	MaxInFlight int

	// Jitter returns a number in [0,1) that spreads waits which the service did
	// not name. Nil means math/rand.
	Jitter func() float64
}

// A Report tells what became of requests that Take had let go together.
type Report struct {
	Sent     time.Time // when they were sent
	Accepted int       // answered, and not refused for their pace
	Refused  int       // answered with 429
	Lost     int       // not answered

	// RetryAfter is the longest wait that the answers named, if Told.
	RetryAfter time.Duration
	Told       bool

	// Used is the share of the limit in use as the service tells it, where 1 is
	// where refusals begin; zero if it does not tell.
	Used float64
}

const (
	// firstFlight is how many requests go before anything is known: a list this
	// short is not slowed by caution.
	firstFlight = 40

	// topRate is the highest limit worth finding fast, in requests a second.
	topRate = 2000

	// pacePeriod is how often requests go at least when they are paced. At a
	// low rate batches are smaller than they could be: round trips are cheap,
	// and a batch that comes when the level is used up is refused as a whole.
	pacePeriod = 200 * time.Millisecond

	// maxAway is the longest time after which to ask again, however low the rate.
	maxAway = 24 * time.Hour
)

// A Controller is the one gate that all requests of a quota pass. It is not
// safe for concurrent use, and neither are siblings.
type Controller struct {
	opts Options

	inFlight int
	window   float64 // most requests in flight while feeling the way
	grown    float64 // what the window is to grow by at growAt
	growAt   time.Time
	latency  time.Duration // of an answer, about
	closed   time.Time     // nothing goes before this time
	opening  float64       // the window at the last refusal
	near     time.Time     // when the service last said that the limit is near
	passed   float64       // requests accepted since the last wait
	carry    float64       // how many seem to pile up at most
	pauses   pauses

	limit  meter   // what the service allows
	fixed  windows // the same, where it comes back all at once
	level  level   // what should be free of it
	capped *level  // what MaxRate leaves, of all siblings
	short  bool    // of it, at the last Take
}

// New returns an open Controller.
func New(opts Options) *Controller {
	if opts.Jitter == nil {
		opts.Jitter = rand.Float64
	}
	return &Controller{opts: opts, window: firstFlight, carry: math.Inf(1), capped: &level{free: 1, most: max(1, opts.MaxRate*2*pacePeriod.Seconds())}}
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
// that only a Report changes the answer.
func (c *Controller) Take(now time.Time, want int) (n int, at time.Time) {
	c.short = false
	if now.Before(c.closed) {
		return 0, c.closed
	}
	c.fixed.reopen(now, c.latency)
	c.fixed.advance(now, c.latency)
	if c.grown > 0 && !now.Before(c.growAt) {
		c.window = min(c.window+c.grown, c.maxInFlight())
		c.grown = 0
	}
	if n = min(want, int(c.window)-c.inFlight); n < want && c.inFlight > 0 {
		// What is left is not worth a round trip; an answer makes room for more.
		if c.grown > 0 {
			return 0, c.growAt
		}
		return 0, time.Time{}
	}
	n = max(n, 1)
	if rate := c.limit.rate; rate > 0 {
		since := now.Sub(c.closed)
		if near := now.Sub(c.near); near < since {
			since = near // no reason to climb
		}
		gain := c.limit.gain(since, c.latency, c.fixed.cost)
		switch {
		case c.fixed.rush:
		case c.fixed.size > 0:
			n, at = c.fixed.take(now, n, gain)
		default:
			pace := rate * (1 + gain)
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
		if n, at = c.capped.take(now, n, r); n == 0 {
			c.short = true
			return 0, at
		}
		c.capped.free -= float64(n)
	}
	if !c.fixed.rush {
		c.level.free -= float64(n)
	}
	c.fixed.sent(now, n)
	c.inFlight += n
	return n, time.Time{}
}

// Done takes in what became of requests, at the time of their answer.
func (c *Controller) Done(now time.Time, r Report) {
	c.inFlight -= r.Accepted + r.Refused + r.Lost
	if r.Accepted+r.Refused > 0 {
		took := now.Sub(r.Sent)
		if c.latency == 0 {
			c.latency = took
		}
		c.latency += (took - c.latency) / 8
	}
	fresh := !r.Sent.Before(c.closed) // sent since the gate opened last
	if fresh {
		c.passed += float64(r.Accepted)
	}
	c.limit.note(r, fresh, now, max(minSpan, 4*c.latency))
	c.fixed.note(r)
	if r.Refused == 0 {
		c.accept(now, r, fresh)
		return
	}
	if fresh {
		c.pauses.begin(r.Sent, r.Accepted > 0)
		// The level is where it was when this was sent. After a window has ended
		// there is as much as in the last one, and not what the time since makes.
		c.learnCarry(r.Sent)
		c.level = level{at: r.Sent, most: min(max(float64(c.limit.before), c.limit.rate, 20), c.carry)}
		c.opening = c.window
	}
	if c.limit.counts {
		c.level.free -= float64(r.Refused)
	}
	c.window, c.grown = 1, 0
	c.passed = 0
	if until := now.Add(c.pauses.wait(now, r, c.limit.rate, c.opts.Jitter())); until.After(c.closed) {
		c.closed = until
	}
}

// Close lets nothing go before until, for a reason that says nothing of the pace.
func (c *Controller) Close(until time.Time) {
	if until.After(c.closed) {
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

// learnCarry takes in the first refusal after a wait. If it comes within the few round
// trips in which what has piled up in the wait is spent, so much does not pile up.
func (c *Controller) learnCarry(sent time.Time) {
	if c.limit.rate > 0 && sent.Sub(c.closed) < 6*c.latency {
		c.carry = max(c.passed, c.limit.rate/10, 1)
	} else {
		c.carry *= 1.5
	}
}

// accept takes in an answer without a refusal.
func (c *Controller) accept(now time.Time, r Report, fresh bool) {
	if fresh && r.Accepted > 0 {
		c.pauses.worked(r.Sent)
	}
	if r.Used >= 0.8 {
		c.near = now
		return
	}
	grow := float64(r.Accepted)
	switch {
	case !fresh:
		return
	case c.fixed.rush:
	case c.limit.sure() || c.fixed.size > 0:
		grow = c.maxInFlight() // what should be free is to be trusted
	case !c.limit.since.IsZero() && c.window == 1:
		// Where answers take long, what is refilled meanwhile would run over.
		grow = max(1, c.opening*min(1, c.latency.Seconds()/2))
	case c.limit.since.IsZero() && c.opts.MaxInFlight > 0:
		grow = c.maxInFlight()
	case c.limit.since.IsZero() && c.limit.count <= firstFlight:
		grow /= 2
	case c.limit.since.IsZero():
		grow *= 3
	}
	// Answers come in crowds. Before more goes than has come back, those that
	// are on their heels get time to say that it is too much.
	if c.grown == 0 {
		c.growAt = now.Add(c.latency / 8)
	}
	c.grown += grow
}

func (c *Controller) maxInFlight() float64 {
	if c.opts.MaxInFlight > 0 {
		return float64(c.opts.MaxInFlight)
	}
	return max(firstFlight, topRate*c.latency.Seconds())
}

// Capped tells whether it was for MaxRate alone that the last Take let nothing go,
// so that a sibling which goes now would be taking it away.
func (c *Controller) Capped() bool { return c.short }

// ClosedUntil returns the end of the wait in force, a time past if there is none.
func (c *Controller) ClosedUntil() time.Time { return c.closed }

// A level is how many requests should be free, as of a time.
type level struct {
	free float64
	most float64 // it builds up to, 0 for no bound
	at   time.Time
}

func (l *level) advance(now time.Time, rate float64) {
	if !l.at.IsZero() && now.After(l.at) {
		l.free += rate * now.Sub(l.at).Seconds()
		if l.most > 0 {
			l.free = min(l.free, l.most)
		}
	}
	l.at = now
}

// take returns how many of want requests are free, or when a worthwhile number
// of them will be.
func (l *level) take(now time.Time, want int, rate float64) (n int, at time.Time) {
	chunk := min(float64(want), max(1, math.Floor(rate*pacePeriod.Seconds())))
	if l.most > 0 {
		chunk = min(chunk, max(1, math.Floor(l.most))) // more never builds up
	}
	// Sums of fractions fall short of the whole by a hair.
	if short := chunk - l.free; short > 1e-6 {
		return 0, now.Add(time.Duration(math.Ceil(min(short/rate, maxAway.Seconds()) * 1e9)))
	}
	return int(min(float64(want), l.free+1e-6)), time.Time{}
}
