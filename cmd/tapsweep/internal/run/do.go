package run

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
)

// do writes the first line of the log, runs body, writes the last line, and prints the summary. The error
// of body is why the run stopped early. If it is a *status.Error, the command ends with it.
func (r *run) do(ctx context.Context, body func(context.Context) error) error {
	if !r.console.Begin() {
		return r.closeLog(status.Interrupted(ctx))
	}
	start := time.Now()
	if err := r.writeHeader(start); err != nil {
		return err
	}
	runErr := r.doBody(ctx, body)
	if r.count(runErr); r.doneAnyway(ctx, runErr) {
		runErr, r.summary.Stopped = nil, nil
	}
	r.summary.Took, r.summary.Run = time.Since(start), *r.header
	code := r.writeFooter(ctx, r.code(runErr), runErr)
	r.opts.Metrics.Ended(metrics.RunResult{Outcomes: r.summary.Counts.Outcomes, Refused: r.summary.Counts.Throttled,
		Scan: r.summary.Scan, Sessions: r.summary.Counts.Sessions.All(), Complete: r.summary.Stopped == nil})
	if code != status.Done {
		_, _ = r.console.Err.Write(r.heldPreflight) // as for every message, nothing can be done if this fails
	}
	exit, refused := errors.AsType[*status.Error](runErr)
	if code == status.Usage && !refused {
		exit, refused = r.tenant.Status(runErr), true
	}
	if refused {
		r.summary.kept(r.console.Err)
		return exit
	}
	r.conclude(code)
	if code == status.Done {
		return nil
	}
	exit = &status.Error{Code: code}
	_, bound := errors.AsType[*revoke.BoundError](runErr)
	if code == status.NoAccess || bound || errors.Is(runErr, batch.ErrBlocked) {
		exit.Hints = r.tenant.Status(cmp.Or(runErr, r.job.AllDenied())).Hints
	}
	return exit
}

// doneAnyway reports whether a signal or the deadline ended a revoke when each row of the list was done.
func (r *run) doneAnyway(ctx context.Context, runErr error) bool {
	c := &r.summary.Counts
	return ctx.Err() != nil && errors.Is(runErr, context.Cause(ctx)) && r.list != nil && !r.header.Verify &&
		c.Total() == r.summary.Lists.Rows && c.Left() == 0
}

// writeHeader writes the first line of the log to disk, before anything is sent.
func (r *run) writeHeader(start time.Time) error {
	r.header.Start = start.UTC().Round(time.Millisecond)
	if r.log == nil {
		return nil
	}
	r.header.Domain = r.tenant.Domain
	err := r.beginEvidence()
	if err == nil {
		_ = r.log.Write(r.header) // the log keeps the error, and Sync returns it
		if err = r.log.Sync(); err != nil {
			err = &status.Error{Code: status.Stopped, Err: err, Hints: []string{"nothing was sent"}}
		}
	}
	if err != nil {
		_ = r.log.Close() // Close would return the same error
	}
	return err
}

// doBody runs body. If the context ends, it prints that the run is stopping.
func (r *run) doBody(ctx context.Context, body func(context.Context) error) error {
	stopSaying := context.AfterFunc(ctx, func() {
		r.console.Say("%v: stopping. This can take 10 s. To exit without a summary, press Ctrl-C again after "+
			"a second.", context.Cause(ctx))
		if r.log != nil {
			r.log.Hurry()
		}
	})
	defer stopSaying()
	r.waits = newWaits(r.write)
	err := body(ctx)
	r.console.Display().Stop()
	r.waits.flush(time.Now())
	if r.log != nil && err == nil {
		err = r.log.Check() // the last line must have this error
	}
	return err
}

// count sets the counts of the summary to those of the whole log: the rows of this run, and those of earlier runs that
// no row of this run replaces.
func (r *run) count(runErr error) {
	counts := r.job.Counts()
	counts.Throttled = r.waits.refused // this includes batches that were refused as a whole
	r.summary.Rows = counts.Total()
	if r.scanLogged {
		r.earlier.ScanEnded()
	}
	passes, sessions := r.earlier.Totals()
	add(&counts, passes)
	if len(sessions.Outcomes) > 0 {
		all := revoke.NewCounts()
		if counts.Sessions != nil {
			all = *counts.Sessions
		}
		add(&all, sessions)
		counts.Sessions = &all
	}
	r.summary.Counts, r.summary.Earlier, r.summary.Stopped = counts, r.earlier.Len, runErr
}

// add adds the totals of earlier runs to those of this run.
func add(counts *revoke.Counts, earlier results.Totals) {
	counts.Outcomes = sum(counts.Outcomes, earlier.Outcomes)
	counts.NoPass = sum(counts.NoPass, earlier.NoPass)
	counts.Verified += earlier.Verified
	counts.Unnamed += earlier.Unnamed
}

func sum(a, b map[results.Outcome]int) map[results.Outcome]int {
	all := maps.Clone(a)
	for o, n := range b {
		all[o] += n
	}
	return all
}

func (r *run) code(runErr error) int {
	if exit, ok := errors.AsType[*status.Error](runErr); ok {
		return exit.Code
	}
	code := codeOf(&r.summary.Counts, runErr)
	a := r.summary.audit()
	if code == status.Incomplete && r.job.AllDenied() != nil { // a resumed run that was denied again did not stop
		return status.NoAccess
	}
	// If records cannot be read, some users may not have been scanned.
	if code == status.Done && a != nil && (a.Odd.Count+a.Doubtful > 0 || r.summary.wrongCreator()) {
		return status.Incomplete
	}
	return code
}

// codeOf returns the exit code of a run with these counts. For an error it is the code of status.Of. Usage promises
// that no pass was deleted. It becomes Stopped if a pass may have been deleted, or if status.Of does not know the
// error.
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
// the exit code.
func (r *run) writeFooter(ctx context.Context, code int, runErr error) int {
	if r.log == nil {
		return code
	}
	end := &results.End{Counts: r.summary.Counts.Outcomes, Exit: code, End: time.Now().UTC().Round(time.Millisecond),
		Scanned: r.scanLogged}
	end.Sessions = r.summary.Counts.Sessions.All()
	if runErr != nil {
		end.Stopped = safetext.Printable(runErr.Error())
	}
	r.summary.Results = r.log.Name()
	_ = r.log.Write(end) // the log keeps the error, and Sync returns it
	err := r.log.Sync()  // the disk may be full only now
	if dir := r.opts.Log.Evidence; dir != "" && err == nil {
		// The log is still locked, so the next run cannot change it. A run that was stopped also gets reports,
		// so the context that it ended is not used.
		digest, sealErr := evidence.Seal(context.WithoutCancel(ctx), dir,
			append([]string{r.log.Name()}, r.verifiedLogs...), r.header.Version)
		if sealErr != nil {
			r.console.Say("the evidence is not complete: %v\nto complete it, run the same command with --resume",
				sealErr)
			code = atLeastStopped(code)
		} else {
			r.summary.Evidence, r.summary.Sealed = dir, digest
		}
	}
	if err = cmp.Or(err, r.log.Close()); err != nil {
		_, moved := errors.AsType[*results.MovedError](err) // the text of this error says what to do
		r.summary.Incomplete = !moved
		if code < status.NoAccess {
			r.summary.Stopped = err
		}
		code = atLeastStopped(code)
	}
	return code
}

// atLeastStopped returns Stopped instead of Done and Incomplete.
func atLeastStopped(code int) int {
	if code < status.NoAccess {
		return status.Stopped
	}
	return code
}
