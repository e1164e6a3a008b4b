package throttle

import (
	"math"
	"time"
)

// A ceiling is how many requests may be in flight, where the service bounds that. The first
// refusal sets it to what was in flight then. More is tried after a time without a refusal.
// A refusal far below it shows that there is none.
type ceiling struct {
	size  float64 // 0 while unknown, infinite if there is none
	tried float64 // requests accepted at the ceiling
}

const (
	// beforeTrial times the ceiling are accepted at it before each trial. A trial costs a wait.
	beforeTrial = 100

	// trialGrowth is how much more is in flight in a trial. It lasts for trialRounds times
	// the ceiling.
	trialGrowth = 1.5
	trialRounds = 4
)

// reached takes in that a refusal came with so many requests in flight.
func (c *ceiling) reached(inFlight int) {
	at := float64(max(inFlight, batchSize/2))
	switch {
	case c.size == 0:
		c.size = at
	case at < 0.6*c.size:
		c.size = math.Inf(1)
	default:
		c.size = min(c.size, at)
	}
	c.tried = 0
}

// passed takes in that so many requests were accepted, with a window of so many in flight.
func (c *ceiling) passed(accepted int, window float64) {
	if c.size == 0 || window < c.size {
		return
	}
	c.tried += float64(accepted)
	if c.tried > (beforeTrial+trialRounds)*c.size {
		c.size *= trialGrowth
		c.tried = 0
	}
}

func (c *ceiling) inTrial() bool { return c.size > 0 && c.tried > beforeTrial*c.size }

// most returns how many may be in flight now.
func (c *ceiling) most() float64 {
	switch {
	case c.size == 0:
		return math.Inf(1)
	case c.inTrial():
		return c.size * trialGrowth
	}
	return c.size
}

// latencies is how long answers take.
type latencies struct {
	mean time.Duration // of the last ones, about
	load time.Duration // the same, over more of them
	idle time.Duration // the longest while little was in flight, and slowly what they are now
}

// note takes in an answer; idle says that little is in flight.
func (l *latencies) note(took time.Duration, idle bool) {
	if l.mean == 0 {
		l.mean = took
	}
	l.mean += (took - l.mean) / 8
	l.load += (took - l.load) / 32
	if idle {
		l.idle = max(l.idle, took)
		l.load = l.idle
	}
	l.idle += (took - l.idle) / 4096
}

// saturated reports whether answers take so much longer than at first that more requests in
// flight would only take longer still.
func (l *latencies) saturated() bool { return l.load > 2*l.idle }
