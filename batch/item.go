package batch

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// item is a request of a run and its state. The loop owns it, except while its batch is in flight.
type item struct {
	Result
	queue *quotaQueue
	due   time.Time // when it may be sent again, while it waits

	// Of the last reply, unless it settled the request.
	cause      error         // why it did not
	retryAfter time.Duration // the longest wait that it asks for, 0 for none

	throttledInRow     int
	throttledAt        time.Time // when the last attempt was sent that was throttled
	ownLimitInRow      int       // times in a row it was throttled while others were accepted
	tokenRefusalsInRow int       // times in a row, each with another token

	// From the rejection of its batch until Graph accepts one with it, the request is sent
	// together with requests of the same split group only. 0 is no group.
	splitGroup     int
	firstRejected  int // number of its first batch that was rejected, 0 for none
	soloRejections int // times it was rejected alone
}

func newItem(req Request) *item { return &item{Result: Result{Request: req}} }

// record keeps the reply to attempt i of the batch.
func (it *item) record(b *inFlightBatch, i int, v verdict) {
	switch v {
	case disconnected: // this was not an attempt, so the state of earlier attempts stays
		it.cause = cmp.Or(it.cause, b.err)
		return
	case blocked, unsent:
		it.cause = b.err
		return
	}
	it.Response, it.RequestID = Response{}, b.reply.Header.Get("Request-Id")
	it.Date, it.Dated, it.Replied, it.Took = b.date, b.dated, b.replied, b.replied.Sub(b.sent)
	it.cause, it.retryAfter = b.err, 0
	if whole, ok := errors.AsType[*StatusError](b.err); ok {
		it.cause, it.RequestID = whole, whole.RequestID
		it.retryAfter, _ = LongestRetryAfter(b.now(), whole.Header)
	}
	if b.err == nil {
		it.recordAnswer(b, i)
	}
	if it.cause == nil && v != answered {
		it.cause = it.Response.StatusError()
	}
	it.count(b, i, v)
}

// recordAnswer keeps the answer to request i of a batch that Graph accepted.
func (it *item) recordAnswer(b *inFlightBatch, i int) {
	it.splitGroup, it.firstRejected = 0, 0
	a := &b.answers[i]
	if a.err != nil {
		it.cause = a.err
		return
	}
	it.Response = a.Response
	it.retryAfter, _ = b.waitOf(i)
	it.RequestID = cmp.Or(a.Header.Get("Request-Id"), it.RequestID)
}

// count updates the counts of consecutive replies.
func (it *item) count(b *inFlightBatch, i int, v verdict) {
	if v != throttled {
		it.throttledInRow = 0
	}
	if v != tokenRefused {
		it.tokenRefusalsInRow = 0
	}
	switch v {
	case throttled:
		it.Throttled++
		it.throttledInRow++
	case tokenRefused:
		it.tokenRefusalsInRow++
	case rejectedWithOthers:
		it.firstRejected = cmp.Or(it.firstRejected, b.seq)
		it.splitGroup = 2*b.seq + 2*i/len(b.items) // the first half or the second
	case suspect:
		it.firstRejected = cmp.Or(it.firstRejected, b.seq)
		it.soloRejections++
	}
}

// notSent turns the item into the Result of a run that stopped before it.
func (it *item) notSent() {
	switch {
	case it.cause == nil:
		it.Err = ErrNotSent
	case errors.Is(it.cause, ErrNotSent):
		it.Err = it.cause
	case errors.Is(it.cause, errStopped):
		it.Err = fmt.Errorf("%w again: %w", ErrNotSent, errStopped)
	default:
		it.Err = fmt.Errorf("%w again, the run stopped; before that: %w", ErrNotSent, it.cause)
	}
}
