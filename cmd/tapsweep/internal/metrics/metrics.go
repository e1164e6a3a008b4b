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
	Refused  int                     // requests that were refused, with 429, or with 503 as a whole batch
	Users    int                     // looked at by scan and sweep
	Expired  *Expired                // nil for a run that does not look for passes, or not at everybody
}

// Write writes the file beside path and renames it, so that nobody reads half of it.
func (r *Run) Write(path string) error {
	registry := prometheus.NewRegistry()
	path = Target(path)
	// Two jobs on one machine have a file each, and no series in common: the collector
	// drops what it has seen in another file.
	label := prometheus.Labels{"command": r.Command, "file": strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help, ConstLabels: label})
		g.Set(value)
		registry.MustRegister(g)
	}
	gauge("last_run_timestamp_seconds", "When the last run ended, in Unix time.", float64(r.End.UnixMilli())/1000)
	gauge("last_run_exit_code", "Exit code of the last run: 0 all done, 1 some left, 2 refused, 3 no access, 4 stopped early.", float64(r.Exit))
	gauge("last_run_duration_seconds", "How long the last run took.", r.Took.Seconds())
	if r.Outcomes != nil {
		rows := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tapsweep_last_run_rows",
			Help: "Rows of the last run by what became of them.", ConstLabels: label}, []string{"outcome"})
		for _, o := range results.Outcomes {
			rows.WithLabelValues(string(o)).Set(float64(r.Outcomes[o]))
		}
		registry.MustRegister(rows)
		gauge("last_run_refused_requests", "Requests that were refused in the last run, with 429, or with 503 as a whole batch.", float64(r.Refused))
	}
	if r.Users > 0 || r.Expired != nil && r.Outcomes != nil {
		gauge("last_run_users", "Users that the last run looked at.", float64(r.Users))
	}
	if r.Expired != nil && r.Outcomes != nil {
		left, age := r.Expired.left(r.End)
		gauge("expired_passes_left", "Expired passes that the last run found and did not delete.", float64(left))
		gauge("oldest_expired_pass_age_seconds", "How long ago the oldest of these expired, 0 without any.", age.Seconds())
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
	if e != nil && !row.Pending && slices.Contains(gone, row.Outcome) {
		delete(e.at, row.Method)
	}
}

// Earlier takes a row that an earlier run has settled, on nil too.
func (e *Expired) Earlier(row *results.Row) {
	if e != nil && passes.Reason(row.Reason) == passes.Expired && row.Method != "" && !slices.Contains(gone, row.Outcome) && row.Outcome != results.Protected {
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
