package throttle

import "time"

// pauses decides how long the gate stays closed, and learns from what happened
// to the first request after each wait. The service's word counts, unless it
// names no wait or one after which it refuses again.
type pauses struct {
	since  time.Time     // of the first refusal in a row
	opened bool          // something was accepted since then
	fails  int           // waits in a row after which nothing was accepted
	last   time.Duration // from the first refusal to the first request accepted, last time
}

const (
	firstPause = time.Second
	maxPause   = 5 * time.Minute
)

// begin notes a refusal of a request sent after the last wait.
func (p *pauses) begin(sent time.Time) {
	if p.since.IsZero() || p.opened {
		p.since, p.opened, p.fails = sent, false, 0
		return
	}
	p.fails++
}

// worked notes that a request sent after the last wait was accepted.
func (p *pauses) worked(sent time.Time) {
	if !p.opened && !p.since.IsZero() {
		p.opened = true
		p.last = sent.Sub(p.since)
	}
}

// wait returns how long from now the gate stays closed.
func (p *pauses) wait(now time.Time, r Report, rate, jitter float64) time.Duration {
	wait := r.RetryAfter
	honest := r.Told && wait > 0
	if !honest {
		wait = firstPause
	}
	if rate > 0 {
		// Nothing can be free before one request has been refilled.
		wait = max(wait, min(time.Duration(1/rate*1e9)-now.Sub(r.Sent), maxPause))
	}
	if honest && p.fails == 0 {
		return wait
	}
	// Without a word that can be relied on: what worked last time, a bit less,
	// and then a sixth longer each time, which ends soon after the quota is
	// there again.
	elapsed := now.Sub(p.since)
	own := p.last*9/10 - elapsed
	if p.fails > 0 {
		own = elapsed/6 + time.Duration(float64(elapsed)/12*jitter)
	}
	return max(wait, min(own, maxPause))
}

// Backoff returns base·2ⁿ, at most limit, of which jitter in [0,1) takes off up
// to a quarter, so that clients that failed together do not return together.
func Backoff(n int, base, limit time.Duration, jitter float64) time.Duration {
	d := limit
	if n < 30 && base < limit>>n {
		d = base << n
	}
	return d - time.Duration(jitter*float64(d)/4)
}
