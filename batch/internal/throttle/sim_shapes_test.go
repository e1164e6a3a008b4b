package throttle_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A shape is a service, and the time that a client takes which knows the service.
type shape struct {
	name   string
	server func(seed uint64) server

	// ideal returns the seconds from the first of n requests that takes effect to the last, for a client that
	// knows the limit. Nil stands for the time of the greedy client in a run with the same seed, because every
	// client has to wait after a refusal by chance.
	ideal func(n float64, seed uint64) float64

	// chance is what refuses requests, apart from the limit. The ideal time is at least that of the greedy
	// client if only chance refuses.
	chance func(seed uint64) server

	latency latency       // zero means usual
	spread  time.Duration // see world
	runs    int           // number of runs that share the service and the list, zero means one
}

// usual is the latency unless a shape has its own.
var usual = latency{base: 50 * time.Millisecond, jitter: 2 * time.Millisecond}

// bucketShape is a token bucket. A client that knows it sends the burst at once and the other requests at
// the rate.
func bucketShape(rate, burst float64, edit ...func(*bucket)) shape {
	made := func() *bucket {
		b := &bucket{rate: rate, burst: burst}
		for _, f := range edit {
			f(b)
		}
		return b
	}
	return shape{
		name:   fmt.Sprintf("bucket %g/s, burst %g", rate, burst) + suffix(made().charged),
		server: func(uint64) server { return made() },
		ideal: func(n float64, _ uint64) float64 {
			n -= burst
			for steps, at := made().steps, time.Duration(0); n > 0; {
				factor, until := factorAt(steps, at)
				span := (until - at).Seconds()
				if n <= rate*factor*span {
					return at.Seconds() + n/(rate*factor)
				}
				n, at = n-rate*factor*span, until
			}
			return 0
		},
	}
}

func suffix(charged bool) string {
	if charged {
		return ", charged"
	}
	return ""
}

// windowShape is a fixed window. A client that knows it sends size requests at the beginning of each.
func windowShape(size int, per time.Duration, edit ...func(*window)) shape {
	made := func() *window {
		w := &window{size: size, per: per}
		for _, f := range edit {
			f(w)
		}
		return w
	}
	return shape{
		name:   fmt.Sprintf("window %d in %v", size, per) + suffix(made().charged),
		server: func(uint64) server { return made() },
		ideal: func(n float64, _ uint64) float64 {
			w := made()
			for at := time.Duration(0); ; at += per {
				factor, _ := factorAt(w.steps, at)
				if n -= math.Floor(float64(size)*factor + forgiven); n <= 0 {
					return at.Seconds()
				}
			}
		},
	}
}

// alignedShape is a window of the clock. The first request is sent at a random time in a window. A client
// that knows the clock then waits for each new window.
func alignedShape(size int, per time.Duration) shape {
	phase := func(seed uint64) time.Duration {
		return time.Duration(source(seed).Float64() * float64(per))
	}
	return shape{
		name:   fmt.Sprintf("aligned window %d in %v", size, per),
		server: func(seed uint64) server { return &window{size: size, per: per, aligned: true, phase: phase(seed)} },
		ideal: func(n float64, seed uint64) float64 {
			later := math.Ceil(n/float64(size)) - 1
			return max(0, later*per.Seconds()-phase(seed).Seconds())
		},
	}
}

// slidingShape is a sliding window. A client that knows it sends size requests at once, as with a fixed one.
func slidingShape(size int, per time.Duration, charged bool) shape {
	s := windowShape(size, per)
	s.name = fmt.Sprintf("sliding window %d in %v", size, per) + suffix(charged)
	s.server = func(uint64) server { return &sliding{size: size, per: per, charged: charged} }
	return s
}

// itemsShape refuses a share of the requests at random, or every n-th.
func itemsShape(share float64, every int) shape {
	name := fmt.Sprintf("%.3g %% of items", 100*share)
	if every > 0 {
		name = fmt.Sprintf("every %d. item", every)
	}
	return shape{name: name, server: func(seed uint64) server {
		return &chance{share: share, every: every, rng: source(seed)}
	}}
}

// batchesShape refuses whole batches in the same way.
func batchesShape(share float64, every int) shape {
	name := fmt.Sprintf("%.3g %% of batches", 100*share)
	if every > 0 {
		name = fmt.Sprintf("every %d. batch", every)
	}
	return shape{name: name, server: func(seed uint64) server {
		return &chance{share: share, every: every, batches: true, rng: source(seed)}
	}}
}

// on puts a reason to refuse before a limit. Requests that are refused by chance use up no quota, and others
// are sent while they wait.
func (s shape) on(limit shape) shape {
	s.chance = s.server
	s.name += " on " + limit.name
	s.ideal = limit.ideal
	s.server = func(seed uint64) server { return chain{s.chance(seed), limit.server(seed)} }
	return s
}

// usersShape refuses the requests for a share of the users, for ten seconds each.
func usersShape(share float64, tell wording, named string, limit shape) shape {
	s := shape{
		name: fmt.Sprintf("%g %% of users for 10 s, told %s", 100*share, named),
		server: func(seed uint64) server {
			return &users{share: share, span: 10 * time.Second, seed: seed, tell: tell,
				first: make(map[int]time.Duration)}
		},
	}
	if limit.server != nil {
		s = s.on(limit)
	}
	return s
}

// atOnceShape limits the requests in flight. A client that knows it always has that many in flight. A
// request counts for half of the latency, so a client that knows this too could be faster.
func atOnceShape(most int) shape {
	return shape{
		name:   fmt.Sprintf("at most %d in flight", most),
		server: func(uint64) server { return &atOnce{most: most, hold: usual.base / 2} },
		ideal:  func(n float64, _ uint64) float64 { return max(0, n/float64(most)-1) * usual.base.Seconds() },
	}
}

// saturatingShape gets slower with more requests in flight. A client that knows it has the best number in
// flight.
func saturatingShape(knee float64, base time.Duration) shape {
	return shape{
		name:   fmt.Sprintf("saturates at %g requests of %v", knee, base),
		server: func(uint64) server { return &saturating{base: base, knee: knee} },
		ideal: func(n float64, _ uint64) float64 {
			if n < knee {
				return base.Seconds() * (1 + n/knee*n/knee)
			}
			return 2 * base.Seconds() * n / knee
		},
	}
}

// source returns the random numbers of a service.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 77)) }

// named returns the shape with end added to its name, and edited.
func (s shape) named(end string, edit func(*shape)) shape {
	s.name += ", " + end
	edit(&s)
	return s
}

// after returns the shape with another latency.
func (s shape) after(l latency, name string) shape {
	return s.named(name, func(s *shape) { s.latency = l })
}
