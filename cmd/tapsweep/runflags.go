package main

import (
	"errors"
	"math"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch"
)

// runFlags are the flags of every command that sends requests in batches and may
// write a results log.
type runFlags struct {
	connect     connectFlags
	noPreflight bool

	results   string
	resume    string
	overwrite bool
	evidence  string
	drill     bool // against a tenant that is gone afterwards: there is no going on

	concurrency    int
	batchSize      int
	maxAttempts    int
	requestTimeout time.Duration
	rate           float64
	priority       string
	maxWait        time.Duration
	stallTimeout   time.Duration
	deadline       time.Duration

	metrics   string
	progress  string
	quiet     bool
	logLevel  string
	logFormat string
}

// The words that some flags take.
var (
	resumeWords   = []cobra.Completion{"all\tsettled pairs are left out"}
	priorities    = []cobra.Completion{"low", "normal", "high"}
	progressWords = []cobra.Completion{"auto\ta bar on a terminal, else nothing", "plain\ta line every 10 s", "none"}
	orders        = []cobra.Completion{"list", "privileged\taccounts with an admin role first"}
)

// addResults adds the flags about the results log, whose name is by default as
// usage tells.
func (f *runFlags) addResults(fl *pflag.FlagSet, usage string) {
	fl.StringVar(&f.results, "results", "", usage)
	addChoice(fl, &f.resume, "resume", "", resumeWords, "resume the run of the results log, without what is settled")
	fl.Lookup("resume").NoOptDefVal = "all"
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a file that is there already")
}

// addPace adds the flags about how much is sent how fast.
func (f *runFlags) addPace(fl *pflag.FlagSet) {
	fl.IntVar(&f.batchSize, "batch-size", batch.MaxRequests, "most requests in a batch, 1 to 20")
	fl.IntVar(&f.concurrency, "concurrency", 0, "most batches in flight, up to 1000, 0 for as many as the pace needs (default 0)")
	fl.Float64Var(&f.rate, "rate", 0, "most requests a second, to leave room for others (default as many as the tenant takes)")
	addChoice(fl, &f.priority, "priority", "", priorities, oneOf(priorities)+": whose requests the tenant refuses first (default what Graph does)")
	fl.DurationVar(&f.maxWait, "max-wait", 15*time.Minute, "stop early if the tenant asks for a longer wait")
	fl.DurationVar(&f.stallTimeout, "stall-timeout", 30*time.Minute, "stop early if everything is refused, or nothing can be reached, for so long")
	fl.DurationVar(&f.deadline, "deadline", 0, "stop early after this time (default none)")
	fl.IntVar(&f.maxAttempts, "max-attempts", 6, "how often a request that fails is sent; being throttled, or offline in mid-run, does not count")
	fl.DurationVar(&f.requestTimeout, "request-timeout", 100*time.Second, "how long a batch may take")
	between(fl, "batch-size", &f.batchSize, 1, batch.MaxRequests)
	between(fl, "concurrency", &f.concurrency, 0, 1000)
	between(fl, "max-attempts", &f.maxAttempts, 1, math.MaxInt)
	bound(fl, "rate", "at least 0.01", func() bool { return f.rate == 0 || f.rate >= 0.01 && !math.IsInf(f.rate, 1) })
	atLeast(fl, "max-wait", &f.maxWait, time.Second)
	atLeast(fl, "stall-timeout", &f.stallTimeout, time.Second)
	atLeast(fl, "deadline", &f.deadline, 0)
	atLeast(fl, "request-timeout", &f.requestTimeout, time.Second)
}

// addRest adds the flags about signing in and about what is shown.
func (f *runFlags) addRest(cmd *cobra.Command, quiet string) {
	fl := cmd.Flags()
	f.connect.add(fl)
	fl.BoolVar(&f.noPreflight, "no-preflight", false, "do not judge by the access token what it may do")
	fl.StringVar(&f.metrics, "metrics-file", "", "write how the run ended to this .prom file, for node_exporter's textfile collector")
	addChoice(fl, &f.progress, "progress", "auto", progressWords, oneOf(progressWords)+"; JSON records with --log-format json")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, quiet)
	addLogFlags(cmd, &f.logLevel, &f.logFormat)
}

