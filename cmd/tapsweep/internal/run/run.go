// Package run does what happens between the first and the last line of a results log: guards,
// confirmation, phases, waits and the summary of revoke, sweep, scan and verify.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/input"
)

// A run is one command that talks to a tenant and may write a results log.
type run struct {
	console *console.Console
	opts    *Options
	list    *input.List // nil for a run that finds its pairs itself
	tenant  *tenant.Tenant
	header  *results.Run
	runner  *batch.Runner

	protectedUsers *protect.Users
	unguarded      bool // no list of protected users is named
	simulated      bool

	log     *results.Log         // nil for a run without one
	earlier *results.ResumeState // what runs before have settled, nil without a log to resume
	stop    context.CancelCauseFunc
	waits   waits
	watch   []Observer

	heldPreflight  []byte         // what a quiet run did not print, for when something goes wrong
	requiredAccess preflight.Task // of the token
	verifiedLogs   []string       // logs that the evidence reports on besides the own
	creatorDoubt   string         // why it is not known whether the --created-by user exists
}

// An Observer hears of what a run does.
type Observer interface {
	// Row hears of each row, before it is written to the log.
	Row(*results.Row)
	// Batch hears of each batch that was answered.
	Batch(batch.Observation)
}

// begin returns a run on a tenant. The digest identifies what the run is about, so that only the
// same run resumes its log.
func begin(c *console.Console, opts *Options, t *tenant.Tenant, digest string) *run {
	r := &run{console: c, opts: opts, tenant: t, header: &results.Run{Version: opts.Version, Command: opts.Command,
		Digest: digest, Tenant: t.ID, Operator: t.Token.Who, GraphRoot: t.Root}}
	r.waits = newWaits(func(w *results.Wait) {
		_ = r.write(w) // the log keeps the error, and the next row returns it
	})
	r.watch = []Observer{&onScreen{c}, &r.waits}
	if opts.Metrics != nil {
		r.watch = append(r.watch, opts.Metrics)
	}
	return r
}

// connect gets a token from the target. It waits during an outage of the authority for as long
// as a run waits if Graph cannot be reached.
func connect(ctx context.Context, c *console.Console, opts *Options) (*tenant.Tenant, error) {
	opts.Target.Stall = opts.Pace.StallTimeout
	if !opts.Quiet {
		opts.Target.Waiting = c.Say
	}
	t, err := opts.Target.Connect(ctx)
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	return t, err
}

// makeRunner makes the runner, of which the observers hear what it does.
func (r *run) makeRunner() (err error) {
	pace := &r.opts.Pace
	r.runner, err = batch.NewRunner(r.tenant.Client, batch.Options{
		BatchSize:      pace.BatchSize,
		Concurrency:    pace.Concurrency,
		MaxAttempts:    pace.MaxAttempts,
		RequestTimeout: pace.RequestTimeout,
		MaxRate:        pace.Rate,
		MaxWait:        pace.MaxWait,
		StallTimeout:   pace.StallTimeout,
		Headers:        pace.headers(),
		Reauthorize:    r.tenant.Client.Reauthorize,
		BeforeSend:     r.syncIntents,
		Logger:         r.opts.Logger,
		Observe: func(o batch.Observation) {
			for _, w := range r.watch {
				w.Batch(o)
			}
		},
	})
	if err != nil {
		return status.Refuse(err)
	}
	return nil
}

// job returns a Job whose rows go to the observers and to the log.
func (r *run) job(opts revoke.Options) *revoke.Job {
	opts.Protected = r.protected
	opts.Self, opts.Caller = r.tenant.Token.Self, r.tenant.Caller()
	opts.Settled, opts.Doubted, opts.Perhaps = r.earlier.Settled, r.earlier.Doubted, r.earlier.Perhaps
	return revoke.New(r.runner, func(row *results.Row) error {
		for _, w := range r.watch {
			w.Row(row)
		}
		return r.write(row)
	}, opts)
}

// show shows progress in the form that the options name, in place of what was shown before.
func (r *run) show(opts progress.Options) {
	opts.Mode = r.opts.Progress
	r.console.Show(opts)
}

// onScreen shows rows and batches in the progress display.
type onScreen struct{ console *console.Console }

func (s *onScreen) Row(row *results.Row) {
	switch d := s.console.Display(); {
	case d == nil, row.Beside, row.Provisional && row.SupersedesPending != "":
	case row.Provisional && row.Outcome == results.Found: // it counts when it is deleted
	case row.Provisional:
		d.Pending(row.Outcome)
	case row.SupersedesPending != "":
		d.Verified(row.SupersedesPending, row.Outcome)
	default:
		d.Row(row.Outcome)
	}
}

func (s *onScreen) Batch(o batch.Observation) {
	if d := s.console.Display(); d != nil {
		d.Observe(o.Accepted, o.Refused, o.Quota, o.ClosedUntil)
		d.Outage(o.Outage, o.NextTry)
	}
}

// ended returns the error with which the command ends after something failed before the first
// row, and nil without an error.
func (r *run) ended(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return interrupted(ctx)
	}
	return r.tenant.Status(err)
}

// interrupted returns the error of a command that a signal or the deadline ended before anything
// was sent.
func interrupted(ctx context.Context) error {
	return &status.Error{Code: status.Stopped, Err: fmt.Errorf("%w, nothing was sent", context.Cause(ctx))}
}

// withDeadline ends the context after a time, if that is not 0.
func withDeadline(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	if after <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, after, &deadlineError{after})
}

// A deadlineError is the end of a run by --deadline.
type deadlineError struct{ after time.Duration }

func (e *deadlineError) Error() string { return fmt.Sprintf("the deadline of %v is over", e.after) }

func isDeadline(err error) bool {
	_, is := errors.AsType[*deadlineError](err)
	return is
}
