package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tapsweep/batch/throttle"
)

// item is a request under way and what has become of it so far. The loop owns
// it, except while its batch is in flight.
type item struct {
	Result
	req   *Request // &Result.Request
	queue *quotaQueue
	due   time.Time

	// Of the last attempt, if it did not settle the request:
	cause        error         // why
	throttled    bool          // it was throttled
	refusedToken bool          // its token was refused
	unsent       bool          // there was no connection, so it had no effect
	spoiled      bool          // its batch was refused, perhaps because of another request
	suspect      bool          // it was refused alone; others may be refused as well
	retryAfter   time.Duration // the longest wait that the answer asked for, 0 for none

	throttledInRow     int       // refusals for the pace in a row
	throttledAt        time.Time // when it was sent last to be refused
	ownLimitInRow      int       // refusals in a row between which others were accepted
	retryAt            time.Time // when the wait that its answer asked for ends
	tokenRefusalsInRow int       // tokens refused in a row
	epoch              int       // of the last token refused

	// From when it was spoiled until Graph takes a batch that holds it, it travels
	// with requests of the same part only; 0 is none.
	splitGroup int

	firstRejected  int // number of its first batch that was refused as a whole, 0 for none
	soloRejections int // how often it was a suspect
}

func newItem(req Request) *item {
	e := &item{Result: Result{Request: req}}
	e.req = &e.Request
	return e
}

// giveUp turns the item into its final Result after the last attempt.
func (e *item) giveUp() {
	e.Err = fmt.Errorf("%w after %d attempts: %w", ErrAttempts, e.Attempts, e.cause)
}

// notSent turns the item into the Result of a run that stopped before it.
func (e *item) notSent() {
	e.Err = ErrNotSent
	switch {
	case errors.Is(e.cause, ErrNotSent):
		e.Err = e.cause
	case errors.Is(e.cause, errStopped):
		e.Err = fmt.Errorf("%w again: %w", ErrNotSent, errStopped)
	case e.cause != nil:
		e.Err = fmt.Errorf("%w again, the run stopped; before that: %w", ErrNotSent, e.cause)
	}
}

// inFlightBatch is a batch on its way, and what came back.
type inFlightBatch struct {
	seq   int
	queue *quotaQueue
	items []*item
	epoch int // of the token it was sent with
	sent  time.Time

	sentBytes, gotBytes int // of the bodies

	answered time.Time
	date     time.Time // answered, by the service's clock
	answers  []answer  // one for each item, nil if err
	reply    Reply
	err      error // why there are no answers
	noToken  bool  // nothing was sent, for want of a token
	vetoed   error // why Options.BeforeSend did not let it go

	tries   bool // whether there is a connection again
	probes  bool // whether the path is open again
	control bool // its only request is the control request
}

// post sends the batch and reads the answer. It runs on a goroutine of its own
// and touches nothing but the batch.
func (r *Runner) post(ctx context.Context, b *inFlightBatch) {
	defer func() {
		b.answered = time.Now()
		b.date = b.clock()
	}()
	body, err := encode(b.items, r.opts.Headers)
	if err != nil {
		b.err = err
		return
	}
	b.sentBytes = len(body)
	if b.vetoed = r.beforeSend(ctx, b); b.vetoed != nil {
		b.err = fmt.Errorf("%w: %w", ErrNotSent, b.vetoed)
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.RequestTimeout,
		fmt.Errorf("no answer within %v", r.opts.RequestTimeout))
	defer cancel()
	b.reply, b.err = r.poster.PostBatch(ctx, body)
	b.noToken = errors.Is(b.err, ErrUnauthorized)
	if b.err != nil {
		// The cause says more than "context deadline exceeded".
		if ctx.Err() != nil {
			b.err = fmt.Errorf("%w: %w", context.Cause(ctx), b.err)
		}
		return
	}
	b.answers, b.err = decode(b.reply.Body, len(b.items))
	b.gotBytes, b.reply.Body = len(b.reply.Body), nil
}

// beforeSend calls Options.BeforeSend.
func (r *Runner) beforeSend(ctx context.Context, b *inFlightBatch) error {
	if r.opts.BeforeSend == nil || b.control {
		return nil
	}
	requests := make([]Request, len(b.items))
	for i, e := range b.items {
		requests[i] = *e.req
	}
	return r.opts.BeforeSend(ctx, requests)
}

// clock returns the service's time of the answer, from its Date header, to
// which an HTTP date in a Retry-After relates; else the local time.
func (b *inFlightBatch) clock() time.Time {
	header := b.reply.Header
	if e, ok := errors.AsType[*StatusError](b.err); ok {
		header = e.Header
	}
	if t, err := http.ParseTime(header.Get("Date")); err == nil {
		return t
	}
	return b.answered
}

