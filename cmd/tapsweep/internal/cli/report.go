package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
)

type reportFlags struct{ report.Outputs }

func (p *program) reportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [flags] RESULTS…",
		Short: "Create a report from results logs",
		Long: `Create a report from one or more results logs of the same tenant. For each pass
the latest result counts, across all logs.

Without a flag, a summary is printed to standard output. The HTML page is one
file that needs neither a network nor scripts. If there are more than 50,000
passes, it shows only those that are not done; --csv writes all. "-" is standard
output.

Exit codes:
  0   The report is written.
  4   Stopped by a signal, or the disk is full.
  64  The report is not written.`,
		Example: `  tapsweep report incident-4711.jsonl
  tapsweep report --html incident-4711.html --csv incident-4711.csv incident-4711.jsonl`,
		Args: needsLog,
		RunE: func(cmd *cobra.Command, logs []string) error { return p.report(cmd.Context(), &f, logs) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.HTML, "html", "", "write a page for a browser or for paper to this `FILE`")
	fl.StringVar(&f.CSV, "csv", "", "write all passes with their results to this `FILE`")
	fl.StringVar(&f.JSON, "json", "", "write the numbers as one JSON object to this `FILE`")
	fl.BoolVar(&f.Overwrite, "overwrite", false, "replace files that exist")
	inHelp(fl, output, "html", "csv", "json", "overwrite")
	return cmd
}

func needsLog(_ *cobra.Command, logs []string) error {
	if len(logs) == 0 {
		return errors.New("no results log is given")
	}
	return nil
}

// An outputFile is a file to write, and the flag that names it.
type outputFile struct{ flag, path string }

func (f *reportFlags) files() []outputFile {
	all := []outputFile{{"--html", f.HTML}, {"--csv", f.CSV}, {"--json", f.JSON}}
	return slices.DeleteFunc(all, func(o outputFile) bool { return o.path == "" })
}

// check refuses files that must not be written. It runs before the logs are read.
func (f *reportFlags) check(logs *report.Logs) error {
	files := f.files()
	for i, o := range files {
		for _, other := range files[:i] {
			if sameName(o.path, other.path) {
				return status.Refuse(fmt.Errorf("%s and %s are both %s", other.flag, o.flag, o.path))
			}
		}
		if o.path == "-" {
			continue
		}
		err := report.CheckFile(o.flag, o.path, f.Overwrite, logs)
		switch {
		case evidence.Contains(o.path):
			return status.Refuse(fmt.Errorf("%s: %s is evidence, which must not change", o.flag, o.path),
				"choose another file")
		case errors.Is(err, fs.ErrExist):
			return status.Of(err)
		case err != nil:
			return status.Refuse(fmt.Errorf("%s: %w", o.flag, err), "choose another file")
		}
	}
	return nil
}

func (p *program) report(ctx context.Context, f *reportFlags, names []string) (err error) {
	logs, err := report.OpenLogs(ctx, names)
	if err != nil {
		return unwritten(ctx, err)
	}
	defer logs.Close()
	f.Stdout, f.Version = p.console.Out, p.version
	if err := f.check(logs); err != nil {
		return err
	}
	if !p.console.Begin() {
		return status.Interrupted(ctx)
	}
	if err := f.Write(ctx, logs); err != nil {
		return unwritten(ctx, err)
	}
	if len(f.files()) > 0 { // otherwise the text has these warnings
		for _, words := range logs.Skipped() {
			p.console.Say("warning: %s", words)
		}
	}
	for _, path := range []string{f.CSV, f.HTML, f.JSON} {
		if path != "" && path != "-" {
			p.console.Say("wrote %s", path)
		}
	}
	return nil
}

func unwritten(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &status.Error{Code: status.Stopped, Err: fmt.Errorf("%w, no report was written", context.Cause(ctx))}
	}
	return status.RefuseFile(err)
}
