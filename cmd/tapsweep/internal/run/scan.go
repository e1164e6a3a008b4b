package run

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

// ScanOptions are the options of Scan.
type ScanOptions struct {
	Options

	Scope  Scope
	Output string // a file, or "-" for standard output
	Format string // one of scan.Formats
	Gone   bool   // also print passes of the audit log that are gone or replaced
}

// Scan finds passes and prints them.
func Scan(ctx context.Context, c *console.Console, o *ScanOptions) error {
	o.Guards.AbortAfter = abortAfter
	var out *output
	defer func() { out.abort() }()
	return execute(ctx, c, &o.Options, plan{
		scope: &o.Scope,
		task:  o.Scope.task(true),
		quiet: o.Quiet || !c.IsTerminal(c.Err),
		prepare: func(*run, context.Context) (err error) {
			out, err = openOutput(c, o)
			return err
		},
		resume: results.ResumeOptions{IgnoreFinishedRuns: true, OnCompleted: func(row *results.Row) {
			o.Metrics.Row(row)
			if row.Outcome == results.Found {
				_ = out.Write(lineOf(row))
			}
		}},
		work: func(r *run, ctx context.Context) error { return r.scan(ctx, o, out) },
	})
}

func (r *run) scan(ctx context.Context, o *ScanOptions, out *output) error {
	r.show(progress.Options{Phase: "scanning", Noun: "users"})
	find := o.Scope.Find
	list := func(f *scan.Found) { _ = out.Write(lineOf(foundRow(f))) }
	find.OnNotKnown = func(f *scan.Found) {
		r.summary.NotScanned++
		list(f)
	}
	if o.Gone {
		find.OnGone = list
	}
	err := r.look(ctx, find, func(found *scan.Found) {
		row := foundRow(found)
		r.job.Record(row)
		_ = out.Write(lineOf(row)) // commit returns the error
	})
	r.scanLogged = err == nil
	r.console.Display().Stop() // the passes may go to the same terminal
	_, statErr := os.Lstat(o.Output)
	s := &r.summary
	s.Output = o.Output
	switch {
	case o.Output == "-":
	case s.wrongCreator(): // an empty list would look like a scan that found nothing suspicious
		s.NotWritten = "no audit record has the name in --created-by"
	case err != nil && (out.Empty() || statErr == nil):
		// If the scan is stopped, the passes found so far are kept in a new file. An old file is not replaced.
		s.NotWritten = "the scan is not complete"
	}
	if s.NotWritten != "" {
		return err
	}
	if outErr := out.commit(); outErr != nil {
		s.NotWritten = outErr.Error()
		return cmp.Or(err, fmt.Errorf("writing the passes: %w", outErr))
	}
	return err
}

func foundRow(f *scan.Found) *results.Row {
	return &results.Row{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Outcome: results.Found,
		Reason: string(f.Reason), Created: f.Created, Start: f.Start, Expires: f.Expires(), UsableOnce: f.UsableOnce,
		Status: 200, Attempts: 1, Creation: f.Creation}
}

func lineOf(row *results.Row) *scan.Line {
	return &scan.Line{User: row.User, Method: row.Method, UPN: row.UPN, Reason: row.Reason, Created: row.Created,
		Start: row.Start, Expires: row.Expires, UsableOnce: row.UsableOnce, Creation: row.Creation}
}

// output is the file, or standard output, that gets the passes.
type output struct {
	*scan.Writer
	file *fileout.File
}

func openOutput(c *console.Console, o *ScanOptions) (*output, error) {
	file, err := fileout.Open(o.Output, c.Out, o.Log.Overwrite || o.Log.Resume)
	if err != nil {
		return nil, status.RefuseFile(fmt.Errorf("--output: %w", err), fileHints(err, "--output")...)
	}
	w, err := scan.NewWriter(file, o.Format, o.Scope.Find.Audit != nil)
	if err != nil {
		file.Abort()
		return nil, status.Refuse(fmt.Errorf("--output: %w", err))
	}
	return &output{w, file}, nil
}

// abort does nothing after commit, and for an output that was not opened.
func (o *output) abort() {
	if o != nil {
		o.file.Abort()
	}
}

// commit writes the rest. A file then gets its name.
func (o *output) commit() error {
	if err := o.Writer.Close(); err != nil {
		return err
	}
	return o.file.Commit()
}
