package quota

import (
	"math"
	"time"
)

// algorithm does the arithmetic of one Limit. advance is called before any other method.
type algorithm interface {
	advance(now time.Time)
	fits() bool // one more request
	take()
	chargeRefused()
	wait() time.Duration // how long until a request fits
}

// epsilon allows for rounding, so that a request that comes exactly at the end of its
// wait finds its token.
const epsilon = 1e-6

type bucket struct {
	rate, burst, tokens float64
	last                time.Time
}

func (b *bucket) advance(now time.Time) {
	if !b.last.IsZero() {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	}
	b.last = now
}

func (b *bucket) fits() bool     { return b.tokens >= 1-epsilon }
func (b *bucket) take()          { b.tokens-- }
func (b *bucket) chargeRefused() { b.tokens-- }

func (b *bucket) wait() time.Duration {
	return time.Duration(math.Round(max(0, 1-b.tokens) / b.rate * float64(time.Second)))
}

type window struct {
	size        int
	length      time.Duration
	start, now  time.Time // start is the start of the window
	taken, debt int       // debt counts refused requests to subtract from the next window
}

func (w *window) advance(now time.Time) {
	w.now = now
	age := now.Sub(w.start)
	if age < w.length {
		return
	}
	if age >= 2*w.length {
		w.debt = 0
	}
	w.start, w.taken, w.debt = now, w.debt, 0
}

func (w *window) fits() bool          { return w.taken < w.size }
func (w *window) take()               { w.taken++ }
func (w *window) chargeRefused()      { w.debt = min(w.debt+1, w.size-1) }
func (w *window) wait() time.Duration { return w.start.Add(w.length).Sub(w.now) }

type first struct {
	left  int // how many more requests to refuse
	delay time.Duration
}

func (f *first) advance(time.Time)   {}
func (f *first) fits() bool          { return f.left <= 0 }
func (f *first) take()               {}
func (f *first) chargeRefused()      { f.left-- }
func (f *first) wait() time.Duration { return f.delay }

type closed struct {
	length    time.Duration
	opens, at time.Time
}

func (c *closed) advance(now time.Time) { c.at = now }
func (c *closed) fits() bool            { return !c.at.Before(c.opens) }
func (c *closed) chargeRefused()        {}
func (c *closed) wait() time.Duration   { return c.opens.Sub(c.at) }

func (c *closed) take() {
	if c.opens.IsZero() {
		c.opens = c.at.Add(c.length)
	}
}
