package batch

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// maxParked is how many requests may wait for a busy key or for their next
// attempt before no new ones are taken from the source. It bounds memory, and
// in an outage it keeps a long list from being burnt through attempt by attempt.
// As many may be ready, which takes more quotas than one: then src is asked for the
// requests of one while those of another queue.
const maxParked = 4096

// launch starts batches until something forbids it and returns when to try
// again; a zero time means when a reply arrives.
func (l *loop) launch(ctx context.Context, now time.Time) (wake time.Time) {
	if l.stopped != nil || l.renewing {
		return time.Time{}
	}
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		l.parkedTotal--
		l.admit(heap.Pop(&l.waiting).(*item), true)
	}
	blocked, at := l.outage.blocked(now)
	if blocked {
		return at
	}
	for l.inFlight < l.opts.Concurrency {
		l.fill(ctx)
		if ctx.Err() != nil || l.stopped != nil {
			break // nothing more is sent, not even what is ready
		}
		now = time.Now() // src and settle take their time
		if len(l.replies) > 0 {
			return now // it may bring a refusal
		}
		started, at := l.startNext(now)
		if !started {
			wake = at
			break
		}
		if blocked, _ = l.outage.blocked(now); blocked {
			return time.Time{} // that one tries for all
		}
	}
	if len(l.waiting) > 0 {
		wake = earlier(wake, l.waiting[0].due)
	}
	return wake
}

// startNext starts one batch of the quota whose turn it is, passing over those that
// have nothing to send, no slot, or a gate that lets nothing through. If none can
// send, at is when the first of them can, zero if only an answer changes that.
func (l *loop) startNext(now time.Time) (started bool, at time.Time) {
	for range l.queues {
		if l.turn == len(l.queues) {
			l.turn = 0
		}
		q := l.queues[l.turn]
		l.turn++
		closed, next := q.blockade.holds(now)
		if closed {
			at = earlier(at, next)
			continue
		}
		l.prepare(q)
		want := q.want(l.opts.BatchSize)
		if q.blockade.control {
			want = min(want, 1)
		}
		if want == 0 || !l.slotFor(q, now) {
			continue
		}
		n, next := q.gate.Take(now, want)
		if n > 0 && q.blockade.control {
			l.start(now, q, []*item{newItem(controlRequest)})
			return true, time.Time{}
		}
		if n > 0 {
			l.start(now, q, q.pick(n))
			return true, time.Time{}
		}
		if q.gate.Capped() {
			// What MaxRate leaves is for all, in turn: if others went on, one
			// that asks for less would always be first.
			l.turn--
			return false, next
		}
		at = earlier(at, next)
	}
	return false, at
}

// slotFor tells whether a batch of the quota may take one of the slots that are
// free. One is kept for each other quota that has something to send, none in
// flight and no wait to sit out, or one that is answered slowly would hold all
// slots whenever another's turn comes.
func (l *loop) slotFor(q *quotaQueue, now time.Time) bool {
	if q.inFlight == 0 {
		return true
	}
	free := l.opts.Concurrency - l.inFlight
	for _, other := range l.queues {
		closed, _ := other.blockade.holds(now)
		if !closed && other.inFlight == 0 && other.want(1) > 0 && other.closedUntil(now).IsZero() {
			free--
		}
	}
	return free > 0
}

// fill takes requests from src until there is a batch of each quota that src has
// yielded so far, or too much of the others that come before it. What lands meanwhile
// does not wait for that.
func (l *loop) fill(ctx context.Context) {
	for !l.srcDone && l.parkedTotal < maxParked && l.short() && len(l.replies) == 0 && ctx.Err() == nil && l.stopped == nil {
		req, ok := l.next()
		if !ok {
			l.srcDone = true
			return
		}
		l.queueOf(req.Quota).fedBySource = true
		l.enter(req, false)
	}
}

// short tells whether a quota that src yields has less than a batch ready, and
// there is room for what comes before the next one of it.
func (l *loop) short() bool {
	fed, short, queued := false, false, 0
	for _, q := range l.queues {
		n := len(q.retries) + len(q.fresh)
		queued += n
		if q.fedBySource {
			fed = true
			if !q.blockade.since.IsZero() || q.refused {
				n = len(q.fresh) // tries need new requests, and so does a batch of retries
			}
			short = short || n < l.opts.BatchSize
		}
	}
	return queued < maxParked && (short || !fed)
}

// enter brings a request into the run.
func (l *loop) enter(req Request, retry bool) {
	e := newItem(req)
	e.queue = l.queueOf(req.Quota)
	e.queue.unsettled++
	if err := req.check(); err != nil {
		e.Err = fmt.Errorf("%w: %w", ErrInvalid, err)
		l.settle(e)
		return
	}
	if req.Delay > 0 {
		l.wait(e, time.Now().Add(req.Delay))
		return
	}
	l.admit(e, retry)
}

func (l *loop) start(now time.Time, q *quotaQueue, items []*item) {
	l.seq++
	b := &inFlightBatch{seq: l.seq, queue: q, items: items, epoch: l.epoch, sent: now,
		tries: !l.outage.since.IsZero(), probes: !q.blockade.since.IsZero(),
		control: q.blockade.control}
	l.outage.trying, q.blockade.trying = b.tries, b.probes
	l.inFlight++
	q.inFlight++
	l.group.Go(func() error {
		l.runner.post(l.posts, b)
		l.replies <- b
		return nil
	})
}

// earlier returns the earlier of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
