package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
	"tapsweep/internal/safetext"
)

// runOf is all that a run consists of.
type runOf struct {
	*app
	flags  *runFlags
	list   *input.List // nil for a run that finds its pairs itself
	tenant *tenant
	logger *slog.Logger
	header *results.Run
	runner *batch.Runner
	keep   *protect.Users

	unguarded bool // no protect list is named

	log     *results.Log     // nil for a run without one
	earlier *results.Earlier // what runs before have settled, nil without --resume
	waits   waits
	stop    context.CancelCauseFunc // ends the work of do
	held    []byte                  // of the preflight, for when something goes wrong
	asked   preflight.Task          // of the token
	proves  []string                // logs that the evidence reports on besides the own

	creatorDoubt string // why it is not known whether the --created-by user exists
}

// unhold prints what was held back: the one who is paged by a quiet run wants to
// know it all.
func (r *runOf) unhold() {
	r.stderr.Write(r.held)
	r.held = nil
}

// makeRunner makes the runner; the log and the progress display hear of what it does.
func (r *runOf) makeRunner() (err error) {
	f := r.flags
	r.waits = waits{quotas: make(map[string]*waiting), write: func(w *results.Wait) {
		if r.log != nil {
			_ = r.log.Write(w) // kept, and returned by the next row
		}
	}}
	r.runner, err = batch.NewRunner(r.tenant.client, batch.Options{
		BatchSize:      f.batchSize,
		Concurrency:    f.concurrency,
		MaxAttempts:    f.maxAttempts,
		RequestTimeout: f.requestTimeout,
		MaxRate:        f.rate,
		MaxWait:        f.maxWait,
		StallTimeout:   f.stallTimeout,
		Headers:        f.headers(),
		Reauthorize:    r.tenant.client.Reauthorize,
		BeforeSend:     r.syncIntents,
		Logger:         r.logger,
		Observe: func(o batch.Observation) {
			if d := r.display.Load(); d != nil {
				d.Observe(o.Accepted, o.Refused, o.Quota, o.ClosedUntil)
				d.Outage(o.Outage, o.NextTry)
			}
			r.waits.note(o)
		},
	})
	if err != nil {
		return status.Refuse(err)
	}
	return nil
}

// guard finds out who the protected users are, before anything is written anywhere.
func (r *runOf) guard(ctx context.Context, keep *protect.List, pairs revoke.Source) (err error) {
	r.unguarded = keep.Empty()
	keep.Check = r.protectCheck()
	r.keep, err = keep.Resolve(ctx, r.runner, pairs)
	if err != nil {
		return r.ended(ctx, fmt.Errorf("--protect: %w\nnothing was changed", err))
	}
	if doubt := r.keep.Doubt(); doubt != "" {
		r.say("warning: %s", doubt)
	}
	return nil
}

// protected tells whether a user of the list must not be touched.
func (r *runOf) protected(user string) bool {
	if user == input.Me {
		return slices.ContainsFunc(r.tenant.token.Self, r.keep.Has)
	}
	return r.keep.Has(user)
}

// open opens the results log: that of an earlier run, to go on with it as opts say,
// or a new one.
func (r *runOf) open(path string, opts results.ResumeOptions) (err error) {
	if dir := r.flags.evidence; dir != "" {
		if err := evidence.Make(dir); err != nil {
			return status.RefuseFile(fmt.Errorf("--evidence: %w", err))
		}
	}
	if r.flags.resume == "" {
		if r.log, err = r.openResults(path); err != nil {
			return status.RefuseFile(err)
		}
		return nil
	}
	if !results.CanResume(path) {
		return status.Refuse(fmt.Errorf("--results: %s is a pipe or a device, and a run cannot resume from it", path),
			"choose another --results file")
	}
	// To forget --protect is not to take somebody off the list.
	opts.Protected = func(user string) bool { return r.unguarded || r.protected(user) }
	r.log, r.earlier, err = results.Resume(path, r.header, opts)
	if err != nil && !status.Known(err) {
		return status.Refuse(err, r.resumeHints(err)...)
	}
	return err
}

