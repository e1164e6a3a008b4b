package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tapsweep/batch/internal/throttle"
)

// inFlightBatch is a batch in flight, and its reply.
type inFlightBatch struct {
	seq   int // 1 for the first batch of a run
	queue *quotaQueue
	items []*item
	token int // number of the token it was sent with
	sent  time.Time

	testsConnection bool // during an outage
	testsBlockade   bool // whether batches are accepted again
	isControl       bool // its only request is the control request

	sentBytes, receivedBytes int // of the bodies

	replied time.Time
	date    time.Time // of the reply, by the service's clock
	dated   bool      // the reply has that clock
	answers []answer  // one for each item, nil if err is not
	reply   Reply
	err     error // why there are no answers
	stops   error // why the run must stop: there is no token, or BeforeSend failed

	verdict verdict // on the batch as a whole
	jitter  float64 // of the pauses that follow
}

// post sends the batch and reads the answer. It runs on its own goroutine and accesses only the batch.
func (r *Runner) post(ctx context.Context, b *inFlightBatch) {
	defer func() {
		b.replied = time.Now()
		b.date, b.dated = b.clock()
		b.verdict = b.classifyBatch()
	}()
	body, err := encode(b.items, r.opts.Headers)
	if err != nil {
		b.err = err
		return
	}
	b.sentBytes = len(body)
	if err := r.beforeSend(ctx, b); err != nil {
		b.stops, b.err = err, fmt.Errorf("%w: %w", ErrNotSent, err)
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.RequestTimeout,
		fmt.Errorf("no answer within %v", r.opts.RequestTimeout))
	defer cancel()
	b.reply, err = r.poster.PostBatch(ctx, body)
	if errors.Is(err, ErrUnauthorized) {
		b.stops = err
	}
	if err != nil {
		if ctx.Err() != nil { // the cause is clearer than "context deadline exceeded"
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		b.err = err
		return
	}
	b.answers, b.err = decode(b.reply.Body, len(b.items))
	b.receivedBytes, b.reply.Body = len(b.reply.Body), nil
}

// beforeSend calls Options.BeforeSend.
func (r *Runner) beforeSend(ctx context.Context, b *inFlightBatch) error {
	if r.opts.BeforeSend == nil || b.isControl {
		return nil
	}
	requests := make([]Request, len(b.items))
	for i, it := range b.items {
		requests[i] = it.Request
	}
	return r.opts.BeforeSend(ctx, requests)
}

// clock returns the time of the reply from its Date header, else the local time.
func (b *inFlightBatch) clock() (t time.Time, dated bool) {
	header := b.reply.Header
	if whole, ok := errors.AsType[*StatusError](b.err); ok {
		header = whole.Header
	}
	if t, err := http.ParseTime(header.Get("Date")); err == nil {
		return t, true
	}
	return b.replied, false
}

// now returns the time that a date in a Retry-After is relative to. A Date header has whole seconds, so the local time
// is more exact if it is in the same second.
func (b *inFlightBatch) now() time.Time {
	if ahead := b.replied.Sub(b.date); ahead >= 0 && ahead < time.Second {
		return b.replied
	}
	return b.date
}

// report summarizes the reply for the throttle.
func (b *inFlightBatch) report() throttle.Feedback {
	rep := throttle.Feedback{Sent: b.sent, Used: utilization(b.reply.Header)}
	whole, ok := errors.AsType[*StatusError](b.err)
	switch {
	case b.err == nil:
		for i := range b.answers {
			b.reportAnswer(&rep, i)
		}
	case ok && (whole.Status == http.StatusTooManyRequests || whole.Status == http.StatusServiceUnavailable):
		// 503 is a limit of the service, as 429 is a limit of the caller. It may also ask for a wait.
		// Source: learn.microsoft.com/graph/best-practices-concept.
		for _, it := range b.items {
			if it.throttledInRow > 0 {
				rep.RefusedAgain++
			}
		}
		rep.Refused, rep.Retried = len(b.items), rep.RefusedAgain
		rep.RetryAfter, rep.HasRetryAfter = LongestRetryAfter(b.now(), whole.Header)
	default:
		rep.Lost = len(b.items)
	}
	return rep
}

// reportAnswer adds the answer to request i to the report.
func (b *inFlightBatch) reportAnswer(rep *throttle.Feedback, i int) {
	a, retried := &b.answers[i], b.items[i].throttledInRow > 0
	rep.Used = max(rep.Used, utilization(a.Header))
	if a.err != nil {
		rep.Lost++
		return
	}
	if retried {
		rep.Retried++
	}
	if a.Status != http.StatusTooManyRequests {
		rep.Accepted++
		return
	}
	rep.Refused++
	if retried {
		rep.RefusedAgain++
	}
	wait, ok := b.waitOf(i)
	rep.RetryAfter, rep.HasRetryAfter = max(rep.RetryAfter, wait), rep.HasRetryAfter || ok
}

// waitOf returns the longest wait that the answer to request i asks for. A wait in the headers
// of the batch response applies to each of its requests.
func (b *inFlightBatch) waitOf(i int) (wait time.Duration, ok bool) {
	return LongestRetryAfter(b.now(), b.answers[i].Header, b.reply.Header)
}

// utilization returns the share of the limit in use. It is 0 if the service does not report it, as is usual.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func utilization(header http.Header) float64 {
	share, err := strconv.ParseFloat(cmp.Or(header.Get("X-Ms-Throttle-Limit-Percentage"), "0"), 64)
	if err != nil || !(share > 0) {
		return 0
	}
	return share
}