// report sums the batch up for the throttle.
func (b *inFlightBatch) report() throttle.Report {
	rep := throttle.Report{Sent: b.sent, Used: used(b.reply.Header)}
	note := func(told time.Duration, ok bool) {
		rep.RetryAfter, rep.Told = max(rep.RetryAfter, told), rep.Told || ok
	}
	if e, ok := errors.AsType[*StatusError](b.err); ok && (e.Status == 429 || e.Status == 503) {
		// 503 says of the service what 429 says of the caller, and may name a
		// wait too. Source: learn.microsoft.com/graph/best-practices-concept.
		rep.Refused = len(b.items)
		rep.Again = b.retried()
		rep.Retried = rep.Again
		note(LongestRetryAfter(b.date, e.Header))
		return rep
	}
	if b.err != nil {
		rep.Lost = len(b.items)
		return rep
	}
	for i := range b.answers {
		rep.Used = max(rep.Used, used(b.answers[i].Header))
		switch a := &b.answers[i]; {
		case a.err != nil:
			rep.Lost++
			continue
		case a.Status == 429:
			rep.Refused++
			if b.items[i].throttledInRow > 0 {
				rep.Again++
			}
			note(b.waitOf(i))
		default:
			rep.Accepted++
		}
		if b.items[i].throttledInRow > 0 {
			rep.Retried++
		}
	}
	return rep
}

// retried returns how many of the requests were throttled the last time.
func (b *inFlightBatch) retried() (n int) {
	for _, e := range b.items {
		if e.throttledInRow > 0 {
			n++
		}
	}
	return n
}

// waitOf returns the longest wait that the answer to item i asks for. A wait in the headers
// of the batch response applies to each of its requests.
func (b *inFlightBatch) waitOf(i int) (wait time.Duration, ok bool) {
	return LongestRetryAfter(b.date, b.answers[i].Header, b.reply.Header)
}

// used reads the share of the limit in use, 0 where the service does not tell,
// which is mostly so. Source: learn.microsoft.com/graph/throttling-limits,
// identity and access.
func used(header http.Header) float64 {
	share, err := strconv.ParseFloat(header.Get("X-Ms-Throttle-Limit-Percentage"), 64)
	if err != nil || !(share > 0) {
		return 0
	}
	return share
}

// tookToken tells whether a request was answered, and not for its token.
func (b *inFlightBatch) tookToken() bool {
	return slices.ContainsFunc(b.answers, func(a answer) bool { return a.err == nil && a.Status != 401 && a.Status != 429 })
}

// absorb takes in the attempt of item i and tells whether it settles the
// request. It is the retry policy: what is final, what costs an attempt, and
// what leaves open whether Graph did the work.
func (b *inFlightBatch) absorb(e *item, i int) (settled bool) {
	if errors.Is(b.err, ErrNotSent) && !b.noToken && b.vetoed == nil {
		// It was no attempt, and what is known of those before still holds.
		e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent = false, false, false, false, true
		if e.cause == nil {
			e.cause = b.err
		}
		return false
	}
	if b.noToken || b.vetoed != nil {
		e.cause, e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent = b.err, false, false, false, false, false
		return false // the run stops
	}
	whole, ours := b.refusal()
	if whole != nil && !ours {
		// The request did not reach Graph, so this does not count as an attempt.
		e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent, e.cause = false, false, false, false, true, whole
		return false
	}
	e.Response, e.RequestID, e.Date, e.Err = Response{}, b.reply.Header.Get("Request-Id"), b.date, nil
	e.cause, e.throttled, e.refusedToken, e.unsent, e.spoiled, e.suspect = nil, false, false, false, false, false
	e.retryAfter = 0

	status, maybe := 0, false
	if whole, ok := errors.AsType[*StatusError](b.err); ok {
		status, e.cause = whole.Status, whole
		maybe = whole.Status < 300 // for example a 202, which has no answers to the requests
		e.RequestID = whole.RequestID
		e.retryAfter, _ = LongestRetryAfter(b.date, whole.Header)
	} else if b.err != nil {
		e.cause = b.err
	} else if a := b.answers[i]; a.err != nil {
		e.cause = a.err
	} else {
		e.Response, status = a.Response, a.Status
		e.retryAfter, _ = b.waitOf(i)
		maybe = status < 300 && holdsError(a.Body)
		if id := a.Header.Get("Request-Id"); id != "" {
			e.RequestID = id
		}
	}

	if status != 429 {
		e.throttledInRow = 0
	}
	if status == 401 {
		e.refusedToken = true
		if e.tokenRefusalsInRow == 0 || b.epoch != e.epoch {
			e.tokenRefusalsInRow++
		}
		e.epoch = b.epoch
	} else {
		e.tokenRefusalsInRow = 0
	}
	if b.err == nil {
		e.splitGroup, e.firstRejected = 0, 0 // Graph accepted it
	} else if ours && e.firstRejected == 0 {
		e.firstRejected = b.seq
	}
	switch {
	case status == 401:
	case status == 429:
		e.throttled = true
		e.Throttled++
		e.throttledInRow++
	case status == 0, status == 408, status == 424, status >= 500, maybe:
		e.Attempts++
		e.Uncertain = true
	case ours && len(b.items) > 1:
		e.spoiled = true
		e.splitGroup = 2*b.seq + 2*i/len(b.items) // the first half or the second
	case ours && e.firstRejected >= b.queue.blockade.lastAccepted && e.soloRejections < fewRejections:
		// Graph has accepted no other batch since.
		e.suspect = true
		e.soloRejections++
	default:
		e.Attempts++
		e.Err = e.cause // nil, or Graph refused the whole batch for good
		return true
	}
	if e.cause == nil {
		e.cause = e.Response.StatusError()
	}
	return false
}
