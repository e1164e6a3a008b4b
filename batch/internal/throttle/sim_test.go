package throttle_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"tapsweep/batch/internal/throttle"
)

// The simulator runs lists of requests against a simulated service in virtual time. It starts no goroutine and never
// sleeps, so 20,000 requests take milliseconds, and the same seed gives the same run. Times are durations since the
// start of the run.
//
// It does what the loop of package batch does: it sends batches of at most 20, and has up to 512 in flight. A batch
// has retries and new requests. The pacer gets every answer of an instant before anything is sent in that
// instant. Each refused request waits as long as its own answer asks.
const (
	batchSize  = 20
	maxBatches = 512

	// never is the time of something that does not happen.
	never = time.Duration(math.MaxInt64)

	// firstWait is how long a request waits if its answer asks for no wait. The wait doubles with each further
	// refusal of that request, up to longestWait.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
)

var epoch = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// A pacer decides how many requests are sent, and when. throttle.Controller is one.
type pacer interface {
	Take(now time.Time, want int) (n int, at time.Time)
	Done(now time.Time, r throttle.Feedback)
}

// A backer is a pacer that decides how long a refused request waits. refusals is the number of its refusals
// in a row. told is the wait that the answer asks for, zero if none.
type backer interface {
	backoff(refusals int, told time.Duration) time.Duration
}

// A dropper is a pacer that may turn a batch away before it is sent. Then its requests count as refused, and
// wait as long as backoff returns.
type dropper interface {
	backer
	drop(now time.Time, requests int) bool
}

// A request is one request of the list.
type request struct {
	id       int
	refusals int           // in a row
	due      time.Duration // when it is sent again
	told     time.Duration // the end of the wait that its own answer asked for
}

// An answer is the answer to one request.
type answer struct {
	refused bool
	told    bool          // the answer asks for a wait
	wait    time.Duration // the wait that it asks for
	takes   time.Duration // how long the service takes
	by      server        // the limit that refused the request, nil if it was another reason
}

// A flight is a batch in flight.
type flight struct {
	client   *client
	sent     time.Duration
	back     time.Duration // how long the answer takes
	done     time.Duration // when the service has finished all requests
	requests []*request
	answers  []answer
	luck     *bool // whether chance refuses the whole batch, nil if not yet drawn
}

// A client is one run of the program, with a list and a pacer of its own.
type client struct {
	pacer    pacer
	fresh    []request  // never sent
	urgent   []*request // to be sent again
	turn     bool       // alternates: the larger half of a batch is urgent
	waiting  dueHeap
	inFlight int
	wake     time.Duration // when to launch next
	doors    map[server]*door
}

// A door is a wait that a limit has asked a client for.
type door struct {
	told  time.Duration // when the client learned of the first wait that led to until
	until time.Duration
}

// A latency is the time from sending a batch to its answer. The batch takes effect after half of it. An
// exponential jitter with this mean is added to the base. Then all is multiplied by a log-normal factor with
// parameter sigma: at 1, one batch in a hundred takes ten times as long as usual. Both halves are drawn
// separately, so batches overtake each other in both directions.
type latency struct {
	base   time.Duration
	jitter time.Duration
	sigma  float64
}

func (l latency) half(rng *rand.Rand) time.Duration {
	d := float64(l.base)/2 + rng.ExpFloat64()*float64(l.jitter)/2
	if l.sigma > 0 {
		d *= math.Exp(l.sigma * rng.NormFloat64())
	}
	return max(1, time.Duration(d))
}

// A world is everything that a run depends on, except the pacers.
type world struct {
	n       int // requests of all clients together
	server  server
	latency latency
	spread  time.Duration // from the first request of a batch that takes effect to the last
	seed    uint64
	bound   time.Duration // the run is cut if it takes longer; zero is no bound
}

// An outcome is the result of a run.
type outcome struct {
	took    float64       // seconds until the last answer, infinite if the run was cut
	sent    int           // requests, repetitions included
	refused int           // of these
	early   int           // of these: sent although the client knew that a limit asked for a wait
	slowest time.Duration // of all batches
}

// run lets each pacer send its part of the list, and returns the result.
func (w world) run(pacers ...pacer) outcome {
	s := &sim{world: w, left: w.n, rng: rand.New(rand.NewPCG(w.seed, 1))}
	all := make([]request, w.n)
	for i := range all {
		all[i].id = i
	}
	for i, p := range pacers {
		share := all[i*w.n/len(pacers) : (i+1)*w.n/len(pacers)]
		s.clients = append(s.clients, &client{pacer: p, fresh: share, doors: make(map[server]*door)})
	}
	for s.left > 0 {
		// A pacer that has sent six times the number of requests will not finish.
		// A pacer that tries each request six times finds nothing out any more.
		if s.now == never || s.bound > 0 && s.now > s.bound || s.sent+s.dropped > 6*w.n+10_000 {
			s.took = math.Inf(1)
			break
		}
		for len(s.events) > 0 && s.events[0].at <= s.now {
			s.events.next().do()
		}
		next := never
		for _, c := range s.clients {
			if c.wake <= s.now {
				s.launch(c)
			}
			next = min(next, c.wake)
		}
		if len(s.events) > 0 {
			next = min(next, s.events[0].at)
		}
		s.now = next
	}
	return s.outcome
}

