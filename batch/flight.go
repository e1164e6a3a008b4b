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

// entry is a request under way and what has become of it so far. The loop owns
// it, except while its batch is in flight.
type entry struct {
	Result
	req  *Request // &Result.Request
	lane *lane
	due  time.Time

	// Of the last attempt, if it did not settle the request:
	cause        error         // why
	throttled    bool          // it was throttled
	refusedToken bool          // its token was refused
	unsent       bool          // there was no connection, so it had no effect
	spoiled      bool          // its batch was refused, perhaps because of another request
	suspect      bool          // it was refused alone; others may be refused as well
	told         time.Duration // the longest wait that the answer asked for, 0 for none

	denied   int       // refusals for the pace in a row
	deniedAt time.Time // when it was sent last to be refused
	own      int       // refusals in a row between which others were accepted
	toldEnd  time.Time // when the wait that its answer asked for ends
	refusals int       // tokens refused in a row
	epoch    int       // of the last token refused

	// From when it was spoiled until Graph takes a batch that holds it, it travels
	// with requests of the same part only; 0 is none.
	part int

	root      int // number of its first batch that was refused as a whole, 0 for none
	suspected int // how often it was a suspect
}

func newEntry(req Request) *entry {
	e := &entry{Result: Result{Request: req}}
	e.req = &e.Request
	return e
}

// giveUp turns the entry into its final Result after the last attempt.
func (e *entry) giveUp() {
	e.Err = fmt.Errorf("%w after %d attempts: %w", ErrAttempts, e.Attempts, e.cause)
}

