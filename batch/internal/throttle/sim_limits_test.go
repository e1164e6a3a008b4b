package throttle_test

import (
	"math"
	"time"
)

// A server answers the requests of one run.
type server interface {
	// serve answers a request of the batch at the time when it takes effect.
	serve(now time.Duration, b *flight, r *request) answer
}

// A wording turns a wait into the one that the service asks for in Retry-After.
type wording func(wait time.Duration) (told time.Duration, ok bool)

// whole asks for whole seconds, rounded up, as HTTP does. It is the default.
func whole(wait time.Duration) (time.Duration, bool) {
	return max(time.Second, (wait + time.Second - 1).Truncate(time.Second)), true
}

// decimal asks for seconds with three decimals, rounded up.
func decimal(wait time.Duration) (time.Duration, bool) {
	return max(time.Millisecond, (wait + time.Millisecond - 1).Truncate(time.Millisecond)), true
}

func alwaysOne(time.Duration) (time.Duration, bool) { return time.Second, true }
func absent(time.Duration) (time.Duration, bool)    { return 0, false }

// tenfold asks for ten times the wait, in whole seconds.
func tenfold(wait time.Duration) (time.Duration, bool) { return whole(10 * wait) }

func (w wording) refuse(wait time.Duration, by server) answer {
	if w == nil {
		w = whole
	}
	told, ok := w(wait)
	return answer{refused: true, wait: told, told: ok, by: by}
}

// A step changes a limit by a factor, at some time after the first request.
type step struct {
	after  time.Duration
	factor float64
}

// factorAt returns the factor at a time, and when the next step begins.
func factorAt(steps []step, at time.Duration) (factor float64, until time.Duration) {
	factor = 1
	for _, s := range steps {
		if s.after > at {
			return factor, s.after
		}
		factor = s.factor
	}
	return factor, never
}

// forgiven is the rounding error of a sum of requests.
const forgiven = 1e-6

// A bucket is a token bucket: it is full at first, and rate requests per second come back. If refusals are
// charged, they also use up requests. Source of the charge: learn.microsoft.com/graph/throttling.
type bucket struct {
	rate, burst float64
	charged     bool
	tell        wording
	steps       []step // of the rate: the limit changes, or another client takes a part

	begun bool
	first time.Duration
	free  float64
	at    time.Duration
}

func (b *bucket) serve(now time.Duration, _ *flight, _ *request) answer {
	if !b.begun {
		b.begun, b.first, b.at, b.free = true, now, now, b.burst
	}
	for b.at < now {
		factor, until := factorAt(b.steps, b.at-b.first)
		end := now
		if until < now-b.first {
			end = b.first + until
		}
		b.free = min(b.burst, b.free+b.rate*factor*(end-b.at).Seconds())
		b.at = end
	}
	if b.free >= min(1, b.burst)-forgiven {
		b.free--
		return answer{}
	}
	if b.charged {
		b.free--
	}
	return b.tell.refuse(b.wait(), b)
}

// wait returns how long it takes until the bucket has a request.
func (b *bucket) wait() time.Duration {
	missing, at := min(1, b.burst)-b.free, b.at-b.first
	for {
		factor, until := factorAt(b.steps, at)
		takes := missing / (b.rate * factor)
		if takes <= (until - at).Seconds() {
			return at + time.Duration(math.Ceil(takes*1e9)) - (b.at - b.first)
		}
		missing -= b.rate * factor * (until - at).Seconds()
		at = until
	}
}

// A window accepts size requests in each window of time. A fixed one begins with the first request after the
// last one. An aligned one ends at a time of the clock. If refusals are charged, they use up requests of the
// next window, which still accepts one, as quota.Window does.
type window struct {
	size    int
	per     time.Duration
	aligned bool
	phase   time.Duration // the time since an aligned window began, at the first request
	charged bool
	tell    wording
	steps   []step // of the size

	begun        bool
	first, start time.Duration
	used, debt   int
}

func (w *window) serve(now time.Duration, _ *flight, _ *request) answer {
	if !w.begun {
		w.begun, w.first, w.start = true, now, now-w.phase
	}
	factor, _ := factorAt(w.steps, now-w.first)
	size := int(math.Floor(float64(w.size)*factor + forgiven))
	if age := now - w.start; age >= w.per {
		if age >= 2*w.per {
			w.debt = 0
		}
		w.used, w.debt = w.debt, 0
		if w.start = now; w.aligned {
			w.start -= age % w.per
		}
	}
	if w.used < size {
		w.used++
		return answer{}
	}
	if w.charged {
		w.debt = min(w.debt+1, size-1)
	}
	return w.tell.refuse(w.start+w.per-now, w)
}

// sliding accepts a request if fewer than size were accepted in the time before it. If refusals are charged,
// they count too.
type sliding struct {
	size    int
	per     time.Duration
	charged bool
	tell    wording

	log []time.Duration // the times of the requests that count, oldest first
}

func (s *sliding) serve(now time.Duration, _ *flight, _ *request) answer {
	for len(s.log) > 0 && s.log[0]+s.per <= now {
		s.log = s.log[1:]
	}
	full := len(s.log) >= s.size
	if !full || s.charged {
		s.log = append(s.log, now)
	}
	if !full {
		return answer{}
	}
	return s.tell.refuse(s.log[len(s.log)-s.size]+s.per-now, s)
}
