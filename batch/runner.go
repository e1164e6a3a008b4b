package batch

import (
	"cmp"
	"context"
	"iter"
	"sync/atomic"

	"tapsweep/batch/internal/throttle"
)

// A Runner sends requests in batches through one Poster, in one run after the other. After a run it keeps what it has
// learned about the limits of the service, and the waits that the service asked for. Everything else is new for each
// run.
type Runner struct {
	poster  Poster
	opts    Options
	pace    throttle.Options
	running atomic.Bool
	reached atomic.Bool // any run has had a connection
	quotas  []*quota    // in the order of appearance
}

// NewRunner checks the options and returns a Runner.
func NewRunner(poster Poster, opts Options) (*Runner, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	// A limit that the caller chose is used completely from the start. Without a limit, the pace decides.
	pace := throttle.Options{MaxRate: opts.MaxRate, MaxInFlight: opts.Concurrency * opts.BatchSize}
	opts.Concurrency = cmp.Or(opts.Concurrency, maxConcurrency)
	return &Runner{poster: poster, opts: opts, pace: pace}, nil
}

// Do sends one request and returns its Result. The error is the error of the run, else Result.Err. It is nil if
// Response is the final answer of Graph, whatever its status.
func (r *Runner) Do(ctx context.Context, req Request) (res Result, err error) {
	res = Result{Request: req, Err: ErrNotSent}
	one := func(yield func(Request) bool) { yield(req) }
	err = r.Run(ctx, one, func(settled Result) []Request {
		res = settled
		return nil
	})
	return res, cmp.Or(err, res.Err)
}

// Run sends the requests that src yields as fast as the service allows. It calls settle exactly
// once for each of them, with the Result, in any order. The requests that settle returns are
// sent ahead of those of src and settled in the same way.
//
// src, settle and Options.Observe run on the goroutine that called Run, so they need no locks
// for what they share. While one of them blocks, nothing is sent.
//
// If ctx ends, or if one of the conditions under Options is met, the run stops: it sends
// nothing more, waits up to 10 s for replies to batches in flight, and settles all other requests, including
// those that src still has, with ErrNotSent. The requests that settle returns for them are dropped.
// The error is the cause of ctx, the error of BeforeSend, or it wraps ErrUnauthorized, ErrMaxWait,
// ErrStalled, ErrUnreachable or ErrBlocked. A request that fails is not an error of Run.
//
// Run returns ErrBusy, and takes nothing from src, if the Runner is in another run.
func (r *Runner) Run(ctx context.Context, src iter.Seq[Request], settle func(Result) []Request) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer r.running.Store(false)
	next, stopSource := iter.Pull(src)
	defer stopSource()
	posts, cancelPosts := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelPosts(nil)
	l := &loop{
		runner:   r,
		opts:     r.opts,
		next:     next,
		onResult: settle,
		heldKeys: make(map[string]struct{}),
		parked:   make(map[string][]*item),
		posts:    posts,
		cancel:   cancelPosts,
		replies:  make(chan *inFlightBatch, r.opts.Concurrency),
		renewed:  make(chan error, 1), // the run may have ended, so that nobody reads it
		ended:    make(chan struct{}),
	}
	l.group.SetLimit(r.opts.Concurrency + 1) // one for Reauthorize
	panicked := true
	defer func() {
		if panicked { // in src, settle or Observe
			l.stop(errStopped)
			r.quotas = nil // they may wait for replies that nobody reads
		}
	}()
	l.run(ctx)
	panicked = false
	_ = l.group.Wait() // posts return no errors
	return l.stopped
}
