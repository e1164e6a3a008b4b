package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

// finder is what scan and sweep begin with.
type finder struct {
	command  string
	run      *runFlags
	find     *findFlags
	output   string
	readOnly bool
	quiet    bool // hold the preflight back
}

// finder makes a run that looks for passes: connection, preflight, runner, groups.
func (a *app) finder(ctx context.Context, f finder) (r *runOf, opts *scan.Options, err error) {
	logger := a.logger(f.run.logLevel, f.run.logFormat)
	way, err := a.prepare(&f.run.connect)
	if err != nil {
		return nil, nil, err
	}
	if opts, err = f.find.options(time.Now()); err != nil {
		return nil, nil, err
	}
	for _, warning := range f.find.warnings {
		a.say("warning: %s", warning)
	}
	if opts.Audit != nil && way.endpoint.Cloud != nil && way.endpoint.Cloud.Name == "china" {
		// Source: learn.microsoft.com/graph/api/directoryaudit-list, national clouds.
		return nil, nil, status.Refuse(errors.New("the cloud china has no directory audit log in Graph"), "look at users instead: --all-users or --group")
	}
	if err := errors.Join(checkOutput(f.output, f.run.mayReplace()),
		f.run.checkResults(f.run.results)); err != nil {
		return nil, nil, err
	}
	tenant, err := way.waiting(a, f.run).connect(ctx)
	if ctx.Err() != nil {
		return nil, nil, interrupted(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	if f.run.metrics != "" {
		a.recorder.expired = metrics.NewExpired()
	}
	made := &runOf{app: a, flags: f.run, tenant: tenant, logger: logger, header: &results.Run{
		Version: buildVersion(), Command: a.args, Digest: f.find.digest(f.command, opts.Users), Tenant: tenant.id,
		Operator: tenant.token.Who, GraphRoot: tenant.root}}
	defer func() {
		if err != nil {
			made.unhold()
			tenant.close()
		}
	}()
	task := f.find.task(opts)
	task.ReadOnly = f.readOnly
	if err = made.preflight(task, f.quiet); err != nil {
		return nil, nil, err
	}
	if err = made.makeRunner(); err != nil {
		return nil, nil, err
	}
	opts.Root, opts.Caller = tenant.api, tenant.caller()
	if err = made.checkGroups(ctx, opts.Groups); err != nil {
		return nil, nil, err
	}
	if err = made.findCreator(ctx, opts.Audit); err != nil {
		return nil, nil, err
	}
	return made, opts, nil
}

// checkGroups refuses groups that are not there, before anything else is read.
func (r *runOf) checkGroups(ctx context.Context, ids []string) error {
	return r.ended(ctx, scan.CheckGroups(ctx, r.runner, ids))
}

// ended returns the error with which the command ends after a lookup that failed before the run,
// and nil without one.
func (r *runOf) ended(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return interrupted(ctx)
	}
	return r.tenant.status(err)
}

// look runs a scan by itself. found gets each pass, and may end the scan.
func (r *runOf) look(ctx context.Context, opts *scan.Options, job *revoke.Job,
	found func(*scan.Found, context.CancelCauseFunc) []batch.Request) (scan.Counts, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s, seen := r.newScan(opts, job, stop, found)
	err := r.runner.Run(ctx, s.Requests(), s.Settle)
	return s.Counts(), cmp.Or(err, seen.flush())
}

// newScan makes a scan whose rows and users go to the log, through the job.
func (r *runOf) newScan(opts *scan.Options, job *revoke.Job, stop context.CancelCauseFunc,
	found func(*scan.Found, context.CancelCauseFunc) []batch.Request) (*scan.Scan, *scannedUsers) {
	job.Within(stop)
	seen := &scannedUsers{write: r.write}
	o := *opts
	o.Skip = r.earlier.Looked
	return scan.New(o, scan.Sinks{
		Found: func(f *scan.Found) []batch.Request {
			job.Answered()
			return found(f, stop)
		},
		Done: func(user string) {
			job.Answered()
			if d := r.display.Load(); d != nil {
				d.Passed()
			}
			// So that what a run before has met is not the last word.
			if r.earlier.Failed(user) {
				job.Record(&results.Row{Source: results.ScanSource, User: user, Outcome: results.Absent,
					Message: "none of the passes that are looked for"})
				return
			}
			if err := seen.add(user); err != nil {
				stop(err)
			}
		},
		Failed: func(row *results.Row) {
			row.Source = results.ScanSource
			job.Record(row)
		},
		Sent: job.Sent,
	}, stop), seen
}

// scannedUsers gathers users without a find, so that they share lines of the log.
type scannedUsers struct {
	write func(any) error
	users []string
}

// usersALine is how many users share a line. So many are looked at again, at most,
// when a scan that was killed is gone on with.
const usersALine = 200

func (s *scannedUsers) add(user string) error {
	if s.users = append(s.users, user); len(s.users) < usersALine {
		return nil
	}
	return s.flush()
}

func (s *scannedUsers) flush() error {
	if len(s.users) == 0 {
		return nil
	}
	line := &results.Scanned{Users: s.users}
	s.users = nil
	return s.write(line)
}

// byReason lists how many passes there are of each reason.
func byReason(counts map[passes.Reason]int, which ...passes.Reason) string {
	var parts []string
	for _, reason := range which {
		if n := counts[reason]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, reason))
		}
	}
	return strings.Join(parts, ", ")
}
