package graphsim

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// A Limit throttles. Make one with Bucket, Window or ThrottleFirst, set its fields
// before use, and give it to one tenant only. The methods that schedule something
// count from the first request that the Limit sees.
type Limit struct {
	// Kind says what is counted; the zero value counts every request. What is not
	// counted is not refused either. With ResourceUnits read "units" where it says
	// "requests" below.
	Kind Kind

	// CountRefused charges refused requests too, so that a client which does not
	// wait makes its own wait longer. With a Bucket that is a debt to be refilled;
	// with a Window it comes off the next one, which always lets one request in.
	// Source: learn.microsoft.com/graph/throttling (requests go on accruing while
	// a client is throttled).
	CountRefused bool

	// RetryAfter is how the wait is told; nil means Honest.
	RetryAfter RetryAfter

	mu            sync.Mutex
	meter         meter
	first         time.Time // when the first request came
	scales, loads []step    // in order of time
	door          time.Time // the end of the longest wait a client was told of
	told          time.Time // when it was told of the first wait that led there
}

// step is a value that holds from so long after the first request on.
type step struct {
	after time.Duration
	value float64
}

// Bucket is a token bucket: it holds at most burst requests, is full at first, and
// refills at ratePerSecond. Its honest wait lasts until it holds one request, or a
// whole batch with Options.WholeBatch.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func Bucket(ratePerSecond, burst float64) *Limit {
	return &Limit{meter: &bucket{rate: ratePerSecond, burst: burst, tokens: burst}}
}

// Window lets n requests through in a window that begins with the first request
// and lasts per; the next begins with the first request after it. Its honest wait
// lasts until the window ends.
func Window(n int, per time.Duration) *Limit {
	return &Limit{meter: &window{n: float64(n), per: per}}
}

// ThrottleFirst refuses the first n requests and tells each to wait so long. It
// refuses none after that, whether they waited or not.
func ThrottleFirst(n int, wait time.Duration) *Limit {
	return &Limit{meter: &firstOnes{left: float64(n), told: wait}}
}

// Of sets Kind and returns l.
func (l *Limit) Of(k Kind) *Limit {
	l.Kind = k
	return l
}

// Scale multiplies the original rate of a Bucket or the original size of a Window
// with factor, from after the first request on. Scale(t1, 0.5) and Scale(t2, 1)
// halve a limit and give it back. It returns l.
func (l *Limit) Scale(after time.Duration, factor float64) *Limit {
	return l.schedule(&l.scales, step{after, factor})
}

// Load has another client use up so many requests a second from after the first
// request on. It never takes more than nine tenths of what a Bucket refills, and
// is refused itself when a Window is full. It returns l.
func (l *Limit) Load(after time.Duration, perSecond float64) *Limit {
	return l.schedule(&l.loads, step{after, perSecond})
}

func (l *Limit) schedule(list *[]step, s step) *Limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, s)
	slices.SortStableFunc(*list, func(a, b step) int { return cmp.Compare(a.after, b.after) })
	return l
}

// at gives what a schedule holds so long after the first request.
func at(steps []step, after time.Duration, value float64) float64 {
	for _, s := range steps {
		if s.after > after {
			break
		}
		value = s.value
	}
	return value
}

// now gives the factor and the load at a time.
func (l *Limit) now(t time.Time) (factor, load float64) {
	after := t.Sub(l.first)
	return at(l.scales, after, 1), at(l.loads, after, 0)
}

// spans calls f for each stretch from a until b in which nothing changes. A zero b
// goes on for ever; d is 0 for a stretch without an end. f returns false to stop.
func (l *Limit) spans(a, b time.Time, f func(factor, load float64, from time.Time, d time.Duration) bool) {
	for {
		end := b
		for _, list := range [...][]step{l.scales, l.loads} {
			for _, s := range list {
				if t := l.first.Add(s.after); t.After(a) && (end.IsZero() || t.Before(end)) {
					end = t
				}
			}
		}
		factor, load := l.now(a)
		if !f(factor, load, a, max(0, end.Sub(a))) || end.Equal(b) {
			return
		}
		a = end
	}
}

// shut tells whether a client that sends now has been told to wait longer. What
// is sent in the very instant in which it is told has crossed the answer.
func (l *Limit) shut(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.After(l.told) && now.Before(l.door)
}

// announce notes that a client has been told to wait.
func (l *Limit) announce(now, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.door) {
		l.told = now
	}
	if until.After(l.door) {
		l.door = until
	}
}

// room tells whether so many requests fit, taking nothing.
func (l *Limit) room(now time.Time, need int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		l.first = now
	}
	l.meter.advance(l, now)
	return l.meter.fits(float64(need))
}

// take uses up need.
func (l *Limit) take(need int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meter.take(float64(need))
}

// refuse charges what has to be charged and returns the wait.
func (l *Limit) refuse(need int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.CountRefused || l.meter.needsCount() {
		l.meter.charge(float64(need))
	}
	return l.meter.wait(l, float64(need))
}
