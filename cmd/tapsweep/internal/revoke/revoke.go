// Package revoke is the job: it turns pairs of user and pass into requests, and
// their responses into what became of each pair.
//
// A pair whose pass is known is one DELETE. Graph's 404 to it does not tell a
// pass that is gone from one that was replaced or a user that does not exist,
// so it is followed by a LIST of the user's passes, which does. A pair without
// a pass begins with that LIST.
package revoke

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Options of a Job.
type Options struct {
	// DryRun only lists: a pass that would be deleted is Planned.
	DryRun bool

	// Settled tells pairs that need nothing more: they get no request and no row. Nil
	// means none.
	Settled func(*input.Pair) bool

	// Protected tells users that must not be touched, nor read: their pairs are
	// Protected. Nil means none.
	Protected func(user string) bool

	// Self are the names of the signed-in user, whom a pair may also call
	// input.Me. Writes for one user never travel together.
	Self []string

	// Caller helps to tell what a 403 means.
	Caller answer.Caller

	// AbortAfter ends the run with answer.ErrAllDenied if so many answers, the first ones,
	// are all 403. Zero or less never does.
	AbortAfter int

	// MaxDeletes is the maximum number of passes to delete. Before the run would delete
	// more, it ends with a *BoundError. Zero or less means no limit. Each pass that a pair
	// names counts, and each pass that is found when a user is looked up.
	MaxDeletes int

	// AnyPass takes every pair to mean whatever pass the user holds, beside the one
	// that it names.
	AnyPass bool

	// Verify has a user's passes listed again after a pair is done, until none is
	// there or this time is over, see verify. Zero does not.
	Verify time.Duration

	// Doubted tells pairs that are done, by a run before, and yet to be verified. Nil
	// means none.
	Doubted func(*input.Pair) *results.Doubt

	// Perhaps reports whether an earlier run may have deleted the pass of a pair without a
	// row that says so. Nil means that there are no such pairs.
	Perhaps func(*input.Pair) bool

	// VerifyOnly only lists, and deletes nothing: a user without a pass is Absent, or
	// Revoked if that is what became of the pair before; one who holds a pass Remains.
	VerifyOnly bool

	// Looks is how often a pass is deleted that Graph says is gone (404) and
	// lists all the same, which is what a replica does that lags behind. Zero
	// means 4, with pauses of 2, 4 and 8 seconds between.
	Looks int
}

// A Source yields the pairs of a list in order. An error ends it.
type Source = iter.Seq2[input.Pair, error]

// A Job runs pairs through a runner and writes one row for each.
type Job struct {
	runner *batch.Runner
	write  func(*results.Row) error
	opts   Options

	counts          Counts
	deletes         int         // passes that count for MaxDeletes
	full            *BoundError // why no more passes are deleted
	open, verifying int         // pairs under way
	abort           *abort      // by what the Job's own requests bring
	looks           *abort      // by what a scan before it brings
	stop            context.CancelCauseFunc
}

// New returns a Job. It calls write once for each pair, from one goroutine; an
// error of it stops the run before more is sent.
func New(runner *batch.Runner, write func(*results.Row) error, opts Options) *Job {
	if opts.Looks <= 0 {
		opts.Looks = 4
	}
	return &Job{runner: runner, write: write, opts: opts, abort: newAbort(opts.AbortAfter), looks: newAbort(opts.AbortAfter), counts: NewCounts(),
		stop: func(error) {}}
}

// Run works off the pairs. Its error tells why it stopped early; pairs that
// could not be revoked are rows. Counts is valid in either case, and of all runs
// so far: a Job may run again when it has run, for pairs that must not overlap with
// those before.
func (j *Job) Run(ctx context.Context, pairs Source) (Counts, error) {
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	err := j.runner.Run(ctx, j.requests(pairs), j.Settle)
	return j.counts, err
}

// Counts sums up what was written so far.
func (j *Job) Counts() Counts { return j.counts }

// Within has the Job be part of a run that somebody else does: they hand requests
// of Begin to their runner, and results that are the Job's, which Owns tells, to
// Settle. stop ends that run.
func (j *Job) Within(stop context.CancelCauseFunc) { j.stop = stop }

