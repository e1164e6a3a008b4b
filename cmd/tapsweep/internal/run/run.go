// Package run runs revoke, sweep, scan and verify. It connects to the tenant, checks the guards, asks for
// confirmation, writes the results log from its first to its last line, and prints the summary.
package run

import (
	"context"
	"errors"
	"fmt"

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
	console *console.Console
	opts    *Options
	list    *input.List // nil for a run without a list, such as a sweep
	tenant  *tenant.Tenant
	header  *results.Run
	runner  *batch.Runner
	job     *revoke.Job

	protectedUsers *protect.Users
	noProtectList  bool // no list of protected users is named

	log     *results.Log         // nil for a run without a log
	earlier *results.ResumeState // what earlier runs have completed, empty if there is no log to resume
	waits   *waitLog             // nil before the work begins, because earlier waits are not logged

	// doneBefore are users whose passes are gone according to the lists, and whose sessions are not revoked.
	doneBefore []input.Pair

	names map[string]string // see revoke.Options.Names

	summary summary

	requiredAccess token.Task // what the token must allow
	heldPreflight  []byte     // what a quiet run shows if it fails
	verifiedLogs   []string   // the logs that this run verifies; the evidence reports on them and on its own log
}

// A plan holds how a command differs from others before its work begins.
type plan struct {
	header results.Run       // the first line of the log, as far as only the command knows it
	list   *input.List       // nil for a command without a list
	lists  []string          // files that the log must not replace
	logs   []results.ListRun // the runs of logs that the command reads; they must be of the same tenant
	task   token.Task        // what the token must allow
	quiet  bool              // show the preflight only if the run fails

	doneBefore []input.Pair // see run

	// connect connects to the tenant. Nil means the target of the options.
	connect func(context.Context) (*tenant.Tenant, error)
}

// open connects to a tenant, checks what the token allows, and then does the work.
func open(ctx context.Context, c *console.Console, opts *Options, p plan,
	work func(context.Context, *run) error) (err error) {
	if err := checkLog(&opts.Log, p.lists...); err != nil {
		if there, ok := errors.AsType[*fileout.ThereError](err); ok && !there.Dangling && p.header.Simulated { // it cannot be resumed
			return status.Refuse(there, "choose another "+there.Flag+" file, or replace it with --overwrite")
		}
		return err
	}
	if opts.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opts.Deadline,
			fmt.Errorf("the deadline of %v has passed", opts.Deadline))
		defer cancel()
	}
	r := &run{console: c, opts: opts, list: p.list, header: &p.header, earlier: new(results.ResumeState),
		doneBefore: p.doneBefore}
	if p.list != nil {
		r.summary.Lists = p.list.Stats()
	}
	if p.connect == nil {
		p.connect = r.connect
	}
	r.tenant, err = p.connect(ctx)
	if r.tenant != nil {
		defer r.tenant.Close()
	}
	if ctx.Err() != nil {
		return status.Interrupted(ctx)
	}
	if err != nil {
		return err
	}
	r.header.Version, r.header.Command = opts.Version, opts.Command
	r.header.Resume, r.header.Revoke = opts.Resume, opts.Revoke
	r.header.Tenant, r.header.Operator, r.header.GraphRoot = r.tenant.ID, r.tenant.Token.Who, r.tenant.Root
	if err := r.checkPlace(p.logs); err != nil {
		return err
	}
	if err := r.preflight(p.task, p.quiet); err != nil {
		return err
	}
	if err := r.makeRunner(); err != nil {
		return err
	}
	return work(ctx, r)
}

// checkPlace refuses logs of another tenant or Graph root. Passes that were deleted there were not deleted
// here.
func (r *run) checkPlace(logs []results.ListRun) error {
	for _, logged := range logs {
		if err := logged.Elsewhere(r.tenant.ID, r.tenant.Root); err != nil {
			place := logged.Source
			if logged.Line > 0 {
				place += fmt.Sprintf(":%d", logged.Line)
			}
			return status.Refuse(fmt.Errorf("%s: %w\nnothing was sent", place, err), "the log does not show what "+
				"happened in this tenant: sign in to the tenant of the log, or name another file")
		}
	}
	return nil
}

// connect gets a token from the target. If the authority has an outage, it waits as long as a run waits for
// Graph.
func (r *run) connect(ctx context.Context) (*tenant.Tenant, error) {
	r.opts.Target.Stall = r.opts.Batch.StallTimeout
	if !r.opts.Quiet {
		r.opts.Target.Waiting = r.console.Say
	}
	return r.opts.Target.Connect(ctx)
}

// makeRunner creates the runner. The display and the log show its waits.
func (r *run) makeRunner() (err error) {
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
func (r *run) makeJob(opts revoke.Options) {
	opts.Protected = r.isProtectedName
	opts.Self, opts.Names, opts.Caller = r.tenant.Token.Self, r.names, r.tenant.Caller()
	opts.Earlier = r.earlier
	r.job = revoke.New(r.runner, func(row *results.Row) error {
		r.console.Display().Row(row)
		r.opts.Metrics.Row(row)
		if r.header.DryRun && row.Action == "" && !row.Provisional && !row.Beside {
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
