package throttle

import (
	"math"
	"time"
)

// A level is a token bucket: the number of requests that should be free at a time.
type level struct {
	free float64   // requests; negative if more were sent than were free
	most float64   // the most that can be free, 0 means no bound
	at   time.Time // the time of free
}

// advance adds what came back until now at a rate in requests per second.
func (l *level) advance(now time.Time, rate float64) {
	if !l.at.IsZero() && now.After(l.at) {
		l.free += rate * now.Sub(l.at).Seconds()
		if l.most > 0 {
			l.free = min(l.free, l.most)
		}
	}
	l.at = now
}

// take returns how many of want requests are free. If too few are free for a batch, it returns 0 and the time at
// which they will be. It does not subtract them. A batch has want requests, or at a low rate those of a pacePeriod.
func (l *level) take(now time.Time, want int, rate float64) (n int, at time.Time) {
	chunk := min(float64(want), max(1, math.Floor(rate*pacePeriod.Seconds())))
	if l.most > 0 {
		chunk = min(chunk, max(1, math.Floor(l.most))) // more is never free at once
	}
	// 1e-6 is more than the rounding error of the sums in free.
	if short := chunk - l.free; short > 1e-6 {
		return 0, now.Add(time.Duration(math.Ceil(min(short/rate, maxAway.Seconds()) * 1e9)))
	}
	return int(min(float64(want), l.free+1e-6)), time.Time{}
}
