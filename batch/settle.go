package batch

import (
	"errors"
	"fmt"
	"time"

	"tapsweep/batch/throttle"
)

// again decides what happens to an entry that its attempt did not settle.
func (l *loop) again(e *entry, f *flight, jitter float64) {
	switch {
	case e.refusedToken && e.refusals > 1 && f.tookToken() && l.stopped == nil:
		// It is not the token: others of the batch are answered with it.
		l.release(e)
		e.Attempts++
		l.finish(e)
		return
	case e.refusedToken:
		if l.refused(e, f); l.stopped == nil {
			e.lane.ready(e) // it keeps its key
			return
		}
	case l.stopped != nil:
	case e.throttled:
		l.release(e)
		l.wait(e, f.answered.Add(e.refusedPause(f, jitter)))
		return
	case e.unsent:
		e.lane.ready(e) // the outage holds it back
		return
	case e.spoiled:
		e.lane.ready(e) // with half of the others; it keeps its key, too
		return
	case e.suspect && e.lane.path.since.IsZero():
		e.lane.path.suspects = append(e.lane.path.suspects, e)
		return
	case e.suspect:
		l.apart(e)
		return
	case e.Attempts >= l.opts.MaxAttempts:
		l.release(e)
		e.giveUp()
		l.finish(e)
		return
	default:
		l.release(e)
		pause := max(e.told, throttle.Backoff(e.Attempts-1, l.opts.Backoff, maxBackoff, jitter))
		l.tooLong(e.lane, e.told)
		l.wait(e, f.answered.Add(pause))
		return
	}
	l.release(e)
	e.notSent()
	l.finish(e)
}

// A request that is refused this often in a row, while others are accepted, may have a limit
// of its own: a user's or a mailbox's. It is sent ever more rarely then.
const (
	ownLimit    = 3
	maxOwnPause = 5 * time.Minute
)

// refusedPause is how long a throttled request waits: as long as its answer says, or a second
// if it does not.
func (e *entry) refusedPause(f *flight, jitter float64) time.Duration {
	if e.lane.accepted.After(e.deniedAt) && e.denied > 1 {
		e.own++
	} else {
		e.own = 0
	}
	e.deniedAt = f.sent
	e.toldEnd = f.answered.Add(e.told)
	pause := e.told
	if pause == 0 {
		pause = time.Second
	}
	if e.own < ownLimit {
		return pause
	}
	return max(pause, throttle.Backoff(e.own-ownLimit+1, pause, max(pause, maxOwnPause), jitter))
}

// refused handles an entry whose token was refused: one new token for all, and
// the end of the run if an entry sent with the new one is refused as well.
func (l *loop) refused(e *entry, f *flight) {
	status, _ := errors.AsType[*StatusError](e.cause)
	switch {
	case l.stopped != nil:
	case e.refusals > 1 || l.opts.Reauthorize == nil:
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, e.cause))
	case f.epoch == l.epoch && !l.renewing:
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
	for _, q := range l.lanes {
		q.path.next = time.Time{} // if the token was the cause, there is no need to wait
	}
	switch {
	case err == nil || l.stopped != nil:
	case errors.Is(err, ErrNotSent):
		l.stop(fmt.Errorf("%w for a new token: %w", ErrUnreachable, err))
	default:
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, err))
	}
}

// finish settles an entry, for good, and takes in what settle asks for next.
func (l *loop) finish(e *entry) {
	e.lane.open--
	follow := l.settle(e.Result)
	if e.Stopped() {
		return
	}
	for _, req := range follow {
		l.enter(req, true)
	}
}
