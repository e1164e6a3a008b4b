// Package run runs revoke, sweep, scan and verify. It connects to the tenant, checks the guards, asks for
// confirmation, writes the results log from its first to its last line, and prints the summary.
package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// A run is one command that connects to a tenant and can write a results log.
type run struct {
	plan

	console *console.Console
	opts    *Options
	header  *results.Header // the first line of the log
	tenant  *tenant.Tenant
	runner  *batch.Runner
	job     *revoke.Job

	protectedUsers *protect.Users

	log     *results.Log         // nil for a run without a log
	earlier *results.ResumeState // what earlier runs have completed, empty if there is no log to resume
	waits   *waitLog             // nil before the work begins, because earlier waits are not logged

	summary    summary
	scanLogged bool // the scan is complete, and the log has or gets rows about all passes that it found

	heldPreflight []byte   // what a quiet run shows if it fails
	verifiedLogs  []string // the logs that this run verifies; the evidence reports on them and on its own log
}

// A plan holds how a command differs from others.
type plan struct {
	verifyOnly bool // the command deletes nothing, see revoke.Options.VerifyOnly

	list  *input.List       // nil for a command without a list, such as a sweep
	lists []string          // files that the log must not replace
	logs  []results.ListRun // the runs of logs that the command reads; they must be of the same tenant
	scope *Scope            // nil for a command that does not look for passes
	task  token.Task        // what the token must allow
	quiet bool              // show the preflight only if the run fails

	// doneBefore are users whose passes are gone according to the lists, and whose sessions are not revoked.
	doneBefore []input.Pair

	// connect connects to the tenant. Nil means the target of the options.
	connect func(context.Context) (*tenant.Tenant, error)

	resume results.ResumeOptions // openLog sets Protected
	limit  int                   // the largest number of passes that may be deleted; 0 means no limit

	// The steps of the command, in this order. The first two may be nil. A log that is resumed is opened before ask,
	// and a new log is created after it. work is between the first and the last line of the log.
	prepare, ask, work func(*run, context.Context) error
}

// execute runs a plan: it connects to a tenant, checks what the token allows, opens the log, and does the work.
func execute(ctx context.Context, c *console.Console, opts *Options, p plan) (err error) {
	if err := p.check(c, opts); err != nil {
		return err
	}
	if opts.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opts.Deadline,
			fmt.Errorf("the deadline of %v has passed", opts.Deadline))
		defer cancel()
	}
	r := &run{plan: p, console: c, opts: opts, header: &opts.Header, earlier: new(results.ResumeState)}
	if r.list != nil {
		r.summary.Lists, r.summary.Mixed = r.list.Stats(), r.list.Mixed()
	}
	if r.connect == nil {
		r.connect = r.connectToTarget
	}
	r.tenant, err = r.connect(ctx)
	if r.tenant != nil {
		defer r.tenant.Close()
	}
	switch {
	case ctx.Err() != nil:
		return status.Interrupted(ctx)
	case err != nil:
		return err
	}
	for _, step := range []func(context.Context) error{r.checkTenant, r.makeRunner, r.findCreator, r.openLogAndAsk} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.showSince()
	r.makeJob()
	return r.do(ctx, func(ctx context.Context) error { return r.work(r, ctx) })
}

// check checks the log and the scope before anything is sent.
func (p *plan) check(c *console.Console, opts *Options) error {
	if p.scope != nil {
		warn(c, "", p.scope.Warnings)
		if p.scope.Find.Audit != nil && opts.Target.Cloud() == "china" {
			// Source: learn.microsoft.com/graph/api/directoryaudit-list, national clouds.
			return status.Refuse(errors.New("the cloud china has no directory audit log in Graph"),
				"scan users instead: --all-users or --group")
		}
		opts.Header.Digest, opts.Header.Since = p.scope.Digest, p.scope.Since
		opts.Header.Lists = p.scope.Files
	}
	lists := slices.Concat(p.lists, opts.Guards.Protect)
	if p.scope != nil {
		lists = append(lists, p.scope.Lists...)
	}
	err := checkLog(&opts.Log, c.In, lists...)
	if there, ok := errors.AsType[*fileout.ThereError](err); ok && !there.Dangling && opts.Header.Simulated {
		// It cannot be resumed.
		return status.Refuse(there, "choose another "+there.Flag+" file, or replace it with --overwrite")
	}
	return err
}

