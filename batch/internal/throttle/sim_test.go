package throttle_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"tapsweep/batch/internal/throttle"
)

// The simulator runs lists of requests against a simulated service in virtual time. It
// starts no goroutine and never sleeps, so that 20,000 requests take milliseconds, and
// the same seed makes the same run. Times are spans since the start of the run.
//
// It does what the loop of package batch does: batches of at most 20, of which up to 512
// are in flight; retries go before new requests; the pacer gets every answer of an
// instant before anything is sent in that instant; and each refused request waits
// for as long as its own answer says.

const (
	batchSize  = 20
	maxBatches = 512

	// never is the time of what does not happen.
	never = time.Duration(math.MaxInt64)

	// firstWait is how long a request waits whose answer names no wait. The wait
	// doubles with each further refusal of that request, up to longestWait.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
)

var epoch = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// A pacer decides when how many requests go. throttle.Controller is one.
type pacer interface {
	Take(now time.Time, want int) (n int, at time.Time)
	Done(now time.Time, r throttle.Feedback)
}

// A backer is a pacer that decides itself how long a refused request waits. refusals
// counts those of the request in a row; told is zero where the answer named no wait.
type backer interface {
	backoff(refusals int, told time.Duration) time.Duration
}

// A dropper is a pacer that may turn a batch away before it is sent. The requests in it
// then count as refused and wait for as long as backoff says.
type dropper interface {
	backer
	drop(now time.Time, requests int) bool
}

// A request is one of the list.
type request struct {
	id       int
	refusals int           // in a row
	due      time.Duration // when it is sent again
	told     time.Duration // the end of the wait that its own answer named
}

// An answer is what becomes of one request.
type answer struct {
	refused bool
	told    bool          // the answer names a wait
	wait    time.Duration // that it names
	takes   time.Duration // until the service has done it
	by      server        // the limit that refused the request, nil if it was another reason
}

// A flight is a batch on its way.
type flight struct {
	client   *client
	sent     time.Duration
	back     time.Duration // how long the answer takes
	done     time.Duration // when the service has done all of it
	requests []*request
	answers  []answer
	luck     *bool // whether chance refuses the whole batch, nil before that is drawn
}

// A client is one run of the program, with a list and a pacer of its own.
type client struct {
	pacer    pacer
	fresh    []request  // never sent
	urgent   []*request // to be sent again
	turn     bool       // a batch of an odd number has one more of urgent
	waiting  dueHeap
	inFlight int
	wake     time.Duration // when to launch next
	doors    map[server]*door
}

// A door is the wait that a limit has told a client to sit out.
type door struct {
	told  time.Duration // when it was told of the first wait that led to until
	until time.Duration
}

// A latency is how long a batch takes from sending to its answer. Half of it passes before
// the batch takes effect. The mean of an exponential jitter is added to the base, then all
// is multiplied with a log-normal factor of which sigma is the parameter: at 1, one batch in
// a hundred takes ten times as long as usual. Both halves are drawn separately, so batches
// overtake each other on both ways.
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

// A world is all that a run depends on, but for the pacers.
type world struct {
	n       int // requests of all clients together
	server  server
	latency latency
	spread  time.Duration // from the first request of a batch that takes effect to the last
	seed    uint64
	bound   time.Duration // the run is cut when it takes longer; zero is no bound
}

// An outcome is what a run was like.
type outcome struct {
	took    float64       // seconds until the last answer, infinite if the run was cut
	sent    int           // requests, repetitions included
	refused int           // of these
	early   int           // of these: sent while a limit's wait was running that its client knew of
	slowest time.Duration // of all batches
}

// run has each pacer send its share of the list and returns what became of it.
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
	dropped int // requests that a pacer has turned away
	clients []*client
	events  eventHeap
	seq     int
	rng     *rand.Rand
}

// launch sends batches of the client until something forbids it.
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

// pick takes the next n requests, as lane.pick does.
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

// serve has requests of the batch take effect: all of them, or one and the others later.
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

// land takes in the answer of a batch.
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

// putAside has a refused request wait.
func (s *sim) putAside(c *client, r *request, a answer) {
	r.refusals++
	wait := min(firstWait<<min(r.refusals-1, 20), longestWait)
	if a.told {
		wait = a.wait << min(max(r.refusals-4, 0), 8) // as batch's refusedPause does
		r.told = s.now + a.wait
	}
	if p, ok := c.pacer.(backer); ok {
		wait = p.backoff(r.refusals, a.wait)
	}
	r.due = s.now + wait
	heap.Push(&c.waiting, r)
}

// announce notes that the client knows the limit's wait from now on. What it sends in this
// very instant has crossed the answer.
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