// resumeHints returns what to do about a log that cannot be resumed.
func (r *runOf) resumeHints(err error) []string {
	if _, ok := errors.AsType[*results.LineError](err); ok {
		return []string{"nothing was changed: keep a copy of the log, remove that line and resume; " +
			"tapsweep looks up again what the removed line recorded"}
	}
	other := "--results file"
	if r.flags.evidence != "" {
		other = "--evidence directory"
	}
	same := "name the same lists and the same tenant"
	if r.header.Pairs == 0 {
		same = "use the same tenant, and the same flags that say where to look and for what"
	}
	return []string{same + ", or another " + other}
}

// sameLists refuses a log of lists that are not named.
func (r *runOf) sameLists(lists []string) error {
	for _, source := range r.earlier.Sources() {
		if source != "stdin" && source != input.NamedSource && source != input.SelfSource && !slices.Contains(lists, source) {
			return errors.Join(status.Refuse(fmt.Errorf("the log is of %s, which is not named", source),
				"name the lists as the run before did"), r.close())
		}
	}
	return nil
}

func (r *runOf) openResults(path string) (*results.Log, error) {
	if path == "-" {
		return results.Stream(r.stdout), nil
	}
	if results.IsPipe(path) {
		return results.CreatePipe(path)
	}
	return results.Create(path, r.flags.overwrite)
}

func (r *runOf) close() error {
	if r.log == nil {
		return nil
	}
	return r.log.Close()
}

// write writes a line of the log, if there is one.
func (r *runOf) write(line any) error {
	if r.log == nil {
		return nil
	}
	return r.log.Write(line)
}

// job returns a Job that writes rows to the log and tells the display.
func (r *runOf) job(opts revoke.Options) *revoke.Job {
	opts.Protected = r.protected
	opts.Self, opts.Caller = r.tenant.token.Self, r.tenant.caller()
	opts.Settled, opts.Doubted, opts.Perhaps = r.earlier.Settled, r.earlier.Doubted, r.earlier.Perhaps
	return revoke.New(r.runner, func(row *results.Row) error {
		switch d := r.display.Load(); {
		case d == nil, row.Beside, row.Pending && row.Follows != "":
		case row.Pending && row.Outcome == results.Found: // it counts when it is deleted
		case row.Pending:
			d.Pending(row.Outcome)
		case row.Follows != "":
			d.Verified(row.Follows, row.Outcome)
		default:
			d.Row(row.Outcome)
		}
		r.recorder.expired.Row(row)
		return r.write(row)
	}, opts)
}

// show begins a display in place of the one before.
func (r *runOf) show(opts progress.Options) *progress.Display {
	if d := r.display.Load(); d != nil {
		d.Stop()
	}
	return r.startProgress(r.flags, opts)
}

// work is what a run does between the first line of its log and the last. The error
// tells why it stopped early; one that is an *status.Error is how the command ends.
type work func(ctx context.Context) (revoke.Counts, error)

