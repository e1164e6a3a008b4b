package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tapsweep/batch/throttle"
)

// A gateway, a proxy or Conditional Access can refuse whole batches. Such a refusal has no
// effect and does not depend on the requests in the batch. The batch is therefore sent again
// after a pause, and nothing else of its quota is sent meanwhile.
const (
	// pathPatience is how long the refusals may last before the run stops. A shorter
	// Options.StallTimeout takes precedence.
	pathPatience = 30 * time.Second

	firstPathPause = 500 * time.Millisecond
	maxPathPause   = 5 * time.Second

	// fewRefusals is the number of consecutive refusals with an error code of Graph after
	// which the run asks with the control request whether the path is closed, if no batch has
	// been accepted yet. After a batch was accepted the number is manyRefusals, because
	// several bad requests can follow each other.
	fewRefusals  = 4
	manyRefusals = 20
)

// control is a request that Graph never refuses a batch for, and that changes nothing. A batch
// with it alone shows whether the path is closed or the requests of the list are bad: on an open
// path Graph answers it, even if only with 403 because the caller may not read it.
// Source: learn.microsoft.com/graph/api/organization-list.
var control = Request{Method: "GET", URL: "/organization?$select=id"}

// A path is what is known about the way to Graph for the batches of one quota. The zero
// value is an open path.
type path struct {
	taken   int // number of the last batch that Graph accepted, 0 for none
	refused int // batches refused as a whole since then

	// Requests that were refused alone before a batch showed that the path is open.
	suspects []*entry

	since    time.Time    // when the first refusal was sent, zero while the path is open
	next     time.Time    // when the next try may be sent
	trying   bool         // a try is under way
	tries    int          // number of refused tries
	prepared int          // the try for which the batch was chosen
	cause    *StatusError // the last refusal
	asks     bool         // the requests may be its cause, so the next try is the control request
}

// holds reports whether the path is closed at now, and when to try again. A zero time means
// that the answer to the current try decides.
func (p *path) holds(now time.Time) (closed bool, at time.Time) {
	switch {
	case p.since.IsZero():
		return false, time.Time{}
	case p.trying:
		return true, time.Time{}
	}
	return now.Before(p.next), p.next
}

// limit returns how many consecutive refusals with an error code close the path.
func (p *path) limit() int {
	if p.taken == 0 {
		return fewRefusals
	}
	return manyRefusals
}

// refusal returns the answer that refused the batch as a whole, which then had no effect, or
// nil if the batch was not refused. ours reports whether a request in the batch may be the
// cause. Graph then carries out no request, and names the bad one at most in its message.
// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
func (f *flight) refusal() (whole *StatusError, ours bool) {
	whole, ok := errors.AsType[*StatusError](f.err)
	if !ok || whole.Status < 300 || whole.Status > 499 {
		return nil, false
	}
	switch whole.Status {
	case 408, 424, 429: // throttling or a transient problem
		return nil, false
	case 401:
		if whole.Code != "" { // Graph refuses the token
			return nil, false
		}
		return whole, false
	case 403: // because of the caller or this machine
		return whole, false
	case 413: // too large: half of the batch is smaller
		return whole, true
	}
	return whole, whole.Status >= 400 && whole.Code != ""
}

// wasTaken reports whether Graph accepted the batch and answered requests in it.
func (f *flight) wasTaken() bool {
	return slices.ContainsFunc(f.answers, func(a answer) bool { return a.err == nil })
}

// passed updates the path with the result of a batch. A batch that was already under way
// when the path was closed says little about it.
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
			l.openPath(q) // it is a different problem now
		}
	case !p.since.IsZero() && !f.probes:
	case ours && p.since.IsZero() && p.refused+1 < p.limit():
		p.refused++
	default:
		l.closePath(q, f.sent, f.answered, whole)
		p.asks = ours
		if whole.Status == 401 && p.tries == 1 && f.epoch == l.epoch && !l.renewing && l.opts.Reauthorize != nil {
			l.renew(whole) // some gateways check tokens as well
		}
	}
	if f.asks {
		f.entries = nil // nobody waits for the result of a control request
	}
}

// closePath records that the path refused a batch. If that lasts too long, it stops the run.
func (l *loop) closePath(q *lane, sent, answered time.Time, whole *StatusError) {
	p := &q.path
	if p.since.IsZero() {
		p.since, p.tries, p.prepared = sent, 0, 0
		l.opts.Logger.Info("batches are refused", "quota", q.name, "err", Printable(whole.Error()))
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
	told, _ := LongestRetryAfter(answered, whole.Header)
	p.next = answered.Add(min(left, max(pause, told)))
}

func (l *loop) openPath(q *lane) {
	p := &q.path
	if !p.since.IsZero() {
		l.opts.Logger.Info("batches are taken again", "quota", q.name)
		q.gate.Interrupted()
	}
	p.since, p.tries, p.cause, p.asks = time.Time{}, 0, nil, false
	l.retrySuspects(q)
}

// retrySuspects queues each suspect to be sent again alone.
func (l *loop) retrySuspects(q *lane) {
	for _, e := range q.path.suspects {
		l.apart(e)
	}
	q.path.suspects = nil
}

// apart queues an entry, which already holds its key, to be sent alone.
func (l *loop) apart(e *entry) {
	l.alone--
	e.part = l.alone
	e.lane.ready(e)
}

// prepare chooses the requests of the next try on a closed path. Tries alternate between
// refused and new requests: a gateway can refuse a request for what is in it, and the others
// must not wait for it.
func (l *loop) prepare(q *lane) {
	p := &q.path
	if p.since.IsZero() || p.prepared == p.tries || p.asks {
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
	}
}

// settleSuspects closes the path of quotas that have only suspects left, so that the control
// request shows whether they are the cause.
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
		whole, _ := errors.AsType[*StatusError](p.suspects[0].cause)
		l.closePath(q, time.Now(), time.Now(), whole)
		p.asks = true
	}
	return settled
}

// A blockedError is the ErrBlocked for a quota.
type blockedError struct {
	quota    string
	patience time.Duration
	cause    *StatusError
}

func (e *blockedError) Error() string {
	by := ""
	if e.cause.Code == "" {
		by = ", apparently by a gateway, a proxy or a policy in front of Graph"
	}
	return fmt.Sprintf("%v%s: none%s was accepted in %v: %v", ErrBlocked, by, e.quota, e.patience, e.cause)
}

func (e *blockedError) Unwrap() []error { return []error{ErrBlocked, e.cause} }
