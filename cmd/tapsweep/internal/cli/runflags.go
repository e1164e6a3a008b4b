package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/run"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

// runFlags are the flags of all commands that send batches and can write a results log.
type runFlags struct {
	opts       run.Options
	connect    tenant.Options
	metrics    string
	progress   string
	verifyWait time.Duration
	log        logFlags
}

// The values of --priority and --progress.
var (
	priorities    = []string{"low", "normal", "high"}
	progressWords = []string{"auto", "plain", "none"}
)

// defaultLog is the help of --results for commands that always write a log.
const defaultLog = "results log `FILE`; \"-\" is standard output (default tapsweep-<UTC time>.jsonl)"

// addResults adds the flags about the results log. usage is the help of --results.
func (f *runFlags) addResults(fl *pflag.FlagSet, usage string) {
	fl.StringVar(&f.opts.Log.Path, "results", "", usage)
	fl.BoolVar(&f.opts.Log.Resume, "resume", false, "resume the run of the results log; skip completed rows")
	fl.BoolVar(&f.opts.Log.Overwrite, "overwrite", false, "replace a file that exists")
	inHelp(fl, resultsLog, "results", "resume", "overwrite")
}

// addEvidence adds --evidence.
func (f *runFlags) addEvidence(fl *pflag.FlagSet) {
	fl.StringVar(&f.opts.Log.Evidence, "evidence", "",
		"keep the results log, reports and SHA-256 sums in this new `DIR`")
	inHelp(fl, resultsLog, "evidence")
}

// addPace adds the flags that limit how fast and how long requests are sent.
func (f *runFlags) addPace(fl *pflag.FlagSet) {
	addInt(fl, &f.opts.Batch.BatchSize, "batch-size", batch.MaxRequests, 1, batch.MaxRequests,
		"put at most N requests into a batch, 1 to 20")
	addInt(fl, &f.opts.Batch.Concurrency, "concurrency", 0, 0, 1000,
		"send at most N batches at the same time, up to 1000; 0 means as many as the pace needs (default 0)")
	addRate(fl, &f.opts.Batch.MaxRate)
	addEnum(fl, &f.opts.Priority, "priority", "", priorities,
		oneOf(priorities)+": Graph throttles low first and high last (default: send none)")
	addDuration(fl, &f.opts.Batch.MaxWait, "max-wait", "15m", time.Second,
		"stop early if the tenant asks for a longer wait")
	addDuration(fl, &f.opts.Batch.StallTimeout, "stall-timeout", "30m", time.Second,
		"stop early if everything is refused, or nothing can be reached, for this long")
	addDuration(fl, &f.opts.Deadline, "deadline", "0", 0, "stop early after this time, such as 2h (default none)")
	addInt(fl, &f.opts.Batch.MaxAttempts, "max-attempts", 6, 1, math.MaxInt,
		"send a failing request at most N times; throttling and a lost connection do not count")
	addDuration(fl, &f.opts.Batch.RequestTimeout, "request-timeout", "1m40s", time.Second,
		"wait at most this long for a batch")
	inHelp(fl, pace, "rate", "deadline")
	inFlagsHelp(fl, pace, "batch-size", "concurrency", "priority", "max-wait", "stall-timeout", "max-attempts",
		"request-timeout")
}

// addRate adds --rate. A rate of 0 means no limit.
func addRate(fl *pflag.FlagSet, p *float64) {
	fl.Var(&checkedFlag{"N", nil, "0", func(text string) error {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || rate != 0 && !(rate >= 0.01 && rate <= math.MaxInt) {
			return fmt.Errorf("%q is not a number of at least 0.01", text)
		}
		*p = rate
		return nil
	}}, "rate", "send at most N requests per second, to leave room for other apps "+
		"(default as many as the tenant accepts)")
}

// addRest adds the flags about signing in, progress and logging.
func (f *runFlags) addRest(fl *pflag.FlagSet) {
	addConnect(fl, &f.connect)
	fl.BoolVar(&f.opts.NoPreflight, "no-preflight", false, "do not check what the access token allows")
	fl.StringVar(&f.metrics, "metrics-file", "",
		"write metrics of the run to this .prom `FILE`, for the textfile collector of node_exporter")
	addEnum(fl, &f.progress, "progress", "auto", progressWords,
		"auto (a bar on a terminal, else nothing), plain (a line every 10 s) or none")
	fl.BoolVarP(&f.opts.Quiet, "quiet", "q", false, "print nothing if everything is done")
	f.log.add(fl)
	inHelp(fl, output, "progress", "quiet")
	inFlagsHelp(fl, output, "metrics-file")
	inFlagsHelp(fl, signingIn, "no-preflight")
}

// A conflict is a combination of flags that makes no sense.
type conflict struct {
	is         bool   // the combination is used
	text, hint string // no hint if empty
}

func refuse(conflicts ...conflict) error {
	for _, c := range conflicts {
		switch {
		case c.is && c.hint != "":
			return status.Refuse(errors.New(c.text), c.hint)
		case c.is:
			return status.Refuse(errors.New(c.text))
		}
	}
	return nil
}

