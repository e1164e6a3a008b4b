package batch

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// maxAside is how many requests may wait for a busy key or for their next
// attempt before no new ones are taken from the source. It bounds memory, and
// in an outage it keeps a long list from being burnt through attempt by attempt.
// As many may be ready, which takes more quotas than one: then src is asked for the
// requests of one while those of another queue.
const maxAside = 4096

// launch starts batches until something forbids it and returns when to try
// again; a zero time means when a flight lands.
func (l *loop) launch(ctx context.Context, now time.Time) (wake time.Time) {
	if l.stopped != nil || l.renewing {
		return time.Time{}
	}
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		l.aside--
		l.admit(heap.Pop(&l.waiting).(*entry), true)
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
		if len(l.landed) > 0 {
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
	for range l.lanes {
		if l.turn == len(l.lanes) {
			l.turn = 0
		}
		q := l.lanes[l.turn]
		l.turn++
		closed, next := q.path.holds(now)
		if closed {
			at = earlier(at, next)
			continue
		}
		l.prepare(q)
		want := q.want(l.opts.BatchSize)
		if q.path.asks {
			want = min(want, 1)
		}
		if want == 0 || !l.slotFor(q, now) {
			continue
		}
		n, next := q.gate.Take(now, want)
		if n > 0 && q.path.asks {
			l.start(now, q, []*entry{newEntry(control)})
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
func (l *loop) slotFor(q *lane, now time.Time) bool {
	if q.inFlight == 0 {
		return true
	}
	free := l.opts.Concurrency - l.inFlight
	for _, other := range l.lanes {
		closed, _ := other.path.holds(now)
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
	for !l.srcDone && l.aside < maxAside && l.short() && len(l.landed) == 0 && ctx.Err() == nil && l.stopped == nil {
		req, ok := l.next()
		if !ok {
			l.srcDone = true
			return
		}
		l.lane(req.Quota).fed = true
		l.enter(req, false)
	}
}

// short tells whether a quota that src yields has less than a batch ready, and
// there is room for what comes before the next one of it.
func (l *loop) short() bool {
	fed, short, queued := false, false, 0
	for _, q := range l.lanes {
		n := len(q.urgent) + len(q.fresh)
		queued += n
		if q.fed {
			fed = true
			if !q.path.since.IsZero() || q.refused {
				n = len(q.fresh) // tries need new requests, and so does a batch of retries
			}
			short = short || n < l.opts.BatchSize
		}
	}
	return queued < maxAside && (short || !fed)
}

// enter brings a request into the run.
func (l *loop) enter(req Request, urgent bool) {
	e := newEntry(req)
	e.lane = l.lane(req.Quota)
	e.lane.open++
	if err := req.check(); err != nil {
		e.Err = fmt.Errorf("%w: %w", ErrInvalid, err)
		l.finish(e)
		return
	}
	if req.Delay > 0 {
		l.wait(e, time.Now().Add(req.Delay))
		return
	}
	l.admit(e, urgent)
}

func (l *loop) start(now time.Time, q *lane, entries []*entry) {
	l.seq++
	f := &flight{seq: l.seq, lane: q, entries: entries, epoch: l.epoch, sent: now,
		tries: !l.outage.since.IsZero(), probes: !q.path.since.IsZero(),
		asks: q.path.asks}
	l.outage.trying, q.path.trying = f.tries, f.probes
	l.inFlight++
	q.inFlight++
	l.group.Go(func() error {
		l.runner.post(l.posts, f)
		l.landed <- f
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
