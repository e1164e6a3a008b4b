// Package revoke turns pairs of user and pass into requests, and their responses into one outcome
// for each pair.
//
// A pair that names a pass needs one DELETE. If Graph answers 404, the pass may be gone, another pass may have
// replaced it, or the user may not exist. A LIST of the passes of the user shows which of these is true. A pair
// that means any pass begins with that LIST.
package revoke

import (
	"cmp"
	"context"
	"hash/maphash"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// Options of a Job.
type Options struct {
	// DryRun only lists passes. A pass that a real run would delete is Planned.
	DryRun bool

	// Earlier is what earlier runs on the log have done. A pair that they completed gets no request and no row.
	// Nil means that there was no earlier run.
	Earlier *results.ResumeState

	// Protected reports whether the user of a pair is protected. upn may be empty. The Job sends no request about
	// this user, and the outcome of the user's pairs is Protected. Nil means that nobody is protected.
	Protected func(user, upn string) bool

	// Token explains what a 403 can mean. It also has the names of the signed-in user, who may be input.Me in a pair.
	Token token.Token

	// AbortAfter ends the run with answer.ErrAllDenied if this many first answers are all 403. Rows that an earlier
	// run was denied do not count, so that a resumed run reaches further rows. Zero or less never ends it.
	AbortAfter int

	// MaxDeletes is the maximum number of passes to delete. Instead of deleting more, the run ends with a
	// *BoundError. Zero or less means no limit.
	MaxDeletes int

	// AnyPass makes every pair mean any pass of its user, whatever pass it names.
	AnyPass bool

	// Verify is the longest time for which the passes of a user are listed again after a pair is done, until the
	// list is empty. Zero means no verification.
	Verify time.Duration

	// Sessions makes the Job revoke the sessions of each user after the last pass of the user is gone.
	Sessions bool

	// VerifyOnly lists passes and deletes nothing. For a user without a pass the outcome is Absent, or Revoked if
	// Item.Before is Revoked. For a user with a pass it is Remains.
	VerifyOnly bool
}

// An Item is a pair, with what is known about it before its first request.
type Item struct {
	input.Pair
	Reason pass.Reason     // the state of the pass, such as expired; empty if not known
	Before results.Outcome // the outcome of an earlier run, for VerifyOnly

	// Sessions is the last row of an earlier run about the sessions of the user, for VerifyOnly. Nil means that
	// there is none.
	Sessions *results.LogSessions

	// OnlySessions is set if an earlier run or another item handles the passes of the user, and only the sessions
	// are left. If the item was passed to Job.Expect, the Job does not revoke them before this item begins.
	OnlySessions bool
}

// Items yields the items of a Job in order. An error ends it.
type Items = iter.Seq2[Item, error]

// Each returns Items that yield the elements of a slice.
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
	deletes     int         // the number of passes that count for MaxDeletes
	bound       *BoundError // set if no more passes may be deleted
	denials     denials     // of the answers to requests of the Job
	scanDenials denials     // of the answers to requests of a scan that uses the Job
	stop        context.CancelCauseFunc
	next        []batch.Request // what the runner sends next

	sessions sessions
}

// New returns a Job. It calls write for each row, always from the same goroutine. If write returns an error, the
// run stops before it sends anything else.
func New(runner *batch.Runner, write func(*results.Row) error, opts Options) *Job {
	limit := denials{limit: opts.AbortAfter}
	if opts.Earlier == nil {
		opts.Earlier = new(results.ResumeState)
	}
	if opts.Protected == nil {
		opts.Protected = func(string, string) bool { return false }
	}
	return &Job{runner: runner, write: write, opts: opts, denials: limit, scanDenials: limit,
		counts: NewCounts(), stop: func(error) {},
		sessions: sessions{seed: maphash.MakeSeed(), users: make(map[uint64]*userState), counts: NewCounts()}}
}

// Run handles the items until each has its last row. It returns an error if it stops early. A pair that cannot be
// revoked gets a row, and is not an error. Run may be called again with other items.
func (j *Job) Run(ctx context.Context, items Items) error {
	ctx, j.stop = context.WithCancelCause(ctx)
	defer j.stop(nil)
	err := j.runner.Run(ctx, j.requests(items), j.onResult)
	j.flush()
	return err
}

// Join connects the Job to a scan, whose rows it writes (see Record). The Job calls stop to end the scan.
func (j *Job) Join(stop context.CancelCauseFunc) { j.stop = stop }

