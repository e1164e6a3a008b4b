package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
	"tapsweep/internal/safetext"
)

type sweepFlags struct {
	runFlags
	findFlags
	guardFlags
	includeUsable bool
}

func (a *app) sweepCommand() *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep [flags]",
		Short: "Find passes that are over, and delete them",
		Long: `Find Temporary Access Passes that are expired or used, and delete them: the
night job. It prints nothing if there was nothing to do, and otherwise one line.

While a limit applies (--max-items, 10000 without a terminal), all users are
scanned before the first pass is deleted. If more passes are found than the limit,
none is deleted. With --max-items 0, passes are deleted during the scan.

Exit codes: 0 every pass that was found is revoked, 1 some are not, 3 no access
token that Graph accepts, or it lacks a permission, 4 stopped early: use --resume
to continue, 64 wrong flags or a guard: nothing was deleted.`,
		Example: `  tapsweep sweep --all-users --yes --results /var/log/tapsweep/last.jsonl --overwrite
  tapsweep sweep --all-users --members-only --expired-for 7d --dry-run`,
		Args: noList,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.sweep(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	f.findFlags.add(fl, "expired,used")
	fl.BoolVar(&f.includeUsable, "include-usable", false,
		"required if --reason names usable, and refused if it does not: passes that somebody may be about to use")
	f.addAsk(fl)
	f.addGuards(fl)
	f.addResults(fl, `results log, "-" for standard output (default tapsweep-<UTC time>.jsonl)`)
	f.addEvidence(fl)
	f.addPace(fl)
	f.addRest(cmd, "not even a line when all went well")
	return cmd
}

func (f *sweepFlags) check() error {
	switch usable := slices.Contains(f.reasons, passes.Usable); {
	case usable && !f.includeUsable:
		return status.Refuse(errors.New("--reason usable deletes passes that somebody may be about to use"), "if that is meant, add --include-usable")
	case f.includeUsable && !usable:
		return status.Refuse(errors.New("--include-usable has no effect, because --reason does not name usable"),
			"to delete usable passes too, name all that are meant: --reason expired,used,usable")
	}
	if len(f.reasons) == 0 {
		f.reasons = reasons{passes.Expired, passes.Used}
	}
	if err := f.runFlags.check(); err != nil {
		return err
	}
	return f.guardFlags.check()
}

// sweeping is a sweep under way.
type sweeping struct {
	*runOf
	f       *sweepFlags
	opts    *scan.Options
	job     *revoke.Job
	most    int
	summary *report.Summary
	dropped int // passes of protected users
	doubts  int // passes that an earlier run was deleting and this one deletes first
}

func (a *app) sweep(ctx context.Context, f *sweepFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if !f.unasked() && !a.canAsk(nil) {
		return status.Refuse(errors.New("nobody to ask: standard input and standard error are not both a terminal"),
			"--yes goes on without asking, --dry-run shows what would be done")
	}
	keep, err := protect.Open(new(results.Lists).Read, f.protect...)
	if err != nil {
		return status.Refuse(fmt.Errorf("--protect: %w", err), "nothing was sent")
	}
	if f.results == "" {
		f.results = newName()
	}
	ctx, cancel := withDeadline(ctx, f.deadline)
	defer cancel()
	r, opts, err := a.finder(ctx, finder{command: "sweep", run: &f.runFlags, find: &f.findFlags,
		readOnly: f.dryRun, quiet: (f.quiet || !isTerminal(a.stderr)) && f.unasked()})
	if err != nil {
		return err
	}
	defer r.tenant.close()
	defer func() {
		if err != nil {
			r.unhold()
		}
	}()
	if err := r.guard(ctx, keep, namesOf(opts)); err != nil {
		return err
	}
	r.header.DryRun, r.header.Verify = f.dryRun, f.verify
	if err := r.open(f.results, results.ResumeOptions{Verify: f.verify, Anew: true, Each: a.recorder.expired.Earlier}); err != nil {
		return err
	}
	s := &sweeping{runOf: r, f: f, opts: opts, most: f.most(isTerminal(a.stdin)),
		summary: &report.Summary{DryRun: f.dryRun, Verify: f.verify, Earlier: r.earlier.Len()}}
	s.job = r.job(revoke.Options{DryRun: f.dryRun, Verify: f.patience(), AbortAfter: f.abortAfter,
		MaxDeletes: s.most})
	return r.do(ctx, s.summary, func(ctx context.Context) (revoke.Counts, error) {
		err := s.run(ctx)
		return s.job.Counts(), err
	}, s.conclude)
}

