package batch

import (
	"context"
	"fmt"
	"time"
)

// outOfTime stops a run that can send nothing more before the deadline of ctx because the
// service asks for a longer wait. Waiting until the deadline would change nothing. wake is
// when the next request may be sent.
func (l *loop) outOfTime(ctx context.Context, wake time.Time) {
	end, bounded := ctx.Deadline()
	if !bounded || l.stopped != nil || l.inFlight > 0 || l.renewing || wake.IsZero() || wake.Before(end) {
		return
	}
	q, wait := l.waitPast(end)
	if q == nil {
		return // the pause is our own, or a request is scheduled for later
	}
	l.stop(&lateError{q.named(), wait, end})
}

// A lateError is the ErrMaxWait for a wait that ends after the deadline of the context.
type lateError struct {
	quota string
	wait  time.Duration
	end   time.Time
}

func (e *lateError) Error() string {
	return fmt.Sprintf("the service asks to wait %v before the next request%s, which ends after the deadline at %s",
		e.wait.Round(time.Second), e.quota, e.end.UTC().Format(time.RFC3339))
}

func (e *lateError) Unwrap() error { return ErrMaxWait }

// waitPast returns a wait that the service asked for and that ends after end. q is nil if
// there is none.
func (l *loop) waitPast(end time.Time) (q *quotaQueue, wait time.Duration) {
	for _, q := range l.queues {
		if q.want(1) > 0 && !q.waitEnd().Before(end) {
			return q, q.wait
		}
	}
	for _, e := range l.waiting {
		if e.retryAfter > 0 && !e.due.Before(end) && (e.throttledInRow == 0 || !e.retryAt.Before(end)) {
			return e.queue, e.retryAfter
		}
	}
	return nil, 0
}
