// Package revoke turns pairs of user and pass into requests, and their responses into one outcome
// for each pair.
//
// A pair whose pass is known takes one DELETE. If Graph answers 404, the pass may be gone, it may
// have been replaced, or the user may not exist. A LIST of the user's passes decides which it is.
// A pair without a pass begins with that LIST.
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
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Options of a Job.
type Options struct {
	// DryRun only lists: a pass that would be deleted is Planned.
	DryRun bool

	// Earlier is what earlier runs on the log have done. A pair that they have completed gets no
	// request and no row. Nil means that there was none.
	Earlier *results.ResumeState

	// Protected reports whether a user must be neither touched nor read: the user's pairs are
	// Protected. Nil means that nobody is protected.
	Protected func(user string) bool

	// Self are the names of the signed-in user, whom a pair may also call input.Me. Two writes
	// for one user never travel in one batch.
	Self []string

	// Caller explains what a 403 can mean.
	Caller answer.Caller

	// AbortAfter ends the run with answer.ErrAllDenied if the first AbortAfter answers are all
	// 403. Zero or less never ends it.
	AbortAfter int

	// MaxDeletes is the maximum number of passes to delete. Before the run would delete one more, it
	// ends with a *BoundError. Zero or less means no limit.
	MaxDeletes int

	// AnyPass makes every pair mean whatever pass the user holds, not only the one that it names.
	AnyPass bool

	// Verify is how long a user's passes are listed again after a pair is done, until the list is
	// empty. Zero does not list them again.
	Verify time.Duration

	// Sessions makes the Job revoke the sessions of each user after the last of the user's passes.
	Sessions bool

	// Names are the object ids of users who are on the list by id and by user principal name, by that
	// name in lower case. Such a user has one row about sessions. Without it there are two.
	Names map[string]string

	// VerifyOnly lists, and deletes nothing. A user without a pass is Absent, or Revoked if
	// Item.Before is. A user who holds a pass Remains.
	VerifyOnly bool
}

// An Item is a pair, and what is known of it before its first request.
type Item struct {
	input.Pair
	Reason pass.Reason     // why the pass can or cannot be used, empty if not known
	Before results.Outcome // the outcome of an earlier run, for VerifyOnly

	// Sessions are the last row of an earlier run about the user's sessions, for VerifyOnly. Nil
	// means that there is none.
	Sessions *results.LogSessions

	// OnlySessions says that an earlier run or another item has dealt with the passes of the user, and
	// that the sessions are left. Job.Expect holds these back until the item is begun.
	OnlySessions bool
}

// Items yields what a Job works on, in order. An error ends it.
type Items = iter.Seq2[Item, error]

