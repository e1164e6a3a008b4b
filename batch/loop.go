package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// errStopped is what ends a post when the grace period is over. It must not
// wrap why the run stopped: that may be ErrUnauthorized, which coming out of a
// post means that nothing was sent.
var errStopped = errors.New("the run stopped while this was in flight")

// Run takes requests from src as fast as the tenant lets them through. It calls
// settle exactly once for each request, never from two goroutines at once; what
// settle returns goes out ahead of src and is settled in the same way. Requests
// that fail are Results, not errors.
//
// If Graph refuses a batch as a whole, with a 4xx status and an error code that one bad
// request can cause, the batch is split in halves and sent again until that request is
// found. This costs no attempts and, for n requests, at most 2n-2 further batches. A request
// that is refused alone is sent once more if no other batch was accepted in the meantime.
//
// If a batch is refused as a whole for another reason, or if every batch is refused, this
// costs no attempt either: something in front of Graph, such as a gateway, refuses it. The
// other batches of its Quota then wait, and the run tries one batch at a time. After 30
// seconds of refusals the run ends. If every batch is refused with an error code, the batch to
// try with is GET /organization alone, which settle does not see: if Graph accepts it, the
// requests of src are at fault.
//
// Requests of one Quota do not wait for those of another: each has a pace, a gate
// and queues of its own, and the quotas take turns at the slots that are free. src
// is asked for more as long as a quota that it has yielded has less than a batch
// ready. What comes before, of a quota that is slower or closed, queues meanwhile.
// With 4,096 requests in queue, or as many waiting for a Key or for their next
// attempt, src is asked for no more until some of them have gone. So a longer
// stretch of a closed quota in src does hold up what is behind it, as does any
// before src has yielded a second quota: as long as there is one only, src is asked
// for no more than it can send.
//
// src, settle and Options.Observe run on the goroutine that called Run, so they need no
// locks for what they share. While one of them blocks, nothing else happens: answers
// wait, nothing is sent, and the end of ctx is not seen. A src that takes long for each
// request makes for a slow run; one that waits for results, for one that does not end.
//
// When ctx ends, no batch is started any more, those in flight are given
// Options.Grace, and everything else is settled with ErrNotSent, the rest of
// src included; what settle returns for those is dropped. The error tells why
// the run stopped early: the cause of ctx, or one that wraps ErrUnauthorized,
// ErrMaxWait, ErrStalled, ErrUnreachable or ErrBlocked.
//
// A batch that finds no connection costs no attempt, since nothing of it can have had
// an effect. Everything waits then, while one batch at a time tries again: up to
// StallTimeout, or MaxAttempts times where the Runner never had a connection.
func (r *Runner) Run(ctx context.Context, src iter.Seq[Request], settle func(Result) []Request) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrBusy
	}
	panicked := true
	defer func() {
		if panicked {
			r.quotas = nil // they may wait for answers that nobody reads
		}
		r.running.Store(false)
	}()
	next, stopSource := iter.Pull(src)
	defer stopSource()
	posts, cancelPosts := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelPosts(nil)
	l := &loop{
		runner:   r,
		opts:     r.opts,
		next:     next,
		onResult: settle,
		busy:     make(map[string]struct{}),
		parked:   make(map[string][]*item),
		posts:    posts,
		cancel:   cancelPosts,
		replies:  make(chan *inFlightBatch, r.opts.Concurrency),
		tokens:   make(chan error, 1), // nobody may be left to read it
		ended:    make(chan struct{}),
	}
	defer l.end() // of what runs on its own, if src or settle panics

	l.group.SetLimit(r.opts.Concurrency + 1) // one for Reauthorize
	l.run(ctx)
	_ = l.group.Wait() // posts return no errors, they land
	panicked = false
	return l.stopped
}

// loop is the state of one run. The goroutine that called Run owns it; posts
// own their batch until they land.
type loop struct {
	runner   *Runner
	opts     Options
	next     func() (Request, bool)
	onResult func(Result) []Request

	// Each item that is not in flight is in one of these. Those in a queue of
	// their lane hold their key, as do those in flight.
	queues      []*quotaQueue       // by quota, in the order of appearance
	turn        int                 // the queue that may send next
	parked      map[string][]*item  // by the key they wait for
	waiting     dueHeap             // for their next attempt
	parkedTotal int                 // parked and waiting
	busy        map[string]struct{} // keys held
	srcDone     bool

	posts    context.Context
	cancel   context.CancelCauseFunc
	group    errgroup.Group
	inFlight int
	replies  chan *inFlightBatch
	seq      int

	// epoch counts the tokens; while renewing, nothing is sent.
	epoch    int
	renewing bool
	tokens   chan error
	ended    chan struct{} // closed when the run is stopped

	outage outage

	lastSoloGroup int // the last part number of a request that is sent alone, counted down

	stopped error
	grace   <-chan time.Time
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		if l.stopped == nil && ctx.Err() != nil {
			l.stop(context.Cause(ctx))
		}
		wake := l.launch(ctx, time.Now())
		l.outOfTime(ctx, wake)
		wake = l.endOutage(l.stall(wake))
		if l.stopped == nil && ctx.Err() != nil {
			continue // src or settle ended the run, and no answer may be left to wait for
		}
		if l.stopped != nil && l.inFlight == 0 && !l.renewing {
			l.drain()
			return
		}
		if l.settleSuspects() {
			continue
		}
		if l.idle() {
			return
		}
		if l.stopped != nil {
			done = nil
		}
		timer.Reset(untilWake(wake))
		select {
		case b := <-l.replies:
			l.onReply(b)
			l.onOtherReplies()
		case err := <-l.tokens:
			l.renewed(err)
		case <-timer.C:
		case <-done:
		case <-l.grace:
			l.cancel(errStopped)
		}
	}
}

