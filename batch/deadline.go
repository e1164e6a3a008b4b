package batch

import (
	"context"
	"fmt"
	"time"
)

// stopIfOutOfTime stops a run that can send nothing more before the deadline of ctx because
// the service asks for a longer wait. wake is when the next request may be sent.
func (l *loop) stopIfOutOfTime(ctx context.Context, wake time.Time) {
	end, bounded := ctx.Deadline()
	if !bounded || l.inFlight > 0 || l.renewing || wake.IsZero() || wake.Before(end) {
		return
	}
	if q, wait := l.waitPast(end); q != nil { // otherwise the wait is our own pause, or a Delay
		l.stop(&lateError{q.named(), wait, end})
	}
}

// waitPast returns a wait that the service asked for and that ends after end. q is nil if
// there is none.
func (l *loop) waitPast(end time.Time) (q *quotaQueue, wait time.Duration) {
	for _, q := range l.queues {
		if !q.waitEnd().Before(end) {
			return q, q.wait
		}
	}
	for _, it := range l.waiting {
		if it.retryAfter > 0 && !it.retryAt.Before(end) {
			return it.queue, it.retryAfter
		}
	}
	return nil, 0
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
