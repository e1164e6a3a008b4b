package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
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

With --results, use --resume to continue a scan that was stopped.

Exit codes: 0 all users were scanned, 1 some could not be, 3 no access token
that Graph accepts, or it lacks a permission, 4 stopped early, 64 wrong flags.`,
		Example: `  tapsweep scan --all-users --reason expired,used --output left-over.csv
  tapsweep scan --created-since 24h --created-by mallory@contoso.com
  tapsweep scan --group 5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311 --format table`,
		Args: noList,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.scan(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	f.findFlags.add(fl, "all")
	addFile(fl, &f.output, "output", "-", "write the passes to this new file")
	addEnum(fl, &f.format, "format", "", scan.Formats, oneOf(scan.Formats)+" (default by the file's extension; table on a terminal, else csv)")
	f.addResults(fl, "results log of the scan, to go on with it (default none)")
	f.addPace(fl)
	f.addRest(cmd, "no summary when everybody was looked at")
	return cmd
}

func (f *scanFlags) check() error {
	if f.output != "-" && sameName(f.output, f.results) {
		return status.Refuse(errors.New("--output and --results name the same file"))
	}
	if f.metrics != "" && sameName(f.metrics, f.output) {
		return status.Refuse(errors.New("--output and --metrics-file name the same file"))
	}
	if f.format == "" && strings.EqualFold(filepath.Ext(f.output), ".json") {
		return status.Refuse(fmt.Errorf("--output %s: a scan writes %s", f.output, oneOf(scan.Formats)),
			"name a .jsonl or .csv file, or choose with --format")
	}
	if f.output == "-" && f.results == "-" {
		return status.Refuse(errors.New("--output and --results cannot both go to standard output"))
	}
	return f.runFlags.check()
}

// chosen is the format to write.
func (f *scanFlags) chosen(stdout any) string {
	switch ext := strings.ToLower(filepath.Ext(f.output)); {
	case f.format != "":
		return f.format
	case ext == ".jsonl":
		return "jsonl"
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
	out, err := a.openOutput(ctx, f)
	if err != nil {
		return err
	}
	defer out.abort()
	if f.results != "" {
		if err := r.open(f.results, results.ResumeOptions{Anew: true, Each: func(row *results.Row) {
			a.recorder.expired.Earlier(row)
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
			r.recorder.expired.Found(found)
			job.Record(foundRow(found))
			_ = out.Write(found.Line()) // kept, and returned by commit
			return nil
		})
		summary.Scan = &counts
		r.display.Load().Stop() // the passes may go to the same terminal
		var outErr error
		if summary.Output, outErr = out.commit(f.output, err == nil); outErr != nil && err == nil {
			err = fmt.Errorf("writing the passes: %w", outErr)
		}
		if summary.Output == "" && outErr == nil {
			a.say("%s is left as it was, because the scan did not end", f.output)
		}
		return job.Counts(), err
	}, func(code int) {
		if code != status.Done || !f.quiet {
			summary.Print(a.stderr)
		} else {
			summary.AllClear(a.stderr)
		}
	})
}

// foundRow is the row of a pass that was found.
func foundRow(f *scan.Found) *results.Row {
	return &results.Row{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Outcome: results.Found, Reason: string(f.Why),
		Created: f.Created, Start: f.Start, Expires: f.Expires(), UsableOnce: f.UsableOnce, Status: 200, Attempts: 1}
}

// output is where passes are printed to. A file appears when the scan has ended. If the scan is
// stopped, the passes that were found are kept in a new file, but no old file is replaced.
type output struct {
	*scan.Writer
	file  *fileout.File
	plain *os.File // a device or a pipe, which cannot appear
	done  bool
}

func (a *app) openOutput(ctx context.Context, f *scanFlags) (*output, error) {
	o := &output{}
	var w io.Writer = &results.Patient{W: a.stdout, Hurry: ctx.Done()}
	if info, err := os.Stat(f.output); f.output != "-" && err == nil && !info.Mode().IsRegular() {
		if results.IsPipe(f.output) {
			o.plain, err = results.OpenPipe(f.output)
		} else {
			o.plain, err = os.OpenFile(f.output, os.O_WRONLY, 0)
		}
		if err != nil {
			return nil, status.Refuse(fmt.Errorf("--output: %w", err))
		}
		w = &results.Patient{W: o.plain, Hurry: ctx.Done()}
	} else if f.output != "-" {
		if o.file, err = fileout.Create(f.output, f.overwrite || f.resume != ""); err != nil {
			return nil, status.RefuseFile(fmt.Errorf("--output: %w", err))
		}
		w = o.file
	}
	var err error
	if o.Writer, err = scan.NewWriter(w, f.chosen(a.stdout)); err != nil {
		o.abort()
		return nil, status.Refuse(fmt.Errorf("--output: %w", err))
	}
	return o, nil
}

// commit writes what is left, and returns the path, or "" if no file was written. It writes none
// if the scan has not ended and there is an old file, or nothing to write.
func (o *output) commit(path string, ended bool) (string, error) {
	o.done = true
	err := o.Writer.Close()
	switch {
	case o.file != nil && (err != nil || !ended && (o.Empty() || isThere(path))):
		o.file.Abort()
		return "", err
	case o.file != nil:
		err = o.file.Commit()
	case o.plain != nil:
		err = errors.Join(err, o.plain.Close())
	}
	if err != nil {
		return "", err
	}
	return path, nil
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
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
