package run

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
)

// ScanOptions say what Scan looks for, and where it prints what it finds.
type ScanOptions struct {
	Options

	Scope  Scope
	Output string // a file, or "-" for standard output
	Format string // one of scan.Formats
	Gone   bool   // also print the passes of the audit log that are gone or replaced
}

// Scan finds passes and prints them.
func Scan(ctx context.Context, c *console.Console, o *ScanOptions) error {
	p := plan{task: func(*run) token.Task { return o.Scope.task(true) }, quiet: o.Quiet || !c.IsTerminal(c.Err)}
	return openScan(ctx, c, &o.Options, &o.Scope, p, func(ctx context.Context, r *run) error {
		out, err := openOutput(c, o)
		if err != nil {
			return err
		}
		defer out.abort()
		if o.Log.Path == "" {
			return r.scan(ctx, o, out)
		}
		if err := r.openLog(results.ResumeOptions{Anew: true, Each: func(row *results.Row) {
			o.Metrics.Earlier(row)
			if row.Outcome == results.Found {
				_ = out.Write(lineOf(row))
			}
		}}); err != nil {
			return err
		}
		return r.scan(ctx, o, out)
	})
}

func (r *run) scan(ctx context.Context, o *ScanOptions, out *output) error {
	r.makeJob(revoke.Options{AbortAfter: 100})
	return r.do(ctx, func(ctx context.Context) error {
		r.show(progress.Options{Phase: "scanning", Verb: string(results.Found), Noun: "users"})
		find := o.Scope.Find
		if o.Gone {
			find.OnGone = func(gone *scan.Found) { _ = out.Write(lineOf(foundRow(gone))) }
		}
		err := r.look(ctx, find, func(found *scan.Found, _ context.CancelCauseFunc) {
			r.opts.Metrics.Found(found)
			row := foundRow(found)
			r.job.Record(row)
			_ = out.Write(lineOf(row)) // kept, and returned by commit
		})
		r.console.Display().Stop() // the passes may go to the same terminal
		var outErr error
		wrong := r.summary.wrongCreator()
		if r.summary.Output, outErr = out.commit(o.Output, err == nil && !wrong); outErr != nil && err == nil {
			err = fmt.Errorf("writing the passes: %w", outErr)
		}
		if r.summary.Output == "" && outErr == nil {
			why := "the scan did not end"
			if wrong {
				why = "--created-by names nobody"
			}
			r.console.Say("%s is not written, because %s", o.Output, why)
		}
		return err
	})
}

// foundRow is the row of a pass that was found.
func foundRow(f *scan.Found) *results.Row {
	return &results.Row{Source: results.ScanSource, User: f.User, UPN: f.UPN, Method: f.ID, Outcome: results.Found,
		Reason:  string(f.Why),
		Created: f.Created, Start: f.Start, Expires: f.Expires(), UsableOnce: f.UsableOnce, Status: 200, Attempts: 1,
		Creation: f.Creation}
}

// lineOf is the line of a pass that was found.
func lineOf(row *results.Row) *scan.Line {
	return &scan.Line{User: row.User, Method: row.Method, UPN: row.UPN, Reason: row.Reason, Created: row.Created,
		Start: row.Start, Expires: row.Expires, UsableOnce: row.UsableOnce, Creation: row.Creation}
}

// output is where passes are printed to. A file appears when the scan has ended. If the scan is
// stopped, the passes that were found are kept in a new file, but no old file is replaced.
type output struct {
	*scan.Writer
	file  *fileout.File
	plain *os.File // a device or a pipe, which cannot appear
	done  bool
}

func openOutput(c *console.Console, f *ScanOptions) (*output, error) {
	o := &output{}
	w := c.Out
	if info, err := os.Stat(f.Output); f.Output != "-" && err == nil && !info.Mode().IsRegular() {
		if o.plain, err = os.OpenFile(f.Output, os.O_WRONLY, 0); err != nil {
			return nil, status.Refuse(fmt.Errorf("--output: %w", err))
		}
		w = o.plain
	} else if f.Output != "-" {
		if o.file, err = fileout.Create(f.Output, f.Log.Overwrite || f.Log.Resume); err != nil {
			return nil, status.RefuseFile(fmt.Errorf("--output: %w", err))
		}
		w = o.file
	}
	var err error
	if o.Writer, err = scan.NewWriter(w, f.Format, f.Scope.Find.Audit != nil); err != nil {
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
