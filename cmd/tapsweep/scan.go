package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
)

type scanFlags struct {
	runFlags
	findFlags
	output, format string
}

func (a *app) scanCommand() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [flags]",
		Short: "Find passes, and print a list of them",
		Long: `Find Temporary Access Passes and print them, changing nothing. What it prints,
tapsweep revoke takes.

With --results it can be gone on with by --resume when it was stopped.

Exit codes: 0 everybody was looked at, 1 some could not be, 2 usage, 3 no access
token that Graph takes, or it lacks a permission, 4 stopped early.`,
		Example: `  tapsweep scan --all-users --reason expired,used --output left-over.csv
  tapsweep scan --created-since 24h --created-by mallory@contoso.com
  tapsweep scan --group 5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311 --format table`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.scan(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	f.findFlags.add(fl, "only passes that are so, of "+reasonNames()+" (default all)")
	fl.StringVar(&f.output, "output", "-", "write the passes to this new file")
	fl.StringVar(&f.format, "format", "", strings.Join(scan.Formats, ", ")+" (default by the file's extension; table on a terminal, else csv)")
	f.addResults(fl, "results log of the scan, to go on with it (default none)")
	f.addPace(fl)
	f.addRest(cmd, "no summary when everybody was looked at")
	return cmd
}

func (f *scanFlags) check() error {
	if f.format != "" && !slices.Contains(scan.Formats, f.format) {
		return refuse(fmt.Errorf("--format %q is not %s", f.format, strings.Join(scan.Formats, ", ")))
	}
	if f.output == "" {
		return refuse(errors.New("--output is empty"))
	}
	if f.output != "-" && f.output == f.results {
		return refuse(errors.New("--output and --results name the same file"))
	}
	if f.output == "-" && f.results == "-" {
		return refuse(errors.New("--output and --results cannot both go to standard output"))
	}
	return f.runFlags.check()
}

// chosen is the format to write.
func (f *scanFlags) chosen(stdout any) string {
	switch ext := strings.ToLower(filepath.Ext(f.output)); {
	case f.format != "":
		return f.format
	case ext == ".json", ext == ".jsonl":
		return ext[1:]
	case f.output == "-" && isTerminal(stdout):
		return "table"
	}
	return "csv"
}

func (a *app) scan(ctx context.Context, f *scanFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	ctx, cancel := withDeadline(ctx, f.deadline)
	defer cancel()
	r, opts, err := a.finder(ctx, finder{command: "scan", run: &f.runFlags, find: &f.findFlags, output: f.output,
		readOnly: true, quiet: f.quiet || !isTerminal(a.stderr)})
	if err != nil {
		return err
	}
	defer r.tenant.close()
	defer func() {
		if err != nil {
			r.unhold()
		}
	}()
	out, err := a.openOutput(f)
	if err != nil {
		return err
	}
	defer out.abort()
	if f.results != "" {
		if err := r.open(f.results, results.ResumeOptions{Anew: true, Each: func(row *results.Row) {
			if row.Outcome == results.Found {
				out.Write(&scan.Line{User: row.User, Method: row.Method, UPN: row.UPN, Reason: row.Reason,
					Created: row.Created, Start: row.Start, Expires: row.Expires, UsableOnce: row.UsableOnce})
			}
		}}); err != nil {
			return err
		}
	}
	summary := &report.Summary{Results: f.results, Output: f.output}
	return r.do(ctx, summary, func(ctx context.Context) (revoke.Counts, error) {
		r.show(progress.Options{Phase: "scanning", Verb: string(results.Found), Noun: "users"})
		job := r.job(revoke.Options{AbortAfter: 100})
		counts, err := r.look(ctx, opts, job, func(found *scan.Found, _ context.CancelCauseFunc) []batch.Request {
			job.Record(foundRow(found))
			if err := out.Write(found.Line()); err != nil {
				return nil // closing tells
			}
			return nil
		})
		summary.Scan = &counts
		r.display.Load().Stop() // the passes may go to the same terminal
		if outErr := out.commit(); outErr != nil && err == nil {
			err = fmt.Errorf("writing the passes: %w", outErr)
		}
		return job.Counts(), err
	}, func(code int) {
		if code != exitDone || !f.quiet {
			summary.Print(a.stderr)
		}
	})
}

