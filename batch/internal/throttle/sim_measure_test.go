package throttle_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"tapsweep/batch/internal/throttle"
)

// A rival is a kind of pacer.
type rival struct {
	name string
	made func(seed uint64) pacer
}

var ours = rival{"tapsweep", func(seed uint64) pacer {
	return throttle.New(throttle.Options{Jitter: rand.New(rand.NewPCG(seed, 3)).Float64})
}}

// shown returns the rival. Ours then prints what it does until a time.
func (r rival) shown(until time.Duration) rival {
	if until == 0 || r.name != ours.name {
		return r
	}
	return rival{r.name, func(seed uint64) pacer { return shower{r.made(seed), epoch.Add(until)} }}
}

type shower struct {
	pacer
	until time.Time
}

func (s shower) Take(now time.Time, want int) (int, time.Time) {
	n, at := s.pacer.Take(now, want)
	if n > 0 && now.Before(s.until) {
		fmt.Printf("%10.3f take %d of %d\n", now.Sub(epoch).Seconds(), n, want)
	}
	return n, at
}

func (s shower) Done(now time.Time, r throttle.Feedback) {
	s.pacer.Done(now, r)
	if now.Before(s.until) {
		fmt.Printf("%10.3f done, sent %.3f: %d accepted, %d refused, told %v\n",
			now.Sub(epoch).Seconds(), r.Sent.Sub(epoch).Seconds(), r.Accepted, r.Refused, r.RetryAfter)
	}
}

// greedy sends every request that is ready.
type greedy struct{}

func (greedy) Take(_ time.Time, want int) (int, time.Time) { return want, time.Time{} }
func (greedy) Done(time.Time, throttle.Feedback)           {}

// seeds is the number of runs of a line. A line is their mean.
const seeds = 3

var seedsFlag = flag.Int("seeds", seeds, "print the mean of so many runs")

// A measured is the mean of the runs of one pacer on one shape.
type measured struct {
	ratio   float64 // ideal time over time taken, zero if a run was cut
	share   float64 // refused requests, as a share of those sent
	refused float64 // refused requests, as a number
	early   float64 // requests sent early, as a share of those sent
	took    float64 // seconds, infinite if a run was cut
	ideal   float64
	slowest time.Duration
}

// measure is measureSeeds with the seeds of the flag.
func (s shape) measure(who rival, n int) measured { return s.measureSeeds(who, n, *seedsFlag) }

// measureSeeds runs n requests once with each of the seeds. A run is cut if it takes a minute more than thirty
// times the ideal time.
func (s shape) measureSeeds(who rival, n, runs int) measured {
	if s.latency == (latency{}) {
		s.latency = usual
	}
	var m measured
	seeds := float64(runs)
	for seed := range uint64(runs) {
		w := world{n: n, latency: s.latency, spread: s.spread, seed: seed}
		ideal := s.idealTime(w)
		w.bound = time.Duration((30*ideal + 60) * 1e9)
		w.server = s.server(seed)
		var pacers []pacer
		for run := range max(s.runs, 1) {
			pacers = append(pacers, who.made(seed+uint64(100*run)))
		}
		o := w.run(pacers...)
		m.ratio += ideal / o.took / seeds
		m.share += float64(o.refused) / float64(max(o.sent, 1)) / seeds
		m.refused += float64(o.refused) / seeds
		m.early += float64(o.early) / float64(max(o.sent, 1)) / seeds
		m.took += o.took / seeds
		m.ideal += ideal / seeds
		m.slowest = max(m.slowest, o.slowest)
	}
	return m
}

// idealTime returns the seconds that the client that knows the limit takes, with latency. If not all
// requests may be in flight at once, it takes more than one round trip, whatever the limit.
func (s shape) idealTime(w world) float64 {
	limit := 0.0
	if s.ideal != nil {
		trip := (w.latency.base + w.latency.jitter + w.spread).Seconds()
		limit = trip + max(s.ideal(float64(w.n), w.seed), trip*float64((w.n-1)/(batchSize*maxBatches)))
	}
	switch {
	case s.chance != nil:
		w.server = s.chance(w.seed)
	case s.ideal == nil:
		w.server = s.server(w.seed)
	default:
		return limit
	}
	return max(limit, w.run(greedy{}).took)
}
