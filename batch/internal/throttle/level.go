package throttle

import (
	"math"
	"time"
)

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
