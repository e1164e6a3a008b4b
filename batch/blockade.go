package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
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

	// maxRejections is the number of rejections with an error code of Graph that begin a blockade, if
	// Graph has accepted no batch of the quota. Otherwise they are due to bad requests.
	maxRejections = 4
)

// A blockade is a time in which every batch of a quota is rejected as a whole.
type blockade struct {
	standstill
	accepted   bool // Graph has accepted a batch in this run
	rejections int  // batches rejected before that
}

// updateBlockade takes in the reply to a batch. A batch that was in flight when the blockade
// began says little about it.
func (l *loop) updateBlockade(b *inFlightBatch) {
	bl := &b.queue.blockade
	bl.testing = bl.testing && !b.testsBlockade
	switch b.verdict {
	case blocked, rejected:
		l.onRejection(b)
	case disconnected, unsent:
	default:
		if b.wasAccepted() {
			bl.accepted = true
		}
		if b.testsBlockade {
			l.endBlockade(b.queue) // if the batch was not accepted, there is another problem now
		}
	}
}

// onRejection takes in the rejection of a whole batch.
func (l *loop) onRejection(b *inFlightBatch) {
	bl := &b.queue.blockade
	if bl.active() && !b.testsBlockade {
		return
	}
	if b.verdict == rejected && !bl.active() {
		if bl.rejections++; bl.accepted || bl.rejections < maxRejections {
			return
		}
	}
	whole, _ := errors.AsType[*StatusError](b.err) // every rejection is one
	l.extendBlockade(b, whole)
	if whole.Status == 401 && bl.failed == 1 {
		l.renew(b, whole) // some gateways check tokens as well
	}
}

// extendBlockade begins or continues a blockade. It stops the run if that lasts too long.
func (l *loop) extendBlockade(b *inFlightBatch, whole *StatusError) {
	bl := &b.queue.blockade
	if !bl.active() {
		bl.since, bl.failed = b.sent, 0
		l.opts.Logger.Info("batches are refused", "quota", b.queue.name, "err", safetext.Printable(whole.Error()))
	}
	bl.failed++
	patience := blockadePatience
	if l.opts.StallTimeout > 0 {
		patience = min(patience, l.opts.StallTimeout)
	}
	left := bl.since.Add(patience).Sub(b.replied)
	if left <= 0 {
		l.stop(blockedError(b.queue.named(), patience, whole))
		return
	}
	longer := bl.failed - 1
	if b.verdict == rejected {
		longer = 0 // a part of the batch may be good
	}
	pause := throttle.Backoff(longer, firstBlockadePause, maxBlockadePause, rand.Float64())
	asked, _ := LongestRetryAfter(b.replied, whole.Header)
	bl.nextTest = b.replied.Add(min(left, max(pause, asked)))
}

func (l *loop) endBlockade(q *quotaQueue) {
	if q.blockade.active() {
		l.opts.Logger.Info("batches are accepted again", "quota", q.name)
		q.gate.Interrupted()
	}
	q.blockade.standstill = standstill{}
}

// blockedError returns the ErrBlocked for a quota.
func blockedError(quota string, patience time.Duration, cause *StatusError) error {
	by := ""
	if cause.Code == "" {
		by = ", apparently by a gateway, a proxy or a policy in front of Graph"
	}
	return fmt.Errorf("%w%s: none%s was accepted in %v: %w", ErrBlocked, by, quota, patience, cause)
}
