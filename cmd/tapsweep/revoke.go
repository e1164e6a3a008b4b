package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

func (a *app) revoke(ctx context.Context, f *revokeFlags, lists []string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	logger := a.logger(f.logLevel, f.logFormat)
	var way *connection
	if !f.simulate {
		if way, err = a.prepare(&f.connect); err != nil {
			return err
		}
	}
	if !f.unasked() && !a.canAsk(lists) {
		return status.Refuse(errors.New("nobody to ask: standard input and standard error are not both a terminal"),
			"--yes goes on without asking, --dry-run shows what would be done")
	}
	logs := new(results.Lists)
	list, err := a.openLists(ctx, lists, f, logs)
	if empty, ok := errors.AsType[*input.EmptyError](err); ok {
		a.say("%v; nothing to do", empty)
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	for _, warning := range logs.Warnings() {
		a.say("warning: %s", warning)
	}
	keep, err := protect.Open(new(results.Lists).Read, f.protect...)
	if err != nil {
		return status.Refuse(fmt.Errorf("--protect: %w", err), "nothing was sent")
	}
	path := f.results
	if path == "" {
		path = newName()
	}
	if err := f.checkResults(path, lists...); err != nil {
		return err
	}
	if err := a.checkCount(f, list); err != nil {
		return err
	}

	ctx, cancel := withDeadline(ctx, f.deadline)
	defer cancel()
	if way != nil {
		way.waiting(a, &f.runFlags)
	}
	tenant, err := a.tenantFor(ctx, way, list, keep)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err != nil {
		return err
	}
	defer tenant.close()
	if err := tenant.checkLogs(logs); way != nil && err != nil { // a drill takes the log of any tenant
		return err
	}
	stats := list.Stats()
	r := &runOf{app: a, flags: &f.runFlags, list: list, tenant: tenant, logger: logger, header: &results.Run{
		Version: buildVersion(), Command: a.args, Digest: list.Digest(), Tenant: tenant.id, Operator: tenant.token.Who,
		GraphRoot: tenant.root, DryRun: f.dryRun, Pairs: stats.Rows,
		Verify: f.verify, AnyPass: f.anyPass, Simulated: f.simulate}}
	defer func() {
		if err != nil {
			r.unhold()
		}
	}()
	if err := r.preflight(r.task(f.dryRun), f.quiet && f.unasked()); err != nil {
		return err
	}
	if err := r.makeRunner(); err != nil {
		return err
	}
	if err := r.guardList(ctx, keep); err != nil {
		return err
	}
	if f.resume != "" {
		if err := r.open(path, results.ResumeOptions{Verify: f.verify, AnyPass: f.anyPass}); err != nil {
			return err
		}
		if err := r.sameLists(lists); err != nil {
			return err
		}
	}
	if !f.unasked() {
		if err := a.confirm(ctx, r); err != nil {
			return errors.Join(err, r.close())
		}
	}
	if r.log == nil {
		if err := r.open(path, results.ResumeOptions{Verify: f.verify, AnyPass: f.anyPass}); err != nil {
			return err
		}
	}
	return r.revoke(ctx, f)
}

// hintElsewhere is for the log of another tenant or Graph root, such as that of a drill.
const hintElsewhere = "that log says nothing about this tenant: connect as its run did, or name another file"

// checkLogs refuses lists that are results logs of another tenant or Graph root, because what
// was done there was not done here.
func (t *tenant) checkLogs(logs *results.Lists) error {
	for _, run := range logs.Runs() {
		if err := run.Elsewhere(t.id, t.root); err != nil {
			return status.Refuse(fmt.Errorf("%s:%d: %w\nnothing was sent", run.Source, run.Line, err), hintElsewhere)
		}
	}
	return nil
}

// tenantFor goes to the tenant, or makes one.
func (a *app) tenantFor(ctx context.Context, way *connection, list *input.List, keep *protect.List) (*tenant, error) {
	if way == nil {
		return a.simulated(ctx, list, keep)
	}
	return way.connect(ctx)
}

// checkCount refuses lists that are longer than was expected.
func (a *app) checkCount(f *revokeFlags, list *input.List) error {
	most, n := f.most(f.simulate || isTerminal(a.stdin)), list.Stats().Unique
	if most > 0 && n > most {
		return status.Refuse(fmt.Errorf("the list has %d pairs, more than %d, nothing was sent", n, most),
			status.HintBound)
	}
	return nil
}

// revoke works off the list.
func (r *runOf) revoke(ctx context.Context, f *revokeFlags) error {
	stats := r.list.Stats()
	summary := &report.Summary{DryRun: f.dryRun, Simulated: f.simulate, AnyPass: stats.AnyPass, DoneBefore: stats.Done, ProtectedBefore: stats.Protected, Verify: f.verify}
	return r.do(ctx, summary, func(ctx context.Context) (revoke.Counts, error) {
		var first func(user string) bool
		if f.order == "privileged" {
			var err error
			if first, err = r.privileged(ctx); err != nil {
				return revoke.NewCounts(), err
			}
		}
		show := progress.Options{Total: stats.Rows - r.earlier.Len(), Phase: "revoking"}
		if f.dryRun {
			show.Phase, show.Verb = "looking", "planned"
		}
		r.show(show)
		job := r.job(revoke.Options{DryRun: f.dryRun, AnyPass: f.anyPass, Verify: f.patience(), AbortAfter: f.abortAfter,
			MaxDeletes: f.most(f.simulate || isTerminal(r.stdin))})
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		var failed error
		for _, part := range r.parts(first) {
			// A part after one that stopped is not sent, and its rows say so.
			if _, err := job.Run(ctx, part); err != nil && failed == nil {
				failed = err
				stop(err)
			}
		}
		return job.Counts(), failed
	}, func(code int) {
		if code != status.Done || !f.quiet {
			summary.Print(r.stderr)
		}
	})
}

// openLists reads the lists for the first time. Nothing is sent unless each
// row of them is good, or --skip-invalid says to leave the others out.
func (a *app) openLists(ctx context.Context, names []string, f *revokeFlags,
	logs *results.Lists) (*input.List, error) {
	type opened struct {
		list *input.List
		err  error
	}
	// On its own goroutine, because a read from a terminal or a pipe ends when
	// the other side pleases, and an interrupt must not wait for that.
	done := make(chan opened, 1)
	go func() {
		list, err := input.Open(names, input.Options{Format: f.format, SkipInvalid: f.skipInvalid,
			Users: f.users, Self: f.self, Stdin: a.stdin, Reader: logs.Read})
		done <- opened{list, err}
	}()
	select {
	case o := <-done:
		problems, ok := errors.AsType[*input.Problems](o.err)
		switch {
		case ok && !problems.Cut:
			return nil, status.Refuse(fmt.Errorf("%w\nnothing was sent", problems),
				"fix the rows, or leave them out with --skip-invalid")
		case ok:
			return nil, status.Refuse(fmt.Errorf("%w\nnothing was sent", problems))
		case o.err != nil:
			return nil, status.Refuse(o.err, hintUser(o.err, names)...)
		}
		return o.list, nil
	case <-ctx.Done():
		return nil, interrupted(ctx)
	}
}

// hintUser returns a hint if a user was given where a list is expected.
func hintUser(err error, lists []string) []string {
	for _, name := range lists {
		if errors.Is(err, fs.ErrNotExist) && input.CheckUser(name) == nil {
			return []string{"to name a user without a list, use --user " + name}
		}
	}
	return nil
}
