package run

import (
	"log/slog"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/tenant"
)

// Options are the options that all commands have.
type Options struct {
	// Header is the first line of the log. It has Version and Command, and what the flags choose: DryRun, Verify,
	// AnyPass, Sessions and Simulated.
	Header    results.Header
	Variables []string // the environment variables that set flags

	Target      *tenant.Target // nil for a simulation
	NoPreflight bool           // do not check what the access token allows

	Guards   Guards
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

// Guards are the safety options. Scan and Verify have their own AbortAfter. Scan ignores all other fields. Verify
// uses only the field Verify.
type Guards struct {
	Yes        bool
	Protect    []string      // lists of users that are never touched
	MaxItems   int           // the largest number of passes that may be deleted; 0 means no limit, -1 the default
	AbortAfter int           // stop early if this many first answers are all 403; 0 means never
	Verify     time.Duration // how long Graph may still list a deleted pass; 0 means no verification
}

func (o *Options) unattended() bool { return o.Guards.Yes || o.Header.DryRun }

// abortAfter is AbortAfter of Scan and Verify.
const abortAfter = 100

// maxUnattended is the default of MaxItems without a terminal.
const maxUnattended = 10_000

// maxDeletes returns the largest number of passes that may be deleted. 0 means no limit.
func (o *Options) maxDeletes(attended bool) int {
	switch {
	case o.Guards.MaxItems >= 0:
		return o.Guards.MaxItems
	case o.Guards.Yes && !o.Header.DryRun && !attended:
		return maxUnattended
	}
	return 0
}
