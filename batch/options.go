package batch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Options of a Runner. The zero value of each field is its default.
type Options struct {
	// BatchSize is the maximum number of requests in a batch, 1 to 20. Zero means 20.
	BatchSize int

	// Concurrency is the maximum number of batches in flight, of all quotas together. Zero
	// means as many as the pace allows, up to 512. One slot is kept for a
	// quota that has requests to send but none in flight, so that a slow quota cannot block it.
	// With a Concurrency of 1 the quotas take turns.
	Concurrency int

	// MaxAttempts is how often a request is sent before it is given up. Some attempts do not
	// count, see [Result.Attempts]. Zero means 6. The wait before the second attempt is a
	// second; it doubles with each further one, up to a minute. If the answer asks for a longer
	// wait, that counts.
	MaxAttempts int

	// RequestTimeout is the longest time that one batch may take. Zero means 100 s: Graph ends
	// requests for authentication methods after 60 s with an answer, which Run should receive.
	// Source: learn.microsoft.com/graph/api/resources/authenticationmethods-overview.
	RequestTimeout time.Duration

	// MaxRate is the maximum number of requests per second, of all quotas together, even if the
	// service would accept more. Zero means no limit.
	MaxRate float64

	// MaxWait stops the run with ErrMaxWait if any quota has to wait longer. This includes the
	// rest of a wait from an earlier run. Zero means 15 minutes, negative means no limit.
	MaxWait time.Duration

	// StallTimeout stops the run if it makes no progress for this long: with ErrStalled if all
	// requests of a quota were throttled, even if those of another quota were not, and with
	// ErrUnreachable if there was no connection. A quota without unsettled requests does not
	// stop the run. Zero means 30 minutes, negative means never.
	//
	// Two conditions stop the run sooner: 30 seconds in which every batch of a quota was
	// rejected as a whole (ErrBlocked), and MaxAttempts attempts if the Runner has never had a
	// connection (ErrUnreachable).
	StallTimeout time.Duration

	// Headers are added to each request that does not set them.
	Headers map[string]string

	// Reauthorize is called when Graph has refused the token (401), with that answer. It must
	// get a new token; if it returns an error, the run stops with that and ErrUnauthorized. If
	// the error is ErrNotSent, Reauthorize is called again, up to StallTimeout. It is called
	// once for any number of refusals of the same token, while nothing is sent. Nil stops the
	// run at the first refusal.
	Reauthorize func(ctx context.Context, refused *StatusError) error

	// BeforeSend is called with the requests of each batch right before it is sent, for
	// example to write an audit log. It is called by several goroutines at once, and a batch
	// waits for its own call only. If it returns an error, the batch is not sent, its
	// requests are settled with ErrNotSent, and the run stops with that error. It is not
	// called for GET /organization, with which Run tests whether batches are rejected. Nil
	// means none.
	BeforeSend func(ctx context.Context, requests []Request) error

	// Observe is called on the goroutine of Run after each reply, when its results have been
	// settled. The run waits for it, so it must be quick. Nil means none.
	Observe func(Observation)

	// Logger gets one Debug record a batch, and Info records about outages. Nil logs nothing.
	Logger *slog.Logger
}

// An Observation is the reply to a batch, and the state of the run after it.
type Observation struct {
	Time  time.Time // when the reply was handled
	Quota string    // the quota of the requests in the batch

	Accepted int // requests with an answer other than 429
	Refused  int // requests answered with 429, or with 503 for the whole batch

	// Outage is when the connection was lost, zero if there is a connection. NextTry is when the
	// connection is tested next.
	Outage, NextTry time.Time

	// ClosedUntil is the end of the wait of the quota, zero if there is none.
	ClosedUntil time.Time
}

const (
	grace          = 10 * time.Second // how long a run that was stopped waits for replies to batches in flight
	firstBackoff   = time.Second
	maxBackoff     = time.Minute
	maxConcurrency = 512

	// Values beyond these are mistakes.
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
	}
	o.BatchSize = cmp.Or(o.BatchSize, MaxRequests)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 6)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 100*time.Second)
	o.MaxWait = cmp.Or(o.MaxWait, 15*time.Minute)
	o.StallTimeout = cmp.Or(o.StallTimeout, 30*time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