// foundRow is the row of a pass that was found.
func foundRow(f *scan.Found) *results.Row {
	return &results.Row{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Outcome: results.Found, Reason: string(f.Why),
		Created: f.Created, Start: f.Start, Expires: f.Expires(), UsableOnce: f.UsableOnce, Status: 200, Attempts: 1}
}

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
	logger, err := a.logger(f.run.logLevel, f.run.logFormat)
	if err != nil {
		return nil, nil, err
	}
	way, err := a.prepare(&f.run.connect)
	if err != nil {
		return nil, nil, err
	}
	if opts, err = f.find.options(time.Now()); err != nil {
		return nil, nil, err
	}
	if opts.Audit != nil && way.endpoint.Cloud != nil && way.endpoint.Cloud.Name == "china" {
		// Source: learn.microsoft.com/graph/api/directoryaudit-list, national clouds.
		return nil, nil, refuse(errors.New("the cloud china has no directory audit log in Graph"), "look at users instead: --all-users or --group")
	}
	mayExist := f.run.overwrite || f.run.resume != ""
	if err := errors.Join(checkFile("--output", f.output, mayExist, f.find.users, a.stdin),
		checkFile("--results", f.run.results, mayExist, f.find.users, a.stdin)); err != nil {
		return nil, nil, err
	}
	tenant, err := way.connect(ctx)
	if ctx.Err() != nil {
		return nil, nil, interrupted(ctx)
	}
	if err != nil {
		return nil, nil, err
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
	return made, opts, nil
}

// checkGroups refuses groups that are not there, before anything else is read.
func (r *runOf) checkGroups(ctx context.Context, ids []string) error {
	err := scan.CheckGroups(ctx, r.runner, ids)
	source, ok := errors.AsType[*scan.SourceError](err)
	switch {
	case ctx.Err() != nil:
		return interrupted(ctx)
	case ok && source.Denied():
		return &exitError{code: exitAuth, err: err, hints: sourceHints(source)}
	case ok:
		return refuse(err)
	case errors.Is(err, batch.ErrUnauthorized):
		return &exitError{code: exitAuth, err: err, hints: r.tenant.hints(err)}
	case err != nil:
		return &exitError{code: exitStopped, err: err}
	}
	return nil
}

// sourceHints say what a place to look in takes.
// Source: learn.microsoft.com/graph/permissions-reference.
func sourceHints(e *scan.SourceError) []string {
	switch {
	case scan.Unseen(e):
		return []string{"--members-only and --enabled-only take the permission User.Read.All: " +
			"User.ReadBasic.All does not show whether an account is enabled"}
	case e.Wrong():
		return []string{"Graph does not understand what was asked: see learn.microsoft.com/graph/filter-query-parameter for --filter"}
	case !e.Denied():
		return nil
	case strings.HasPrefix(e.What, "the audit log"):
		return []string{"the audit log takes the permission AuditLog.Read.All (b0afded3-3588-46d8-8b3d-9842eff778da)"}
	case strings.Contains(e.What, "group"):
		return []string{"groups take the permission GroupMember.Read.All (98830695-27a2-44f7-8c18-0c3ebc9698f6)"}
	}
	return []string{"users take the permission User.ReadBasic.All (97235f07-e226-4f63-ace3-39588e11d3a1)"}
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
			if d, ok := r.earlier.Doubted(results.ScanSource, 0, user); ok {
				// Deleted by a run before, and now seen to be gone.
				job.Record(&results.Row{Source: results.ScanSource, User: user, UPN: d.UPN, Method: d.Method, Outcome: d.Outcome, Verified: true})
			} else if err := seen.add(user); err != nil {
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

// output is where passes are printed to. A file appears when the scan has ended,
// whichever way, so that nobody takes half a list for the whole.
type output struct {
	*scan.Writer
	file  *report.File
	plain *os.File // a device or a pipe, which cannot appear
	done  bool
}

func (a *app) openOutput(f *scanFlags) (*output, error) {
	o := &output{}
	var w io.Writer = a.stdout
	if info, err := os.Stat(f.output); f.output != "-" && err == nil && !info.Mode().IsRegular() {
		if o.plain, err = os.OpenFile(f.output, os.O_WRONLY, 0); err != nil {
			return nil, refuse(fmt.Errorf("--output: %w", err))
		}
		w = o.plain
	} else if f.output != "-" {
		if o.file, err = report.CreateFile(f.output, f.overwrite || f.resume != ""); err != nil {
			return nil, refuse(fmt.Errorf("--output: %w", err))
		}
		w = o.file
	}
	var err error
	if o.Writer, err = scan.NewWriter(w, f.chosen(a.stdout)); err != nil {
		o.abort()
		return nil, refuse(fmt.Errorf("--output: %w", err))
	}
	return o, nil
}

// commit writes what is left.
func (o *output) commit() error {
	o.done = true
	err := o.Writer.Close()
	switch {
	case o.file != nil && err != nil:
		o.file.Abort()
	case o.file != nil:
		err = o.file.Commit()
	case o.plain != nil:
		err = errors.Join(err, o.plain.Close())
	}
	return err
}

// abort drops what was written to a file, unless it is committed.
func (o *output) abort() {
	if o.done {
		return
	}
	if o.file != nil {
		o.file.Abort()
	}
	if o.plain != nil {
		o.plain.Close()
	}
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
