// Package throttle decides when the next requests may go, and how many, from
// nothing but what became of the earlier ones. It is pure: it takes the time as
// an argument, starts nothing, and knows no HTTP.
package throttle

import (
	"math/rand/v2"
	"time"
)

// Options of a Controller. The zero value is ready for use.
type Options struct {
	// MaxBackoff bounds the wait that is chosen here when a refusal names none.
	// Zero means one minute.
	MaxBackoff time.Duration

	// Jitter returns a number in [0,1) that spreads chosen waits. Nil means
	// math/rand.
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
}

// A Controller is the one gate that all requests of a quota pass. It is not
// safe for concurrent use.
type Controller struct {
	opts     Options
	closed   time.Time // nothing goes before this time
	refusals int       // in a row without a wait named, for the backoff
}

// New returns an open Controller.
func New(opts Options) *Controller {
	if opts.MaxBackoff <= 0 {
		opts.MaxBackoff = time.Minute
	}
	if opts.Jitter == nil {
		opts.Jitter = rand.Float64
	}
	return &Controller{opts: opts}
}

// Take asks to send up to want requests at now. It returns how many may go;
// they count as sent. If none may, at is the time to ask again; a zero at means
// that only a Report changes the answer.
func (c *Controller) Take(now time.Time, want int) (n int, at time.Time) {
	if now.Before(c.closed) {
		return 0, c.closed
	}
	return want, time.Time{}
}

// Done takes in what became of requests, at the time of their answers.
func (c *Controller) Done(now time.Time, r Report) {
	if r.Refused == 0 {
		if r.Accepted > 0 && !r.Sent.Before(c.closed) {
			c.refusals = 0
		}
		return
	}
	wait := r.RetryAfter
	if !r.Told || wait <= 0 {
		wait = Backoff(c.refusals, time.Second, c.opts.MaxBackoff, c.opts.Jitter())
		if !r.Sent.Before(c.closed) {
			c.refusals++ // not for what was in flight when the gate closed
		}
	}
	if until := now.Add(wait); until.After(c.closed) {
		c.closed = until
	}
}

// ClosedUntil returns the end of the wait in force, a time past if there is none.
func (c *Controller) ClosedUntil() time.Time { return c.closed }

// Backoff returns base·2ⁿ, at most limit, of which jitter in [0,1) takes off up
// to a quarter, so that clients that failed together do not return together.
func Backoff(n int, base, limit time.Duration, jitter float64) time.Duration {
	d := limit
	if n < 30 && base < limit>>n {
		d = base << n
	}
	return d - time.Duration(jitter*float64(d)/4)
}