// Each returns Items of a slice.
func Each(items []Item) Items {
	return func(yield func(Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// A Job revokes the passes of its items, and writes one row for each item.
type Job struct {
	runner *batch.Runner
	write  func(*results.Row) error
	opts   Options

	counts      Counts
	deletes     int         // passes that count for MaxDeletes
	bound       *BoundError // why no more passes are deleted
	denials     abort       // of the Job's own requests
	scanDenials abort       // of a scan that uses the Job
	stop        context.CancelCauseFunc

	sessions  sessions
	followUps []batch.Request // for sessions, which settle or start returns next
}

// New returns a Job. It calls write for each row, from one goroutine. An error of write stops the
// run before anything else is sent.
func New(runner *batch.Runner, write func(*results.Row) error, opts Options) *Job {
	limit := abort(opts.AbortAfter)
	if opts.Earlier == nil {
		opts.Earlier = new(results.ResumeState)
	}
	return &Job{runner: runner, write: write, opts: opts, denials: limit, scanDenials: limit,
		counts: NewCounts(), stop: func(error) {}, sessions: newSessions()}
}

// Run works on the items until each has its last row. Its error says why it stopped early. A pair
// that could not be revoked is a row, not an error. Run may be called again, for other pairs.
func (j *Job) Run(ctx context.Context, items Items) error {
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	err := j.runner.Run(ctx, j.requests(items), j.settle)
	j.flush()
	return err
}

// Join makes the Job write the rows of a scan (Record). It calls stop to end the scan.
func (j *Job) Join(stop context.CancelCauseFunc) { j.stop = stop }

// Counts sums up all rows so far, of all runs of the Job.
func (j *Job) Counts() Counts {
	counts := j.counts
	if sessions := &j.sessions.counts; j.opts.Sessions || len(sessions.Outcomes) > 0 {
		counts.Sessions = sessions
	}
	return counts
}

// requests turns items into their first requests. It runs on the runner's goroutine, as settle
// does, so it can write the rows of items that need no request.
func (j *Job) requests(items Items) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for item, err := range items {
			if err != nil {
				j.stop(err)
				return
			}
			for _, req := range j.start(item) {
				if !yield(req) {
					return
				}
			}
		}
	}
}

// Record writes a row that needed no request of the Job, for example the row of a scan. Denied
// rows count for AbortAfter separately from the Job's own, because reading takes another
// permission than deleting.
func (j *Job) Record(row *results.Row) {
	if row.Method == "" && !row.Outcome.Done() {
		j.block(&input.Pair{User: row.User}, row.Outcome) // a pass that an earlier run has left may be there
	}
	row.Time = time.Now()
	j.writeRow(row)
	j.abortIfDenied(&j.scanDenials, row.Outcome)
}

// Journal writes a row that another row will supersede. It counts nothing.
func (j *Job) Journal(row *results.Row) error {
	row.Time = time.Now()
	return j.write(row)
}

// Answered says that the scan got an answer that takes permission to read.
func (j *Job) Answered() { j.scanDenials = 0 }

// Sent counts a request that was not the Job's.
func (j *Job) Sent(res batch.Result) { j.counts.addSent(res) }

// finish writes the last row of a pair.
func (j *Job) finish(s *pairState, row results.Row) {
	if row.Outcome == results.NotSent && s.uncertain {
		row.Outcome = results.Unknown // this request was not sent, but an earlier one was
	}
	j.complete(s, &row)
	j.writeRow(&row)
	j.abortIfDenied(&j.denials, row.Outcome)
	if s.verifySince.IsZero() && s.pair.Err == nil { // otherwise it was counted before
		j.dealtWith(&s.pair, row.Outcome, row.Outcome == results.Revoked)
	}
}

// writeRow counts and writes a row.
func (j *Job) writeRow(row *results.Row) {
	j.counts.addRow(row)
	if err := j.write(row); err != nil {
		j.stop(err)
	}
}

// journal writes a row of a pair that another row will supersede.
func (j *Job) journal(s *pairState, row results.Row) {
	j.complete(s, &row)
	if err := j.Journal(&row); err != nil {
		j.stop(err)
	}
}

// complete fills in what a row says of its pair.
func (j *Job) complete(s *pairState, row *results.Row) {
	row.Source, row.Line, row.Column = s.pair.Source, s.pair.Line, s.pair.Column
	row.User, row.Method = s.pair.User, s.method
	if !j.opts.VerifyOnly {
		row.AnyPass = s.pair.Method == "" && s.pair.Err == nil
		if !row.AnyPass && !strings.EqualFold(s.method, s.pair.Method) {
			row.InPlaceOf = s.pair.Method
		}
	}
	if s.method != "" && strings.EqualFold(s.method, s.pair.Method) {
		row.Creation = s.pair.Creation // of another pass it says nothing
	}
	row.UPN, row.Reason = cmp.Or(row.UPN, s.upn), cmp.Or(row.Reason, string(s.reason))
	row.Time = time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.Hint(s.pair.User)
	}
}

// abortIfDenied ends the run if the first answers were all denied.
func (j *Job) abortIfDenied(a *abort, outcome results.Outcome) {
	if a.note(outcome) {
		j.stop(fmt.Errorf("%w: the first %d answers", answer.ErrAllDenied, j.opts.AbortAfter))
	}
}
