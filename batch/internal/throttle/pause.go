package throttle

import "time"

// pauses decides how long the gate stays closed. It stays closed as long as the service asks. It stays closed
// longer if the service asks for nothing, or refuses again after the wait.
type pauses struct {
	firstRefusal time.Time // when the first refusal in a row was sent, zero if a request was accepted since
	failedWaits  int       // number of waits in a row after which no request was accepted
}

const (
	// firstPause is the wait if the service asks for none.
	firstPause = time.Second
	// maxPause is the longest wait that the service did not ask for.
	maxPause = 5 * time.Minute
)

// refused records the refusal of a request that was sent after the last wait.
func (p *pauses) refused(sent time.Time) {
	if p.firstRefusal.IsZero() {
		p.firstRefusal = sent
		return
	}
	p.failedWaits++
}

// accepted records that a request sent after the last wait was accepted.
func (p *pauses) accepted() { *p = pauses{} }

// wait returns how long the gate stays closed from now. jitter is in [0,1).
func (p *pauses) wait(now time.Time, r Feedback, jitter float64) time.Duration {
	if p.failedWaits == 0 {
		return r.wait()
	}
	// Each wait is a sixth to a quarter of the time since the first refusal. So waits get longer, but the last one
	// does not end long after quota has come back.
	elapsed := now.Sub(p.firstRefusal)
	return max(r.wait(), min(elapsed/6+time.Duration(float64(elapsed)/12*jitter), maxPause))
}

// Backoff returns base·2ⁿ, at most limit, less up to a quarter of that: jitter in [0,1) is the part of the quarter.
// So clients that fail together do not return together.
func Backoff(n int, base, limit time.Duration, jitter float64) time.Duration {
	d := limit
	if n < 30 && base < limit>>n {
		d = base << n
	}
	return d - time.Duration(jitter*float64(d)/4)
}
