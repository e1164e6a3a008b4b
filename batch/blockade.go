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
	// can follow each other. A rejection of a suspect is enough.
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
	bl.rejections++
	if mayBeRequests && !bl.active() && bl.rejections < limit && b.classify(0) != suspect {
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
	}
	bl.failed++
	patience := blockadePatience
	if l.opts.StallTimeout > 0 {
		patience = min(patience, l.opts.StallTimeout)
	}
	left := bl.since.Add(patience).Sub(replied)
	if left <= 0 {
		by := ""
		if whole.Code == "" {
			by = ", apparently by a gateway, a proxy or a policy in front of Graph"
		}
		l.stop(fmt.Errorf("%w%s: none%s was accepted in %v: %w", ErrBlocked, by, q.named(), patience, whole))
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
	}
	bl.since, bl.failed, bl.needsControl = time.Time{}, 0, false
}

// sendAlone queues a request to be sent again alone.
func (l *loop) sendAlone(it *item, _ *inFlightBatch) {
	l.lastSoloGroup--
	it.splitGroup = l.lastSoloGroup
	it.queue.push(it)
}

// prepareTest chooses the requests of the next test of a blockade: new ones, as long as there are any. A gateway can
// reject a request for its content, and the others must not wait for it.
func (l *loop) prepareTest(q *quotaQueue) {
	bl := &q.blockade
	if !bl.active() || bl.prepared == bl.failed || bl.needsControl {
		return
	}
	bl.prepared = bl.failed
	l.lastSoloGroup--
	n := min(len(q.fresh), l.opts.BatchSize)
	if n == 0 {
		return
	}
	next := slices.Clone(q.fresh[:n])
	q.fresh = slices.Delete(q.fresh, 0, n)
	for _, it := range next {
		it.splitGroup = l.lastSoloGroup
	}
	q.split = append(next, q.split...)
}
