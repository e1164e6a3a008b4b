package run

import (
	"log/slog"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

// Options are the options that all commands have.
type Options struct {
	Version   string   // the version of tapsweep
	Command   []string // the arguments, for the log; no flag takes a secret
	Resume    []string // the command that resumes the run, for the log
	Revoke    []string // the flags of a command that takes the log as its list, for the log
	Variables []string // the environment variables that set flags

	Target      *tenant.Target
	NoPreflight bool // do not check what the access token allows

	Log      LogOptions
	Batch    batch.Options // the pace
	Priority string        // low, normal or high; empty means that Graph decides
	Deadline time.Duration // stop early after this time; 0 means never
	Progress progress.Mode
	Quiet    bool // print no summary if everything is done
	Logger   *slog.Logger
	Metrics  *metrics.Recorder // nil without a metrics file
}

// LogOptions is where the results log is, and what may happen to a log that exists.
type LogOptions struct {
	Path      string // "-" is standard output; empty means no log, for a scan
	Resume    bool   // resume the log of an earlier run
	Overwrite bool
	Evidence  string // the directory of which Path is a file, empty without evidence
}

// headers returns the headers of each request. A batch itself has no priority.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func (o *Options) headers() map[string]string {
	if o.Priority == "" {
		return nil
	}
	return map[string]string{"x-ms-throttle-priority": o.Priority}
}

// Guards are the safety options of a run that deletes.
type Guards struct {
	Yes, DryRun bool
	Protect     []string      // lists of users that are never touched
	MaxItems    int           // the largest number of passes that may be deleted; 0 means no limit, -1 the default
	AbortAfter  int           // stop early if this many first answers are all 403; 0 means never
	Verify      time.Duration // how long Graph may still list a deleted pass; 0 means no verification

	Sessions bool // also revoke the sessions of each user, after the last pass of the user is gone
}

func (g *Guards) unattended() bool { return g.Yes || g.DryRun }

// maxUnattended is the default of MaxItems without a terminal.
const maxUnattended = 10_000

// maxDeletes returns the largest number of passes that may be deleted. 0 means no limit.
func (g *Guards) maxDeletes(attended bool) int {
	switch {
	case g.MaxItems >= 0:
		return g.MaxItems
	case g.Yes && !g.DryRun && !attended:
		return maxUnattended
	}
	return 0
}
