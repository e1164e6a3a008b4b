package batch

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// renewAndSendAgain handles a request whose token was refused. It requests one new token for all requests. If the
// refused token was already the new one, the run stops.
func (l *loop) renewAndSendAgain(it *item, b *inFlightBatch) {
	if it.tokenRefusalsInRow > 1 || l.opts.Reauthorize == nil {
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, it.cause))
	} else if refused, ok := errors.AsType[*StatusError](it.cause); ok {
		l.renew(b, refused)
	}
	it.queue.push(it)
}

// renew requests a new token, unless the one that was refused is already being replaced.
func (l *loop) renew(b *inFlightBatch, refused *StatusError) {
	if l.renewing || b.token != l.token || l.opts.Reauthorize == nil {
		return
	}
	l.renewing = true
	l.group.Go(func() error {
		l.renewed <- l.reauthorize(refused)
		return nil
	})
}

// reauthorize gets a new token. If the issuer cannot be reached, it tries again until
// StallTimeout has passed or the run is stopped.
func (l *loop) reauthorize(refused *StatusError) error {
	for start, n := time.Now(), 1; ; n++ {
		ctx, cancel := context.WithTimeout(l.posts, l.opts.RequestTimeout)
		err := l.opts.Reauthorize(ctx, refused)
		cancel()
		if !errors.Is(err, ErrNotSent) || l.opts.StallTimeout >= 0 && time.Since(start) >= l.opts.StallTimeout {
			return err
		}
		if n == 1 {
			l.logOutage(err)
		}
		select {
		case <-time.After(outagePause(n)):
		case <-l.ended:
			return err
		}
	}
}

// onRenewed continues with the new token, or stops the run if there is none.
func (l *loop) onRenewed(err error) {
	l.renewing = false
	l.token++
	for _, q := range l.queues {
		q.blockade.nextTest = time.Time{} // the token may have been the cause
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrNotSent):
		l.stop(fmt.Errorf("%w for a new token: %w", ErrUnreachable, err))
	default:
		l.stop(fmt.Errorf("%w: %w", ErrUnauthorized, err))
	}
}
