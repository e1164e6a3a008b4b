package batch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// errStopped ends a post when the grace period is over. It must not wrap the error that stopped the run. This error
// may be ErrUnauthorized, which would mean that the post sent nothing.
var errStopped = errors.New("the run stopped while this was in flight")

// loop is the state of one run. The goroutine that called Run owns it; posts
// own their batch until they return it.
type loop struct {
	runner   *Runner
	opts     Options
	next     func() (Request, bool)
	srcDone  bool
	onResult func(Result) []Request

	// Each item that is not in flight is in one of these. Items in the queue of their quota, and items in flight,
	// hold their key.
	queues      []*quotaQueue      // in the order of appearance
	parked      map[string][]*item // by the key they wait for
	waiting     []*item            // for their next attempt, the first due first
	parkedTotal int                // parked and waiting

	turn          int                 // index of the quota that may send next
	heldKeys      map[string]struct{} // of items that are ready or in flight
	lastSoloGroup int                 // number of the last split group of one item, counted down

	posts    context.Context
	cancel   context.CancelCauseFunc
	group    errgroup.Group
	inFlight int
	replies  chan *inFlightBatch
	seq      int // number of the last batch

	// While a token is being renewed, nothing is sent.
	token    int // number of the token in use
	renewing bool
	renewed  chan error

	outage interruption

	stopped error         // why the run stopped
	ended   chan struct{} // closed when it is
	grace   <-chan time.Time
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		if ctx.Err() != nil {
			l.stop(context.Cause(ctx))
		}
		wake := l.send(ctx, time.Now())
		wake = l.stopIfUnreachable(l.stopIfStalled(wake))
		if l.stopped == nil && ctx.Err() != nil {
			continue // src or settle ended the run, and there may be no further reply
		}
		if l.stopped != nil {
			done = nil
			if l.inFlight == 0 && !l.renewing {
				l.drain()
				return
			}
		}
		if l.finished() {
			return
		}
		timer.Reset(untilWake(wake))
		select {
		case b := <-l.replies:
			l.onReply(b)
		case err := <-l.renewed:
			l.onRenewed(err)
		case <-timer.C:
		case <-done:
		case <-l.grace:
			l.cancel(errStopped)
		}
	}
}

// untilWake returns how long to sleep if nothing happens before. A zero wake means never.
func untilWake(wake time.Time) time.Duration {
	if wake.IsZero() {
		return time.Hour
	}
	return max(time.Until(wake), 0)
}

// finished reports whether src is at its end and all requests are settled.
func (l *loop) finished() bool {
	unsettled := func(q *quotaQueue) bool { return q.unsettled > 0 }
	return l.srcDone && !l.renewing && !slices.ContainsFunc(l.queues, unsettled)
}

// onReply processes the reply to a batch.
func (l *loop) onReply(b *inFlightBatch) {
	q := b.queue
	l.inFlight--
	o := Observation{Time: time.Now(), Quota: q.name}
	rep := q.onReply(b)
	if rep.Refused > 0 {
		l.checkMaxWait(q, rep.RetryAfter)
	}
	if l.opts.Logger.Enabled(l.posts, slog.LevelDebug) {
		l.opts.Logger.LogAttrs(l.posts, slog.LevelDebug, "batch answered", b.attributes(rep, q.closedUntil(o.Time))...)
	}
	if b.stops != nil {
		l.stop(b.stops)
	}
	l.updateOutage(b)
	l.updateBlockade(b)
	if !b.isControl { // the control request has no result
		for i := range b.items {
			l.onVerdict(b.classify(i), b, i)
		}
	}
	if l.opts.Observe == nil {
		return
	}
	o.Accepted, o.Refused = rep.Accepted, rep.Refused
	o.ClosedUntil = q.closedUntil(o.Time)
	o.Outage, o.NextTry = l.outage.since, l.outage.nextTest
	l.opts.Observe(o)
}

// stopIfStalled stops a run in which all requests of a quota are refused for too long. It
// returns when to check again, which may be earlier than wake.
func (l *loop) stopIfStalled(wake time.Time) time.Time {
	if l.stopped != nil || l.opts.StallTimeout < 0 || l.outage.active() {
		return wake
	}
	for _, q := range l.queues {
		if q.idle() && !l.hasRefused(q) {
			q.refusedSince = time.Time{} // no refused request is left to be sent
		}
		if q.refusedSince.IsZero() {
			continue
		}
		end := q.refusedSince.Add(l.opts.StallTimeout)
		if !time.Now().Before(end) {
			l.stop(fmt.Errorf("%w: not one request%s was accepted in %v", ErrStalled, q.named(), l.opts.StallTimeout))
			return time.Time{}
		}
		wake = earlier(wake, end)
	}
	return wake
}

// hasRefused reports whether a request of the quota waits to be sent again.
func (l *loop) hasRefused(q *quotaQueue) bool {
	return slices.ContainsFunc(l.waiting, func(it *item) bool {
		return it.queue == q && (it.throttledInRow > 0 || it.Attempts > 0)
	})
}

// checkMaxWait stops the run if the service asks for a longer wait than MaxWait.
func (l *loop) checkMaxWait(q *quotaQueue, wait time.Duration) {
	if l.opts.MaxWait >= 0 && wait > l.opts.MaxWait {
		l.stop(fmt.Errorf("%w%s: %v, more than %v", ErrMaxWait, q.named(), wait.Round(time.Second), l.opts.MaxWait))
	}
}

// stop forbids further batches and starts the grace period. The first cause counts.
func (l *loop) stop(cause error) {
	if l.stopped != nil {
		return
	}
	l.stopped = cause
	close(l.ended)
	l.grace = time.After(grace)
}

// drain settles all requests that are left when a run has stopped.
func (l *loop) drain() {
	var left []*item
	for _, q := range l.queues {
		left = slices.Concat(left, q.split, q.retries, q.fresh)
	}
	left = append(left, l.waiting...)
	for _, queue := range l.parked {
		left = append(left, queue...)
	}
	for _, it := range left {
		it.notSent()
		l.settle(it)
	}
	for {
		req, ok := l.next()
		if !ok {
			return
		}
		l.onResult(Result{Request: req, Err: ErrNotSent}) // the requests that it returns are dropped
	}
}