// Counts returns the totals of all rows so far, of all calls of Run.
func (j *Job) Counts() Counts {
	counts := j.counts
	if sessions := &j.sessions.counts; j.opts.Sessions || len(sessions.Outcomes) > 0 {
		counts.Sessions = sessions
	}
	return counts
}

// requests yields the first requests of items. It runs on the same goroutine as onResult, so it can write the rows
// of items that need no request.
func (j *Job) requests(items Items) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for item, err := range items {
			if err != nil {
				j.stop(err)
				return
			}
			j.start(&item)
			for _, req := range j.takeNext() {
				if !yield(req) {
					return
				}
			}
		}
	}
}

// send sends a request next. then gets the result. It sends another request, or writes the last row.
func (j *Job) send(req batch.Request, then func(batch.Result)) {
	req.Tag = then
	j.next = append(j.next, req)
}

func (j *Job) takeNext() []batch.Request {
	next := j.next
	j.next = nil
	return next
}

func (j *Job) onResult(res batch.Result) []batch.Request {
	j.counts.addSent(res)
	res.Request.Tag.(func(batch.Result))(res)
	return j.takeNext()
}

// Record writes a row that needs no request of the Job, for example the row of a scan. Denied rows of a scan count
// for AbortAfter separately, because reading needs another permission than deleting.
func (j *Job) Record(row *results.Row) {
	if row.Method == "" && !row.Outcome.Done() {
		if u := j.stateOf(&input.Pair{User: row.User}); u != nil {
			u.block(row.Outcome) // a pass that an earlier run left may still exist
		}
	}
	row.Time = time.Now()
	j.writeRow(row)
	j.abortIfDenied(&j.scanDenials, row)
}

// Journal writes a provisional row, which another row will supersede. It is not counted.
func (j *Job) Journal(row *results.Row) error {
	row.Time = time.Now()
	return j.write(row)
}

// Answered tells the Job that the scan got an answer which needs the permission to read.
func (j *Job) Answered() { j.scanDenials.others = true }

// Sent counts a request of a scan.
func (j *Job) Sent(res batch.Result) { j.counts.addSent(res) }

// writeLastRow writes the last row of a subject.
func (j *Job) writeLastRow(s *subject, row results.Row) {
	if row.Outcome == results.NotSent && s.uncertain { // this attempt was not sent, but an earlier one was
		row.Outcome, row.Message = results.Unknown, "the run stopped before it sent the request again"
		if s.intended {
			row.Message = "an earlier run was deleting it when it ended; this run stopped before it sent a request"
		}
	}
	j.describe(s, &row)
	j.writeRow(&row)
	if s.action == results.RevokeSessions {
		return
	}
	j.abortIfDenied(&j.denials, &row)
	if s.since.IsZero() && s.pair.Err == nil { // otherwise it is already counted
		j.dealtWith(&s.pair, row.Outcome, row.Outcome == results.Revoked)
	}
}

func (j *Job) writeRow(row *results.Row) {
	j.countsOf(row.Action).addRow(row)
	if err := j.write(row); err != nil {
		j.stop(err)
	}
}

// journal writes a provisional row, and returns the row that will supersede it.
func (j *Job) journal(s *subject, row results.Row) results.Row {
	final := row
	final.SupersedesPending = true
	row.Provisional = true
	j.describe(s, &row)
	if err := j.Journal(&row); err != nil {
		j.stop(err)
	}
	return final
}

// describe sets the fields of a row that describe its subject.
func (j *Job) describe(s *subject, row *results.Row) {
	row.Source, row.Line, row.Column = s.pair.Source, s.pair.Line, s.pair.Column
	row.Action, row.User, row.Method = s.action, s.pair.User, s.method
	row.UPN, row.Reason = cmp.Or(row.UPN, s.upn), cmp.Or(row.Reason, string(s.reason))
	row.Time = time.Now()
	denied := row.Outcome == results.Denied && row.Hint == ""
	if s.action == results.RevokeSessions {
		if denied {
			row.Hint = j.opts.Token.SessionsHint()
		}
		return
	}
	if denied {
		row.Hint = j.opts.Token.Hint(s.pair.User)
	}
	if !j.opts.VerifyOnly {
		row.AnyPass = s.pair.Method == "" && s.pair.Err == nil
		if !row.AnyPass && !strings.EqualFold(s.method, s.pair.Method) {
			row.InPlaceOf = s.pair.Method
		}
	}
	if s.method != "" && strings.EqualFold(s.method, s.pair.Method) {
		row.Creation = s.pair.Creation // another pass has another creator
	}
}
