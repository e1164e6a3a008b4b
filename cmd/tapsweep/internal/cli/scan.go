package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/run"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
)

type scanFlags struct {
	runFlags
	scopeFlags
	scan run.ScanOptions
}

func (p *program) scanCommand() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [flags]",
		Short: "Find passes, and print a list of them",
		Long: `Find Temporary Access Passes and print them. This changes nothing. tapsweep
revoke accepts the output as a list.

With --results, the scan keeps a log. If the scan is stopped, --resume continues
it from this log.

Exit codes:
  0   All users were scanned.
  1   Some users or audit records could not be read, a pass does not clearly
      match an audit record, or the tenant has no user with the name in
      --created-by.
  3   No access: there is no token that Graph accepts, or it lacks a permission.
  4   Stopped early.
  64  Wrong flags.`,
		Example: `  tapsweep scan --all-users --reason expired,used --output left-over.csv
  tapsweep scan --created-since 24h --created-by mallory@contoso.com
  tapsweep scan --group 5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311 --format table`,
		Args: noList,
		RunE: runs(p, f.options, run.Scan),
	}
	fl := cmd.Flags()
	f.scopeFlags.add(fl, "all")
	fl.StringVar(&f.scan.Output, "output", "-", "write the passes to this new `FILE`; \"-\" is standard output")
	addEnum(fl, &f.scan.Format, "format", "", scan.Formats,
		oneOf(scan.Formats)+" (default by the file's extension; table on a terminal, else csv)")
	inHelp(fl, output, "output", "format")
	fl.BoolVar(&f.scan.Gone, "include-gone", false,
		"also list passes of the audit log that no longer exist; with this list, revoke --revoke-sessions "+
			"also revokes the sessions of their users")
	inHelp(fl, whatToFind, "include-gone")
	f.addResults(fl, "keep a results log in `FILE`, so that --resume can continue the scan (default none)")
	f.addPace(fl)
	f.addRest(fl)
	return cmd
}

func (f *scanFlags) check() error {
	output, results := f.scan.Output, f.opts.Log.Path
	return refuse(
		conflict{f.scan.Gone && results != "",
			"--include-gone and --results cannot be used together: the log has no rows for passes that are gone", ""},
		conflict{output == "-" && results == "-", "--output and --results cannot both go to standard output", ""},
		conflict{sameName(output, results), "--output and --results name the same file", ""},
		conflict{sameName(output, f.metrics), "--output and --metrics-file name the same file", ""},
		conflict{f.scan.Format == "" && strings.EqualFold(filepath.Ext(output), ".json"),
			fmt.Sprintf("--output %s: a scan writes %s", output, oneOf(scan.Formats)),
			"name a .jsonl or .csv file, or choose with --format"},
	)
}

// chosen returns the output format. On a terminal the default is a table.
func (f *scanFlags) chosen(terminal bool) string {
	switch ext := strings.ToLower(filepath.Ext(f.scan.Output)); {
	case f.scan.Format != "":
		return f.scan.Format
	case ext == ".jsonl":
		return "jsonl"
	case f.scan.Output == "-" && terminal:
		return "table"
	}
	return "csv"
}

func (f *scanFlags) options(p *program, cmd *cobra.Command, _ []string) (*run.ScanOptions, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	o, err := f.runFlags.options(p, cmd)
	if err != nil {
		return nil, err
	}
	scope, err := f.scopeFlags.options(cmd.Name(), time.Now())
	if err != nil {
		return nil, err
	}
	if f.scan.Gone && scope.Find.Audit == nil {
		return nil, status.Refuse(errors.New("--include-gone works only with the audit log"),
			"use --created-by, or --created-since without another scope")
	}
	f.scan.Options, f.scan.Scope, f.scan.Format = o, scope, f.chosen(p.console.IsTerminal(p.console.Out))
	return &f.scan, checkOutput(f.scan.Output, o.Log.Overwrite || o.Log.Resume)
}
