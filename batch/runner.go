package batch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tapsweep/batch/throttle"
)

// Options of a Runner. The zero value of each field is its default.
type Options struct {
	// BatchSize is the most requests in one batch, 1 to 20. Zero means 20.
	BatchSize int

	// Concurrency is the most batches in flight, of all quotas together. Zero
	// means as many as the pace takes, up to 512. While a quota has something to
	// send, no wait to sit out and nothing in flight, the others leave it a slot,
	// so that it need not wait for their answers. With a Concurrency of 1 there
	// is none to leave, and the quotas take turns.
	Concurrency int

	// MaxAttempts is how often a request is sent before it is given up; being
	// refused with 429 does not count, and neither does a lack of connection, but
	// where the Runner has never had one. Zero means 6.
	MaxAttempts int

	// RequestTimeout bounds one post. Zero means 100 s: Graph cuts requests for
	// authentication methods at 60 s and says so, which is worth waiting for.
	// Source: learn.microsoft.com/graph/api/resources/authenticationmethods-overview.
	RequestTimeout time.Duration

	// Grace is how long batches in flight may still be answered after the
	// context has ended. Zero means 10 s, negative none.
	Grace time.Duration

	// Backoff is the wait before a second attempt; it doubles for each further
	// one, up to a minute. Zero means 1 s.
	Backoff time.Duration

	// MaxRate is the most requests a second, of all quotas together and whatever
	// the tenant would take. Zero means no such bound.
	MaxRate float64

	// MaxWait ends the run when the service asks to wait longer, be it for one
	// quota only. Zero means 15 minutes, negative any wait is sat out.
	MaxWait time.Duration

	// StallTimeout ends the run when requests of a quota were refused for so long
	// without one being accepted, or no batch found a connection. It does so even if other quotas go on, because
	// the run would not get to its end; a quota whose requests are all settled
	// ends nothing. Zero means 30 minutes, negative never. If something in front of Graph
	// refuses every batch, the run ends after 30 seconds, or after StallTimeout if shorter.
	StallTimeout time.Duration

	// Headers are added to each individual request that does not set them.
	Headers map[string]string

	// Reauthorize is called after Graph has refused the token (401), with that
	// answer. It must get a new token or return an error, which ends the run, but
	// for one that is ErrNotSent: then it is called again, as in any outage.
	// It is called once for any number of refusals of the same token. Nil ends
	// the run at the first refusal.
	Reauthorize func(ctx context.Context, refused *StatusError) error

	// BeforeSend is called with the requests of each batch right before it is posted, for
	// example to write an audit log. It is called by several goroutines at once, and a batch
	// waits for its own call only. If it returns an error, the batch is not sent, its
	// requests are settled with ErrNotSent, and the run stops with that error. It is not
	// called for the control request that Run describes. Nil means none.
	BeforeSend func(ctx context.Context, requests []Request) error

	// Observe is called on the goroutine of Run for each batch that has landed,
	// after its results were settled. It holds up the run, so it must be quick.
	// Nil means none.
	Observe func(Observation)

	// Logger gets one Debug record a batch. Nil logs nothing.
	Logger *slog.Logger
}

// An Observation tells how a batch fared, and how things stand after it.
type Observation struct {
	Time  time.Time // when the batch was taken in
	Quota string    // that of its requests

	Accepted int // requests that were answered, and not refused for their pace
	Refused  int // requests answered with 429, or 503 as a whole batch
	Lost     int // requests without an answer of their own, be it that their batch was refused

	// Outage is since when batches find no connection, zero while they do, and
	// NextTry when the next one tries.
	Outage, NextTry time.Time

	// ClosedUntil is when the next request of the quota may go, zero if its gate
	// is open.
	ClosedUntil time.Time

	InFlight int // batches in flight, of all quotas
}

const (
	maxBackoff     = time.Minute
	maxConcurrency = 512

	// What is beyond these is a mistake.
	mostConcurrency = 1 << 16
	mostRate        = 1e9
)

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.BatchSize < 0 || o.BatchSize > MaxRequests:
		return o, fmt.Errorf("batch size %d is not between 1 and %d", o.BatchSize, MaxRequests)
	case o.Concurrency < 0 || o.Concurrency > mostConcurrency:
		return o, fmt.Errorf("concurrency %d is not between 0 and %d", o.Concurrency, mostConcurrency)
	case o.MaxAttempts < 0:
		return o, fmt.Errorf("max attempts %d is negative", o.MaxAttempts)
	case o.RequestTimeout < 0:
		return o, fmt.Errorf("request timeout %v is negative", o.RequestTimeout)
	case !(o.MaxRate >= 0) || o.MaxRate > mostRate:
		return o, fmt.Errorf("max rate %v is not between 0 and %v requests a second", o.MaxRate, mostRate)
	case o.Backoff < 0:
		return o, fmt.Errorf("backoff %v is negative", o.Backoff)
	}
	setDefault(&o.BatchSize, MaxRequests)
	setDefault(&o.MaxAttempts, 6)
	setDefault(&o.RequestTimeout, 100*time.Second)
	setDefault(&o.Grace, 10*time.Second)
	setDefault(&o.Backoff, time.Second)
	setDefault(&o.MaxWait, 15*time.Minute)
	setDefault(&o.StallTimeout, 30*time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// A Runner runs requests in batches against one Poster, in one run after the other. What it
// has learned of the limits of the service, and the waits that the service asked for, stay
// from one run to the next; all else begins anew. Of two runs at once the second fails with
// ErrBusy.
type Runner struct {
	poster  Poster
	opts    Options
	pace    throttle.Options
	reached atomic.Bool // there was a connection, in whichever run
	running atomic.Bool
	quotas  []*quota // in the order of appearance
}

// NewRunner checks the options and returns a Runner.
func NewRunner(poster Poster, opts Options) (*Runner, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	// A bound that the caller chose is gone up to at once; without one the pace
	// decides.
	pace := throttle.Options{MaxRate: opts.MaxRate, MaxInFlight: opts.Concurrency * opts.BatchSize}
	setDefault(&opts.Concurrency, maxConcurrency)
	return &Runner{poster: poster, opts: opts, pace: pace}, nil
}

// Do runs one request and returns its Result. The error is that of the run, or else
// Result.Err. It is nil if Response is Graph's final answer, whatever its status.
func (r *Runner) Do(ctx context.Context, req Request) (res Result, err error) {
	res = Result{Request: req, Err: ErrNotSent}
	one := func(yield func(Request) bool) { yield(req) }
	err = r.Run(ctx, one, func(settled Result) []Request {
		res = settled
		return nil
	})
	return res, cmp.Or(err, res.Err)
}
