package batch

import (
	"time"

	"tapsweep/batch/throttle"
)

// quotaQueue is what the requests of one quota have to themselves: the gate that they
// pass and the queues before it. Queues meet only where they share slots, keys, the
// token and Options.MaxRate.
type quotaQueue struct {
	*quota
	blockade blockade

	// Entries that hold their key and may go.
	split   []*item // from batches refused as a whole, by part
	retries []*item // retries and follow-ups
	fresh   []*item // from src

	refused     bool // something was throttled
	odd         bool // in a batch of an odd number, one more is urgent
	fedBySource bool // src has yielded a request of this quota
	unsettled   int  // items not settled, wherever they are
	inFlight    int  // batches

	accepted     time.Time // when the last batch was sent of which something was
	refusedSince time.Time // of the first refusal since something was accepted
}

// queueOf returns the queue of a quota.
func (l *loop) queueOf(name string) *quotaQueue {
	for _, q := range l.queues {
		if q.name == name {
			return q
		}
	}
	q := &quotaQueue{quota: l.runner.quota(name)}
	l.queues = append(l.queues, q)
	l.tooLong(q, q.remaining(time.Now())) // of an earlier run
	return q
}

// ready queues an item that holds its key ahead of the new ones.
func (q *quotaQueue) ready(e *item) {
	if e.splitGroup != 0 {
		q.split = append(q.split, e)
	} else {
		q.retries = append(q.retries, e)
	}
}

// reportToThrottle takes in what became of a batch.
func (q *quotaQueue) reportToThrottle(b *inFlightBatch, rep throttle.Report) {
	q.refused = q.refused || rep.Refused > 0
	if rep.Accepted > 0 && b.sent.After(q.accepted) {
		q.accepted = b.sent
	}
	q.report(b.answered, rep)
}

// idle reports whether the quota has nothing to send and nothing in flight.
func (q *quotaQueue) idle() bool { return q.inFlight == 0 && q.want(1) == 0 }

// want returns how many items the next batch of at most size could hold. A part goes
// by itself: in it may be what has a whole batch refused.
func (q *quotaQueue) want(size int) int {
	if len(q.split) == 0 {
		return min(len(q.retries)+len(q.fresh), size)
	}
	n := 1
	for n < len(q.split) && q.split[n].splitGroup == q.split[0].splitGroup {
		n++
	}
	return n
}

// pick takes the next n ready items, n being at most what want returns: those of
// one part, else half of them urgent. The other half is evidence: where only requests are
// refused that were refused before, they may have limits of their own.
func (q *quotaQueue) pick(n int) []*item {
	picked := make([]*item, 0, n)
	if len(q.split) > 0 {
		picked = append(picked, q.split[:n]...)
		q.split = shift(q.split, n)
		return picked
	}
	q.odd = !q.odd
	half := n / 2
	if q.odd {
		half = n - half // batches of one alternate
	}
	u := min(len(q.retries), max(half, n-len(q.fresh)))
	picked = append(picked, q.retries[:u]...)
	picked = append(picked, q.fresh[:n-u]...)
	q.retries = shift(q.retries, u)
	q.fresh = shift(q.fresh, n-u)
	return picked
}