// requests turns pairs into first requests. It runs on the runner's goroutine,
// as settle does, so rows that need no request are written from here.
func (j *Job) requests(pairs Source) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for pair, err := range pairs {
			if err != nil {
				j.stop(err)
				return
			}
			req, ok := j.Begin(pair, Found{})
			if !ok {
				continue
			}
			if !yield(req) {
				return
			}
		}
	}
}

// Found is what is known of a pair before, for its row.
type Found struct {
	UPN     string          // where the pair names the object id
	Reason  passes.Reason   // of the pass
	Outcome results.Outcome // of an earlier run, with VerifyOnly
}

// Begin returns the first request of a pair, or writes its row if it needs none.
func (j *Job) Begin(pair input.Pair, found Found) (req batch.Request, ok bool) {
	if j.opts.Settled != nil && j.opts.Settled(&pair) {
		return req, false
	}
	w := &work{pair: pair, listed: true, method: pair.Method, upn: cmp.Or(found.UPN, pair.UPN), reason: found.Reason}
	switch {
	case pair.Err != nil:
		j.row(w, results.Row{Outcome: results.Invalid, Message: pair.Err.Error()})
		return req, false
	case j.protected(&pair):
		j.row(w, results.Row{Outcome: results.Protected})
		return req, false
	case pair.FirstOf != nil:
		j.row(w, results.Row{Outcome: results.Duplicate,
			Message: fmt.Sprintf("the same pair as %s:%d", pair.FirstOf.Source, pair.FirstOf.Line)})
		return req, false
	case j.opts.DryRun && found.Reason != "":
		j.row(w, results.Row{Outcome: results.Planned}) // it was just read
		return req, false
	}
	w.key = j.key(pair.User)
	w.begun = true
	j.open++
	if j.opts.VerifyOnly {
		last := results.Row{Outcome: results.Absent}
		if found.Outcome == results.Revoked {
			last.Outcome = results.Revoked // as it was, and now with proof
		}
		req := *j.verify(w, last)
		req.Delay = 0 // whatever it was, it was some time ago
		return req, true
	}
	if j.opts.Doubted != nil {
		if d := j.opts.Doubted(&pair); d != nil {
			w.method, w.upn, w.reason = d.Method, d.UPN, passes.Reason(d.Reason)
			if w.intended = d.Intended(); !w.intended {
				last := d.Row
				w.before = last.Outcome
				last.Message = withoutLook(last.Message)
				return *j.verify(w, last), true
			}
			w.announced = true
		}
	}
	w.uncertain = w.intended
	w.perhaps = j.opts.Perhaps != nil && j.opts.Perhaps(&pair)
	if w.method != "" && !j.room(w, passes.Pass{ID: w.method}) {
		j.row(w, j.noRoom(w))
		return req, false
	}
	// An earlier run that was deleting the pass may have found more passes of the user.
	// Or it was deleting one that the pair does not name, and this run may not.
	if j.opts.DryRun || w.method == "" || w.intended && (j.any(w) || !strings.EqualFold(w.method, pair.Method)) {
		return w.list(looking), true
	}
	return w.delete(), true
}

// protected reports whether a pair's user is protected, by either of the names in the pair.
func (j *Job) protected(pair *input.Pair) bool {
	p := j.opts.Protected
	return p != nil && (p(pair.User) || pair.UPN != "" && p(pair.UPN))
}

// Record writes a row that came about without a request of the Job's, as in a scan.
// Rows that are denied count for AbortAfter, apart from the Job's own: reading takes
// another permission than deleting.
func (j *Job) Record(row *results.Row) {
	w := &work{pair: input.Pair{Source: row.Source, Line: row.Line, User: row.User}, method: row.Method}
	j.put(w, *row)
	j.judge(j.looks, row.Outcome)
}

// Journal writes a row that another one follows.
func (j *Job) Journal(row *results.Row) {
	row.Time = time.Now()
	if err := j.write(row); err != nil {
		j.stop(err)
	}
}

// Answered tells the Job of an answer to a scan that a caller without permission
// would not have got.
func (j *Job) Answered() { j.looks.off = true }

// Sent counts a request that was not the Job's.
func (j *Job) Sent(res batch.Result) { j.counts.Sent(res) }

// Open is how many pairs were begun and are not done. Those that only wait to be
// verified count once they are many, since each takes some memory.
func (j *Job) Open() int { return j.open + max(0, j.verifying-manyVerifying) }

const manyVerifying = 20_000