// checkTenant refuses logs of another tenant and a token that does not allow the task.
func (r *run) checkTenant(context.Context) error {
	h := r.header
	h.Tenant, h.Operator, h.GraphRoot = r.tenant.ID, r.tenant.Token.Who, r.tenant.Root
	if err := r.checkPlace(); err != nil {
		return err
	}
	return r.preflight()
}

// openLogAndAsk opens the log of an earlier run before it asks a person to confirm, because the log shows what is left
// to do. It creates a new log afterwards.
func (r *run) openLogAndAsk(ctx context.Context) error {
	if r.prepare != nil {
		if err := r.prepare(r, ctx); err != nil {
			return err
		}
	}
	if r.opts.Log.Resume {
		if err := r.openLog(); err != nil {
			return err
		}
	}
	if r.ask != nil {
		if err := r.ask(r, ctx); err != nil {
			return r.closeLog(err)
		}
	}
	if r.log != nil || r.opts.Log.Path == "" {
		return nil
	}
	return r.openLog()
}

// checkPlace refuses logs of another tenant or Graph root. Passes that were deleted there were not deleted
// here.
func (r *run) checkPlace() error {
	for _, logged := range r.logs {
		if err := logged.Elsewhere(r.tenant.ID, r.tenant.Root); err != nil {
			place := logged.Source
			if logged.Line > 0 {
				place += fmt.Sprintf(":%d", logged.Line)
			}
			return status.Refuse(fmt.Errorf("%s: %w\nnothing was deleted", place, err), "the log does not show what "+
				"happened in this tenant: sign in to the tenant of the log, or name another file")
		}
	}
	return nil
}

// connectToTarget gets a token from the target. If the authority has an outage, it waits as long as a run waits for
// Graph.
func (r *run) connectToTarget(ctx context.Context) (*tenant.Tenant, error) {
	r.opts.Target.Stall, r.opts.Target.Quiet = r.opts.Batch.StallTimeout, r.opts.Quiet
	return r.opts.Target.Connect(ctx)
}

// makeRunner creates the runner. The display and the log show its waits.
func (r *run) makeRunner(context.Context) (err error) {
	opts := r.opts.Batch
	opts.Headers, opts.Logger = r.opts.headers(), r.opts.Logger
	opts.Reauthorize, opts.BeforeSend = r.tenant.Client.Reauthorize, r.syncAnnounced
	opts.Observe = func(o batch.Observation) {
		r.console.Display().Observe(o.Accepted, o.Refused, o.Quota, o.ClosedUntil, o.Outage)
		if r.waits != nil {
			r.waits.observe(o)
		}
	}
	r.runner, err = batch.NewRunner(r.tenant.Client, opts)
	if err != nil {
		return status.Refuse(err)
	}
	return nil
}

// makeJob creates the job. Its rows go to the display, the metrics and the log.
func (r *run) makeJob() {
	h, g := r.header, &r.opts.Guards
	opts := revoke.Options{DryRun: h.DryRun, AnyPass: h.AnyPass, Sessions: h.Sessions, Verify: g.Verify,
		VerifyOnly: r.verifyOnly, AbortAfter: g.AbortAfter, MaxDeletes: r.limit,
		Protected: r.isProtected, Token: *r.tenant.Token, Earlier: r.earlier}
	r.job = revoke.New(r.runner, func(row *results.Row) error {
		r.console.Display().Row(row)
		r.opts.Metrics.Row(row)
		if h.DryRun && row.Action == "" && !row.Provisional && !row.Beside {
			r.summary.name(row)
		}
		return r.write(row)
	}, opts)
}

// show replaces the progress display. The options of the run choose its form.
func (r *run) show(opts progress.Options) {
	opts.Mode = r.opts.Progress
	r.console.Show(opts)
}

// ended returns the error of a command that failed before the first row. It returns nil if err is nil.
func (r *run) ended(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.Interrupted(ctx)
	}
	return r.tenant.Status(err)
}
