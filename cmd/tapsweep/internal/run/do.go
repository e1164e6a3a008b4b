package run

import (
	"context"
	"errors"
	"maps"
	"tapsweep/batch/safetext"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A body is what a run does between the first line of its log and the last. The error says why it
// stopped early. A *status.Error is how the command ends.
type body func(ctx context.Context) (revoke.Counts, error)

// do does the body, with the first and the last line of the log around it, and prints the summary
// by conclude.
func (r *run) do(ctx context.Context, summary *Summary, body body, conclude func(code int)) error {
	if !r.console.Begin() {
		return interrupted(ctx)
	}
	start := time.Now()
	if r.opts.Metrics != nil {
		r.opts.Metrics.Began()
	}
	if err := r.writeHeader(start); err != nil {
		return err
	}
	counts, runErr := r.work(ctx, body)
	r.count(summary, &counts, runErr)
	summary.Took, summary.Run, summary.CreatorDoubt = time.Since(start), *r.header, r.creatorDoubt
	code := r.code(summary, runErr)
	code, unsealed := r.writeFooter(ctx, summary, code, runErr)
	if r.opts.Metrics != nil {
		r.opts.Metrics.Ended(summary.metrics())
	}
	if code != status.Done {
		r.printHeldPreflight()
	}
	if exit, ok := errors.AsType[*status.Error](runErr); ok {
		summary.Kept(r.console.Err)
		return exit
	}
	conclude(code)
	if code == status.Done {
		return nil
	}
	exit := &status.Error{Code: code}
	if code == status.NoAccess || code == status.Usage || errors.Is(runErr, batch.ErrBlocked) {
		exit.Hints = r.tenant.Status(runErr).Hints
	}
	if unsealed && !summary.Simulated {
		exit.Hints = append(exit.Hints, "the same command with --resume writes the evidence, and sends nothing twice")
	}
	return exit
}

// writeHeader writes the first line of the log to disk, before anything is sent.
func (r *run) writeHeader(start time.Time) error {
	r.header.Start = start.UTC().Round(time.Millisecond)
	if r.log == nil {
		return nil
	}
	r.header.Describe(r.log.Name())
	err := r.beginEvidence()
	if err == nil {
		_ = r.log.Write(r.header) // the log keeps the error, and Sync returns it
		if err = r.log.Sync(); err != nil {
			err = &status.Error{Code: status.Stopped, Err: err, Hints: []string{"nothing was sent"}}
		}
	}
	if err != nil {
		_ = r.log.Close() // it would return the same error
	}
	return err
}

// work does the body until the context ends, and says so if it does.
func (r *run) work(ctx context.Context, body body) (revoke.Counts, error) {
	parent := ctx // the derived context may be cancelled after it
	stopSaying := context.AfterFunc(parent, func() { r.sayStopping(context.Cause(parent)) })
	defer stopSaying()
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	r.waits.begin()
	counts, err := body(ctx)
	r.console.Display().Stop()
	r.waits.flush(time.Now())
	if r.log != nil && err == nil {
		err = r.log.Check() // before the last line, which says how the run ended
	}
	counts.Throttled = r.waits.refused // as the log has it, with batches that were refused as a whole
	return counts, err
}

func (r *run) sayStopping(why error) {
	if r.log != nil {
		r.log.Hurry()
	}
	again := "once more"
	if isDeadline(why) {
		// No signal has arrived yet, so the first one should end the process at once.
		again = "an interrupt"
		if r.console.EndAtOnce != nil {
			again = r.console.EndAtOnce()
		}
	}
	r.console.Say("%v: stopping, which takes up to 10 s if batches are in flight; %s ends at once", why, again)
}

// count puts the counts of this run, and of its whole log, into the summary.
func (r *run) count(summary *Summary, counts *revoke.Counts, runErr error) {
	whole := counts.Outcomes
	counts.Outcomes = counts.ThisRun()
	if r.earlier.Len() > 0 || len(counts.Before) > 0 {
		whole = maps.Clone(whole)
		for o, n := range r.earlier.Counts {
			whole[o] += n
		}
		summary.Log = whole
	}
	if r.earlier != nil {
		summary.VerifiedBefore = r.earlier.Verified
	}
	summary.Counts, summary.Earlier, summary.Stopped = *counts, r.earlier.Len(), runErr
}

// code returns the exit code of a run, which depends on its whole log.
func (r *run) code(summary *Summary, runErr error) int {
	if exit, ok := errors.AsType[*status.Error](runErr); ok {
		return exit.Code
	}
	counts := summary.whole().Counts
	code := codeOf(&counts, runErr)
	if seen := summary.Scan; code == status.Done && seen != nil && seen.Audit != nil && seen.Audit.Odd.Count > 0 {
		return status.Incomplete // some users may not have been scanned
	}
	return code
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

// writeFooter writes the last line of the log and the evidence, and closes the log. It returns
// the exit code, and whether the evidence is missing.
func (r *run) writeFooter(ctx context.Context, summary *Summary, code int, runErr error) (_ int, unsealed bool) {
	if r.log == nil {
		return code, false
	}
	end := &results.End{Counts: summary.whole().Counts.Outcomes, Exit: code,
		End: time.Now().UTC().Round(time.Millisecond)}
	if runErr != nil {
		end.Stopped = safetext.Printable(runErr.Error())
	}
	summary.Results = r.log.Name()
	_ = r.log.Write(end) // the log keeps the error, and Sync returns it
	err := r.log.Sync()  // this write may be the one that finds the disk full
	if r.opts.Log.Evidence != "" && err == nil {
		digest, sealErr := r.seal(ctx)
		if sealErr != nil {
			r.console.Say("the evidence is not complete: %v", sealErr)
			unsealed, code = true, atLeastStopped(code)
		} else {
			summary.Evidence, summary.Sealed = r.opts.Log.Evidence, digest
		}
	}
	if closeErr := r.log.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_, moved := errors.AsType[*results.MovedError](err) // its text says what to do
		summary.Incomplete = !moved
		if code < status.NoAccess {
			summary.Stopped = err
		}
		code = atLeastStopped(code)
	}
	return code, unsealed
}

// atLeastStopped returns Stopped in place of Done and Incomplete.
func atLeastStopped(code int) int {
	if code < status.NoAccess {
		return status.Stopped
	}
	return code
}
