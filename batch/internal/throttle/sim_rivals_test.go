package throttle_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tapsweep/batch/internal/throttle"
)

// rivals are ours and what one would use instead. All send batches of up to 20, and repeat refused requests
// until they are accepted. (The AWS SDK gives up after three attempts by default.)
var rivals = []rival{
	ours,
	{"AWS adaptive", func(seed uint64) pacer {
		return &aws{rng: rand.New(rand.NewPCG(seed, 4)), fill: awsMinRate}
	}},
	{"Google SRE", func(seed uint64) pacer { return &sre{rng: rand.New(rand.NewPCG(seed, 5))} }},
	{"four at a time", func(uint64) pacer { return &workers{idle: make([]time.Time, 4)} }},
}

// doubling returns a part of an exponential backoff, at most limit.
func doubling(base, limit time.Duration, refusals int, part float64) time.Duration {
	return time.Duration(min(part*float64(base)*math.Pow(2, float64(refusals-1)), float64(limit)))
}

// aws is the adaptive retry mode of the AWS SDKs: a token bucket whose fill rate follows CUBIC
// (docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). Its rules and constants are those
// of DefaultRateLimiter in github.com/smithy-lang/smithy-typescript, packages/util-retry. As there, it sends
// everything until a request is throttled for the first time. A batch takes a token for each request. It
// counts as one answer, throttled if one of its requests was. If each request counted, a refused batch would
// multiply the rate by 0.7 to the power of 20.
type aws struct {
	rng     *rand.Rand
	enabled bool

	fill, tokens, most float64
	at                 time.Time

	measured float64
	counted  float64 // since slot
	slot     float64 // start of the half second, in seconds

	lastMax   float64 // rate at the last throttling
	throttled float64 // when that was, in seconds
}

const (
	awsBeta    = 0.7
	awsScale   = 0.4
	awsSmooth  = 0.8
	awsMinRate = 0.5
)

func (a *aws) Take(now time.Time, want int) (int, time.Time) {
	if !a.enabled {
		return want, time.Time{}
	}
	a.refill(now)
	if a.tokens < 1 {
		return 0, now.Add(time.Duration(math.Ceil((1-a.tokens)/a.fill*1e9)) + 1)
	}
	n := min(want, int(a.tokens))
	a.tokens -= float64(n)
	return n, time.Time{}
}

func (a *aws) refill(now time.Time) {
	if !a.at.IsZero() {
		a.tokens = min(a.most, a.tokens+a.fill*now.Sub(a.at).Seconds())
	}
	a.at = now
}

func (a *aws) Done(now time.Time, r throttle.Feedback) {
	t := now.Sub(epoch).Seconds()
	a.counted += float64(r.Accepted + r.Refused)
	if slot := math.Floor(t*2) / 2; slot > a.slot {
		a.measured = a.measured*(1-awsSmooth) + a.counted/(slot-a.slot)*awsSmooth
		a.counted, a.slot = 0, slot
	}
	var rate float64
	if r.Refused > 0 {
		a.lastMax = a.measured
		if a.enabled {
			a.lastMax = min(a.measured, a.fill)
		}
		a.enabled, a.throttled = true, t
		rate = a.lastMax * awsBeta
	} else {
		window := math.Cbrt(a.lastMax * (1 - awsBeta) / awsScale)
		rate = awsScale*math.Pow(t-a.throttled-window, 3) + a.lastMax
	}
	a.refill(now)
	a.fill = max(min(rate, 2*a.measured), awsMinRate)
	a.most = max(a.fill, 1)
	a.tokens = min(a.tokens, a.most)
}

// backoff is the one of throttled requests in packages/middleware-retry of the same repository: half a
// second, doubled with each refusal up to 20 s, with full jitter, and at least Retry-After.
func (a *aws) backoff(refusals int, told time.Duration) time.Duration {
	return max(told, doubling(500*time.Millisecond, 20*time.Second, refusals+1, a.rng.Float64()))
}

// sre is the adaptive throttling of clients in Site Reliability Engineering, chapter 21, "Handling Overload"
// (sre.google/sre-book/handling-overload). A client counts the requests of the last two minutes and those
// accepted. It turns a request away itself with probability max(0, (requests-K·accepts)/(requests+1)), where
// K is 2. It sends a request that was turned away or refused again after a second, doubled up to a minute,
// with jitter, and not before Retry-After. The book has no bound for requests in flight.
type sre struct {
	rng               *rand.Rand
	history           []tally
	requests, accepts int
}

// A tally is one second of the history.
type tally struct {
	second            int64
	requests, accepts int
}

func (s *sre) count(now time.Time, requests, accepts int) {
	second := now.Unix()
	if len(s.history) == 0 || s.history[len(s.history)-1].second != second {
		s.history = append(s.history, tally{second: second})
	}
	last := &s.history[len(s.history)-1]
	last.requests, last.accepts = last.requests+requests, last.accepts+accepts
	s.requests, s.accepts = s.requests+requests, s.accepts+accepts
	for s.history[0].second <= second-120 {
		s.requests, s.accepts = s.requests-s.history[0].requests, s.accepts-s.history[0].accepts
		s.history = s.history[1:]
	}
}

func (s *sre) drop(now time.Time, requests int) bool {
	s.count(now, 0, 0)
	refuse := (float64(s.requests) - 2*float64(s.accepts)) / float64(s.requests+1)
	if s.rng.Float64() >= refuse {
		return false
	}
	s.count(now, requests, 0)
	return true
}

func (s *sre) Take(_ time.Time, want int) (int, time.Time) { return want, time.Time{} }

func (s *sre) Done(now time.Time, r throttle.Feedback) {
	s.count(now, r.Accepted+r.Refused, r.Accepted)
}

func (s *sre) backoff(refusals int, told time.Duration) time.Duration {
	return max(told, doubling(time.Second, time.Minute, refusals, 0.5+s.rng.Float64()/2))
}

// workers is a fixed number of workers, each with one batch at a time. If a request in its batch is refused,
// a worker waits as long as the longest wait in the answer.
type workers struct {
	idle []time.Time // when each worker without a batch may send one
}

func (w *workers) Take(now time.Time, want int) (int, time.Time) {
	if len(w.idle) == 0 {
		return 0, time.Time{}
	}
	slices.SortFunc(w.idle, time.Time.Compare)
	if w.idle[0].After(now) {
		return 0, w.idle[0]
	}
	w.idle = w.idle[1:]
	return want, time.Time{}
}

func (w *workers) Done(now time.Time, r throttle.Feedback) {
	if r.Refused > 0 && !r.HasRetryAfter {
		r.RetryAfter = firstWait
	}
	w.idle = append(w.idle, now.Add(r.RetryAfter))
}
