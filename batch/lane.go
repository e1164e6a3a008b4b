package batch

import (
	"time"

	"tapsweep/batch/throttle"
)

// lane is what the requests of one quota have to themselves: the gate that they
// pass and the queues before it. Lanes meet only where they share slots, keys, the
// token and Options.MaxRate.
type lane struct {
	*quota
	path path

	// Entries that hold their key and may go.
	apart  []*entry // from batches refused as a whole, by part
	urgent []*entry // retries and follow-ups
	fresh  []*entry // from src

	refused  bool // something was throttled
	odd      bool // in a batch of an odd number, one more is urgent
	fed      bool // src has yielded a request of this quota
	open     int  // entries not settled, wherever they are
	inFlight int  // batches

	accepted     time.Time // when the last batch was sent of which something was
	refusedSince time.Time // of the first refusal since something was accepted
}

// lane returns the lane of a quota.
func (l *loop) lane(name string) *lane {
	for _, q := range l.lanes {
		if q.name == name {
			return q
		}
	}
	q := &lane{quota: l.runner.quota(name)}
	l.lanes = append(l.lanes, q)
	l.tooLong(q, q.remaining(time.Now())) // of an earlier run
	return q
}

// ready queues an entry that holds its key ahead of the new ones.
func (q *lane) ready(e *entry) {
	if e.part != 0 {
		q.apart = append(q.apart, e)
	} else {
		q.urgent = append(q.urgent, e)
	}
}

// tell takes in what became of a batch.
func (q *lane) tell(f *flight, rep throttle.Report) {
	q.refused = q.refused || rep.Refused > 0
	if rep.Accepted > 0 && f.sent.After(q.accepted) {
		q.accepted = f.sent
	}
	q.report(f.answered, rep)
}

// idle reports whether the quota has nothing to send and nothing in flight.
func (q *lane) idle() bool { return q.inFlight == 0 && q.want(1) == 0 }

// want returns how many entries the next batch of at most size could hold. A part goes
// by itself: in it may be what has a whole batch refused.
func (q *lane) want(size int) int {
	if len(q.apart) == 0 {
		return min(len(q.urgent)+len(q.fresh), size)
	}
	n := 1
	for n < len(q.apart) && q.apart[n].part == q.apart[0].part {
		n++
	}
	return n
}

// pick takes the next n ready entries, n being at most what want returns: those of
// one part, else half of them urgent. The other half is evidence: where only requests are
// refused that were refused before, they may have limits of their own.
func (q *lane) pick(n int) []*entry {
	picked := make([]*entry, 0, n)
	if len(q.apart) > 0 {
		picked = append(picked, q.apart[:n]...)
		q.apart = shift(q.apart, n)
		return picked
	}
	q.odd = !q.odd
	half := n / 2
	if q.odd {
		half = n - half // batches of one alternate
	}
	u := min(len(q.urgent), max(half, n-len(q.fresh)))
	picked = append(picked, q.urgent[:u]...)
	picked = append(picked, q.fresh[:n-u]...)
	q.urgent = shift(q.urgent, u)
	q.fresh = shift(q.fresh, n-u)
	return picked
}
