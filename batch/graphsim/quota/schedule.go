package quota

import (
	"cmp"
	"slices"
	"time"
)

// schedule says how a limit changes with time, counted from its first request.
type schedule struct {
	start   time.Time // of the first request
	factors steps     // what the limit is multiplied by
	loads   steps     // requests a second of another client
}

// step is a value that holds from some time after the first request on.
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

// eachStretch calls f for each stretch of time between from and to in which nothing
// changes, until f returns false. A zero to means no end, and a zero length means that
// the stretch has no end.
func (s *schedule) eachStretch(from, to time.Time, f func(factor, load float64, begin time.Time, length time.Duration) bool) {
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
