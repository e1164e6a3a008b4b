package main

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
)

// revokeFlags are the flags of revoke, as typed.
type revokeFlags struct {
	yes, dryRun, simulate, self, quiet, skipInvalid, overwrite, noPreflight bool

	connect        connectFlags
	format         string
	results        string
	resume         string
	maxItems       int
	abortAfter     int
	protect        []string
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
		Use:   "revoke [flags] LIST… | --self",
		Short: "Delete the passes on a list",
		Long: `Delete the Temporary Access Passes on one or more lists.

A list is CSV with a header, JSON, JSON Lines, or the results log of an earlier
run; "-" is standard input. Each row names a user (object id or user principal
name) and the id of a pass; without the latter, whatever pass the user holds is
deleted. The whole list is checked before anything is sent.

Exit codes: 0 every pair is revoked or absent, 1 some are not, 2 refused before
anything was sent, 3 no access token that Graph takes, or everything is denied,
4 stopped early, to be gone on with by --resume.`,
		Example: `  tapsweep revoke --dry-run list.csv
  tapsweep revoke --yes --results incident-4711.jsonl list.csv
  tapsweep revoke --simulate --yes list.csv`,
		Args: func(_ *cobra.Command, lists []string) error {
			switch {
			case f.self && len(lists) > 0:
				return errors.New("--self takes no list")
			case !f.self && len(lists) == 0:
				return errors.New("no list is named")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, lists []string) error {
			return a.revoke(cmd.Context(), &f, lists)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.BoolVarP(&f.yes, "yes", "y", false, "do not ask; needed without a terminal")
	fl.BoolVar(&f.dryRun, "dry-run", false, "only read: say what a run would do")
	fl.BoolVar(&f.simulate, "simulate", false, "run against a simulated tenant in this process that holds the passes of the list")
	fl.BoolVar(&f.self, "self", false, "delete the signed-in user's own pass; takes no list")
	fl.StringVar(&f.results, "results", "", `results log, "-" for standard output (default tapsweep-<UTC time>.jsonl)`)
	fl.StringVar(&f.resume, "resume", "", "go on with the results log: settled pairs are left out; \"unsent\" tries only what was never sent")
	fl.Lookup("resume").NoOptDefVal = "all"
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a results log that is there already")
	fl.StringVar(&f.format, "format", "", "format of the lists: csv, json or jsonl (default: by extension, else by content)")
	fl.BoolVar(&f.skipInvalid, "skip-invalid", false, "leave bad rows out instead of refusing the list")
	fl.StringArrayVar(&f.protect, "protect", nil, "never touch the users on this list, such as break-glass accounts; repeatable")
	fl.IntVar(&f.maxItems, "max-items", -1, "refuse lists of more pairs, 0 for no bound (default 10000 for --yes without a terminal)")
	fl.IntVar(&f.abortAfter, "abort-after", 100, "stop early if so many answers, the first ones, are all 403; 0 for never")
	fl.IntVar(&f.batchSize, "batch-size", batch.MaxRequests, "most requests in a batch, 1 to 20")
	fl.IntVar(&f.concurrency, "concurrency", 0, "most batches in flight, 1 to 1000 (default as the pace needs)")
	fl.Float64Var(&f.rate, "rate", 0, "most requests a second, to leave room for others (default as many as the tenant takes)")
	fl.StringVar(&f.priority, "priority", "", "low, normal or high: whose requests the tenant refuses first (default what Graph does)")
	fl.DurationVar(&f.maxWait, "max-wait", 15*time.Minute, "stop early if the tenant asks for a longer wait")
	fl.DurationVar(&f.stallTimeout, "stall-timeout", 30*time.Minute, "stop early if everything is refused for so long")
	fl.DurationVar(&f.deadline, "deadline", 0, "stop early after this time (default none)")
	fl.IntVar(&f.maxAttempts, "max-attempts", 6, "how often a request that fails is sent; waits for a throttled one do not count")
	fl.DurationVar(&f.requestTimeout, "request-timeout", 100*time.Second, "how long a batch may take")
	f.connect.add(fl)
	fl.BoolVar(&f.noPreflight, "no-preflight", false, "do not judge by the access token what it may do")
	fl.StringVar(&f.progress, "progress", "auto", "auto (a bar on a terminal), plain (a line every 10 s) or none")
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
	case f.abortAfter < 0:
		return refuse(fmt.Errorf("--abort-after %d is negative", f.abortAfter))
	case f.maxAttempts < 1:
		return refuse(fmt.Errorf("--max-attempts %d is not at least 1", f.maxAttempts))
	case f.requestTimeout < time.Second:
		return refuse(fmt.Errorf("--request-timeout %v is not at least 1s", f.requestTimeout))
	case f.progress != "auto" && f.progress != "plain" && f.progress != "none":
		return refuse(fmt.Errorf("--progress %q is not auto, plain or none", f.progress))
	case f.simulate && f.connect.any():
		return refuse(errors.New("--simulate goes to a tenant of its own: it takes no flag about signing in or about Graph"),
			"for a simulated tenant that is running use --graph-url alone")
	case f.simulate && f.self:
		return refuse(errors.New("--simulate and --self exclude each other: nobody is signed in to the simulated tenant"))
	case f.resume != "" && f.resume != "all" && f.resume != "unsent":
		return refuse(fmt.Errorf("--resume=%s is not all or unsent", f.resume))
	case f.resume != "" && (f.results == "" || f.results == "-"):
		return refuse(errors.New("--resume needs the log to go on with"), "name it with --results FILE")
	case f.resume != "" && f.simulate:
		return refuse(errors.New("--resume and --simulate exclude each other: the simulated tenant is a new one each time"),
			"for a drill of several runs use tapsweep simulate")
	case f.resume != "" && f.overwrite:
		return refuse(errors.New("--resume and --overwrite exclude each other"))
	case f.results == "-" && f.overwrite:
		return refuse(errors.New("--overwrite needs a results file, not standard output"))
	}
	return nil
}

// headers go with each request of a batch: a batch has no priority of its own.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func (f *revokeFlags) headers() map[string]string {
	if f.priority == "" {
		return nil
	}
	return map[string]string{"x-ms-throttle-priority": f.priority}
}