// check refuses flags that make no sense, before any file is opened.
func (f *runFlags) check() error {
	if err := f.checkEvidence(); err != nil {
		return err
	}
	switch {
	case f.metrics != "" && sameName(f.metrics, f.results):
		return refuse(errors.New("--metrics-file and --results name the same file"))
	case f.resume != "" && (f.results == "" || f.results == "-"):
		return refuse(errors.New("--resume needs the log to go on with"), "name it with --results FILE")
	case f.resume != "" && f.overwrite:
		return refuse(errors.New("--resume and --overwrite exclude each other"))
	case f.results == "-" && f.overwrite:
		return refuse(errors.New("--overwrite needs a results file, not standard output"))
	}
	return nil
}

// headers go with each request of a batch: a batch has no priority of its own.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func (f *runFlags) headers() map[string]string {
	if f.priority == "" {
		return nil
	}
	return map[string]string{"x-ms-throttle-priority": f.priority}
}

// guardFlags are the flags of every command that deletes.
type guardFlags struct {
	yes, dryRun bool
	protect     []string
	maxItems    int
	abortAfter  int

	verify     bool
	verifyWait time.Duration
	order      string
}

func (f *guardFlags) addAsk(fl *pflag.FlagSet) {
	fl.BoolVarP(&f.yes, "yes", "y", false, "do not ask; needed without a terminal")
	fl.BoolVar(&f.dryRun, "dry-run", false, "only read: say what a run would do")
}

func (f *guardFlags) addGuards(fl *pflag.FlagSet) {
	fl.StringArrayVar(&f.protect, "protect", nil, "never touch the users on this list, such as break-glass accounts; repeatable")
	fl.IntVar(&f.maxItems, "max-items", -1, "refuse to delete more passes, 0 for no bound (default 10000 for --yes without a terminal)")
	fl.IntVar(&f.abortAfter, "abort-after", 100, "stop early if so many answers, the first ones, are all 403; 0 for never")
	between(fl, "max-items", &f.maxItems, 0, math.MaxInt)
	fl.Lookup("max-items").DefValue = "" // -1 is no number to give; what counts instead, the text tells
	between(fl, "abort-after", &f.abortAfter, 0, math.MaxInt)
	addChoice(fl, &f.order, "order", "list", orders, oneOf(orders))
	fl.BoolVar(&f.verify, "verify", false, "list each user's passes again afterwards, until none is there")
	addVerifyWait(fl, &f.verifyWait)
}

func addVerifyWait(fl *pflag.FlagSet, wait *time.Duration) {
	fl.DurationVar(wait, "verify-wait", 2*time.Minute, "how long a deleted pass may still be listed, while replicas lag behind")
	atLeast(fl, "verify-wait", wait, time.Second)
}

func (f *guardFlags) check() error {
	if f.verify && f.dryRun {
		return refuse(errors.New("--verify and --dry-run exclude each other: nothing is deleted"))
	}
	return nil
}

// unasked tells whether nobody is asked, so that what is printed before the question
// may as well be held back.
func (f *guardFlags) unasked() bool { return f.yes || f.dryRun }

// patience is how long to verify, zero for not at all.
func (f *guardFlags) patience() time.Duration {
	if !f.verify {
		return 0
	}
	return f.verifyWait
}

// most is how many passes may be deleted, 0 for any number.
func (f *guardFlags) most(attended bool) int {
	switch {
	case f.maxItems >= 0:
		return f.maxItems
	case f.yes && !f.dryRun && !attended:
		return maxUnattended
	}
	return 0
}

// hintBound says what to do if --max-items is exceeded.
const hintBound = "raise the limit with --max-items, or remove it with --max-items 0"

// maxUnattended is how many pairs go without a person or a word about it.
const maxUnattended = 10_000
