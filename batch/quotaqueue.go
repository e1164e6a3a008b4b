package batch

import (
	"slices"
	"time"

	"tapsweep/batch/internal/throttle"
)

// quotaQueue has the requests of one quota in a run that are ready to be sent. Quotas share only slots, keys, the
// token and Options.MaxRate.
type quotaQueue struct {
	*quota
	blockade blockade

	// Items that hold their key and may be sent.
	split   []*item // from rejected batches, by split group
	retries []*item // and follow-ups
	fresh   []*item // from src

	oddBatch    bool // alternates from batch to batch: in an odd batch, retries get the larger half
	fedBySource bool // src has yielded a request of this quota
	unsettled   int  // items, wherever they are
	inFlight    int  // batches

	everRefused  bool
	lastAccepted time.Time // when the last batch was sent of which a request was accepted
	refusedSince time.Time // when the first refused batch was sent after that
}

// queueOf returns the queue of a quota. If an earlier run has left a wait that is longer than MaxWait, it stops the
// run.
func (l *loop) queueOf(name string) *quotaQueue {
	for _, q := range l.queues {
		if q.name == name {
			return q
		}
	}
	q := &quotaQueue{quota: l.runner.quota(name)}
	l.queues = append(l.queues, q)
	l.checkMaxWait(q, q.remaining(time.Now()))
	return q
}

// push queues an item that holds its key before the new items.
func (q *quotaQueue) push(it *item) {
	if it.splitGroup != 0 {
		q.split = append(q.split, it)
	} else {
		q.retries = append(q.retries, it)
	}
}

// onReply processes the reply to a batch and returns its report.
func (q *quotaQueue) onReply(b *inFlightBatch) throttle.Feedback {
	rep := b.report()
	q.inFlight--
	switch {
	case rep.Accepted > 0:
		q.refusedSince = time.Time{}
		if b.sent.After(q.lastAccepted) {
			q.lastAccepted = b.sent
		}
	case rep.Refused > 0 && q.refusedSince.IsZero():
		q.refusedSince = b.sent
	}
	q.everRefused = q.everRefused || rep.Refused > 0
	q.reportToThrottle(b.replied, rep)
	return rep
}

// idle reports whether the quota has nothing to send and nothing in flight.
func (q *quotaQueue) idle() bool { return q.inFlight == 0 && q.ready(1) == 0 }

// ready returns the number of items that the next batch can have, at most size. A split group is sent in its own
// batch, because one of its items may be the cause of a rejection.
func (q *quotaQueue) ready(size int) int {
	if len(q.split) == 0 {
		return min(len(q.retries)+len(q.fresh), size)
	}
	n := 1
	for n < len(q.split) && q.split[n].splitGroup == q.split[0].splitGroup {
		n++
	}
	return n
}

// short reports whether less than a batch of new requests is ready for the quota.
func (q *quotaQueue) short(size int) bool {
	n := len(q.fresh)
	if !q.blockade.active() && !q.everRefused {
		// Otherwise retries do not count: a test, and a batch of retries, need new requests.
		n += len(q.retries)
	}
	return n < size
}

// pick takes the next n ready items; n is at most ready. It takes one split group, or half retries and half new items.
// The new items are evidence: if only retries are throttled again, these requests may have their own limits.
func (q *quotaQueue) pick(n int) []*item {
	picked := make([]*item, 0, n)
	if len(q.split) > 0 {
		picked = append(picked, q.split[:n]...)
		q.split = slices.Delete(q.split, 0, n)
		return picked
	}
	q.oddBatch = !q.oddBatch
	half := n / 2
	if q.oddBatch {
		half = n - half // batches of one alternate
	}
	r := min(len(q.retries), max(half, n-len(q.fresh)))
	picked = append(picked, q.retries[:r]...)
	picked = append(picked, q.fresh[:n-r]...)
	q.retries = slices.Delete(q.retries, 0, r)
	q.fresh = slices.Delete(q.fresh, 0, n-r)
	return picked
}
