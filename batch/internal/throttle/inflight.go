package throttle

import (
	"math"
	"time"
)

// A ceiling is the most requests that the service allows in flight. The first refusal sets it to the number in
// flight at that moment. After some time without a refusal, a trial sends more. A refusal far below the ceiling
// shows that the service has no such limit.
type ceiling struct {
	size     float64 // requests, 0 while unknown, infinite if there is no such limit
	accepted float64 // requests accepted at the ceiling since the last refusal or trial
}

const (
	// beforeTrial times the ceiling is the number of requests accepted before a trial begins. It is this high
	// because a refused trial costs a wait (TestGoals, "in flight").
	beforeTrial = 100

	// A trial allows trialGrowth times the ceiling in flight. It ends when trialRounds times the ceiling was
	// accepted.
	trialGrowth = 1.5
	trialRounds = 4
)

// refusedAt records a refusal with inFlight requests in flight.
func (c *ceiling) refusedAt(inFlight int) {
	at := float64(max(inFlight, batchSize/2))
	switch {
	case c.size == 0:
		c.size = at
	case at < 0.6*c.size:
		c.size = math.Inf(1)
	default:
		c.size = min(c.size, at)
	}
	c.accepted = 0
}

// acceptedAt records that requests were accepted while the target was the number in flight.
func (c *ceiling) acceptedAt(accepted int, target float64) {
	if c.size == 0 || target < c.size {
		return
	}
	c.accepted += float64(accepted)
	if c.accepted > (beforeTrial+trialRounds)*c.size {
		c.size *= trialGrowth
		c.accepted = 0
	}
}

// inTrial reports whether more than the ceiling is allowed, to see whether the service accepts it.
func (c *ceiling) inTrial() bool { return c.size > 0 && c.accepted > beforeTrial*c.size }

// most returns how many requests may be in flight now, infinite if there is no limit.
func (c *ceiling) most() float64 {
	switch {
	case c.size == 0:
		return math.Inf(1)
	case c.inTrial():
		return c.size * trialGrowth
	}
	return c.size
}

// latencies are averages of the time from sending a batch to its answer. They are 0 before the first answer.
type latencies struct {
	mean time.Duration // over about the last 8 answers
	load time.Duration // over about the last 32 answers
	idle time.Duration // the longest latency under low load; it moves slowly to the present latency
}

// note records the latency of an answer. idle means that the load is low.
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

// saturated reports whether answers take more than twice as long as under low load. Then more requests in flight
// only make answers slower.
func (l *latencies) saturated() bool { return l.load > 2*l.idle }