// namesOf tells protect by which kinds of names users will be known: those of the
// lists as they stand there, all others by both.
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

// run looks and deletes: one after the other where the number decides, or somebody
// is to be asked, or the order matters; else at the same time.
func (s *sweeping) run(ctx context.Context) error {
	if err := s.finish(ctx); err != nil {
		return err
	}
	if s.most == 0 && s.f.unasked() && s.f.order == "list" {
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
func (s *sweeping) decide(ctx context.Context, found []*scan.Found) error {
	if s.f.order == "privileged" {
		first, err := s.privileged(ctx)
		if err != nil {
			return err
		}
		slices.SortStableFunc(found, func(a, b *scan.Found) int { return rank(first, a) - rank(first, b) })
	}
	if s.f.unasked() || len(found) == 0 {
		return nil
	}
	return s.ask(ctx, found)
}

// leave says that passes were found and not deleted, because nobody said yes or the run was
// stopped. They have no row: a run that resumes finds them again, and asks again.
func (s *sweeping) leave(found []*scan.Found, why error) {
	s.display.Load().Stop() // which has counted them
	if len(found) > 0 && !errors.Is(why, errTooMany) {
		s.say("found %s, and deleted none of them; tapsweep scan with the same flags names them",
			format.Plural(len(found), "pass", "passes"))
	}
}

// finish does what a run before has left of passes that it had found: it deletes
// those of which it is not known that they went, and verifies the others.
func (s *sweeping) finish(ctx context.Context) error {
	doubts := s.earlier.Doubts()
	if len(doubts) == 0 || s.f.dryRun {
		return nil
	}
	for _, d := range doubts {
		if d.Intended() && !s.protected(d.User) {
			s.doubts++
		}
	}
	if s.most > 0 && s.doubts > s.most {
		return s.tooMany()
	}
	s.show(progress.Options{Total: len(doubts), Phase: "finishing", Verb: s.verb()})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.job.Within(stop)
	return s.runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, d := range doubts {
			req, ok := s.job.Begin(input.Pair{Source: d.Source, User: d.User, Method: d.Method}, revoke.Found{UPN: d.UPN, Reason: passes.Reason(d.Reason)})
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

func (s *sweeping) verb() string {
	if s.f.dryRun {
		return string(results.Planned)
	}
	return string(results.Revoked)
}

// gather looks at everybody, and deletes nothing.
func (s *sweeping) gather(ctx context.Context) (found []*scan.Found, err error) {
	s.show(progress.Options{Phase: "scanning", Verb: string(results.Found), Noun: "users"})
	counts, err := s.look(ctx, s.opts, s.job, func(f *scan.Found, stop context.CancelCauseFunc) []batch.Request {
		if s.shielded(f) {
			return nil
		}
		s.recorder.expired.Found(f)
		s.display.Load().Row(results.Found)
		if found = append(found, f); s.most > 0 && s.doubts+len(found) > s.most {
			stop(s.tooMany())
		}
		return nil
	})
	s.summary.Scan = &counts
	return found, err
}

// tooMany returns the error of a sweep that would exceed --max-items. Passes that an earlier run
// had left count as well. This run may have deleted them already.
func (s *sweeping) tooMany() error {
	code, but := status.Usage, ""
	if counts := s.job.Counts(); counts.Touched() {
		code, but = status.Stopped, " but passes that an earlier run had left"
	}
	return &status.Error{Code: code, Hints: []string{"tapsweep scan with the same flags names them; " + status.HintBound},
		Err: fmt.Errorf("more than %d %w, nothing was deleted%s", s.most, errTooMany, but)}
}

// errTooMany is what a sweep that would exceed --max-items ends with.
var errTooMany = errors.New("passes are to be deleted")

// shielded leaves out passes of protected users: nobody asked for these.
func (s *sweeping) shielded(f *scan.Found) bool {
	if s.keep.Has(f.User) || f.UPN != "" && s.keep.Has(f.UPN) {
		s.dropped++
		return true
	}
	return false
}

// delete deletes what was gathered.
func (s *sweeping) delete(ctx context.Context, found []*scan.Found) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.job.Within(stop)
	for _, f := range found {
		s.announce(f)
	}
	if err := s.log.Sync(); err != nil {
		return err // nothing is deleted that is not on record
	}
	return s.runner.Run(ctx, func(yield func(batch.Request) bool) {
		for _, f := range found {
			if req, ok := s.begin(f); ok && !yield(req) {
				return
			}
		}
	}, s.job.Settle)
}

// announce puts a pass on record before it is deleted, so that one of which a killed
// run tells nothing more has a row all the same, by the run that goes on.
func (s *sweeping) announce(f *scan.Found) {
	if s.f.dryRun {
		return
	}
	row := foundRow(f)
	row.Pending = true
	s.job.Journal(row)
}

func (s *sweeping) begin(f *scan.Found) (batch.Request, bool) {
	return s.job.Begin(input.Pair{Source: results.ScanSource, User: f.User, Method: f.ID}, revoke.Found{UPN: f.UPN, Reason: f.Why})
}

// stream deletes while the scan goes on.
func (s *sweeping) stream(ctx context.Context) error {
	s.show(progress.Options{Phase: "sweeping", Verb: s.verb(), Noun: "users"})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	opts := *s.opts
	opts.Backlog = s.job.Open
	looking, seen := s.newScan(&opts, s.job, stop, func(f *scan.Found, _ context.CancelCauseFunc) []batch.Request {
		if s.shielded(f) {
			return nil
		}
		s.recorder.expired.Found(f)
		s.announce(f)
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
func (s *sweeping) ask(ctx context.Context, found []*scan.Found) error {
	if d := s.display.Load(); d != nil {
		d.Stop()
	}
	p := plan{passes: len(found), users: len(found)}
	seen := make(map[passes.Reason]int)
	for _, f := range found {
		seen[f.Why]++
		if len(p.sample) < sampleSize {
			p.sample = append(p.sample, input.Pair{User: cmp.Or(f.UPN, f.User), Method: f.ID})
		}
	}
	fmt.Fprintf(s.stderr, "Found: %s.\n", byReason(seen, append(slices.Clone(passes.Reasons), passes.Unknown)...))
	return s.confirmPlan(ctx, s.runOf, &p)
}

// conclude tells how it went: nothing if nothing was there, a line if all went well,
// the summary else.
func (s *sweeping) conclude(code int) {
	counts := s.job.Counts()
	own := counts.Own() // of this run
	if code == status.Done && (s.f.quiet || counts.Total() == 0 && !isTerminal(s.stderr)) {
		s.summary.AllClear(s.stderr)
		return
	}
	if code == status.Done && !isTerminal(s.stderr) {
		seen, more := s.summary.Scan, ""
		if n := own[results.Absent]; n > 0 {
			more = fmt.Sprintf(", %d were gone", n)
		}
		if seen.Earlier > 0 {
			more += fmt.Sprintf(", %s looked at by an earlier run", format.Plural(seen.Earlier, "user", "users"))
		}
		fmt.Fprintf(s.stderr, "tapsweep: %s %s of %s (%s)%s in %v; results: %s\n",
			format.Plural(own[results.Revoked]+own[results.Planned], "pass", "passes"), s.verb(),
			format.Plural(seen.Users, "user", "users"), byReason(counts.Reasons, s.opts.Reasons...), more,
			s.summary.Took.Round(time.Second), safetext.Visible(s.summary.Results, ""))
		s.summary.AuditLog(s.stderr)
		if s.summary.Evidence != "" {
			fmt.Fprintf(s.stderr, "tapsweep: evidence: %s, SHA-256 of its SHA256SUMS %s\n", safetext.Visible(s.summary.Evidence, ""), s.summary.Sealed)
		}
	} else {
		s.summary.Print(s.stderr)
	}
	if s.dropped > 0 {
		fmt.Fprintf(s.stderr, "%s of protected users left alone\n", format.Plural(s.dropped, "pass", "passes"))
	}
}
