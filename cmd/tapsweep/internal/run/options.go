package run

import (
	"log/slog"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

// Options are what all runs have in common.
type Options struct {
	Version   string   // of tapsweep
	Command   []string // the arguments, for the record; no flag takes a secret
	Variables []string // environment variables that set flags

	Target      *tenant.Target
	NoPreflight bool // do not judge by the access token what it may do

	Log      LogOptions
	Batch    batch.Options // how much is sent how fast
	Priority string        // low, normal or high; empty is what Graph does
	Deadline time.Duration // 0 is none
	Progress progress.Mode
	Quiet    bool // no summary when all is done
	Logger   *slog.Logger
	Metrics  *metrics.Recorder // nil without a metrics file
}

// LogOptions says where the results log is.
type LogOptions struct {
	Path      string // "-" is standard output; empty is none, for a scan
	Resume    bool   // resume the log of an earlier run
	Overwrite bool
	Evidence  string // the directory of which Path is a file, empty without evidence
}

// headers go with each request of a batch, because a batch has no priority of its own.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func (o *Options) headers() map[string]string {
	if o.Priority == "" {
		return nil
	}
	return map[string]string{"x-ms-throttle-priority": o.Priority}
}

// Guards are the guards of a run that deletes, and what else it does.
type Guards struct {
	Yes, DryRun bool
	Protect     []string      // lists of users that are never touched
	MaxItems    int           // how many passes may be deleted at most, 0 for any number, -1 for the default
	AbortAfter  int           // stop early if so many first answers are all 403, 0 for never
	Verify      time.Duration // how long a deleted pass may still be listed, 0 for no verification

	Sessions bool // revoke the sessions of each user, too, after the last of the user's passes
}

// unattended reports whether nobody is asked.
func (g *Guards) unattended() bool { return g.Yes || g.DryRun }

// maxUnattended is the default of MaxItems for a run that nobody watches.
const maxUnattended = 10_000

// maxDeletes returns how many passes may be deleted, 0 for any number.
func (g *Guards) maxDeletes(attended bool) int {
	switch {
	case g.MaxItems >= 0:
		return g.MaxItems
	case g.Yes && !g.DryRun && !attended:
		return maxUnattended
	}
	return 0
}
