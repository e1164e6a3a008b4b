package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

type verifyFlags struct {
	runFlags
	wait time.Duration
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] RESULTS…",
		Short: "Show that the users of a results log hold no pass",
		Long: `List the passes of every user in one or more results logs, whatever became of
their pairs, and write a results log that says for each whether one is there. It
changes nothing. A pass that is there is a row that remains, which tapsweep revoke
takes. Users whose rows were invalid or protected are not checked.

Exit codes: 0 no user has a pass, 1 a user has one or could not be checked,
3 no access token that Graph accepts, or everything is denied, 4 stopped early:
use --resume to continue, 64 wrong flags, or a log that is of another tenant or
not whole.`,
		Example:           `  tapsweep verify --results incident-proof.jsonl incident.jsonl`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: filesWith("jsonl"),
		RunE: func(cmd *cobra.Command, logs []string) error {
			return a.verify(cmd.Context(), &f, logs)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	addVerifyWait(fl, &f.wait)
	f.addResults(fl, `results log of this, "-" for standard output (default tapsweep-<UTC time>.jsonl)`)
	f.addEvidence(fl)
	f.addPace(fl)
	f.addRest(cmd, "no summary when nobody holds a pass")
	return cmd
}

func (a *app) verify(ctx context.Context, f *verifyFlags, logs []string) (err error) {
	if err := f.runFlags.check(); err != nil {
		return err
	}
	logger := a.logger(f.logLevel, f.logFormat)
	way, err := a.prepare(&f.connect)
	if err != nil {
		return err
	}
	held, err := results.ReadUsers(logs...)
	if err != nil {
		return err
	}
	if held.Foreign > 0 {
		a.say("skipped %s in %s: not part of a results log", format.Plural(held.Foreign, "line", "lines"), strings.Join(logs, ", "))
	}
	path := f.results
	if path == "" {
		path = newName()
	}
	if err := f.checkResults(path, logs...); err != nil {
		return err
	}
	ctx, cancel := withDeadline(ctx, f.deadline)
	defer cancel()
	tenant, err := way.waiting(a, &f.runFlags).connect(ctx)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err != nil {
		return err
	}
	defer tenant.close()
	if err := held.First.Elsewhere(tenant.id, tenant.root); err != nil {
		return status.Refuse(fmt.Errorf("%s: %w", logs[0], err), hintElsewhere)
	}
	if len(held.Users) == 0 {
		none := "no user to look at in " + strings.Join(logs, ", ")
		if held.Invalid > 0 {
			return status.Refuse(fmt.Errorf("%s: %s invalid", none, format.Plural(held.Invalid, "row was", "rows were")))
		}
		a.say("%s; nothing to do", none)
		return nil
	}
	r := &runOf{app: a, flags: &f.runFlags, tenant: tenant, logger: logger, header: &results.Run{
		Version: buildVersion(), Command: a.args, Digest: held.Digest, Tenant: tenant.id, Operator: tenant.token.Who,
		GraphRoot: tenant.root, Pairs: len(held.Users)}, proves: logs}
	defer func() {
		if err != nil {
			r.unhold()
		}
	}()
	if err := r.preflight(preflight.Task{ReadOnly: true, Others: true}, f.quiet); err != nil {
		return err
	}
	if err := r.makeRunner(); err != nil {
		return err
	}
	if err := r.open(path, results.ResumeOptions{}); err != nil {
		return err
	}
	summary := &report.Summary{Verify: true}
	return r.do(ctx, summary, func(ctx context.Context) (revoke.Counts, error) {
		r.show(progress.Options{Total: len(held.Users) - r.earlier.Len(), Phase: "verifying", Verb: "gone",
			Good: []results.Outcome{results.Revoked, results.Absent}})
		job := r.job(revoke.Options{Verify: f.wait, VerifyOnly: true, AbortAfter: 100})
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		job.Within(stop)
		err := r.runner.Run(ctx, func(yield func(batch.Request) bool) {
			for _, u := range held.Users {
				req, ok := job.Begin(input.Pair{Source: u.Source, Line: u.Line, User: u.User, Method: u.Method}, revoke.Found{UPN: u.UPN, Outcome: u.Outcome})
				if ok && !yield(req) {
					return
				}
			}
		}, job.Settle)
		return job.Counts(), err
	}, func(code int) {
		if code != status.Done || !f.quiet {
			summary.Print(a.stderr)
		}
	})
}