// stall ends a run in which all requests of a quota are refused, and has the loop
// wake up to do so.
func (l *loop) stall(wake time.Time) time.Time {
	if l.stopped != nil || l.opts.StallTimeout < 0 {
		return wake
	}
	if !l.outage.since.IsZero() {
		return wake // nothing is refused now
	}
	for _, q := range l.queues {
		if q.want(1) == 0 && q.inFlight == 0 && !l.waitsRefused(q) {
			q.refusedSince = time.Time{} // nothing that was refused is to be sent
		}
		if q.refusedSince.IsZero() {
			continue
		}
		end := q.refusedSince.Add(l.opts.StallTimeout)
		if !time.Now().Before(end) {
			l.stop(fmt.Errorf("%w: not one request%s was accepted in %v", ErrStalled, q.named(), l.opts.StallTimeout))
			return time.Time{}
		}
		wake = earlier(wake, end)
	}
	return wake
}

// waitsRefused tells whether a request of the quota waits to be sent again.
func (l *loop) waitsRefused(q *quotaQueue) bool {
	return slices.ContainsFunc(l.waiting, func(e *item) bool { return e.queue == q && (e.throttledInRow > 0 || e.Attempts > 0) })
}

// tooLong ends the run if the service asks for a longer wait than is sat out.
func (l *loop) tooLong(q *quotaQueue, wait time.Duration) {
	if l.stopped == nil && l.opts.MaxWait >= 0 && wait > l.opts.MaxWait {
		l.stop(fmt.Errorf("%w%s: %v, more than %v", ErrMaxWait, q.named(), wait.Round(time.Second), l.opts.MaxWait))
	}
}

// untilWake is how long to sleep if nothing lands before; a zero wake is never.
func untilWake(wake time.Time) time.Duration {
	if wake.IsZero() {
		return time.Hour
	}
	return max(time.Until(wake), 0)
}

func (l *loop) idle() bool {
	if !l.srcDone || l.renewing {
		return false
	}
	for _, q := range l.queues {
		if q.unsettled > 0 {
			return false
		}
	}
	return true
}

// onOtherReplies takes in whatever else has landed, before anything is sent: one of
// the others may bring a refusal.
func (l *loop) onOtherReplies() {
	for {
		select {
		case b := <-l.replies:
			l.onReply(b)
		default:
			return
		}
	}
}

// onReply takes in what became of a batch.
func (l *loop) onReply(b *inFlightBatch) {
	q := b.queue
	l.inFlight--
	q.inFlight--
	now := time.Now()
	rep := b.report()
	q.reportToThrottle(b, rep)
	switch {
	case rep.Accepted > 0:
		q.refusedSince = time.Time{}
	case rep.Refused > 0 && q.refusedSince.IsZero():
		q.refusedSince = b.sent
	}
	if rep.Refused > 0 {
		l.tooLong(q, rep.RetryAfter)
	}
	if l.opts.Logger.Enabled(l.posts, slog.LevelDebug) {
		l.opts.Logger.LogAttrs(l.posts, slog.LevelDebug, "batch answered", b.attributes(rep, q.closedUntil(now))...)
	}
	if b.noToken && l.stopped == nil {
		l.stop(b.err)
	}
	if b.vetoed != nil && l.stopped == nil {
		l.stop(b.vetoed)
	}
	l.connected(b)
	l.passed(b)
	jitter := rand.Float64()
	for i, e := range b.items {
		if !b.absorb(e, i) {
			l.retryOrGiveUp(e, b, jitter)
			continue
		}
		l.release(e)
		l.settle(e)
	}
	if l.opts.Observe != nil {
		l.opts.Observe(Observation{
			Time: now, Quota: q.name,
			Accepted: rep.Accepted, Refused: rep.Refused, Lost: rep.Lost,
			ClosedUntil: q.closedUntil(now), InFlight: l.inFlight,
			Outage: l.outage.since, NextTry: l.outage.next,
		})
	}
}

func (l *loop) end() {
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
}

// stop forbids further batches and starts the grace period.
func (l *loop) stop(cause error) {
	l.stopped = cause
	l.end()
	if l.opts.Grace < 0 {
		l.cancel(errStopped)
		return
	}
	l.grace = time.After(l.opts.Grace)
}

// drain settles everything that a stopped run leaves behind.
func (l *loop) drain() {
	var left []*item
	for _, q := range l.queues {
		left = slices.Concat(left, q.blockade.suspects, q.split, q.retries, q.fresh)
	}
	left = append(left, l.waiting...)
	for _, queue := range l.parked {
		left = append(left, queue...)
	}
	for _, e := range left {
		e.notSent()
		l.settle(e)
	}
	for {
		req, ok := l.next()
		if !ok {
			return
		}
		e := newItem(req)
		e.notSent()
		l.onResult(e.Result) // what it asks for is dropped
	}
}
