package batch

import (
	"time"

	"tapsweep/batch/internal/throttle"
)

// A quota is what a Runner knows of a limit of the service. It survives the end of a run: the
// limit does not begin anew with the next one.
type quota struct {
	name string
	gate *throttle.Controller

	// The last wait that the service asked for in a refusal.
	wait   time.Duration
	waitAt time.Time // when it asked

	lastReply time.Time
}

// maxIdle is the longest time without a request that does not disturb a measurement.
const maxIdle = time.Second

// quota returns the quota of that name. Quotas are few, so a list is searched.
func (r *Runner) quota(name string) *quota {
	for _, q := range r.quotas {
		if q.name == name {
			return q
		}
	}
	q := &quota{name: name}
	if len(r.quotas) == 0 {
		q.gate = throttle.New(r.pace)
	} else {
		q.gate = r.quotas[0].gate.Sibling()
	}
	r.quotas = append(r.quotas, q)
	return q
}

// resume prepares the gate for the first request after a time in which there was none to send,
// in this run or between two runs. Such a time says nothing of the limit: it is no part of a
// measurement, and no reason to try a higher rate, which the report of a limit that is almost
// used up prevents.
func (q *quota) resume(now time.Time) {
	if !q.lastReply.IsZero() && now.Sub(q.lastReply) > maxIdle && now.Sub(q.gate.ClosedUntil()) > maxIdle {
		q.gate.Interrupted()
		q.gate.Done(now, throttle.Report{Sent: now, Used: 1})
	}
}

// reportToThrottle takes in what became of a batch, at the time of the answer, however long
// that then had to wait for settle.
func (q *quota) reportToThrottle(answered time.Time, rep throttle.Report) {
	if rep.Told && answered.Add(rep.RetryAfter).After(q.waitEnd()) {
		q.wait, q.waitAt = rep.RetryAfter, answered
	}
	q.lastReply = answered
	q.gate.Done(answered, rep)
}

// waitEnd returns the end of the last wait that the service asked for.
func (q *quota) waitEnd() time.Time { return q.waitAt.Add(q.wait) }

// closedUntil returns the end of the wait in force, zero if there is none.
func (q *quota) closedUntil(now time.Time) time.Time {
	if until := q.gate.ClosedUntil(); until.After(now) {
		return until
	}
	return time.Time{}
}

// remaining returns how much is left, at now, of a wait that the service asked for and that
// closes the gate.
func (q *quota) remaining(now time.Time) time.Duration {
	return max(0, min(q.gate.ClosedUntil().Sub(now), q.waitEnd().Sub(now)))
}

// named returns how an error names the quota, "" for the one without a name.
func (q *quota) named() string {
	if q.name == "" {
		return ""
	}
	return " of quota " + q.name
}
