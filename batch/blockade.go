package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tapsweep/batch/internal/throttle"
	"tapsweep/batch/safetext"
)

// A gateway, a proxy or Conditional Access can reject whole batches. Such a rejection has no
// effect and does not depend on the requests in the batch. The batch is therefore sent again
// after a pause, and nothing else of its quota is sent meanwhile.
const (
	// blockadePatience is how long a blockade may last before the run stops. A shorter
	// Options.StallTimeout takes precedence.
	blockadePatience = 30 * time.Second

	firstBlockadePause = 500 * time.Millisecond
	maxBlockadePause   = 5 * time.Second

	// fewRejections is the number of rejections in a row with an error code of Graph after
	// which the control request tests for a blockade, if no batch has been accepted yet.
	// After a batch was accepted the number is manyRejections, because several bad requests
	// can follow each other.
	fewRejections  = 4
	manyRejections = 20
)

// controlRequest is a request that Graph never rejects a batch for, and that changes nothing. A
// batch with it alone shows whether there is a blockade or the requests of the list are bad:
// Graph answers it, even if only with 403 because the caller may not read it.
// Source: learn.microsoft.com/graph/api/organization-list.
var controlRequest = Request{Method: "GET", URL: "/organization?$select=id"}

// A blockade is a time in which every batch of a quota is rejected as a whole. The zero value
// is no blockade.
type blockade struct {
	lastAccepted int // number of the last batch that Graph accepted, 0 for none
	rejections   int // batches rejected since then

	// suspects are requests that were rejected alone before a batch showed that there is no blockade.
	suspects []*item

	interruption
	prepared int // the test for which the batch was chosen

	// needsControl says that the requests may be the cause, so the next test is the control
	// request.
	needsControl bool
}

// updateBlockade processes the reply to a batch. A batch that was in flight when the blockade began does not show
// whether it continues.
func (l *loop) updateBlockade(b *inFlightBatch) {
	bl := &b.queue.blockade
	bl.testing = bl.testing && !b.testsBlockade
	switch b.verdict {
	case blocked, rejected:
		l.onRejection(b)
	case disconnected, unsent:
	default:
		if b.wasAccepted() {
			bl.lastAccepted, bl.rejections = max(bl.lastAccepted, b.seq), 0
			if !bl.active() {
				l.retrySuspects(b.queue)
			}
		}
		if b.testsBlockade {
			l.endBlockade(b.queue) // if the batch was not accepted, there is another problem now
		}
	}
}

// onRejection processes the rejection of a whole batch.
func (l *loop) onRejection(b *inFlightBatch) {
	bl := &b.queue.blockade
	if bl.active() && !b.testsBlockade {
		return
	}
	mayBeRequests, limit := b.verdict == rejected, manyRejections
	if bl.lastAccepted == 0 {
		limit = fewRejections
	}
	if mayBeRequests && !bl.active() && bl.rejections+1 < limit {
		bl.rejections++
		return
	}
	whole, _ := errors.AsType[*StatusError](b.err) // every rejection is a *StatusError
	l.extendBlockade(b.queue, b.sent, b.replied, whole)
	bl.needsControl = mayBeRequests
	if whole.Status == 401 && bl.failed == 1 {
		l.renew(b, whole) // some gateways check tokens as well
	}
}

// extendBlockade begins or continues a blockade. It stops the run if the blockade lasts too long.
func (l *loop) extendBlockade(q *quotaQueue, sent, replied time.Time, whole *StatusError) {
	bl := &q.blockade
	if !bl.active() {
		bl.since, bl.failed, bl.prepared = sent, 0, 0
		l.opts.Logger.Info("batches are refused", "quota", q.name, "err", safetext.Printable(whole.Error()))
		l.retrySuspects(q)
	}
	bl.failed++
	bl.rejections++
	patience := blockadePatience
	if l.opts.StallTimeout > 0 {
		patience = min(patience, l.opts.StallTimeout)
	}
	left := bl.since.Add(patience).Sub(replied)
	if left <= 0 {
		l.stop(&blockedError{q.named(), patience, whole})
		return
	}
	pause := throttle.Backoff(bl.failed-1, firstBlockadePause, maxBlockadePause, rand.Float64())
	asked, _ := LongestRetryAfter(replied, whole.Header)
	bl.nextTest = replied.Add(min(left, max(pause, asked)))
}

func (l *loop) endBlockade(q *quotaQueue) {
	bl := &q.blockade
	if bl.active() {
		l.opts.Logger.Info("batches are accepted again", "quota", q.name)
		q.gate.Interrupted()
	}
	bl.since, bl.failed, bl.needsControl = time.Time{}, 0, false
	l.retrySuspects(q)
}

// sendAlone handles a request that was rejected alone. It is sent again, alone, when another
// batch has shown whether there is a blockade.
func (l *loop) sendAlone(it *item, _ *inFlightBatch) {
	if bl := &it.queue.blockade; !bl.active() {
		bl.suspects = append(bl.suspects, it)
		return
	}
	l.splitOff(it)
}

// retrySuspects queues each suspect to be sent again alone.
func (l *loop) retrySuspects(q *quotaQueue) {
	for _, it := range q.blockade.suspects {
		l.splitOff(it)
	}
	q.blockade.suspects = nil
}

// splitOff queues an item, which already holds its key, to be sent alone.
func (l *loop) splitOff(it *item) {
	l.lastSoloGroup--
	it.splitGroup = l.lastSoloGroup
	it.queue.push(it)
}

// prepareTest chooses the requests of the next test of a blockade. Tests alternate between
// rejected and new requests: a gateway can reject a request for its content, and the others
// must not wait for it.
func (l *loop) prepareTest(q *quotaQueue) {
	bl := &q.blockade
	if !bl.active() || bl.prepared == bl.failed || bl.needsControl {
		return
	}
	bl.prepared = bl.failed
	l.lastSoloGroup--
	n := min(len(q.fresh), l.opts.BatchSize)
	if bl.failed%2 == 1 || n == 0 {
		return
	}
	next := slices.Clone(q.fresh[:n])
	q.fresh = slices.Delete(q.fresh, 0, n)
	for _, it := range next {
		it.splitGroup = l.lastSoloGroup
	}
	q.split = append(next, q.split...)
}

// testLastSuspects begins a blockade for each quota that has only suspects left, so that the
// control request shows whether they are the cause.
func (l *loop) testLastSuspects() (begun bool) {
	if l.stopped != nil || l.renewing || l.outage.active() {
		return false
	}
	for _, q := range l.queues {
		bl := &q.blockade
		if len(bl.suspects) == 0 || !q.idle() || l.hasWaiting(q) {
			continue
		}
		begun = true
		whole, _ := errors.AsType[*StatusError](bl.suspects[0].cause)
		l.extendBlockade(q, time.Now(), time.Now(), whole)
		bl.needsControl = true
	}
	return begun
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
