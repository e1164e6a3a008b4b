package quota

import (
	"math"
	"time"
)

// algorithm does the arithmetic of one Limit. advance is called before any other method.
type algorithm interface {
	advance(now time.Time)
	fits(n float64) bool
	take(n float64)
	chargeRefused(n float64)
	wait(n float64) time.Duration // how long until n requests fit
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

// fits reports whether n requests get through now. A batch that is larger than the bucket
// gets through when the bucket is full; otherwise it would never get through.
func (b *bucket) fits(n float64) bool     { return b.tokens >= min(n, b.burst)-epsilon }
func (b *bucket) take(n float64)          { b.tokens -= n }
func (b *bucket) chargeRefused(n float64) { b.tokens -= n }

func (b *bucket) wait(n float64) time.Duration {
	missing := min(n, b.burst) - b.tokens
	return time.Duration(math.Round(max(0, missing) / b.rate * float64(time.Second)))
}

type window struct {
	size   float64
	length time.Duration
	start  time.Time // the start of the window
	now    time.Time
	taken  float64
	debt   float64 // refused requests to subtract from the next window
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

func (w *window) fits(n float64) bool        { return w.taken+min(n, w.size) <= w.size }
func (w *window) take(n float64)             { w.taken += n }
func (w *window) chargeRefused(n float64)    { w.debt = min(w.debt+n, w.size-1) }
func (w *window) wait(float64) time.Duration { return w.start.Add(w.length).Sub(w.now) }

type first struct {
	left  float64 // how many more requests to refuse
	delay time.Duration
}

func (f *first) advance(time.Time)          {}
func (f *first) fits(float64) bool          { return f.left <= 0 }
func (f *first) take(float64)               {}
func (f *first) chargeRefused(n float64)    { f.left -= n }
func (f *first) wait(float64) time.Duration { return f.delay }

type closed struct {
	length    time.Duration
	opens, at time.Time
}

func (c *closed) advance(now time.Time)      { c.at = now }
func (c *closed) fits(float64) bool          { return !c.at.Before(c.opens) }
func (c *closed) chargeRefused(float64)      {}
func (c *closed) wait(float64) time.Duration { return c.opens.Sub(c.at) }

func (c *closed) take(float64) {
	if c.opens.IsZero() {
		c.opens = c.at.Add(c.length)
	}
}
