package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/input"
)

// revokeFlags are the flags of revoke, as typed.
type revokeFlags struct {
	yes, dryRun, simulate, quiet, skipInvalid, overwrite bool

	format         string
	results        string
	graphURL       string
	progress       string
	logLevel       string
	logFormat      string
	concurrency    int
	batchSize      int
	maxAttempts    int
	requestTimeout time.Duration
	rate           float64
	priority       string
	maxWait        time.Duration
	stallTimeout   time.Duration
	deadline       time.Duration
}

func (a *app) revokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke [flags] LIST…",
		Short: "Delete the passes on a list",
		Long: `Delete the Temporary Access Passes on one or more lists.

A list is CSV with a header, JSON, JSON Lines, or the results log of an earlier
run; "-" is standard input. Each row names a user (object id or user principal
name) and the id of a pass; without the latter, whatever pass the user holds is
deleted. The whole list is checked before anything is sent.

Exit codes: 0 every pair is revoked or absent, 1 some are not, 2 refused before
anything was sent, 3 no access token or not one that Graph takes, 4 stopped
early.`,
		Example: `  tapsweep revoke --dry-run list.csv
  tapsweep revoke --yes --results incident-4711.jsonl list.csv
  tapsweep revoke --simulate --yes list.csv`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.revoke(cmd.Context(), &f, args)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.BoolVarP(&f.yes, "yes", "y", false, "do not ask; needed without a terminal")
	fl.BoolVar(&f.dryRun, "dry-run", false, "only read: say what a run would do")
	fl.BoolVar(&f.simulate, "simulate", false, "run against a simulated tenant in this process that holds the passes of the list")
	fl.StringVar(&f.results, "results", "", `results log, "-" for standard output (default tapsweep-<UTC time>.jsonl)`)
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a results log that is there already")
	fl.StringVar(&f.format, "format", "", "format of the lists: csv, json or jsonl (default: by extension, else by content)")
	fl.BoolVar(&f.skipInvalid, "skip-invalid", false, "leave bad rows out instead of refusing the list")
	fl.IntVar(&f.batchSize, "batch-size", batch.MaxRequests, "most requests in a batch, 1 to 20")
	fl.IntVar(&f.concurrency, "concurrency", 0, "most batches in flight, 1 to 1000 (default as the pace needs)")
	fl.Float64Var(&f.rate, "rate", 0, "most requests a second, to leave room for others (default as many as the tenant takes)")
	fl.StringVar(&f.priority, "priority", "", "low, normal or high: whose requests the tenant refuses first (default what Graph does)")
	fl.DurationVar(&f.maxWait, "max-wait", 15*time.Minute, "stop early if the tenant asks for a longer wait")
	fl.DurationVar(&f.stallTimeout, "stall-timeout", 30*time.Minute, "stop early if everything is refused for so long")
	fl.DurationVar(&f.deadline, "deadline", 0, "stop early after this time (default none)")
	fl.IntVar(&f.maxAttempts, "max-attempts", 6, "how often a request that fails is sent; waits for a throttled one do not count")
	fl.DurationVar(&f.requestTimeout, "request-timeout", 100*time.Second, "how long a batch may take")
	fl.StringVar(&f.graphURL, "graph-url", "", "Microsoft Graph's root, without a version (default https://graph.microsoft.com)")
	fl.StringVar(&f.progress, "progress", "auto", "auto (plain on a terminal), plain (a line every 10 s) or none")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no summary when every pair is done")
	addLogFlags(cmd, &f.logLevel, &f.logFormat)
	return cmd
}