// check refuses flags that make no sense. It runs before any file is opened.
func (f *runFlags) check(cmd *cobra.Command) error {
	log, mayVerify := &f.opts.Log, cmd.Flags().Lookup("verify") != nil
	return refuse(
		conflict{isOn(cmd, "verify") && isOn(cmd, "dry-run"),
			"--verify and --dry-run cannot be used together: a dry run deletes nothing", ""},
		conflict{mayVerify && !isOn(cmd, "verify") && cmd.Flags().Changed("verify-wait"),
			"--verify-wait has no effect without --verify", ""},
		conflict{log.Evidence != "" && log.Path != "",
			"--evidence and --results cannot be used together: --evidence keeps the log in its directory",
			"to make reports of a log that exists, use tapsweep report"},
		conflict{log.Evidence != "" && log.Overwrite,
			"--evidence and --overwrite cannot be used together: evidence is never replaced", ""},
		conflict{sameName(f.metrics, log.Path), "--metrics-file and --results name the same file", ""},
		conflict{log.Resume && log.Evidence == "" && (log.Path == "" || log.Path == "-"),
			"--resume needs the log of the earlier run", "name it with --results FILE"},
		conflict{log.Resume && log.Overwrite, "--resume and --overwrite cannot be used together", ""},
		conflict{log.Path == "-" && log.Overwrite,
			"--overwrite and --results - cannot be used together: standard output cannot be replaced", ""},
	)
}

// options returns the options of a run. A run against a simulated tenant has no target.
func (f *runFlags) options(p *program, cmd *cobra.Command) (o run.Options, err error) {
	if err := f.check(cmd); err != nil {
		return o, err
	}
	o = f.opts
	o.Variables = p.variables
	o.Progress, o.Logger = f.progressMode(p.console), f.log.logger(p.console)
	if metricsFile(cmd) != "" {
		o.Metrics = p.recorder
	}
	switch {
	case o.Log.Evidence != "":
		o.Log.Path = filepath.Join(o.Log.Evidence, evidence.Log)
	case o.Log.Path == "" && cmd.Name() != "scan":
		o.Log.Path = newName()
	}
	o.Header = results.Header{Version: p.version, Command: p.args, DryRun: isOn(cmd, "dry-run"),
		Verify: isOn(cmd, "verify"), AnyPass: isOn(cmd, "any-pass"), Sessions: isOn(cmd, "revoke-sessions"),
		Simulated: isOn(cmd, "simulate"), Own: true}
	if o.Header.Verify || cmd.Name() == "verify" {
		o.Guards.Verify = f.verifyWait
	}
	if !o.Header.Simulated {
		o.Target, err = p.resolve(f.connect)
	}
	return o, err
}

// progressMode chooses how progress is shown. Without a terminal the default is none, because cron mails
// all output.
func (f *runFlags) progressMode(c *console.Console) progress.Mode {
	switch {
	case f.progress == "none" || f.progress == "auto" && !c.IsTerminal(c.Err):
		return progress.None
	case f.progress == "plain" || c.Getenv("TERM") == "dumb":
		return progress.Plain
	case f.opts.Log.Path == "-" && c.IsTerminal(c.Out): // the bar would overwrite the rows
		return progress.Plain
	default:
		return progress.Bar
	}
}

func (f *runFlags) addAsk(fl *pflag.FlagSet) {
	fl.Bool("dry-run", false, "delete nothing; show what a real run would delete")
	fl.BoolVarP(&f.opts.Guards.Yes, "yes", "y", false, "do not ask; required without a terminal")
	inHelp(fl, safety, "dry-run", "yes")
}

// addGuards adds the other safety flags of the commands that delete.
func (f *runFlags) addGuards(fl *pflag.FlagSet) {
	g := &f.opts.Guards
	fl.StringArrayVar(&g.Protect, "protect", nil,
		"keep the passes of the users on this `LIST`, such as emergency access (break-glass) accounts; repeatable")
	addInt(fl, &g.MaxItems, "max-items", -1, 0, math.MaxInt,
		"refuse to delete more than N passes; 0 means no limit "+
			"(default 10000 with --yes and no terminal)")
	fl.Lookup("max-items").DefValue = "" // a user cannot give -1; the text has the real default
	addInt(fl, &g.AbortAfter, "abort-after", 100, 0, math.MaxInt,
		"stop early if the first N answers are all 403; 0 means never")
	fl.Bool("verify", false, "after the delete, list the passes of each user until none is left")
	f.addVerifyWait(fl)
	inHelp(fl, safety, "protect", "max-items", "verify")
	inFlagsHelp(fl, safety, "abort-after")
}

// addSessions adds --revoke-sessions to a section of the help.
func addSessions(fl *pflag.FlagSet, s section) {
	fl.Bool("revoke-sessions", false,
		"also revoke the sessions of each user, after the last of the user's passes is gone")
	inHelp(fl, s, "revoke-sessions")
}

func (f *runFlags) addVerifyWait(fl *pflag.FlagSet) {
	addDuration(fl, &f.verifyWait, "verify-wait", "2m", time.Second,
		"wait at most this long until Graph no longer lists a deleted pass; its replicas lag behind")
	inFlagsHelp(fl, safety, "verify-wait")
}

// logFlags are the level and the format of the messages about the requests, which go to standard error.
type logFlags struct{ level, format string }

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	textOrJSON = []string{"text", "json"}
)

func (f *logFlags) add(fl *pflag.FlagSet) {
	addEnum(fl, &f.level, "log-level", "warn", logLevels, "print messages about the requests: "+oneOf(logLevels))
	addEnum(fl, &f.format, "log-format", "text", textOrJSON, "format of these messages: "+oneOf(textOrJSON))
	inFlagsHelp(fl, output, "log-level", "log-format")
}

func (f *logFlags) logger(c *console.Console) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.level)) // the flag has checked it
	return c.Logger(level, f.format == "json")
}
