package throttle_test

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// A chain is several reasons to refuse a request. A request that one of them refuses does not reach the
// next.
type chain []server

func (c chain) serve(now time.Duration, b *flight, r *request) answer {
	for _, s := range c {
		if a := s.serve(now, b, r); a.refused {
			return a
		}
	}
	return answer{}
}

// chance refuses requests for a reason that does not depend on their number: a share of them at random, or
// every n-th. It asks for a wait of a second, for this request only. Whole batches are refused with 429 or
// 503 for the batch, which package batch reports in the same way.
type chance struct {
	share   float64
	every   int  // every n-th, counted when requests take effect
	batches bool // refuses whole batches
	tell    wording

	rng  *rand.Rand
	seen int
}

func (c *chance) draw() bool {
	c.seen++
	if c.every > 0 {
		return c.seen%c.every == 0
	}
	return c.rng.Float64() < c.share
}

func (c *chance) serve(_ time.Duration, b *flight, _ *request) answer {
	var hit bool
	if !c.batches {
		hit = c.draw()
	} else {
		if b.luck == nil {
			luck := c.draw()
			b.luck = &luck
		}
		hit = *b.luck
	}
	if !hit {
		return answer{}
	}
	return c.tell.refuse(time.Second, nil)
}

// users refuses the requests for a share of the users, for some time from the first request of each.
// Something else has used up their own limits. Each request is for another user, and the wait is for this
// user.
type users struct {
	share float64
	span  time.Duration
	seed  uint64
	tell  wording
	first map[int]time.Duration
}

func (u *users) serve(now time.Duration, _ *flight, r *request) answer {
	if rand.New(rand.NewPCG(u.seed, uint64(r.id))).Float64() >= u.share {
		return answer{}
	}
	first, known := u.first[r.id]
	if !known {
		first, u.first[r.id] = now, now
	}
	if now >= first+u.span {
		return answer{}
	}
	return u.tell.refuse(first+u.span-now, nil)
}

// atOnce refuses a request if most requests of all clients are in progress. A request is in progress for
// hold, from the time when it takes effect. The wait is a guess, because the service does not know when a
// request ends. So it is a wait for the refused request only.
type atOnce struct {
	most int
	hold time.Duration

	ends []time.Duration // of the requests in progress, in order
}

func (a *atOnce) serve(now time.Duration, _ *flight, _ *request) answer {
	for len(a.ends) > 0 && a.ends[0] <= now {
		a.ends = a.ends[1:]
	}
	if len(a.ends) >= a.most {
		return wording(whole).refuse(time.Second, nil)
	}
	a.ends = append(a.ends, now+a.hold)
	return answer{}
}

// saturating refuses nothing. Requests take longer if more are in progress: with n of them,
// base·(1+(n/knee)²). So it is fastest with knee requests in progress: knee/(2·base) per second. This is the
// universal scalability law for a service that spends its time on coordination (N. J. Gunther, Guerrilla
// Capacity Planning, 2007).
type saturating struct {
	base time.Duration
	knee float64

	ends endHeap
}

func (s *saturating) serve(now time.Duration, _ *flight, _ *request) answer {
	for len(s.ends) > 0 && s.ends[0] <= now {
		heap.Pop(&s.ends)
	}
	load := float64(len(s.ends)+1) / s.knee
	takes := time.Duration(float64(s.base) * (1 + load*load))
	heap.Push(&s.ends, now+takes)
	return answer{takes: takes}
}

// endHeap orders times.
type endHeap []time.Duration

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(x any)        { *h = append(*h, x.(time.Duration)) }
func (h *endHeap) Pop() any {
	last := len(*h) - 1
	end := (*h)[last]
	*h = (*h)[:last]
	return end
}
