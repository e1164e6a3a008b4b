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
	// blockadePatience is how long the refusals may last before the run stops. A shorter
	// Options.StallTimeout takes precedence.
	blockadePatience = 30 * time.Second

	firstBlockadePause = 500 * time.Millisecond
	maxBlockadePause   = 5 * time.Second

	// fewRejections is the number of consecutive refusals with an error code of Graph after
	// which the run asks with the control request whether the path is closed, if no batch has
	// been accepted yet. After a batch was accepted the number is manyRejections, because
	// several bad requests can follow each other.
	fewRejections  = 4
	manyRejections = 20
)

// controlRequest is a request that Graph never refuses a batch for, and that changes nothing. A batch
// with it alone shows whether the path is closed or the requests of the list are bad: on an open
// path Graph answers it, even if only with 403 because the caller may not read it.
// Source: learn.microsoft.com/graph/api/organization-list.
var controlRequest = Request{Method: "GET", URL: "/organization?$select=id"}

// A path is what is known about the way to Graph for the batches of one quota. The zero
// value is an open path.
type blockade struct {
	lastAccepted int // number of the last batch that Graph accepted, 0 for none
	inRow        int // batches refused as a whole since then

	// Requests that were refused alone before a batch showed that the path is open.
	suspects []*item

	since    time.Time    // when the first refusal was sent, zero while the path is open
	next     time.Time    // when the next try may be sent
	trying   bool         // a try is under way
	tries    int          // number of refused tries
	prepared int          // the try for which the batch was chosen
	cause    *StatusError // the last refusal
	control  bool         // the requests may be its cause, so the next try is the control request
}

// holds reports whether the path is closed at now, and when to try again. A zero time means
// that the answer to the current try decides.
func (p *blockade) holds(now time.Time) (closed bool, at time.Time) {
	switch {
	case p.since.IsZero():
		return false, time.Time{}
	case p.trying:
		return true, time.Time{}
	}
	return now.Before(p.next), p.next
}

// limit returns how many consecutive refusals with an error code close the path.
func (p *blockade) limit() int {
	if p.lastAccepted == 0 {
		return fewRejections
	}
	return manyRejections
}

// refusal returns the answer that refused the batch as a whole, which then had no effect, or
// nil if the batch was not refused. ours reports whether a request in the batch may be the
// cause. Graph then carries out no request, and names the bad one at most in its message.
// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
func (b *inFlightBatch) refusal() (whole *StatusError, ours bool) {
	whole, ok := errors.AsType[*StatusError](b.err)
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
func (b *inFlightBatch) wasTaken() bool {
	return slices.ContainsFunc(b.answers, func(a answer) bool { return a.err == nil })
}

// passed updates the path with the result of a batch. A batch that was already under way
// when the path was closed says little about it.
func (l *loop) passed(b *inFlightBatch) {
	q := b.queue
	p := &q.blockade
	whole, ours := b.refusal()
	p.trying = p.trying && !b.probes
	switch {
	case b.wasTaken():
		p.lastAccepted, p.inRow = max(p.lastAccepted, b.seq), 0
		if b.probes || p.since.IsZero() {
			l.endBlockade(q)
		}
	case whole == nil:
		if b.probes && !errors.Is(b.err, ErrNotSent) {
			l.endBlockade(q) // it is a different problem now
		}
	case !p.since.IsZero() && !b.probes:
	case ours && p.since.IsZero() && p.inRow+1 < p.limit():
		p.inRow++
	default:
		l.blocked(q, b.sent, b.answered, whole)
		p.control = ours
		if whole.Status == 401 && p.tries == 1 && b.epoch == l.epoch && !l.renewing && l.opts.Reauthorize != nil {
			l.renew(whole) // some gateways check tokens as well
		}
	}
	if b.control {
		b.items = nil // nobody waits for the result of a control request
	}
}

// blocked records that the path refused a batch. If that lasts too long, it stops the run.
func (l *loop) blocked(q *quotaQueue, sent, answered time.Time, whole *StatusError) {
	p := &q.blockade
	if p.since.IsZero() {
		p.since, p.tries, p.prepared = sent, 0, 0
		l.opts.Logger.Info("batches are refused", "quota", q.name, "err", Printable(whole.Error()))
		l.retrySuspects(q)
	}
	p.tries++
	p.inRow++
	p.cause = whole
	patience := blockadePatience
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
	pause := throttle.Backoff(p.tries-1, firstBlockadePause, maxBlockadePause, rand.Float64())
	told, _ := LongestRetryAfter(answered, whole.Header)
	p.next = answered.Add(min(left, max(pause, told)))
}

func (l *loop) endBlockade(q *quotaQueue) {
	p := &q.blockade
	if !p.since.IsZero() {
		l.opts.Logger.Info("batches are taken again", "quota", q.name)
		q.gate.Interrupted()
	}
	p.since, p.tries, p.cause, p.control = time.Time{}, 0, nil, false
	l.retrySuspects(q)
}

// retrySuspects queues each suspect to be sent again alone.
func (l *loop) retrySuspects(q *quotaQueue) {
	for _, e := range q.blockade.suspects {
		l.splitOff(e)
	}
	q.blockade.suspects = nil
}

// splitOff queues an item, which already holds its key, to be sent alone.
func (l *loop) splitOff(e *item) {
	l.lastSoloGroup--
	e.splitGroup = l.lastSoloGroup
	e.queue.ready(e)
}

// prepare chooses the requests of the next try on a closed path. Tries alternate between
// refused and new requests: a gateway can refuse a request for what is in it, and the others
// must not wait for it.
func (l *loop) prepare(q *quotaQueue) {
	p := &q.blockade
	if p.since.IsZero() || p.prepared == p.tries || p.control {
		return
	}
	p.prepared = p.tries
	l.lastSoloGroup--
	n := min(len(q.fresh), l.opts.BatchSize)
	if p.tries%2 == 0 && n > 0 {
		next := slices.Clone(q.fresh[:n])
		q.fresh = shift(q.fresh, n)
		for _, e := range next {
			e.splitGroup = l.lastSoloGroup
		}
		q.split = append(next, q.split...)
	}
}

// settleSuspects closes the path of quotas that have only suspects left, so that the control
// request shows whether they are the cause.
func (l *loop) settleSuspects() (settled bool) {
	if l.stopped != nil || l.renewing || !l.outage.since.IsZero() {
		return false
	}
	for _, q := range l.queues {
		p := &q.blockade
		if len(p.suspects) == 0 || q.want(1) > 0 || q.inFlight > 0 ||
			slices.ContainsFunc(l.waiting, func(e *item) bool { return e.queue == q }) {
			continue
		}
		settled = true
		whole, _ := errors.AsType[*StatusError](p.suspects[0].cause)
		l.blocked(q, time.Now(), time.Now(), whole)
		p.control = true
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
