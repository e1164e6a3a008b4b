package batch

import (
	"cmp"
	"fmt"
	"time"

	"tapsweep/batch/internal/throttle"
)

const (
	// A request that is throttled more often than this in a row, while others are accepted, may
	// have its own limit, such as that of a user or a mailbox. Then the pauses before its
	// attempts grow.
	perResourceLimitAfter = 3
	maxPerResourcePause   = 5 * time.Minute

	// defaultThrottlePause is the wait of a throttled request if its answer asks for none.
	defaultThrottlePause = time.Second
)

// sendAgain queues an item that holds its key.
func (l *loop) sendAgain(it *item, _ *inFlightBatch) { it.queue.push(it) }

// waitAsAsked lets a throttled request wait.
func (l *loop) waitAsAsked(it *item, b *inFlightBatch) {
	l.wait(it, b.replied.Add(it.throttledPause(b)))
}

// throttledPause returns how long a throttled request waits: as long as its answer asks, or longer if the request may
// have its own limit.
func (it *item) throttledPause(b *inFlightBatch) time.Duration {
	if it.queue.lastAccepted.After(it.throttledAt) && it.throttledInRow > 1 {
		it.ownLimitInRow++
	} else {
		it.ownLimitInRow = 0
	}
	it.throttledAt = b.sent
	pause := cmp.Or(it.retryAfter, defaultThrottlePause)
	if it.ownLimitInRow < perResourceLimitAfter {
		return pause
	}
	n := it.ownLimitInRow - perResourceLimitAfter + 1
	return max(pause, throttle.Backoff(n, pause, max(pause, maxPerResourcePause), b.jitter))
}

// retryOrGiveUp lets a request wait for its next attempt, if there is one.
func (l *loop) retryOrGiveUp(it *item, b *inFlightBatch) {
	if it.Attempts >= l.opts.MaxAttempts {
		it.Err = fmt.Errorf("%w after %d attempts: %w", ErrAttempts, it.Attempts, it.cause)
		l.settle(it)
		return
	}
	pause := throttle.Backoff(it.Attempts-1, firstBackoff, maxBackoff, b.jitter)
	l.checkMaxWait(it.queue, it.retryAfter)
	l.wait(it, b.replied.Add(max(it.retryAfter, pause)))
}

// settle returns the final Result of a request and accepts the requests that follow from it.
func (l *loop) settle(it *item) {
	it.queue.unsettled--
	next := l.onResult(it.Result)
	if it.Stopped() {
		return
	}
	for _, req := range next {
		l.accept(req, true)
	}
}
