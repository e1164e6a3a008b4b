package batch

import (
	"time"

	"tapsweep/batch/internal/throttle"
)

// A quota is what a Runner knows about a limit of the service. It is kept after the end of a run, because the limit
// does not depend on runs.
type quota struct {
	name string
	gate *throttle.Controller

	waitEnd   time.Time // the latest end of a wait that the service asked for
	lastReply time.Time
}

// maxIdle is the longest time without a request after which a measurement is still valid.
const maxIdle = time.Second

// quota returns the quota with a name. There are only a few quotas, so it searches a list.
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

// resume prepares the gate for the first request after a time without requests, in this run or between two runs. Such
// a time shows nothing about the limit, so it is not part of a measurement. The rate must not rise because of it, so
// resume reports that the limit is almost used up.
func (q *quota) resume(now time.Time) {
	if !q.lastReply.IsZero() && now.Sub(q.lastReply) > maxIdle && now.Sub(q.gate.ClosedUntil()) > maxIdle {
		q.gate.Interrupted()
		q.gate.Done(now, throttle.Feedback{Sent: now, Used: 1})
	}
}

// reportToThrottle reports a batch to the throttle, with the time of its answer. settle may have delayed this call.
func (q *quota) reportToThrottle(answered time.Time, rep throttle.Feedback) {
	if end := answered.Add(rep.RetryAfter); rep.HasRetryAfter && end.After(q.waitEnd) {
		q.waitEnd = end
	}
	q.lastReply = answered
	q.gate.Done(answered, rep)
}

// closedUntil returns the end of the current wait, zero if there is none.
func (q *quota) closedUntil(now time.Time) time.Time {
	if until := q.gate.ClosedUntil(); until.After(now) {
		return until
	}
	return time.Time{}
}

// remaining returns how much of a wait is left at now, if the service asked for it and it closes the gate.
func (q *quota) remaining(now time.Time) time.Duration {
	return max(0, min(q.gate.ClosedUntil().Sub(now), q.waitEnd.Sub(now)))
}

// named returns the name of the quota for errors, "" for the quota without a name.
func (q *quota) named() string {
	if q.name == "" {
		return ""
	}
	return " of quota " + q.name
}
