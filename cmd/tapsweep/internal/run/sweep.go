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
	Guards

	Scope Scope
}

type sweepRun struct {
	*run
	o     *SweepOptions
	limit int // the largest number of passes that may be deleted; 0 means no limit
}

// Sweep finds passes and deletes them.
func Sweep(ctx context.Context, c *console.Console, o *SweepOptions) error {
	if !o.unattended() && !c.CanAsk() {
		return errCannotAsk()
	}
	protectList, err := openProtect(c, o.Protect)
	if err != nil {
		return err
	}
	p := plan{
		header: results.Run{DryRun: o.DryRun, Verify: o.Verify > 0, Sessions: o.Sessions},
		task:   o.withSessions(o.Scope.task(o.DryRun)),
		quiet:  (o.Quiet || !c.IsTerminal(c.Err)) && o.unattended(),
	}
	return openScan(ctx, c, &o.Options, &o.Scope, p, func(ctx context.Context, r *run) error {
		if err := r.findProtected(ctx, protectList, namesOf(&o.Scope.Find)); err != nil {
			return err
		}
		if err := r.openLog(results.ResumeOptions{Verify: o.Verify > 0, IgnoreFinishedRuns: true,
			OnCompleted: o.Metrics.Row}); err != nil {
			return err
		}
		return r.startSweep(ctx, o)
	})
}

func (r *run) startSweep(ctx context.Context, o *SweepOptions) error {
	s := &sweepRun{run: r, o: o, limit: o.maxDeletes(r.console.IsTerminal(r.console.In))}
	r.makeJob(revoke.Options{DryRun: o.DryRun, Verify: o.Verify, AbortAfter: o.AbortAfter, MaxDeletes: s.limit,
		Sessions: o.Sessions})
	return r.do(ctx, s.runSweep)
}

// runSweep first finishes the passes that an earlier run began to delete. Then it finds and deletes passes. Last,
// it revokes the sessions that the earlier run did not revoke.
func (s *sweepRun) runSweep(ctx context.Context) error {
	left := s.sessionsLeft()
	// The scan may find more passes of these users. They are deleted before the sessions are revoked.
	err := s.expect(revoke.Each(left))
	if err == nil {
		err = s.finishEarlier(ctx)
	}
	if err == nil {
		err = s.findAndDelete(ctx, left)
	}
	if err != nil || len(left) == 0 {
		return err
	}
	return s.job.Run(ctx, revoke.Each(left))
}

// findAndDelete finds passes, asks the person to confirm, and deletes the passes. If it does not delete them,
// it writes no rows: a run that resumes finds them again and asks again. left are the users whose sessions
// are revoked afterwards.
func (s *sweepRun) findAndDelete(ctx context.Context, left []revoke.Item) error {
	found, err := s.gather(ctx)
	s.console.Display().Stop()
	items := make([]revoke.Item, len(found))
	for i, f := range found {
		pair := input.Pair{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Creation: f.Creation}
		items[i] = revoke.Item{Pair: pair, Reason: f.Reason}
	}
	if err == nil {
		err = s.checkLimit(len(found))
	}
	if err == nil && len(found) > 0 && !s.o.unattended() {
		err = s.confirm(ctx, s.question(revoke.Each(slices.Concat(items, left))))
	}
	if err != nil {
		if len(found) > 0 {
			s.console.Say("found %s, and deleted none of them; tapsweep scan with the same flags lists them",
				passes(len(found)))
		}
		return err
	}
	if err := s.announceDeletes(found); err != nil {
		return err
	}
	s.show(progress.Options{Total: len(found), Phase: "revoking"})
	return s.deleteItems(ctx, items)
}

// finishEarlier completes the passes that an earlier run found. It deletes passes that may still exist, and verifies
// passes that were deleted.
func (s *sweepRun) finishEarlier(ctx context.Context) error {
	doubts := s.earlier.AllUnconfirmed()
	if len(doubts) == 0 {
		return nil
	}
	var left []revoke.Item
	deletes := 0
	for _, d := range doubts {
		if d.Intended() && !s.isProtected(d.User, d.UPN) {
			deletes++
		}
		pair := input.Pair{Source: d.Source, User: d.User, UPN: d.UPN, Method: d.Method, Creation: d.Creation}
		left = append(left, revoke.Item{Pair: pair, Reason: pass.Reason(d.Reason)})
	}
	if err := s.checkLimit(deletes); err != nil {
		return err
	}
	s.show(progress.Options{Total: len(doubts), Phase: "finishing"})
	return s.deleteItems(ctx, left)
}

func (s *sweepRun) deleteItems(ctx context.Context, items []revoke.Item) error {
	if err := s.expect(revoke.Each(items)); err != nil {
		return err
	}
	return s.job.Run(ctx, revoke.Each(items))
}

// gather scans and deletes nothing. It counts the passes of protected users and leaves them out.
func (s *sweepRun) gather(ctx context.Context) (found []*scan.Found, err error) {
	s.show(progress.Options{Phase: "scanning", Noun: "users"})
	err = s.look(ctx, s.o.Scope.Find, func(f *scan.Found) {
		if s.isProtected(f.User, f.UPN) {
			s.summary.ProtectedPasses++
			s.console.Display().Passed()
			return
		}
		s.console.Display().Row(&results.Row{Outcome: results.Found})
		found = append(found, f)
	})
	return found, err
}

// checkLimit refuses to delete more than --max-items. The limit includes passes that an earlier run began to
// delete, and that this run has already deleted.
func (s *sweepRun) checkLimit(found int) error {
	counts := s.job.Counts()
	before := counts.Outcomes[results.Revoked]
	if s.limit == 0 || before+found <= s.limit {
		return nil
	}
	code, text := status.Usage, "nothing was deleted"
	if counts.Touched() {
		code, text = status.Stopped, fmt.Sprintf("only the %d that an earlier run had found were deleted", before)
	}
	return &status.Error{Code: code, Hints: []string{status.HintBound},
		Err: fmt.Errorf("%d passes are more than the limit of %d: %s", before+found, s.limit, text)}
}

// announceDeletes writes a provisional row for each pass before the first one is deleted. After a kill, the run that
// resumes writes the final rows. They are on disk before a delete is sent, see syncAnnounced.
func (s *sweepRun) announceDeletes(found []*scan.Found) error {
	if s.o.DryRun {
		return nil
	}
	for _, f := range found {
		row := foundRow(f)
		row.Provisional = true
		if err := s.job.Journal(row); err != nil {
			return err
		}
	}
	return nil
}
