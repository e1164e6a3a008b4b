package run

import (
	"context"
	"errors"
	"fmt"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// SweepOptions say what Sweep finds and deletes.
type SweepOptions struct {
	Options
	Guards

	Scope Scope
}

// A sweepRun is a sweep under way.
type sweepRun struct {
	*run
	o          *SweepOptions
	limit      int // how many passes may be deleted, 0 for any number
	unfinished int // passes that an earlier run was deleting and this one deletes first
}

// Sweep finds passes and deletes them.
func Sweep(ctx context.Context, c *console.Console, o *SweepOptions) error {
	if !o.unattended() && !c.CanAsk() {
		return errNobody()
	}
	keep, err := openProtect(c, o.Protect)
	if err != nil {
		return err
	}
	p := plan{
		header: results.Run{DryRun: o.DryRun, Verify: o.Verify > 0, Sessions: o.Sessions},
		task:   func(*run) token.Task { return o.withSessions(o.Scope.task(o.DryRun)) },
		quiet:  (o.Quiet || !c.IsTerminal(c.Err)) && o.unattended(),
	}
	return openScan(ctx, c, &o.Options, &o.Scope, p, func(ctx context.Context, r *run) error {
		if err := r.guard(ctx, keep, namesOf(&o.Scope.Find)); err != nil {
			return err
		}
		opts := results.ResumeOptions{Verify: o.Verify > 0, Anew: true, Each: o.Metrics.Earlier}
		if err := r.openLog(opts); err != nil {
			return err
		}
		return r.sweep(ctx, o)
	})
}

// sweep finds passes and deletes them.
func (r *run) sweep(ctx context.Context, o *SweepOptions) error {
	s := &sweepRun{run: r, o: o, limit: o.maxDeletes(r.console.IsTerminal(r.console.In))}
	r.makeJob(revoke.Options{DryRun: o.DryRun, Verify: o.Verify, AbortAfter: o.AbortAfter, MaxDeletes: s.limit,
		Sessions: o.Sessions})
	return r.do(ctx, s.sweep)
}

// sweep finds and deletes. Before that it finishes what an earlier run has begun, and after that it
// revokes the sessions which that run has left.
func (s *sweepRun) sweep(ctx context.Context) error {
	left := s.sessionsLeft()
	for i := range left {
		s.job.Expect(&left[i]) // a scan may find more passes of the user, which come first
	}
	err := s.finish(ctx)
	if err == nil {
		err = s.findAndDelete(ctx)
	}
	if err != nil || len(left) == 0 {
		return err
	}
	return s.job.Run(ctx, revoke.Each(left))
}

// findAndDelete finds all passes first if their number decides, if somebody is asked or if the order
// matters; otherwise it does both at the same time.
func (s *sweepRun) findAndDelete(ctx context.Context) error {
	found, err := s.gather(ctx)
	if err == nil {
		err = s.decide(ctx, found)
	}
	if err != nil {
		s.leave(found, err)
		return err
	}
	s.show(progress.Options{Total: len(found), Phase: "revoking", Verb: s.verb()})
	return s.delete(ctx, found)
}

// decide brings what was found in order and asks, if that is called for.
func (s *sweepRun) decide(ctx context.Context, found []*scan.Found) error {
	if s.o.unattended() || len(found) == 0 {
		return nil
	}
	return s.ask(ctx, found)
}

// leave says that passes were found and not deleted, because nobody said yes or the run was
// stopped. They have no row: a run that resumes finds them again, and asks again.
func (s *sweepRun) leave(found []*scan.Found, why error) {
	s.console.Display().Stop() // which has counted them
	if len(found) > 0 && !errors.Is(why, errTooMany) {
		s.console.Say("found %s, and deleted none of them; tapsweep scan with the same flags names them",
			format.Plural(len(found), "pass", "passes"))
	}
}

// finish does what a run before has left of passes that it had found: it deletes
// those of which it is not known that they went, and verifies the others.
func (s *sweepRun) finish(ctx context.Context) error {
	doubts := s.earlier.AllUnconfirmed()
	if len(doubts) == 0 || s.o.DryRun {
		return nil
	}
	for _, d := range doubts {
		if d.Intended() && !s.protected(d.User) {
			s.unfinished++
		}
	}
	if s.limit > 0 && s.unfinished > s.limit {
		return s.tooMany()
	}
	var left []revoke.Item
	for _, d := range doubts {
		pair := input.Pair{Source: d.Source, User: d.User, UPN: d.UPN, Method: d.Method, Creation: d.Creation}
		it := revoke.Item{Pair: pair, Reason: pass.Reason(d.Reason)}
		left = append(left, it)
		s.job.Expect(&it)
	}
	s.show(progress.Options{Total: len(doubts), Phase: "finishing", Verb: s.verb()})
	return s.job.Run(ctx, revoke.Each(left))
}

func (s *sweepRun) verb() string {
	if s.o.DryRun {
		return string(results.Planned)
	}
	return string(results.Revoked)
}

// gather scans, and deletes nothing.
func (s *sweepRun) gather(ctx context.Context) (found []*scan.Found, err error) {
	s.show(progress.Options{Phase: "scanning", Verb: string(results.Found), Noun: "users"})
	err = s.look(ctx, s.o.Scope.Find, func(f *scan.Found, stop context.CancelCauseFunc) {
		if s.isProtected(f) {
			return
		}
		s.console.Display().Row(results.Found)
		if found = append(found, f); s.limit > 0 && s.unfinished+len(found) > s.limit {
			stop(s.tooMany())
		}
	})
	return found, err
}

// tooMany returns the error of a sweep that would exceed --max-items. Passes that an earlier run
// had left count as well. This run may have deleted them already.
func (s *sweepRun) tooMany() error {
	code, but := status.Usage, ""
	if counts := s.job.Counts(); counts.Touched() {
		code, but = status.Stopped, " but passes that an earlier run had left"
	}
	return &status.Error{Code: code, Hints: []string{"tapsweep scan with the same flags names them; " +
		status.HintBound},
		Err: fmt.Errorf("more than %d %w: nothing was deleted%s", s.limit, errTooMany, but)}
}

// errTooMany is what a sweep that would exceed --max-items ends with.
var errTooMany = errors.New("passes were found")

// isProtected reports whether a pass is of a protected user. It counts these passes and the others.
func (s *sweepRun) isProtected(f *scan.Found) bool {
	if s.protectedUsers.Has(f.User) || f.UPN != "" && s.protectedUsers.Has(f.UPN) {
		s.summary.ProtectedPasses++
		if d := s.console.Display(); d != nil {
			d.Passed()
		}
		return true
	}
	s.opts.Metrics.Found(f)
	return false
}

// delete deletes the passes that were found.
func (s *sweepRun) delete(ctx context.Context, found []*scan.Found) error {
	for _, f := range found {
		if err := s.logIntent(f); err != nil {
			return err
		}
	}
	if err := s.log.Sync(); err != nil {
		return err // a pass is deleted only if the log names it
	}
	items := make([]revoke.Item, len(found))
	for i, f := range found {
		items[i] = item(f)
		s.job.Expect(&items[i])
	}
	return s.job.Run(ctx, revoke.Each(items))
}

// logIntent writes a pass to the log before it is deleted. If the run is killed, the run that resumes it
// writes the row.
func (s *sweepRun) logIntent(f *scan.Found) error {
	if s.o.DryRun {
		return nil
	}
	row := foundRow(f)
	row.Provisional = true
	return s.job.Journal(row)
}

// item returns the job's item for a pass that was found.
func item(f *scan.Found) revoke.Item {
	pair := input.Pair{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Creation: f.Creation}
	return revoke.Item{Pair: pair, Reason: f.Why}
}
