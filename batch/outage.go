package batch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tapsweep/batch/throttle"
)

// maxOutagePause is the longest time between two tries in an outage: a person who has
// mended the network should not have to wait for it to be noticed.
const maxOutagePause = 15 * time.Second

// outage is a time without a connection. What does not get out has no effect, so it
// costs no attempt: everything waits, and one batch at a time tries.
type outage struct {
	since  time.Time // when the first batch without a connection was sent, zero for no outage
	next   time.Time // when one may try again
	trying bool
	tries  int // in vain, one after the other
	cause  error
}

// blocked tells whether nothing may be sent at now, and when that changes; never, if
// only an answer changes it.
func (o *outage) blocked(now time.Time) (blocked bool, wake time.Time) {
	switch {
	case o.since.IsZero():
		return false, time.Time{}
	case o.trying:
		return true, time.Time{}
	case now.Before(o.next):
		return true, o.next
	}
	return false, time.Time{}
}

// connected takes in whether a batch found a connection. One that was under way when
// an outage began tells nothing of it.
func (l *loop) connected(b *inFlightBatch) {
	o := &l.outage
	o.trying = o.trying && !b.tries
	found := b.err == nil || !errors.Is(b.err, ErrNotSent)
	if found && !b.noToken {
		l.runner.reached.Store(true)
	}
	switch {
	case b.noToken, b.vetoed != nil, !o.since.IsZero() && !b.tries, !found && l.stopped != nil:
		return
	case found && !o.since.IsZero():
		l.opts.Logger.Info("connected again", "after", b.answered.Sub(o.since).Round(time.Second))
		for _, q := range l.queues {
			q.gate.Interrupted()
			if !q.blockade.since.IsZero() { // the outage does not count as a closed path
				q.blockade.since = q.blockade.since.Add(b.answered.Sub(o.since))
			}
			if !q.refusedSince.IsZero() { // what was refused before is not refused for longer
				q.refusedSince = q.refusedSince.Add(b.answered.Sub(o.since))
			}
		}
		*o = outage{}
		return
	case found:
		return
	case o.since.IsZero():
		o.since = b.sent
		l.opts.Logger.Info("no connection", "err", Printable(b.err.Error()))
	}
	o.tries++
	o.cause = b.err
	o.next = b.answered.Add(l.opts.outagePause(o.tries))
	// What never was there is not likely to come: the address may be wrong.
	if !l.runner.reached.Load() && o.tries >= l.opts.MaxAttempts {
		l.stop(fmt.Errorf("%w in %d attempts: %w", ErrUnreachable, o.tries, o.cause))
	}
}

// endOutage ends a run that has had no connection for too long, and has the loop wake up
// to do so.
func (l *loop) endOutage(wake time.Time) time.Time {
	o := &l.outage
	if l.stopped != nil || l.opts.StallTimeout < 0 || o.since.IsZero() {
		return wake
	}
	end := o.since.Add(l.opts.StallTimeout)
	if time.Now().Before(end) {
		return earlier(wake, end)
	}
	l.stop(fmt.Errorf("%w in %v: %w", ErrUnreachable, l.opts.StallTimeout, o.cause))
	return time.Time{}
}

// outagePause is how long to wait after so many tries in vain.
func (o *Options) outagePause(tries int) time.Duration {
	return throttle.Backoff(tries-1, o.Backoff, maxOutagePause, rand.Float64())
}

// reauthorize gets a new token. Where nothing can be reached for it, it tries again, like
// everything else, until that has gone on for too long or the run is stopped.
func (l *loop) reauthorize(refused *StatusError) error {
	for start, n := time.Now(), 1; ; n++ {
		ctx, cancel := context.WithTimeout(l.posts, l.opts.RequestTimeout)
		err := l.opts.Reauthorize(ctx, refused)
		cancel()
		if !errors.Is(err, ErrNotSent) || l.opts.StallTimeout >= 0 && time.Since(start) >= l.opts.StallTimeout {
			return err
		}
		if n == 1 {
			l.opts.Logger.Info("no connection", "err", Printable(err.Error()))
		}
		select {
		case <-time.After(l.opts.outagePause(n)):
		case <-l.ended:
			return err
		}
	}
}
