package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// maxParked is the maximum number of requests that wait for a busy key or for their next attempt. If there are more,
// no new requests are read from src. This limits memory, and in an outage it keeps a long list from using up its
// attempts. The same number of requests may be ready: with several quotas, src is read for one quota while requests of
// another are queued.
const maxParked = 4096

// send starts batches until something forbids it and returns when to try
// again; a zero time means when a reply arrives.
func (l *loop) send(ctx context.Context, now time.Time) (wake time.Time) {
	if l.stopped != nil || l.renewing {
		return time.Time{}
	}
	l.enqueueDue(now)
	if held, until := l.outage.holds(now); held {
		return until
	}
	for l.inFlight < l.opts.Concurrency {
		l.fill(ctx)
		if !l.mayStart(ctx) {
			break // nothing more is sent, not even requests that are ready
		}
		now = time.Now() // src and settle may have taken long
		if len(l.replies) > 0 {
			return now // one of the replies may be a refusal
		}
		started, at := l.sendNext(now)
		if !started {
			wake = at
			break
		}
		if l.outage.active() {
			return time.Time{} // this batch tests the connection for all
		}
	}
	if len(l.waiting) > 0 {
		wake = earlier(wake, l.waiting[0].due)
	}
	return wake
}

// mayStart reports whether the run continues: src or settle may have ended it.
func (l *loop) mayStart(ctx context.Context) bool { return ctx.Err() == nil && l.stopped == nil }

// sendNext starts one batch of the next quota that can send. It skips quotas that have nothing to send, no slot, or a
// closed gate. If no quota can send, at is when the first of them can, zero if this depends on a reply.
func (l *loop) sendNext(now time.Time) (started bool, at time.Time) {
	for range l.queues {
		turn := l.turn % len(l.queues)
		l.turn = turn + 1
		started, capped, next := l.sendOne(l.queues[turn], now)
		switch {
		case started:
			return true, time.Time{}
		case capped:
			// With MaxRate, quotas take turns. Otherwise a quota that needs less would always be first.
			l.turn = turn
			return false, next
		}
		at = earlier(at, next)
	}
	return false, at
}

// sendOne starts a batch of a quota if the quota may send. If not, at is when to ask again, and capped is set if only
// MaxRate prevents it.
func (l *loop) sendOne(q *quotaQueue, now time.Time) (started, capped bool, at time.Time) {
	if held, until := q.blockade.holds(now); held {
		return false, false, until
	}
	l.prepareTest(q)
	want := q.ready(l.opts.BatchSize)
	if q.blockade.needsControl {
		want = min(want, 1)
	}
	if want == 0 || !l.hasSlot(q, now) {
		return false, false, time.Time{}
	}
	n, at := q.gate.Take(now, want)
	switch {
	case n == 0:
		return false, q.gate.Capped(), at
	case q.blockade.needsControl:
		l.start(now, q, []*item{newItem(controlRequest)})
	default:
		l.start(now, q, q.pick(n))
	}
	return true, false, time.Time{}
}

// hasSlot reports whether a batch of the quota may use a free slot. One slot is kept for each other quota that has
// something to send, nothing in flight and no wait. Otherwise a quota with slow answers would use all slots.
func (l *loop) hasSlot(q *quotaQueue, now time.Time) bool {
	if q.inFlight == 0 {
		return true
	}
	free := l.opts.Concurrency - l.inFlight
	for _, other := range l.queues {
		held, _ := other.blockade.holds(now)
		if !held && other.inFlight == 0 && other.ready(1) > 0 && other.closedUntil(now).IsZero() {
			free--
		}
	}
	return free > 0
}

// fill reads requests from src until there is a full batch for each quota that src has yielded so far, or until too
// many requests are queued. It does not delay replies.
func (l *loop) fill(ctx context.Context) {
	for !l.srcDone && l.parkedTotal < maxParked && l.short() && len(l.replies) == 0 && l.mayStart(ctx) {
		req, ok := l.next()
		if !ok {
			l.srcDone = true
			return
		}
		l.queueOf(req.Quota).fedBySource = true
		l.accept(req, false)
	}
}

// short reports whether to read more from src: a quota has less than a batch ready, and the queues are not full.
func (l *loop) short() bool {
	fed, short, queued := false, false, 0
	for _, q := range l.queues {
		queued += len(q.retries) + len(q.fresh)
		fed = fed || q.fedBySource
		short = short || q.fedBySource && q.short(l.opts.BatchSize)
	}
	return queued < maxParked && (short || !fed)
}

// accept adds a request to the run.
func (l *loop) accept(req Request, retry bool) {
	it := newItem(req)
	it.queue = l.queueOf(req.Quota)
	it.queue.unsettled++
	if err := req.check(); err != nil {
		it.Err = fmt.Errorf("%w: %w", ErrInvalid, err)
		l.settle(it)
		return
	}
	if req.Delay > 0 {
		l.wait(it, time.Now().Add(req.Delay))
		return
	}
	l.enqueue(it, retry)
}

// start sends a batch on its own goroutine.
func (l *loop) start(now time.Time, q *quotaQueue, items []*item) {
	l.seq++
	b := &inFlightBatch{
		seq: l.seq, queue: q, items: items, token: l.token, sent: now, jitter: rand.Float64(),
		testsConnection: l.outage.active(),
		testsBlockade:   q.blockade.active(),
		isControl:       q.blockade.needsControl,
	}
	l.outage.testing, q.blockade.testing = b.testsConnection, b.testsBlockade
	l.inFlight++
	q.inFlight++
	l.group.Go(func() error {
		l.runner.post(l.posts, b)
		l.replies <- b
		return nil
	})
}

// earlier returns the earlier of two times. Zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