// check refuses flags that make no sense, before any file is opened.
func (f *revokeFlags) check() error {
	switch {
	case f.batchSize < 1 || f.batchSize > batch.MaxRequests:
		return refuse(fmt.Errorf("--batch-size %d is not between 1 and %d", f.batchSize, batch.MaxRequests))
	case f.concurrency < 0 || f.concurrency > 1000:
		return refuse(fmt.Errorf("--concurrency %d is not between 1 and 1000", f.concurrency))
	case f.rate < 0 || math.IsNaN(f.rate) || f.rate > 0 && f.rate < 0.01:
		return refuse(fmt.Errorf("--rate %v is not at least 0.01", f.rate))
	case f.priority != "" && f.priority != "low" && f.priority != "normal" && f.priority != "high":
		return refuse(fmt.Errorf("--priority %q is not low, normal or high", f.priority))
	case f.maxWait < time.Second || f.stallTimeout < time.Second:
		return refuse(errors.New("--max-wait and --stall-timeout have to be at least 1s"))
	case f.deadline < 0:
		return refuse(fmt.Errorf("--deadline %v is negative", f.deadline))
	case f.maxAttempts < 1:
		return refuse(fmt.Errorf("--max-attempts %d is not at least 1", f.maxAttempts))
	case f.requestTimeout < time.Second:
		return refuse(fmt.Errorf("--request-timeout %v is not at least 1s", f.requestTimeout))
	case f.progress != "auto" && f.progress != "plain" && f.progress != "none":
		return refuse(fmt.Errorf("--progress %q is not auto, plain or none", f.progress))
	case f.simulate && f.graphURL != "":
		return refuse(errors.New("--simulate and --graph-url exclude each other"),
			"--simulate starts a tenant of its own; for one that is running use --graph-url alone")
	case f.results == "-" && f.overwrite:
		return refuse(errors.New("--overwrite needs a results file, not standard output"))
	}
	return nil
}

func (a *app) revoke(ctx context.Context, f *revokeFlags, lists []string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	logger, err := a.logger(f.logLevel, f.logFormat)
	if err != nil {
		return err
	}
	if !f.yes && !f.dryRun && !a.canAsk(lists) {
		return refuse(errors.New("nobody to ask: standard input and standard error are not both a terminal"),
			"--yes goes on without asking, --dry-run shows what would be done")
	}
	list, err := a.openLists(ctx, lists, f)
	if err != nil {
		return err
	}
	defer list.Close()
	path := f.results
	if path == "" {
		path = freeName("tapsweep-"+time.Now().UTC().Format("20060102T150405Z"), ".jsonl")
	}
	if err := a.checkResultsPath(path, f.overwrite, lists); err != nil {
		return err
	}

	tenant, err := connect(ctx, f, list)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err != nil {
		return err
	}
	defer tenant.close()
	if !f.yes && !f.dryRun {
		if err := a.confirm(ctx, tenant, list); err != nil {
			return err
		}
	}
	log, err := a.openResults(path, f.overwrite)
	if err != nil {
		return refuse(err)
	}
	return a.execute(ctx, f, list, tenant, log, logger)
}

// execute runs the job and writes the log and the summary around it.
func (a *app) execute(ctx context.Context, f *revokeFlags, list *input.List, tenant *tenant, log *results.Log, logger *slog.Logger) error {
	if f.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.deadline, fmt.Errorf("the deadline of %v is over", f.deadline))
		defer cancel()
	}
	start := time.Now()
	header := &results.Run{Version: buildVersion(), Command: a.args, Digest: list.Digest(), Tenant: tenant.id,
		GraphRoot: tenant.root, DryRun: f.dryRun, Pairs: list.Stats().Rows, Start: start.UTC().Round(time.Millisecond)}
	if err := errors.Join(log.Write(header), log.Sync()); err != nil {
		return refuse(errors.Join(err, log.Close()), "nothing was sent")
	}
	runner, err := batch.NewRunner(tenant.client, batch.Options{
		BatchSize:      f.batchSize,
		Concurrency:    f.concurrency,
		MaxAttempts:    f.maxAttempts,
		RequestTimeout: f.requestTimeout,
		MaxRate:        f.rate,
		MaxWait:        f.maxWait,
		StallTimeout:   f.stallTimeout,
		Headers:        f.headers(),
		Reauthorize:    tenant.client.Reauthorize,
		Logger:         logger,
	})
	if err != nil {
		return refuse(errors.Join(err, log.Close()))
	}
	stopSaying := context.AfterFunc(ctx, func() {
		a.say("%v: stopping, which takes up to 10 s if batches are in flight; once more ends at once", context.Cause(ctx))
	})
	defer stopSaying()
	progress := a.startProgress(f.progress, list.Stats().Rows)
	job := revoke.New(runner, func(row *results.Row) error {
		progress.row(row)
		return log.Write(row)
	}, revoke.Options{DryRun: f.dryRun})
	counts, runErr := job.Run(ctx, list.Pairs())
	progress.stop()

	summary := report.Summary{Counts: counts, Took: time.Since(start), Results: log.Name(), Stopped: runErr, DryRun: f.dryRun,
		Simulated: f.simulate, AnyPass: list.Stats().AnyPass, DoneBefore: list.Stats().Done}
	code := exitCode(&counts, runErr)
	end := &results.End{Counts: counts.Outcomes, Exit: code, End: time.Now().UTC().Round(time.Millisecond)}
	if runErr != nil {
		end.Stopped = batch.Printable(runErr.Error())
	}
	// The last write may be the one that finds the disk full.
	if err := errors.Join(log.Write(end), log.Close()); err != nil && code < exitAuth {
		summary.Stopped, code = err, exitStopped
	}
	if code != exitDone || !f.quiet {
		summary.Print(a.stderr)
	}
	if code == exitDone {
		return nil
	}
	exit := &exitError{code: code}
	if code == exitAuth {
		exit.hints = permissionHints
	}
	return exit
}

