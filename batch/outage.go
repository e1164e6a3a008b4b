package batch

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tapsweep/batch/internal/throttle"
	"tapsweep/batch/safetext"
)

// maxOutagePause is the longest time between two tests of the connection. It is short, so that a run continues soon
// after the network works again.
const maxOutagePause = 15 * time.Second

// An interruption is a time without a connection. All requests wait while one batch at a time tests the connection. A
// batch that is not sent has no effect, so it is not an attempt.
type interruption struct {
	since    time.Time // when the first batch without a connection was sent, zero for no outage
	nextTest time.Time // when the next batch may be sent
	testing  bool      // a test is in flight
	failed   int       // tests in a row
	cause    error     // of the last one
}

func (i *interruption) active() bool { return !i.since.IsZero() }

// holds reports whether nothing may be sent at now, and when that changes. A zero time means
// that the reply to the current test decides.
func (i *interruption) holds(now time.Time) (held bool, until time.Time) {
	switch {
	case !i.active():
		return false, time.Time{}
	case i.testing:
		return true, time.Time{}
	}
	return now.Before(i.nextTest), i.nextTest
}

// updateOutage records whether a batch found a connection. A batch that was in flight when the outage began does not
// show whether it continues.
func (l *loop) updateOutage(b *inFlightBatch) {
	o := &l.outage
	o.testing = o.testing && !b.testsConnection
	if b.verdict != disconnected && b.verdict != unsent {
		l.runner.reached.Store(true)
	}
	switch {
	case b.verdict == unsent, o.active() && !b.testsConnection:
	case b.verdict == disconnected && l.stopped == nil:
		l.onOutage(b)
	case b.verdict != disconnected && o.active():
		l.endOutage(b.replied)
	}
}

// onOutage begins an outage, or continues it after a test that failed.
func (l *loop) onOutage(b *inFlightBatch) {
	o := &l.outage
	if !o.active() {
		o.since = b.sent
		l.logOutage(b.err)
	}
	o.failed++
	o.cause = b.err
	o.nextTest = b.replied.Add(outagePause(o.failed))
	// If there was never a connection, the address may be wrong.
	if !l.runner.reached.Load() && o.failed >= l.opts.MaxAttempts {
		l.stop(fmt.Errorf("%w in %d attempts: %w", ErrUnreachable, o.failed, o.cause))
	}
}

// endOutage continues the run. The outage counts neither as part of a blockade nor as time in
// which a quota is refused.
func (l *loop) endOutage(now time.Time) {
	lasted := now.Sub(l.outage.since)
	l.opts.Logger.Info("connected again", "after", lasted.Round(time.Second))
	for _, q := range l.queues {
		q.gate.Interrupted()
		if q.blockade.active() {
			q.blockade.since = q.blockade.since.Add(lasted)
		}
		if !q.refusedSince.IsZero() {
			q.refusedSince = q.refusedSince.Add(lasted)
		}
	}
	l.outage = interruption{}
}

// stopIfUnreachable stops a run that has had no connection for too long. It returns when to
// check again, which may be earlier than wake.
func (l *loop) stopIfUnreachable(wake time.Time) time.Time {
	o := &l.outage
	if l.stopped != nil || l.opts.StallTimeout < 0 || !o.active() {
		return wake
	}
	end := o.since.Add(l.opts.StallTimeout)
	if time.Now().Before(end) {
		return earlier(wake, end)
	}
	l.stop(fmt.Errorf("%w in %v: %w", ErrUnreachable, l.opts.StallTimeout, o.cause))
	return time.Time{}
}

func (l *loop) logOutage(err error) {
	l.opts.Logger.Info("no connection", "err", safetext.Printable(err.Error()))
}

// outagePause returns how long to wait after a number of failed tests in a row.
func outagePause(failed int) time.Duration {
	return throttle.Backoff(failed-1, firstBackoff, maxOutagePause, rand.Float64())
}
