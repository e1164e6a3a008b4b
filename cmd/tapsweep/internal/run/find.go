package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Scope says where to look for passes, and for which.
type Scope struct {
	Find     scan.Options
	Digest   string   // identifies the scope, so that only the same scan resumes its log
	Warnings []string // about the lists of users
}

// task is what finding passes needs of the token.
func (s *Scope) task(readOnly bool) preflight.Task {
	find := &s.Find
	task := preflight.Task{ReadOnly: readOnly, Others: true, Find: true, Users: find.All || find.MembersOnly ||
		find.EnabledOnly,
		Groups: len(find.Groups) > 0, Audit: find.Audit != nil, Since: find.CreatedSince}
	if find.Audit != nil {
		task.Since = find.Audit.Since
	}
	return task
}

// prepareScan returns a run that looks for passes: it connects, checks the token, and looks up groups
// and the creator. If quiet is set, the preflight is kept back.
func prepareScan(ctx context.Context, c *console.Console, opts *Options, scope *Scope, readOnly, quiet bool) (_ *run,
	err error) {
	for _, warning := range scope.Warnings {
		c.Say("warning: %s", warning)
	}
	if scope.Find.Audit != nil && opts.Target.Cloud() == "china" {
		// Source: learn.microsoft.com/graph/api/directoryaudit-list, national clouds.
		return nil, status.Refuse(errors.New("the cloud china has no directory audit log in Graph"),
			"look at users instead: --all-users or --group")
	}
	if err := checkLog(&opts.Log, false); err != nil {
		return nil, err
	}
	t, err := connect(ctx, c, opts)
	if err != nil {
		return nil, err
	}
	opts.Metrics.Scans()
	r := begin(c, opts, t, scope.Digest)
	defer func() {
		if err != nil {
			r.printHeldPreflight()
			t.Close()
		}
	}()
	if err = r.preflight(scope.task(readOnly), quiet); err != nil {
		return nil, err
	}
	if err = r.makeRunner(); err != nil {
		return nil, err
	}
	scope.Find.Root, scope.Find.Caller = t.API, t.Caller()
	// A group that does not exist is refused before anything else is read.
	if err = r.ended(ctx, scan.CheckGroups(ctx, r.runner, scope.Find.Groups)); err != nil {
		return nil, err
	}
	return r, r.findCreator(ctx, scope.Find.Audit)
}

// look runs a scan by itself. found gets each pass, and may end the scan.
func (r *run) look(ctx context.Context, opts *scan.Options, job *revoke.Job,
	found func(*scan.Found, context.CancelCauseFunc) []batch.Request) (scan.Counts, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s, seen := r.newScan(opts, job, stop, found)
	err := r.runner.Run(ctx, s.Requests(), s.Settle)
	return s.Counts(), cmp.Or(err, seen.flush())
}

// newScan makes a scan whose rows and users go to the log, through the job.
func (r *run) newScan(opts *scan.Options, job *revoke.Job, stop context.CancelCauseFunc,
	found func(*scan.Found, context.CancelCauseFunc) []batch.Request) (*scan.Scan, *scannedUsers) {
	job.Join(stop)
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
			if d := r.console.Display(); d != nil {
				d.Passed()
			}
			// The failure of an earlier run must not be the last word.
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

// usersALine is how many users share a line. If a scan is killed, at most this many users are
// scanned again when it is resumed.
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
