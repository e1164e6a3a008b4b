package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
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
	o               *SweepOptions
	scope           *scan.Options
	job             *revoke.Job
	limit           int // how many passes may be deleted, 0 for any number
	summary         *Summary
	protectedPasses int // that were found and left alone
	unfinished      int // passes that an earlier run was deleting and this one deletes first
}

// Sweep finds passes and deletes them.
func Sweep(ctx context.Context, c *console.Console, o *SweepOptions) (err error) {
	if !o.unattended() && !c.CanAsk() {
		return errNobody()
	}
	keep, err := openProtect(c, o.Protect)
	if err != nil {
		return err
	}
	ctx, cancel := withDeadline(ctx, o.Pace.Deadline)
	defer cancel()
	quiet := (o.Quiet || !c.IsTerminal(c.Err)) && o.unattended()
	r, err := prepareScan(ctx, c, &o.Options, &o.Scope, o.DryRun, quiet)
	if err != nil {
		return err
	}
	defer r.tenant.Close()
	defer func() {
		if err != nil {
			r.printHeldPreflight()
		}
	}()
	if err := r.guard(ctx, keep, namesOf(&o.Scope.Find)); err != nil {
		return err
	}
	r.header.DryRun, r.header.Verify = o.DryRun, o.Verify > 0
	if err := r.open(results.ResumeOptions{Verify: o.Verify > 0, Anew: true, Each: o.Metrics.Earlier}); err != nil {
		return err
	}
	s := &sweepRun{run: r, o: o, scope: &o.Scope.Find, limit: o.maxDeletes(c.IsTerminal(c.In)),
		summary: &Summary{DryRun: o.DryRun, Verify: o.Verify > 0, Earlier: r.earlier.Len()}}
	s.job = r.job(revoke.Options{DryRun: o.DryRun, Verify: o.Verify, AbortAfter: o.AbortAfter, MaxDeletes: s.limit})
	return r.do(ctx, s.summary, func(ctx context.Context) (revoke.Counts, error) {
		err := s.sweep(ctx)
		return s.job.Counts(), err
	}, s.conclude)
}

// namesOf reports whether the scan will yield object ids, user principal names or both, so that
// protect can look up what is missing: users on lists have the name on the list, all others an id.
func namesOf(opts *scan.Options) revoke.Source {
	return func(yield func(input.Pair, error) bool) {
		for _, u := range opts.Users {
			if !yield(input.Pair{User: cmp.Or(u.ID, u.UPN)}, nil) {
				return
			}
		}
		if opts.All || len(opts.Groups) > 0 || opts.Audit != nil || opts.MembersOnly || opts.EnabledOnly {
			yield(input.Pair{User: someID}, nil)
		}
	}
}

// someID stands for users that are known by their object id.
const someID = "00000000-0000-4000-8000-000000000000"

// sweep finds and deletes. It finds all passes first if their number decides, if somebody is asked
// or if the order matters; otherwise it does both at the same time.
func (s *sweepRun) sweep(ctx context.Context) error {
	if err := s.finish(ctx); err != nil {
		return err
	}
	if s.limit == 0 && s.o.unattended() && !s.o.AdminsFirst {
		return s.stream(ctx)
	}
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
	if s.o.AdminsFirst {
		first, err := s.privileged(ctx)
		if err != nil {
			return err
		}
		slices.SortStableFunc(found, func(a, b *scan.Found) int { return rank(first, a) - rank(first, b) })
	}
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
	doubts := s.earlier.Doubts()
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
	s.show(progress.Options{Total: len(doubts), Phase: "finishing", Verb: s.verb()})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.job.Within(stop)
	return s.runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, d := range doubts {
			req, ok := s.job.Begin(input.Pair{Source: d.Source, User: d.User, Method: d.Method},
				revoke.Found{UPN: d.UPN, Reason: passes.Reason(d.Reason)})
			if ok && !yield(req) {
				return
			}
		}
	}, s.job.Settle)
}

func rank(first func(string) bool, f *scan.Found) int {
	if first(f.User) || f.UPN != "" && first(f.UPN) {
		return 0
	}
	return 1
}

func (s *sweepRun) verb() string {
	if s.o.DryRun {
		return string(results.Planned)
	}
	return string(results.Revoked)
}

// gather looks at everybody, and deletes nothing.
func (s *sweepRun) gather(ctx context.Context) (found []*scan.Found, err error) {
	s.show(progress.Options{Phase: "scanning", Verb: string(results.Found), Noun: "users"})
	counts, err := s.look(ctx, s.scope, s.job, func(f *scan.Found, stop context.CancelCauseFunc) []batch.Request {
		if s.isProtected(f) {
			return nil
		}
		s.opts.Metrics.Found(f)
		s.console.Display().Row(results.Found)
		if found = append(found, f); s.limit > 0 && s.unfinished+len(found) > s.limit {
			stop(s.tooMany())
		}
		return nil
	})
	s.summary.Scan = &counts
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
		Err: fmt.Errorf("more than %d %w, nothing was deleted%s", s.limit, errTooMany, but)}
}

