package graphsim

import (
	"math"
	"time"
)

// meter is the arithmetic of one Limit. All of it is called with mu held, and
// after advance.
type meter interface {
	advance(l *Limit, now time.Time)
	fits(need float64) bool
	take(n float64)
	charge(n float64)                          // n requests refused with CountRefused, or counted
	wait(l *Limit, need float64) time.Duration // until so many requests would fit
	needsCount() bool                          // charge even without CountRefused
}

// epsilon forgives rounding: a request that comes exactly when it was told to must
// find its token.
const epsilon = 1e-6

// forever stands for a wait without an end, as with a Bucket scaled to nothing.
const forever = time.Hour

type bucket struct {
	rate, burst, tokens float64
	last                time.Time
}

func (b *bucket) net(factor, load float64) float64 {
	full := b.rate * factor
	return max(full-load, full/10)
}

func (b *bucket) advance(l *Limit, now time.Time) {
	if !b.last.IsZero() && now.After(b.last) {
		l.spans(b.last, now, func(factor, load float64, _ time.Time, d time.Duration) bool {
			b.tokens = min(b.burst, b.tokens+b.net(factor, load)*d.Seconds())
			return true
		})
	}
	if now.After(b.last) {
		b.last = now
	}
}

// fits lets a batch larger than the bucket in when the bucket is full, or it never
// would get in.
func (b *bucket) fits(need float64) bool { return b.tokens >= min(need, b.burst)-epsilon }
func (b *bucket) take(n float64)         { b.tokens -= n }
func (b *bucket) charge(n float64)       { b.tokens -= n }
func (b *bucket) needsCount() bool       { return false }

func (b *bucket) wait(l *Limit, need float64) time.Duration {
	tokens, wait := b.tokens, forever
	l.spans(b.last, time.Time{}, func(factor, load float64, from time.Time, d time.Duration) bool {
		net, missing := b.net(factor, load), min(need, b.burst)-tokens
		if net > 0 && (d == 0 || missing <= net*d.Seconds()) {
			sofar := from.Sub(b.last)
			wait = sofar + time.Duration(math.Round(max(0, missing)/net*float64(time.Second)))
			return false
		}
		tokens += net * d.Seconds()
		return d > 0
	})
	return wait
}

type window struct {
	n            float64
	per          time.Duration
	start, last  time.Time
	cap          float64 // n, scaled
	taken, other float64
	debt         float64
}

func (w *window) advance(l *Limit, now time.Time) {
	factor, load := l.now(now)
	w.cap = math.Floor(w.n*factor + epsilon)
	switch age := now.Sub(w.start); {
	case w.start.IsZero():
		w.start, w.last = now, now
	case age >= w.per:
		if age >= 2*w.per {
			w.debt = 0
		}
		w.taken, w.debt, w.other = w.debt, 0, 0
		w.start = now
		if load > 0 { // somebody's first request was there at once
			w.start = now.Add(-(age % w.per))
		}
		w.last = w.start
	}
	if now.After(w.last) {
		w.other += load * now.Sub(w.last).Seconds()
		w.other = max(0, min(w.other, w.cap-w.taken))
		w.last = now
	}
}

func (w *window) fits(need float64) bool {
	return w.taken+math.Floor(w.other+epsilon)+min(need, max(w.cap, 1)) <= w.cap
}
func (w *window) take(n float64)                     { w.taken += n }
func (w *window) charge(n float64)                   { w.debt = max(0, min(w.debt+n, w.cap-1)) }
func (w *window) needsCount() bool                   { return false }
func (w *window) wait(*Limit, float64) time.Duration { return w.start.Add(w.per).Sub(w.last) }

type firstOnes struct {
	left float64
	told time.Duration
}

func (f *firstOnes) advance(*Limit, time.Time)          {}
func (f *firstOnes) fits(float64) bool                  { return f.left <= 0 }
func (f *firstOnes) take(float64)                       {}
func (f *firstOnes) charge(n float64)                   { f.left -= n }
func (f *firstOnes) wait(*Limit, float64) time.Duration { return f.told }
func (f *firstOnes) needsCount() bool                   { return true }