// sim is the state of a run.
type sim struct {
	world
	outcome
	now     time.Duration
	left    int // requests without a final answer
	dropped int // requests that a pacer turned away
	clients []*client
	events  eventHeap
	seq     int
	rng     *rand.Rand
}

// launch sends batches of the client as long as it may.
func (s *sim) launch(c *client) {
	for len(c.waiting) > 0 && c.waiting[0].due <= s.now {
		c.urgent = append(c.urgent, heap.Pop(&c.waiting).(*request))
	}
	c.wake = never
	for c.inFlight < maxBatches {
		want := min(batchSize, len(c.urgent)+len(c.fresh))
		if want == 0 {
			break
		}
		if d, ok := c.pacer.(dropper); ok && d.drop(epoch.Add(s.now), want) {
			s.dropped += want
			for _, r := range c.pick(want) {
				s.putAside(c, r, answer{})
			}
			continue
		}
		n, at := c.pacer.Take(epoch.Add(s.now), want)
		if n == 0 {
			if !at.IsZero() {
				c.wake = max(at.Sub(epoch), s.now+1)
			}
			break
		}
		s.send(c, c.pick(n))
	}
	if len(c.waiting) > 0 {
		c.wake = min(c.wake, max(c.waiting[0].due, s.now+1))
	}
}

// pick takes the next n requests, as quotaQueue.pick of package batch does.
func (c *client) pick(n int) []*request {
	c.turn = !c.turn
	half := n / 2
	if c.turn {
		half = n - half
	}
	u := min(len(c.urgent), max(half, n-len(c.fresh)))
	picked := append(make([]*request, 0, n), c.urgent[:u]...)
	c.urgent = c.urgent[u:]
	for i := range c.fresh[:n-u] {
		picked = append(picked, &c.fresh[i])
	}
	c.fresh = c.fresh[n-u:]
	return picked
}

func (s *sim) send(c *client, requests []*request) {
	shut := false
	for _, d := range c.doors {
		shut = shut || s.now > d.told && s.now < d.until
	}
	for _, r := range requests {
		if shut || s.now < r.told {
			s.early++
		}
	}
	b := &flight{client: c, sent: s.now, requests: requests, answers: make([]answer, 0, len(requests))}
	c.inFlight++
	s.sent += len(requests)
	there := s.now + s.latency.half(s.rng)
	b.back = s.latency.half(s.rng)
	s.at(there, func() { s.serve(b) })
}

// serve lets requests of the batch take effect: all of them, or one now and the others later.
func (s *sim) serve(b *flight) {
	for len(b.answers) < len(b.requests) {
		a := s.server.serve(s.now, b, b.requests[len(b.answers)])
		b.answers, b.done = append(b.answers, a), max(b.done, s.now+a.takes)
		if s.spread > 0 && len(b.answers) < len(b.requests) {
			s.at(s.now+s.spread/batchSize, func() { s.serve(b) })
			return
		}
	}
	s.at(b.done+b.back, func() { s.land(b) })
}

// land processes the answer to a batch.
func (s *sim) land(b *flight) {
	c := b.client
	c.inFlight--
	c.wake = s.now
	s.slowest = max(s.slowest, s.now-b.sent)
	rep := throttle.Feedback{Sent: epoch.Add(b.sent)}
	for i, a := range b.answers {
		if b.requests[i].refusals > 0 {
			rep.Retried++
		}
		if !a.refused {
			rep.Accepted++
			continue
		}
		rep.Refused++
		if b.requests[i].refusals > 0 {
			rep.RefusedAgain++
		}
		rep.HasRetryAfter = rep.HasRetryAfter || a.told
		rep.RetryAfter = max(rep.RetryAfter, a.wait)
		s.putAside(c, b.requests[i], a)
		if a.by != nil && a.told {
			s.announce(c, a)
		}
	}
	s.refused += rep.Refused
	c.pacer.Done(epoch.Add(s.now), rep)
	if s.left -= rep.Accepted; s.left == 0 {
		s.took = s.now.Seconds()
	}
}

// putAside lets a refused request wait.
func (s *sim) putAside(c *client, r *request, a answer) {
	r.refusals++
	wait := min(firstWait<<min(r.refusals-1, 20), longestWait)
	if a.told {
		wait = a.wait << min(max(r.refusals-4, 0), 8) // as throttledPause of package batch does
		r.told = s.now + a.wait
	}
	if p, ok := c.pacer.(backer); ok {
		wait = p.backoff(r.refusals, a.wait)
	}
	r.due = s.now + wait
	heap.Push(&c.waiting, r)
}

// announce records that the client now knows the wait of a limit. What it sends at this instant does not
// count as early.
func (s *sim) announce(c *client, a answer) {
	d := c.doors[a.by]
	if d == nil {
		d = &door{}
		c.doors[a.by] = d
	}
	if s.now >= d.until {
		d.told = s.now
	}
	d.until = max(d.until, s.now+a.wait)
}
