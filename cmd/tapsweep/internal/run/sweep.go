package run

import (
	"context"
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// SweepOptions are the options of Sweep.
type SweepOptions struct {
	Options

	Scope Scope
}

// Sweep finds passes and deletes them.
func Sweep(ctx context.Context, c *console.Console, o *SweepOptions) error {
	if !o.unattended() && !c.CanAsk() {
		return errCannotAsk()
	}
	protectList, err := openProtect(c, o.Guards.Protect)
	if err != nil {
		return err
	}
	return execute(ctx, c, &o.Options, plan{
		scope: &o.Scope,
		task:  o.withSessions(o.Scope.task(o.Header.DryRun)),
		quiet: (o.Quiet || !c.IsTerminal(c.Err)) && o.unattended(),
		prepare: func(r *run, ctx context.Context) error {
			return r.findProtected(ctx, protectList, namesOf(&o.Scope.Find))
		},
		resume: results.ResumeOptions{IgnoreFinishedRuns: true, OnCompleted: o.Metrics.Row},
		limit:  o.maxDeletes(c.IsTerminal(c.In)),
		work:   (*run).sweep,
	})
}

// sweep first finishes the passes that an earlier run began to delete. Then it finds and deletes passes. Last,
// it revokes the sessions that the earlier run did not revoke.
func (r *run) sweep(ctx context.Context) error {
	left := r.sessionsLeft()
	// The scan may find more passes of these users. They are deleted before the sessions are revoked.
	err := r.expect(revoke.Each(left))
	if err == nil {
		err = r.finishEarlier(ctx)
	}
	if err == nil {
		err = r.findAndDelete(ctx, left)
	}
	if err != nil || len(left) == 0 {
		return err
	}
	return r.job.Run(ctx, revoke.Each(left))
}

// findAndDelete finds passes, asks the person to confirm, and deletes the passes. If it does not delete them,
// it writes no rows: a run that resumes finds them again and asks again. left are the users whose sessions
// are revoked afterwards.
func (r *run) findAndDelete(ctx context.Context, left []revoke.Item) error {
	found, err := r.gather(ctx)
	r.console.Display().Stop()
	items := make([]revoke.Item, len(found))
	for i, f := range found {
		pair := input.Pair{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Creation: f.Creation}
		items[i] = revoke.Item{Pair: pair, Reason: f.Reason}
	}
	if err == nil {
		err = r.checkLimit(len(found))
	}
	if err == nil && len(found) > 0 && !r.opts.unattended() {
		err = r.confirm(ctx, r.question(revoke.Each(slices.Concat(items, left))))
	}
	if err != nil {
		if len(found) > 0 {
			r.console.Say("found %s, and deleted none of them; tapsweep scan with the same flags lists them",
				passes(len(found)))
		}
		return err
	}
	if err := r.announceDeletes(found); err != nil {
		return err
	}
	r.show(progress.Options{Total: len(found), Phase: "revoking"})
	return r.deleteItems(ctx, items)
}

// finishEarlier completes the passes that an earlier run found. It deletes passes that may still exist, and verifies
// passes that were deleted.
func (r *run) finishEarlier(ctx context.Context) error {
	doubts := r.earlier.AllUnconfirmed()
	if len(doubts) == 0 {
		return nil
	}
	var left []revoke.Item
	deletes := 0
	for _, d := range doubts {
		if d.Intended() && !r.isProtected(d.User, d.UPN) {
			deletes++
		}
		pair := input.Pair{Source: d.Source, User: d.User, UPN: d.UPN, Method: d.Method, Creation: d.Creation}
		left = append(left, revoke.Item{Pair: pair, Reason: pass.Reason(d.Reason)})
	}
	if err := r.checkLimit(deletes); err != nil {
		return err
	}
	r.show(progress.Options{Total: len(doubts), Phase: "finishing"})
	return r.deleteItems(ctx, left)
}

func (r *run) deleteItems(ctx context.Context, items []revoke.Item) error {
	if err := r.expect(revoke.Each(items)); err != nil {
		return err
	}
	return r.job.Run(ctx, revoke.Each(items))
}

// gather scans and deletes nothing. It counts the passes of protected users and leaves them out.
func (r *run) gather(ctx context.Context) (found []*scan.Found, err error) {
	r.show(progress.Options{Phase: "scanning", Noun: "users"})
	err = r.look(ctx, r.scope.Find, func(f *scan.Found) {
		switch {
		case r.earlier.Unconfirmed(&input.Pair{User: f.User, Method: f.ID}) != nil: // finishEarlier has handled it
			r.console.Display().Passed()
		case r.isProtected(f.User, f.UPN):
			r.summary.ProtectedPasses++
			r.console.Display().Passed()
		default:
			r.console.Display().Row(&results.Row{Outcome: results.Found})
			found = append(found, f)
		}
	})
	return found, err
}

// checkLimit refuses to delete more than --max-items. The limit includes passes that an earlier run began to
// delete, and that this run has already deleted.
func (r *run) checkLimit(found int) error {
	counts := r.job.Counts()
	before := counts.Outcomes[results.Revoked]
	if r.limit == 0 || before+found <= r.limit {
		return nil
	}
	code, text := status.Usage, "nothing was deleted"
	if counts.Touched() {
		code, text = status.Stopped, fmt.Sprintf("only the %d that an earlier run had found were deleted", before)
	}
	return &status.Error{Code: code, Hints: []string{status.HintBound},
		Err: fmt.Errorf("%d passes are more than the limit of %d: %s", before+found, r.limit, text)}
}

// announceDeletes writes a provisional row for each pass before the first one is deleted. After a kill, the run that
// resumes writes the final rows. They are on disk before a delete is sent, see syncAnnounced.
func (r *run) announceDeletes(found []*scan.Found) error {
	if r.header.DryRun {
		return nil
	}
	for _, f := range found {
		row := foundRow(f)
		row.Provisional = true
		if err := r.job.Journal(row); err != nil {
			return err
		}
	}
	return nil
}