// notSent turns the entry into the Result of a run that stopped before it.
func (e *entry) notSent() {
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

// flight is a batch on its way, and what came back.
type flight struct {
	seq     int
	lane    *lane
	entries []*entry
	epoch   int // of the token it was sent with
	sent    time.Time

	sentBytes, gotBytes int // of the bodies

	answered time.Time
	date     time.Time // answered, by the service's clock
	answers  []answer  // one for each entry, nil if err
	reply    Reply
	err      error // why there are no answers
	noToken  bool  // nothing was sent, for want of a token
	vetoed   error // why Options.BeforeSend did not let it go

	tries  bool // whether there is a connection again
	probes bool // whether the path is open again
	asks   bool // its only request is the control request
}

// post sends the batch and reads the answer. It runs on a goroutine of its own
// and touches nothing but the flight.
func (r *Runner) post(ctx context.Context, f *flight) {
	defer func() {
		f.answered = time.Now()
		f.date = f.clock()
	}()
	body, err := encode(f.entries, r.opts.Headers)
	if err != nil {
		f.err = err
		return
	}
	f.sentBytes = len(body)
	if f.vetoed = r.beforeSend(ctx, f); f.vetoed != nil {
		f.err = fmt.Errorf("%w: %w", ErrNotSent, f.vetoed)
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.RequestTimeout,
		fmt.Errorf("no answer within %v", r.opts.RequestTimeout))
	defer cancel()
	f.reply, f.err = r.poster.PostBatch(ctx, body)
	f.noToken = errors.Is(f.err, ErrUnauthorized)
	if f.err != nil {
		// The cause says more than "context deadline exceeded".
		if ctx.Err() != nil {
			f.err = fmt.Errorf("%w: %w", context.Cause(ctx), f.err)
		}
		return
	}
	f.answers, f.err = decode(f.reply.Body, len(f.entries))
	f.gotBytes, f.reply.Body = len(f.reply.Body), nil
}

// beforeSend calls Options.BeforeSend.
func (r *Runner) beforeSend(ctx context.Context, f *flight) error {
	if r.opts.BeforeSend == nil || f.asks {
		return nil
	}
	requests := make([]Request, len(f.entries))
	for i, e := range f.entries {
		requests[i] = *e.req
	}
	return r.opts.BeforeSend(ctx, requests)
}

// clock returns the service's time of the answer, from its Date header, to
// which an HTTP date in a Retry-After relates; else the local time.
func (f *flight) clock() time.Time {
	header := f.reply.Header
	if e, ok := errors.AsType[*StatusError](f.err); ok {
		header = e.Header
	}
	if t, err := http.ParseTime(header.Get("Date")); err == nil {
		return t
	}
	return f.answered
}

// report sums the flight up for the throttle.
func (f *flight) report() throttle.Report {
	rep := throttle.Report{Sent: f.sent, Used: used(f.reply.Header)}
	note := func(told time.Duration, ok bool) {
		rep.RetryAfter, rep.Told = max(rep.RetryAfter, told), rep.Told || ok
	}
	if e, ok := errors.AsType[*StatusError](f.err); ok && (e.Status == 429 || e.Status == 503) {
		// 503 says of the service what 429 says of the caller, and may name a
		// wait too. Source: learn.microsoft.com/graph/best-practices-concept.
		rep.Refused = len(f.entries)
		rep.Again = f.retried()
		rep.Retried = rep.Again
		note(LongestRetryAfter(f.date, e.Header))
		return rep
	}
	if f.err != nil {
		rep.Lost = len(f.entries)
		return rep
	}
	for i := range f.answers {
		rep.Used = max(rep.Used, used(f.answers[i].Header))
		switch a := &f.answers[i]; {
		case a.err != nil:
			rep.Lost++
			continue
		case a.Status == 429:
			rep.Refused++
			if f.entries[i].denied > 0 {
				rep.Again++
			}
			note(f.waitOf(i))
		default:
			rep.Accepted++
		}
		if f.entries[i].denied > 0 {
			rep.Retried++
		}
	}
	return rep
}

// retried returns how many of the requests were throttled the last time.
func (f *flight) retried() (n int) {
	for _, e := range f.entries {
		if e.denied > 0 {
			n++
		}
	}
	return n
}

// waitOf returns the longest wait that the answer to entry i asks for. A wait in the headers
// of the batch response applies to each of its requests.
func (f *flight) waitOf(i int) (wait time.Duration, ok bool) {
	return LongestRetryAfter(f.date, f.answers[i].Header, f.reply.Header)
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
func (f *flight) tookToken() bool {
	return slices.ContainsFunc(f.answers, func(a answer) bool { return a.err == nil && a.Status != 401 && a.Status != 429 })
}

// absorb takes in the attempt of entry i and tells whether it settles the
// request. It is the retry policy: what is final, what costs an attempt, and
// what leaves open whether Graph did the work.
func (f *flight) absorb(e *entry, i int) (settled bool) {
	if errors.Is(f.err, ErrNotSent) && !f.noToken && f.vetoed == nil {
		// It was no attempt, and what is known of those before still holds.
		e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent = false, false, false, false, true
		if e.cause == nil {
			e.cause = f.err
		}
		return false
	}
	if f.noToken || f.vetoed != nil {
		e.cause, e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent = f.err, false, false, false, false, false
		return false // the run stops
	}
	whole, ours := f.refusal()
	if whole != nil && !ours {
		// The request did not reach Graph, so this does not count as an attempt.
		e.throttled, e.refusedToken, e.spoiled, e.suspect, e.unsent, e.cause = false, false, false, false, true, whole
		return false
	}
	e.Response, e.RequestID, e.Date, e.Err = Response{}, f.reply.Header.Get("Request-Id"), f.date, nil
	e.cause, e.throttled, e.refusedToken, e.unsent, e.spoiled, e.suspect = nil, false, false, false, false, false
	e.told = 0

	status, maybe := 0, false
	if whole, ok := errors.AsType[*StatusError](f.err); ok {
		status, e.cause = whole.Status, whole
		maybe = whole.Status < 300 // for example a 202, which has no answers to the requests
		e.RequestID = whole.RequestID
		e.told, _ = LongestRetryAfter(f.date, whole.Header)
	} else if f.err != nil {
		e.cause = f.err
	} else if a := f.answers[i]; a.err != nil {
		e.cause = a.err
	} else {
		e.Response, status = a.Response, a.Status
		e.told, _ = f.waitOf(i)
		maybe = status < 300 && holdsError(a.Body)
		if id := a.Header.Get("Request-Id"); id != "" {
			e.RequestID = id
		}
	}

	if status != 429 {
		e.denied = 0
	}
	if status == 401 {
		e.refusedToken = true
		if e.refusals == 0 || f.epoch != e.epoch {
			e.refusals++
		}
		e.epoch = f.epoch
	} else {
		e.refusals = 0
	}
	if f.err == nil {
		e.part, e.root = 0, 0 // Graph accepted it
	} else if ours && e.root == 0 {
		e.root = f.seq
	}
	switch {
	case status == 401:
	case status == 429:
		e.throttled = true
		e.Throttled++
		e.denied++
	case status == 0, status == 408, status == 424, status >= 500, maybe:
		e.Attempts++
		e.Uncertain = true
	case ours && len(f.entries) > 1:
		e.spoiled = true
		e.part = 2*f.seq + 2*i/len(f.entries) // the first half or the second
	case ours && e.root >= f.lane.path.taken && e.suspected < fewRefusals:
		// Graph has accepted no other batch since.
		e.suspect = true
		e.suspected++
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