// do does the work, with the log's first and last line, signals and the summary
// around it. conclude prints the summary, if that is called for.
func (r *runOf) do(ctx context.Context, summary *report.Summary, work work, conclude func(code int)) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	start := time.Now()
	r.recorder.summary = summary
	r.header.Start = start.UTC().Round(time.Millisecond)
	if r.log != nil {
		r.header.Describe(r.log.Name())
		err := r.beginEvidence()
		if err == nil {
			_ = r.log.Write(r.header) // kept, and returned by Sync
			if err = r.log.Sync(); err != nil {
				err = &status.Error{Code: status.Stopped, Err: err, Hints: []string{"nothing was sent"}}
			}
		}
		if err != nil {
			_ = r.log.Close() // which would say the same
			return err
		}
	}
	told := ctx // and not the one below, which may hear of its end later
	stopSaying := context.AfterFunc(told, func() {
		if r.log != nil {
			r.log.Hurry()
		}
		more := "once more"
		if _, late := errors.AsType[*deadlineError](context.Cause(told)); late {
			// No signal has come yet, and the first is not to be the one that asks for order.
			signal.Reset(endSignals()...)
			if more = "an interrupt"; signal.Ignored(os.Interrupt) {
				more = "SIGTERM"
			}
		}
		r.say("%v: stopping, which takes up to 10 s if batches are in flight; %s ends at once", context.Cause(told), more)
	})
	defer stopSaying()
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	r.waits.begin()
	counts, runErr := work(ctx)
	if d := r.display.Load(); d != nil {
		d.Stop()
	}
	r.waits.flush(time.Now())
	if r.log != nil && runErr == nil {
		runErr = r.log.Check() // before the last line, which says how the run ended
	}
	counts.Throttled = r.waits.all // as the log has it, with batches that were refused whole
	whole := counts                // what the log tells, which decides how the run ends
	counts.Outcomes = counts.Own()
	if r.earlier.Len() > 0 || len(counts.Before) > 0 {
		whole.Outcomes = maps.Clone(whole.Outcomes)
		for o, n := range r.earlier.Counts {
			whole.Outcomes[o] += n
		}
		summary.Log = whole.Outcomes
	}
	if r.earlier != nil {
		summary.VerifiedBefore = r.earlier.Verified
	}
	code := codeOf(&whole, runErr)
	refused, isExit := errors.AsType[*status.Error](runErr)
	if isExit {
		code = refused.Code
	}
	summary.Counts, summary.Earlier, summary.Took, summary.Stopped = counts, r.earlier.Len(), time.Since(start), runErr
	summary.Run, summary.CreatorDoubt = *r.header, r.creatorDoubt
	if seen := summary.Scan; code == status.Done && seen != nil && seen.Audit != nil && seen.Audit.Odd.Count > 0 {
		code = status.Incomplete // some users may not have been scanned
	}
	end := &results.End{Counts: whole.Outcomes, Exit: code, End: time.Now().UTC().Round(time.Millisecond)}
	if runErr != nil {
		end.Stopped = safetext.Printable(runErr.Error())
	}
	unsealed := false
	if r.log != nil {
		summary.Results = r.log.Name()
		// The last write may be the one that finds the disk full.
		_ = r.log.Write(end) // kept, and returned by Sync
		err := r.log.Sync()
		if dir := r.flags.evidence; dir != "" && err == nil {
			digest, err := r.seal(ctx)
			if err != nil {
				r.say("the evidence is not complete: %v", err)
				unsealed = true
				if code < status.NoAccess {
					code = status.Stopped
				}
			} else {
				summary.Evidence, summary.Sealed = dir, digest
			}
		}
		if closeErr := r.log.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			_, moved := errors.AsType[*results.MovedError](err) // its text says what to do
			summary.Incomplete = !moved
			if code < status.NoAccess {
				summary.Stopped, code = err, status.Stopped
			}
		}
	}
	if code != status.Done {
		r.unhold()
	}
	if isExit {
		summary.Kept(r.stderr)
		return runErr
	}
	conclude(code)
	if code == status.Done {
		return nil
	}
	exit := &status.Error{Code: code}
	if code == status.NoAccess || code == status.Usage || errors.Is(runErr, batch.ErrBlocked) {
		exit.Hints = r.tenant.status(runErr).Hints
	}
	if unsealed && !summary.Simulated {
		exit.Hints = append(exit.Hints, "the same command with --resume writes the evidence, and sends nothing twice")
	}
	return exit
}

// codeOf returns the exit code of a run with these counts. An error that is no fault of the
// command line, or that came after a pass was deleted, means that the run stopped early.
func codeOf(counts *revoke.Counts, err error) int {
	switch {
	case err == nil && counts.Left() > 0:
		return status.Incomplete
	case err == nil:
		return status.Done
	}
	exit := status.Of(err)
	if exit.Code == status.Usage && (!status.Known(err) || counts.Touched()) {
		return status.Stopped
	}
	return exit.Code
}

// interrupted is the end of a command by a signal before anything was sent.
func interrupted(ctx context.Context) error {
	return &status.Error{Code: status.Stopped, Err: fmt.Errorf("%w, nothing was sent", context.Cause(ctx))}
}
