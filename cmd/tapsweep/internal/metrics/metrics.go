// Package metrics writes how a run ended to a file for the textfile collector of Prometheus's
// node_exporter.
package metrics

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// Begin is how every file begins.
const Begin = "# HELP tapsweep_"

// A Run is what the file says about the last run of a command.
type Run struct {
	Command string
	End     time.Time
	Took    time.Duration
	Exit    int

	Outcomes map[results.Outcome]int // rows of the run, nil if it never began
	Log      map[results.Outcome]int // rows of the whole log, nil if they are the same
	Sessions map[results.Outcome]int // users of the whole log by what became of their sessions, nil without
	Refused  int                     // requests refused with 429, or with 503 as a whole batch
	Users    int                     // that scan or sweep has scanned
	Before   int                     // users that the runs that it resumes have scanned
	Expired  *Expired                // nil for a run that does not look for passes, or did not scan everybody
}

// Write writes the file under another name and renames it to path, so that nobody reads half of it.
func (r *Run) Write(path string) error {
	registry := prometheus.NewRegistry()
	path = Target(path)
	// Two jobs on one machine write different files with different series, because the collector
	// drops a series that it has seen in another file.
	label := prometheus.Labels{"command": r.Command,
		"file": strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help, ConstLabels: label})
		g.Set(value)
		registry.MustRegister(g)
	}
	gauge("last_run_timestamp_seconds", "When the last run ended, in Unix time.", float64(r.End.UnixMilli())/1000)
	gauge("last_run_exit_code",
		"Exit code of the last run: 0 all done, 1 some left, 3 no access, 4 stopped early, 64 refused.",
		float64(r.Exit))
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
		rows("last_run_rows", "Rows of the last run by outcome, without those of runs that it resumed.", r.Outcomes)
		rows("log_rows", "Rows of its whole results log by outcome. The exit code is about these.", log)
		if r.Sessions != nil {
			rows("log_sessions", "Users of the whole results log by what became of their sessions.", r.Sessions)
		}
		gauge("last_run_refused_requests",
			"Requests that were refused in the last run, with 429, or with 503 as a whole batch.", float64(r.Refused))
	}
	if r.Users+r.Before > 0 || r.Expired != nil && r.Outcomes != nil {
		gauge("last_run_users", "Users that the last run scanned, without those of runs that it resumed.",
			float64(r.Users))
		gauge("log_users", "Users that the last run and the runs that it resumed scanned.", float64(r.Users+r.Before))
	}
	if r.Expired != nil && r.Outcomes != nil {
		left, age := r.Expired.left(r.End)
		gauge("expired_passes_left",
			"Expired passes that the last run, or one that it resumed, found and that are not deleted.", float64(left))
		gauge("oldest_expired_pass_age_seconds", "How long ago the oldest of these expired, 0 if none.", age.Seconds())
	}
	return prometheus.WriteToTextfile(path, registry)
}

// Target returns the file that a path leads to, so that a symbolic link is not replaced.
func Target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// Expired is the expired passes that were found and are not deleted yet. Its methods may be called
// on nil.
type Expired struct {
	at map[string]time.Time // by pass
}

// NewExpired returns an Expired without passes.
func NewExpired() *Expired { return &Expired{at: make(map[string]time.Time)} }

// Found adds a pass that was found if it is expired.
func (e *Expired) Found(f *scan.Found) {
	if e != nil && f.Why == pass.Expired {
		e.at[f.ID] = f.Expires()
	}
}

// gone are the outcomes of passes that no longer exist.
var gone = []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser}

// Row removes the pass of a row if it no longer exists.
func (e *Expired) Row(row *results.Row) {
	if e != nil && !row.Provisional && slices.Contains(gone, row.Outcome) {
		delete(e.at, row.Method)
	}
}

// Earlier adds the pass of a row that an earlier run has settled, if it is expired and still exists.
func (e *Expired) Earlier(row *results.Row) {
	if e == nil || row.Method == "" || pass.Reason(row.Reason) != pass.Expired {
		return
	}
	if row.Outcome != results.Protected && !slices.Contains(gone, row.Outcome) {
		e.at[row.Method] = row.Expires
	}
}

// left returns the number of passes, and how long ago the oldest of them expired.
func (e *Expired) left(now time.Time) (n int, oldest time.Duration) {
	for _, at := range e.at {
		if !at.IsZero() { // Graph need not return the dates
			oldest = max(oldest, now.Sub(at))
		}
	}
	return len(e.at), oldest
}
