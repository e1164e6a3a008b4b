package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/input"
)

func (a *app) revoke(ctx context.Context, f *revokeFlags, lists []string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	logger, err := a.logger(f.logLevel, f.logFormat)
	if err != nil {
		return err
	}
	var way *connection
	if !f.simulate {
		if way, err = a.prepare(&f.connect); err != nil {
			return err
		}
	}
	if !f.yes && !f.dryRun && !a.canAsk(lists) {
		return refuse(errors.New("nobody to ask: standard input and standard error are not both a terminal"),
			"--yes goes on without asking, --dry-run shows what would be done")
	}
	stdin := a.stdin
	if f.self {
		lists, stdin = []string{"-"}, strings.NewReader(selfList)
	}
	list, err := a.openLists(ctx, lists, f, stdin)
	if err != nil {
		return err
	}
	defer list.Close()
	keep, err := protect.Open(f.protect...)
	if err != nil {
		return refuse(fmt.Errorf("--protect: %w", err), "nothing was sent")
	}
	path := f.results
	if path == "" {
		path = freeName("tapsweep-"+time.Now().UTC().Format("20060102T150405Z"), ".jsonl")
	}
	if err := a.checkResultsPath(path, f.overwrite || f.resume != "", lists); err != nil {
		return err
	}
	if err := a.checkCount(f, list); err != nil {
		return err
	}

	tenant, err := a.tenantFor(ctx, way, list, keep)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err != nil {
		return err
	}
	defer tenant.close()
	r := &runOf{flags: f, list: list, tenant: tenant, logger: logger, header: &results.Run{
		Version: buildVersion(), Command: a.args, Digest: list.Digest(), Tenant: tenant.id, Operator: tenant.token.Who,
		GraphRoot: tenant.root, DryRun: f.dryRun, Pairs: list.Stats().Rows}}
	if list.Stats().Me > 0 && len(tenant.token.Self) > 0 {
		r.header.Self = tenant.token.Self[0]
	}
	held, err := a.preflight(r)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // the one who is paged by a quiet run wants to know it all
			a.stderr.Write(held)
		}
	}()
	if err := r.prepare(ctx, keep); err != nil {
		return err
	}
	if f.resume != "" {
		if err := r.open(path, lists); err != nil {
			return err
		}
	}
	if !f.yes && !f.dryRun {
		if err := a.confirm(ctx, r); err != nil {
			return errors.Join(err, r.close())
		}
	}
	if r.log == nil {
		if r.log, err = a.openResults(path, f.overwrite); err != nil {
			return refuse(err)
		}
	}
	return a.execute(ctx, r)
}

// selfList is the list that --self stands for.
const selfList = "user\n" + input.Me + "\n"

// tenantFor goes to the tenant, or makes one.
func (a *app) tenantFor(ctx context.Context, way *connection, list *input.List, keep *protect.List) (*tenant, error) {
	if way == nil {
		return a.simulated(ctx, list, keep)
	}
	return way.connect(ctx)
}

// preflight checks the token against the list. A quiet run holds what it prints
// back, and returns it.
func (a *app) preflight(r *runOf) (held []byte, err error) {
	if r.flags.noPreflight {
		return nil, nil
	}
	stats := r.list.Stats()
	var block bytes.Buffer
	err = r.tenant.preflight(&block, preflight.Task{
		ReadOnly: r.flags.dryRun, Own: stats.Me > 0, Others: stats.Unique > stats.Me})
	if err == nil && r.flags.quiet {
		return block.Bytes(), nil
	}
	a.stderr.Write(block.Bytes())
	return nil, err
}

// maxUnattended is how many pairs go without a person or a word about it.
const maxUnattended = 10_000

// checkCount refuses lists that are longer than was expected.
func (a *app) checkCount(f *revokeFlags, list *input.List) error {
	most, n := f.maxItems, list.Stats().Unique
	if most < 0 && f.yes && !f.dryRun && !f.simulate && !isTerminal(a.stdin) {
		most = maxUnattended
	}
	if most > 0 && n > most {
		return refuse(fmt.Errorf("the list has %d pairs, more than %d, nothing was sent", n, most),
			"raise the bound with --max-items, or lift it with --max-items 0")
	}
	return nil
}

// execute runs the job and writes the log and the summary around it.
func (a *app) execute(ctx context.Context, r *runOf) error {
	f, list, log := r.flags, r.list, r.log
	if f.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.deadline, fmt.Errorf("the deadline of %v is over", f.deadline))
		defer cancel()
	}
	start := time.Now()
	r.header.Start = start.UTC().Round(time.Millisecond)
	if err := errors.Join(log.Write(r.header), log.Sync()); err != nil {
		return refuse(errors.Join(err, log.Close()), "nothing was sent")
	}
	stopSaying := context.AfterFunc(ctx, func() {
		a.say("%v: stopping, which takes up to 10 s if batches are in flight; once more ends at once", context.Cause(ctx))
	})
	defer stopSaying()
	progress := a.startProgress(f, list.Stats().Rows-r.earlier.Len())
	job := revoke.New(r.runner, func(row *results.Row) error {
		progress.Row(row.Outcome)
		return log.Write(row)
	}, revoke.Options{DryRun: f.dryRun, Settled: r.earlier.Settled, Protected: r.protected, AbortAfter: f.abortAfter,
		Self: r.tenant.token.Self, Caller: r.tenant.caller()})
	counts, runErr := job.Run(ctx, list.Pairs())
	progress.Stop()

	if r.earlier != nil {
		for o, n := range r.earlier.Counts {
			counts.Outcomes[o] += n
		}
	}
	summary := report.Summary{Counts: counts, Earlier: r.earlier.Len(), Took: time.Since(start), Results: log.Name(), Stopped: runErr, DryRun: f.dryRun,
		Simulated: f.simulate, AnyPass: list.Stats().AnyPass, DoneBefore: list.Stats().Done}
	code := exitCode(&counts, runErr)
	end := &results.End{Counts: counts.Outcomes, Exit: code, End: time.Now().UTC().Round(time.Millisecond)}
	if runErr != nil {
		end.Stopped = batch.Printable(runErr.Error())
	}
	// The last write may be the one that finds the disk full.
	if err := errors.Join(log.Write(end), log.Close()); err != nil {
		summary.Incomplete = true
		if code < exitAuth {
			summary.Stopped, code = err, exitStopped
		}
	}
	if code != exitDone || !f.quiet {
		summary.Print(a.stderr)
	}
	if code == exitDone {
		return nil
	}
	exit := &exitError{code: code}
	if code == exitAuth {
		exit.hints = r.tenant.hints(runErr)
	}
	return exit
}

func exitCode(counts *revoke.Counts, runErr error) int {
	switch {
	case errors.Is(runErr, batch.ErrUnauthorized), errors.Is(runErr, revoke.ErrAllDenied):
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
func (a *app) openLists(ctx context.Context, names []string, f *revokeFlags, stdin io.Reader) (*input.List, error) {
	type opened struct {
		list *input.List
		err  error
	}
	// On its own goroutine, because a read from a terminal or a pipe ends when
	// the other side pleases, and an interrupt must not wait for that.
	done := make(chan opened, 1)
	go func() {
		list, err := input.Open(names, input.Options{Format: f.format, SkipInvalid: f.skipInvalid, Stdin: stdin})
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