// headers go with each request of a batch: a batch has no priority of its own.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func (f *revokeFlags) headers() map[string]string {
	if f.priority == "" {
		return nil
	}
	return map[string]string{"x-ms-throttle-priority": f.priority}
}

func exitCode(counts *revoke.Counts, runErr error) int {
	switch {
	case errors.Is(runErr, batch.ErrUnauthorized):
		return exitAuth
	case runErr != nil:
		return exitStopped
	case counts.Left() > 0:
		return exitLeft
	default:
		return exitDone
	}
}

// openLists reads the lists for the first time. Nothing is sent unless each
// row of them is good, or --skip-invalid says to leave the others out.
func (a *app) openLists(ctx context.Context, names []string, f *revokeFlags) (*input.List, error) {
	type opened struct {
		list *input.List
		err  error
	}
	// On its own goroutine, because a read from a terminal or a pipe ends when
	// the other side pleases, and an interrupt must not wait for that.
	done := make(chan opened, 1)
	go func() {
		list, err := input.Open(names, input.Options{Format: f.format, SkipInvalid: f.skipInvalid, Stdin: a.stdin})
		done <- opened{list, err}
	}()
	select {
	case o := <-done:
		problems, ok := errors.AsType[*input.Problems](o.err)
		switch {
		case ok && !problems.Cut:
			return nil, refuse(fmt.Errorf("%w\nnothing was sent", problems), "mend the rows, or leave them out with --skip-invalid")
		case ok:
			return nil, refuse(fmt.Errorf("%w\nnothing was sent", problems))
		case o.err != nil:
			return nil, refuse(o.err)
		}
		return o.list, nil
	case <-ctx.Done():
		return nil, interrupted(ctx)
	}
}

// interrupted is the end of a command by a signal before anything was sent.
func interrupted(ctx context.Context) error {
	return &exitError{code: exitStopped, err: fmt.Errorf("%w, nothing was sent", context.Cause(ctx))}
}

// freeName returns a name that no file has: two runs may begin in one second.
func freeName(base, ext string) string {
	name := base + ext
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d%s", base, i, ext)
	}
}

// checkResultsPath refuses a results log that would destroy something, above
// all one of the lists.
func (a *app) checkResultsPath(path string, overwrite bool, lists []string) error {
	if path == "-" {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return refuse(fmt.Errorf("results log: %w", err))
		}
		return nil
	}
	if there.IsDir() {
		return refuse(fmt.Errorf("results log %s is a directory", path))
	}
	for _, name := range lists {
		info, err := os.Stat(name)
		if f, ok := a.stdin.(*os.File); ok && name == "-" {
			info, err = f.Stat()
		}
		if err == nil && os.SameFile(there, info) {
			return refuse(fmt.Errorf("results log %s is also a list", path), "choose another --results file")
		}
	}
	if !overwrite {
		return refuse(fmt.Errorf("results log %s is there already", path), "choose another --results file, or replace it with --overwrite")
	}
	return nil
}

func (a *app) openResults(path string, overwrite bool) (*results.Log, error) {
	if path == "-" {
		return results.Stream(a.stdout), nil
	}
	return results.Create(path, overwrite)
}
