package quota

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// algorithm does the arithmetic of one Limit. advance is called before any other method.
type algorithm interface {
	advance(s *schedule, now time.Time)
	fits(n float64) bool
	take(n float64)
	chargeRefused(n float64)
	wait(s *schedule, n float64) time.Duration // how long until n requests fit
}

// epsilon allows for rounding, so that a request that comes exactly at the end of its
// wait finds its token.
const epsilon = 1e-6

// forever is the wait for a bucket that never refills.
const forever = time.Hour

type bucket struct {
	rate, burst, tokens float64
	last                time.Time
}

// refill returns how many tokens a second are left after another client's load.
func (b *bucket) refill(factor, load float64) float64 {
	rate := b.rate * factor
	return max(rate-load, rate/10)
}

func (b *bucket) advance(s *schedule, now time.Time) {
	if !b.last.IsZero() && now.After(b.last) {
		s.eachStretch(b.last, now, func(factor, load float64, _ time.Time, length time.Duration) bool {
			b.tokens = min(b.burst, b.tokens+b.refill(factor, load)*length.Seconds())
			return true
		})
	}
	if now.After(b.last) {
		b.last = now
	}
}

// fits reports whether n requests get through now. A batch that is larger than the bucket
// gets through when the bucket is full; otherwise it would never get through.
func (b *bucket) fits(n float64) bool     { return b.tokens >= min(n, b.burst)-epsilon }
func (b *bucket) take(n float64)          { b.tokens -= n }
func (b *bucket) chargeRefused(n float64) { b.tokens -= n }

func (b *bucket) wait(s *schedule, n float64) time.Duration {
	tokens, wait := b.tokens, forever
	s.eachStretch(b.last, time.Time{}, func(factor, load float64, begin time.Time, length time.Duration) bool {
		rate, missing := b.refill(factor, load), min(n, b.burst)-tokens
		if rate > 0 && (length == 0 || missing <= rate*length.Seconds()) {
			wait = begin.Sub(b.last) + time.Duration(math.Round(max(0, missing)/rate*float64(time.Second)))
			return false
		}
		tokens += rate * length.Seconds()
		return length > 0
	})
	return wait
}

type window struct {
	size     float64
	length   time.Duration
	start    time.Time // the start of the window
	last     time.Time
	capacity float64 // the scaled size
	taken    float64 // requests of the client
	other    float64 // requests of another client
	debt     float64 // refused requests to subtract from the next window
}

func (w *window) advance(s *schedule, now time.Time) {
	factor, load := s.at(now)
	w.capacity = math.Floor(w.size*factor + epsilon)
	age := now.Sub(w.start)
	if w.start.IsZero() {
		w.start, w.last = now, now
	} else if age >= w.length {
		w.restart(now, age, load > 0)
	}
	if now.After(w.last) {
		w.other += load * now.Sub(w.last).Seconds()
		w.other = max(0, min(w.other, w.capacity-w.taken))
		w.last = now
	}
}

// restart begins the next window. If another client sends all the time, the window began
// when the last one ended; otherwise it begins with the request that comes now.
func (w *window) restart(now time.Time, age time.Duration, hasLoad bool) {
	if age >= 2*w.length {
		w.debt = 0
	}
	w.taken, w.debt, w.other = w.debt, 0, 0
	w.start = now
	if hasLoad {
		w.start = now.Add(-(age % w.length))
	}
	w.last = w.start
}

func (w *window) fits(n float64) bool {
	return w.taken+math.Floor(w.other+epsilon)+min(n, max(w.capacity, 1)) <= w.capacity
}
func (w *window) take(n float64)                        { w.taken += n }
func (w *window) chargeRefused(n float64)               { w.debt = max(0, min(w.debt+n, w.capacity-1)) }
func (w *window) wait(*schedule, float64) time.Duration { return w.start.Add(w.length).Sub(w.last) }

type first struct {
	left  float64 // how many more requests to refuse
	delay time.Duration
}

func (f *first) advance(*schedule, time.Time)          {}
func (f *first) fits(float64) bool                     { return f.left <= 0 }
func (f *first) take(float64)                          {}
func (f *first) chargeRefused(n float64)               { f.left -= n }
func (f *first) wait(*schedule, float64) time.Duration { return f.delay }

// schedule has the changes of a limit over time, counted from its first request.
type schedule struct {
	start   time.Time // the time of the first request
	factors steps     // factors of the limit
	loads   steps     // requests per second of another client
}

// step is a value that applies from some time after the first request.
type step struct {
	after time.Duration
	value float64
}

// steps are in order of time.
type steps []step

func (s *steps) add(after time.Duration, value float64) {
	*s = append(*s, step{after, value})
	slices.SortStableFunc(*s, func(a, b step) int { return cmp.Compare(a.after, b.after) })
}

// at returns the value of the last step that has begun, or initial.
func (s steps) at(after time.Duration, initial float64) float64 {
	for _, step := range s {
		if step.after > after {
			break
		}
		initial = step.value
	}
	return initial
}

// at returns factor and load at a time.
func (s *schedule) at(t time.Time) (factor, load float64) {
	after := t.Sub(s.start)
	return s.factors.at(after, 1), s.loads.at(after, 0)
}

// eachStretch calls f for each stretch of time between from and to in which the factor and
// the load stay the same, until f returns false. A zero to means no end, and a zero length means that
// the stretch has no end.
func (s *schedule) eachStretch(from, to time.Time, f func(factor, load float64, begin time.Time,
	length time.Duration) bool) {
	for {
		end := to
		for _, step := range slices.Concat(s.factors, s.loads) {
			if t := s.start.Add(step.after); t.After(from) && (end.IsZero() || t.Before(end)) {
				end = t
			}
		}
		factor, load := s.at(from)
		if !f(factor, load, from, max(0, end.Sub(from))) || end.Equal(to) {
			return
		}
		from = end
	}
}
