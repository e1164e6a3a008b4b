package throttle

import "time"

// pauses decides how long the gate stays closed. The service's word counts, unless it names no
// wait or one after which it refuses again.
type pauses struct {
	since time.Time // of the first refusal in a row, zero if something was accepted after it
	fails int       // waits in a row after which nothing was accepted
}

const (
	firstPause = time.Second
	maxPause   = 5 * time.Minute
)

// begin takes in a refusal of a request sent after the last wait.
func (p *pauses) begin(sent time.Time) {
	if p.since.IsZero() {
		p.since = sent
		return
	}
	p.fails++
}

// worked takes in that a request sent after the last wait was accepted.
func (p *pauses) worked() { *p = pauses{} }

// wait returns how long from now the gate stays closed.
func (p *pauses) wait(now time.Time, r Feedback, jitter float64) time.Duration {
	if p.fails == 0 {
		return r.wait()
	}
	// Each wait is a sixth or more of the time since the first refusal, so it ends soon after the
	// quota is there again.
	elapsed := now.Sub(p.since)
	return max(r.wait(), min(elapsed/6+time.Duration(float64(elapsed)/12*jitter), maxPause))
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
