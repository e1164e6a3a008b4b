package batch

import (
	"time"

	"tapsweep/batch/throttle"
)

// lane is what the requests of one quota have to themselves: the gate that they
// pass and the queues before it. Lanes meet only where they share slots, keys, the
// token and Options.MaxRate.
type lane struct {
	quota string
	gate  *throttle.Controller
	path  path

	// Entries that hold their key and may go.
	apart  []*entry // from batches refused as a whole, by part
	urgent []*entry // retries and follow-ups
	fresh  []*entry // from src

	refused  bool // something was throttled
	odd      bool // in a batch of an odd number, one more is urgent
	fed      bool // src has yielded a request of this quota
	open     int  // entries not settled, wherever they are
	inFlight int  // batches

	told   time.Duration // the last wait that the service asked for in a refusal
	toldAt time.Time     // when it asked

	accepted     time.Time // when the last batch was sent of which something was
	refusedSince time.Time // of the first refusal since something was accepted
}

// lane returns the lane of a quota. Quotas are few, so that they are searched.
func (l *loop) lane(quota string) *lane {
	for _, q := range l.lanes {
		if q.quota == quota {
			return q
		}
	}
	q := &lane{quota: quota}
	if len(l.lanes) == 0 {
		q.gate = throttle.New(l.runner.pace)
	} else {
		q.gate = l.lanes[0].gate.Sibling()
	}
	l.lanes = append(l.lanes, q)
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

// tell hands what became of a batch to the gate, dated when it came, however long it had
// to wait for settle.
func (q *lane) tell(f *flight, rep throttle.Report) {
	if until := f.answered.Add(rep.RetryAfter); rep.Told && until.After(q.toldAt.Add(q.told)) {
		q.told, q.toldAt = rep.RetryAfter, f.answered
	}
	q.refused = q.refused || rep.Refused > 0
	if rep.Accepted > 0 && f.sent.After(q.accepted) {
		q.accepted = f.sent
	}
	q.gate.Done(f.answered, rep)
}

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

// closedUntil is the end of the wait in force, zero if there is none.
func (q *lane) closedUntil(now time.Time) time.Time {
	if until := q.gate.ClosedUntil(); until.After(now) {
		return until
	}
	return time.Time{}
}

// named is how an error names the quota, nothing for the one without a name.
func (q *lane) named() string {
	if q.quota == "" {
		return ""
	}
	return " of quota " + q.quota
}
