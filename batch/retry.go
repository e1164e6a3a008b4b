package batch

import (
	"errors"
	"fmt"
	"time"

	"tapsweep/batch/throttle"
)

// retryOrGiveUp decides what happens to an item that its attempt did not settle.
func (l *loop) retryOrGiveUp(e *item, b *inFlightBatch, jitter float64) {
	switch {
	case e.refusedToken && e.tokenRefusalsInRow > 1 && b.tookToken() && l.stopped == nil:
		// It is not the token: others of the batch are answered with it.
		l.release(e)
		e.Attempts++
		l.settle(e)
		return
	case e.refusedToken:
		if l.refused(e, b); l.stopped == nil {
			e.queue.ready(e) // it keeps its key
			return
		}
	case l.stopped != nil:
	case e.throttled:
		l.release(e)
		l.wait(e, b.answered.Add(e.refusedPause(b, jitter)))
		return
	case e.unsent:
		e.queue.ready(e) // the outage holds it back
		return
	case e.spoiled:
		e.queue.ready(e) // with half of the others; it keeps its key, too
		return
	case e.suspect && e.queue.blockade.since.IsZero():
		e.queue.blockade.suspects = append(e.queue.blockade.suspects, e)
		return
	case e.suspect:
		l.splitOff(e)
		return
	case e.Attempts >= l.opts.MaxAttempts:
		l.release(e)
		e.giveUp()
		l.settle(e)
		return
	default:
		l.release(e)
		pause := max(e.retryAfter, throttle.Backoff(e.Attempts-1, l.opts.Backoff, maxBackoff, jitter))
		l.tooLong(e.queue, e.retryAfter)
		l.wait(e, b.answered.Add(pause))
		return
	}
	l.release(e)
	e.notSent()
	l.settle(e)
}

// A request that is refused this often in a row, while others are accepted, may have a limit
// of its own: a user's or a mailbox's. It is sent ever more rarely then.
const (
	perResourceLimitAfter = 3
	maxPerResourcePause   = 5 * time.Minute
)

// refusedPause is how long a throttled request waits: as long as its answer says, or a second
// if it does not.
func (e *item) refusedPause(b *inFlightBatch, jitter float64) time.Duration {
	if e.queue.accepted.After(e.throttledAt) && e.throttledInRow > 1 {
		e.ownLimitInRow++
	} else {
		e.ownLimitInRow = 0
	}
	e.throttledAt = b.sent
	e.retryAt = b.answered.Add(e.retryAfter)
	pause := e.retryAfter
	if pause == 0 {
		pause = time.Second
	}
	if e.ownLimitInRow < perResourceLimitAfter {
		return pause
	}
	return max(pause, throttle.Backoff(e.ownLimitInRow-perResourceLimitAfter+1, pause, max(pause, maxPerResourcePause), jitter))
}

// refused handles an item whose token was refused: one new token for all, and
// the end of the run if an item sent with the new one is refused as well.
func (l *loop) refused(e *item, b *inFlightBatch) {
	status, _ := errors.AsType[*StatusError](e.cause)
	switch {
	case l.stopped != nil:
	case e.tokenRefusalsInRow > 1 || l.opts.Reauthorize == nil:
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, e.cause))
	case b.epoch == l.epoch && !l.renewing:
		l.renew(status)
	}
}

// renew requests a new token for all requests, to replace one that was refused.
func (l *loop) renew(refused *StatusError) {
	l.renewing = true
	l.group.Go(func() error {
		l.tokens <- l.reauthorize(refused)
		return nil
	})
}

func (l *loop) renewed(err error) {
	l.renewing = false
	l.epoch++
	for _, q := range l.queues {
		q.blockade.next = time.Time{} // if the token was the cause, there is no need to wait
	}
	switch {
	case err == nil || l.stopped != nil:
	case errors.Is(err, ErrNotSent):
		l.stop(fmt.Errorf("%w for a new token: %w", ErrUnreachable, err))
	default:
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, err))
	}
}

// settle settles an item, for good, and takes in what settle asks for next.
func (l *loop) settle(e *item) {
	e.queue.unsettled--
	follow := l.onResult(e.Result)
	if e.Stopped() {
		return
	}
	for _, req := range follow {
		l.enter(req, true)
	}
}
