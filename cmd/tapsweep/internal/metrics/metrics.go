// Package metrics tells Prometheus how a run ended, by a file for the textfile
// collector of node_exporter.
package metrics

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// Begin is what every file begins with.
const Begin = "# HELP tapsweep_"

// A Run is what the file tells of the last run of a command.
type Run struct {
	Command string
	End     time.Time
	Took    time.Duration
	Exit    int

	Outcomes map[results.Outcome]int // rows, nil for a run that never began
	Log      map[results.Outcome]int // rows of its log with those of the runs that it went on with, nil if there are none
	Refused  int                     // requests that were refused, with 429, or with 503 as a whole batch
	Users    int                     // looked at by scan and sweep
	Before   int                     // users looked at by the runs that it went on with
	Expired  *Expired                // nil for a run that does not look for passes, or not at everybody
}

// Write writes the file beside path and renames it, so that nobody reads half of it.
func (r *Run) Write(path string) error {
	registry := prometheus.NewRegistry()
	path = Target(path)
	// Two jobs on one machine have a file each, and no series in common: the collector
	// drops what it has seen in another file.
	label := prometheus.Labels{"command": r.Command, "file": strings.TrimSuffix(filepath.Base(path),
		filepath.Ext(path))}
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help, ConstLabels: label})
		g.Set(value)
		registry.MustRegister(g)
	}
	gauge("last_run_timestamp_seconds", "When the last run ended, in Unix time.", float64(r.End.UnixMilli())/1000)
	gauge("last_run_exit_code",
		"Exit code of the last run: 0 all done, 1 some left, 3 no access, 4 stopped early, 64 refused.", float64(r.Exit))
	gauge("last_run_duration_seconds", "How long the last run took.", r.Took.Seconds())
	if r.Outcomes != nil {
		rows := func(name, help string, counts map[results.Outcome]int) {
			g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help,
				ConstLabels: label}, []string{"outcome"})
			for _, o := range results.Outcomes {
				g.WithLabelValues(string(o)).Set(float64(counts[o]))
			}
			registry.MustRegister(g)
		}
		log := r.Log
		if log == nil {
			log = r.Outcomes
		}
		rows("last_run_rows",
			"Rows of the last run by what became of them, without those of runs that it went on with.", r.Outcomes)
		rows("log_rows", "Rows of its whole results log by what became of them, with those of runs that it went on with. The exit code is about these.", log)
		gauge("last_run_refused_requests",
			"Requests that were refused in the last run, with 429, or with 503 as a whole batch.", float64(r.Refused))
	}
	if r.Users+r.Before > 0 || r.Expired != nil && r.Outcomes != nil {
		gauge("last_run_users", "Users that the last run looked at, without those of runs that it went on with.",
			float64(r.Users))
		gauge("log_users", "Users that were looked at by the last run and by runs that it went on with.",
			float64(r.Users+r.Before))
	}
	if r.Expired != nil && r.Outcomes != nil {
		left, age := r.Expired.left(r.End)
		gauge("expired_passes_left",
			"Expired passes that the last run, or one that it went on with, found and that are not deleted.", float64(left))
		gauge("oldest_expired_pass_age_seconds", "How long ago the oldest of these expired, 0 without any.",
			age.Seconds())
	}
	return prometheus.WriteToTextfile(path, registry)
}

// Target is the file that a path leads to, so that a link to it stays one.
func Target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// Expired keeps the expired passes that were found and are not deleted yet.
type Expired struct {
	at map[string]time.Time // by pass
}

// NewExpired returns an Expired of nothing.
func NewExpired() *Expired { return &Expired{at: make(map[string]time.Time)} }

// Found takes a pass that was found, on nil too.
func (e *Expired) Found(f *scan.Found) {
	if e != nil && f.Why == passes.Expired {
		e.at[f.ID] = f.Expires()
	}
}

// gone are the outcomes of passes that are not there any more.
var gone = []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser}

// Row takes what became of a pass, on nil too.
func (e *Expired) Row(row *results.Row) {
	if e != nil && !row.Provisional && slices.Contains(gone, row.Outcome) {
		delete(e.at, row.Method)
	}
}

// Earlier takes a row that an earlier run has settled, on nil too.
func (e *Expired) Earlier(row *results.Row) {
	if e != nil && passes.Reason(row.Reason) == passes.Expired && row.Method != "" && !slices.Contains(gone,
		row.Outcome) && row.Outcome != results.Protected {
		e.at[row.Method] = row.Expires
	}
}

func (e *Expired) left(now time.Time) (n int, oldest time.Duration) {
	for _, at := range e.at {
		if !at.IsZero() { // not every tenant tells
			oldest = max(oldest, now.Sub(at))
		}
	}
	return len(e.at), oldest
}
