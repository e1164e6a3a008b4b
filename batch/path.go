package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tapsweep/batch/throttle"
)

// What stands between this machine and Graph can refuse whole batches: a gateway, a
// proxy, Conditional Access. That says nothing about the requests in them, and it had no
// effect. So the batch waits and goes again, and nothing else of its quota is sent.
const (
	// pathPatience is how long that may last before the run stops, if
	// Options.StallTimeout is not shorter.
	pathPatience = 30 * time.Second

	firstPathPause = 500 * time.Millisecond
	maxPathPause   = 5 * time.Second

	// fewRefusals is how many batches in a row Graph may refuse with an error code of
	// its own, before any was taken, until it counts as the path that refuses. After a
	// batch was taken it takes manyRefusals, since bad requests can stand side by side.
	fewRefusals  = 4
	manyRefusals = 20
)

// path is what is known of the way to Graph for the batches of one quota. The zero
// value is an open path.
type path struct {
	taken   int // number of the last batch that Graph took, 0 for none
	refused int // batches refused as a whole since then

	// Requests that were refused alone, when nothing showed that it was their fault.
	suspects []*entry

	since    time.Time    // when the first refusal was sent, zero while the path is open
	next     time.Time    // when one batch may try again
	trying   bool         // one does
	tries    int          // refused tries
	prepared int          // the try for which the batch was chosen
	cause    *StatusError // the last refusal
}

// holds reports whether the path is closed at now, and when to try again; a zero time
// means that an answer decides.
func (p *path) holds(now time.Time) (closed bool, at time.Time) {
	switch {
	case p.since.IsZero():
		return false, time.Time{}
	case p.trying:
		return true, time.Time{}
	}
	return now.Before(p.next), p.next
}

// limit is how many refusals with an error code in a row close the path.
func (p *path) limit() int {
	if p.taken == 0 {
		return fewRefusals
	}
	return manyRefusals
}

// refusal returns the answer that refused the batch as a whole without any effect, nil
// if none did. ours reports whether a request in the batch can be why: Graph then names
// it in its message at best, and carries out none.
// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
func (f *flight) refusal() (whole *StatusError, ours bool) {
	whole, ok := errors.AsType[*StatusError](f.err)
	if !ok || whole.Status < 300 || whole.Status > 499 {
		return nil, false
	}
	switch whole.Status {
	case 408, 424, 429: // of the pace or the moment
		return nil, false
	case 401:
		if whole.Code != "" { // Graph refuses the token
			return nil, false
		}
		return whole, false
	case 403: // of the caller or of this machine, whoever says so
		return whole, false
	case 413: // of the size: half of the batch is half as large
		return whole, true
	}
	return whole, whole.Status >= 400 && whole.Code != ""
}

// wasTaken reports whether Graph took the batch and answered requests in it.
func (f *flight) wasTaken() bool {
	return slices.ContainsFunc(f.answers, func(a answer) bool { return a.err == nil })
}

// passed takes in what a batch shows of the path. A batch that was under way when the
// path was closed shows little.
func (l *loop) passed(f *flight) {
	q := f.lane
	p := &q.path
	whole, ours := f.refusal()
	p.trying = p.trying && !f.probes
	switch {
	case f.wasTaken():
		p.taken, p.refused = max(p.taken, f.seq), 0
		if f.probes || p.since.IsZero() {
			l.openPath(q)
		}
	case whole == nil:
		if f.probes && !errors.Is(f.err, ErrNotSent) {
			l.openPath(q) // it is another trouble now
		}
	case !p.since.IsZero() && !f.probes:
	case ours && p.since.IsZero() && p.refused+1 < p.limit():
		p.refused++
	default:
		l.closePath(q, f.sent, f.answered, whole)
		if whole.Status == 401 && p.tries == 1 && f.epoch == l.epoch && !l.renewing && l.opts.Reauthorize != nil {
			l.renew(whole) // some gateways check tokens, too
		}
	}
}