// errTooMany is what a sweep that would exceed --max-items ends with.
var errTooMany = errors.New("passes are to be deleted")

// isProtected reports whether a pass is of a protected user, and counts it.
func (s *sweepRun) isProtected(f *scan.Found) bool {
	if s.protectedUsers.Has(f.User) || f.UPN != "" && s.protectedUsers.Has(f.UPN) {
		s.protectedPasses++
		return true
	}
	return false
}

// delete deletes the passes that were found.
func (s *sweepRun) delete(ctx context.Context, found []*scan.Found) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.job.Within(stop)
	for _, f := range found {
		s.logIntent(f)
	}
	if err := s.log.Sync(); err != nil {
		return err // a pass is deleted only if the log names it
	}
	return s.runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, f := range found {
			if req, ok := s.begin(f); ok && !yield(req) {
				return
			}
		}
	}, s.job.Settle)
}

// logIntent writes a pass to the log before it is deleted. If the run is killed, the run that resumes it
// writes the row.
func (s *sweepRun) logIntent(f *scan.Found) {
	if s.o.DryRun {
		return
	}
	row := foundRow(f)
	row.Pending = true
	s.job.Journal(row)
}

func (s *sweepRun) begin(f *scan.Found) (batch.Request, bool) {
	return s.job.Begin(input.Pair{Source: results.ScanSource, User: f.User, Method: f.ID},
		revoke.Found{UPN: f.UPN, Reason: f.Why})
}

// stream deletes while the scan goes on.
func (s *sweepRun) stream(ctx context.Context) error {
	s.show(progress.Options{Phase: "sweeping", Verb: s.verb(), Noun: "users"})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	opts := *s.scope
	opts.Backlog = s.job.Open
	looking, seen := s.newScan(&opts, s.job, stop, func(f *scan.Found, _ context.CancelCauseFunc) []batch.Request {
		if s.isProtected(f) {
			return nil
		}
		s.opts.Metrics.Found(f)
		s.logIntent(f)
		if req, ok := s.begin(f); ok {
			return []batch.Request{req}
		}
		return nil
	})
	err := s.runner.Run(ctx, looking.Requests(), func(res batch.Result) []batch.Request {
		if revoke.Owns(res) {
			return append(s.job.Settle(res), looking.Release()...)
		}
		return looking.Settle(res)
	})
	counts := looking.Counts()
	s.summary.Scan = &counts
	if flushErr := seen.flush(); err == nil {
		err = flushErr
	}
	return err
}

// ask shows what was found and asks.
func (s *sweepRun) ask(ctx context.Context, found []*scan.Found) error {
	s.console.Display().Stop()
	p := plan{passes: len(found), users: len(found)}
	seen := make(map[passes.Reason]int)
	for _, f := range found {
		seen[f.Why]++
		if len(p.sample) < sampleSize {
			p.sample = append(p.sample, input.Pair{User: cmp.Or(f.UPN, f.User), Method: f.ID})
		}
	}
	fmt.Fprintf(s.console.Err, "Found: %s.\n", byReason(seen, append(slices.Clone(passes.Reasons), passes.Unknown)...))
	return s.confirm(ctx, &p)
}

// conclude prints how the sweep ended: nothing if there was nothing to do, a line if all went well,
// otherwise the summary.
func (s *sweepRun) conclude(code int) {
	counts := s.job.Counts()
	own := counts.Own() // of this run
	if code == status.Done && (s.o.Quiet || counts.Total() == 0 && !s.console.IsTerminal(s.console.Err)) {
		s.summary.AllClear(s.console.Err)
		return
	}
	if code == status.Done && !s.console.IsTerminal(s.console.Err) {
		seen, more := s.summary.Scan, ""
		if n := own[results.Absent]; n > 0 {
			more = fmt.Sprintf(", %d were gone", n)
		}
		if seen.Earlier > 0 {
			more += fmt.Sprintf(", %s looked at by an earlier run", format.Plural(seen.Earlier, "user", "users"))
		}
		fmt.Fprintf(s.console.Err, "tapsweep: %s %s of %s (%s)%s in %v; results: %s\n",
			format.Plural(own[results.Revoked]+own[results.Planned], "pass", "passes"), s.verb(),
			format.Plural(seen.Users, "user", "users"), byReason(counts.Reasons, s.scope.Reasons...), more,
			s.summary.Took.Round(time.Second), safetext.Visible(s.summary.Results, ""))
		s.summary.AuditLog(s.console.Err)
		if s.summary.Evidence != "" {
			fmt.Fprintf(s.console.Err, "tapsweep: evidence: %s, SHA-256 of its SHA256SUMS %s\n",
				safetext.Visible(s.summary.Evidence, ""), s.summary.Sealed)
		}
	} else {
		s.summary.Print(s.console.Err)
	}
	if s.protectedPasses > 0 {
		fmt.Fprintf(s.console.Err, "%s of protected users left alone\n",
			format.Plural(s.protectedPasses, "pass", "passes"))
	}
}