// closePath notes that the path refused a batch, which stops the run in the end.
func (l *loop) closePath(q *lane, sent, answered time.Time, whole *StatusError) {
	p := &q.path
	if p.since.IsZero() {
		p.since, p.tries, p.prepared = sent, 0, 0
		l.opts.Logger.Info("batches are refused", "quota", q.quota, "err", Printable(whole.Error()))
		l.retrySuspects(q)
	}
	p.tries++
	p.refused++
	p.cause = whole
	patience := pathPatience
	if l.opts.StallTimeout > 0 {
		patience = min(patience, l.opts.StallTimeout)
	}
	left := p.since.Add(patience).Sub(answered)
	if left <= 0 {
		if l.stopped == nil {
			l.stop(&blockedError{q.named(), patience, whole})
		}
		return
	}
	pause := throttle.Backoff(p.tries-1, firstPathPause, maxPathPause, rand.Float64())
	told, _ := longestWait(answered, whole.Header)
	p.next = answered.Add(min(left, max(pause, told)))
}

func (l *loop) openPath(q *lane) {
	p := &q.path
	if !p.since.IsZero() {
		l.opts.Logger.Info("batches are taken again", "quota", q.quota)
		q.gate.Interrupted()
	}
	p.since, p.tries, p.cause = time.Time{}, 0, nil
	l.retrySuspects(q)
}

// retrySuspects sends the suspects again, each alone.
func (l *loop) retrySuspects(q *lane) {
	for _, e := range q.path.suspects {
		l.apart(e)
	}
	q.path.suspects = nil
}

// apart queues an entry that holds its key to be sent alone.
func (l *loop) apart(e *entry) {
	l.alone--
	e.part = l.alone
	e.lane.ready(e)
}

// prepare chooses what the next try of a closed path consists of. Requests that were
// refused and new ones take turns: a bad request would be refused whatever the path, and
// the others are not to wait for it. What was refused with an error code goes alone.
func (l *loop) prepare(q *lane) {
	p := &q.path
	if p.since.IsZero() || p.prepared == p.tries {
		return
	}
	p.prepared = p.tries
	l.alone--
	n := min(len(q.fresh), l.opts.BatchSize)
	if p.tries%2 == 0 && n > 0 {
		next := slices.Clone(q.fresh[:n])
		q.fresh = shift(q.fresh, n)
		for _, e := range next {
			e.part = l.alone
		}
		q.apart = append(next, q.apart...)
	} else if len(q.apart) > 0 && p.cause.Code != "" {
		q.apart[0].part = l.alone
	}
}

// settleSuspects deals with quotas that have nothing left but suspects. A few requests
// that Graph refused with an error code are refused for good; more than that is the path.
func (l *loop) settleSuspects() (settled bool) {
	if l.stopped != nil || l.renewing || !l.outage.since.IsZero() {
		return false
	}
	for _, q := range l.lanes {
		p := &q.path
		if len(p.suspects) == 0 || q.want(1) > 0 || q.inFlight > 0 ||
			slices.ContainsFunc(l.waiting, func(e *entry) bool { return e.lane == q }) {
			continue
		}
		settled = true
		if p.refused >= fewRefusals {
			whole, _ := errors.AsType[*StatusError](p.suspects[0].cause)
			l.closePath(q, time.Now(), time.Now(), whole)
			continue
		}
		suspects := p.suspects
		p.suspects = nil
		for _, e := range suspects {
			e.Attempts++
			e.Err = e.cause
			l.release(e)
			l.finish(e)
		}
	}
	return settled
}

// blockedError is the ErrBlocked of a quota.
type blockedError struct {
	quota    string
	patience time.Duration
	cause    *StatusError
}

func (e *blockedError) Error() string {
	by := ""
	if e.cause.Code == "" {
		by = ", as it seems by a gateway, a proxy or a policy in front of Graph"
	}
	return fmt.Sprintf("%v%s: not one%s was taken in %v: %v", ErrBlocked, by, e.quota, e.patience, e.cause)
}

func (e *blockedError) Unwrap() []error { return []error{ErrBlocked, e.cause} }
