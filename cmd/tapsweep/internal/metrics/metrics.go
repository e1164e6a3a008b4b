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

// A Recorder records what one command writes to the metrics file. Nil records nothing.
type Recorder struct {
	start  time.Time
	began  bool
	result Result

	// expired is when the expired passes expired that were found and are not deleted yet, by pass.
	// Nil is for a command that does not look for passes.
	expired map[string]time.Time
}

// NewRecorder returns a Recorder for a command that begins now.
func NewRecorder() *Recorder { return &Recorder{start: time.Now()} }

// A Result is how a run ended.
type Result struct {
	Outcomes map[results.Outcome]int // rows of the run, nil if it never began
	Log      map[results.Outcome]int // rows of the whole log, nil if they are the same
	Sessions map[results.Outcome]int // users of the whole log by what became of their sessions, nil without
	Refused  int                     // requests refused with 429, or with 503 as a whole batch
	Scan     *scan.Counts            // nil if the run does not look for passes
	Complete bool                    // the run reached its end, so it has scanned everybody
}

// Scans says that the command looks for passes.
func (r *Recorder) Scans() {
	if r != nil {
		r.expired = make(map[string]time.Time)
	}
}

// Found adds a pass that a scan has found if it is expired.
func (r *Recorder) Found(f *scan.Found) {
	if r != nil && r.expired != nil && f.Why == pass.Expired {
		r.expired[f.ID] = f.Expires()
	}
}

// gone are the outcomes of passes that no longer exist.
var gone = []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser}

// Row removes the pass of a row if it no longer exists.
func (r *Recorder) Row(row *results.Row) {
	if r != nil && !row.Provisional && slices.Contains(gone, row.Outcome) {
		delete(r.expired, row.Method)
	}
}

// Earlier adds the pass of a row that an earlier run on the same log has completed, if it is expired
// and still exists.
func (r *Recorder) Earlier(row *results.Row) {
	if r == nil || r.expired == nil || row.Method == "" || pass.Reason(row.Reason) != pass.Expired {
		return
	}
	if row.Outcome != results.Protected && !slices.Contains(gone, row.Outcome) {
		r.expired[row.Method] = row.Expires
	}
}

// Began says that the run has begun.
func (r *Recorder) Began() {
	if r != nil {
		r.began = true
	}
}

// HasBegun reports whether the run has begun.
func (r *Recorder) HasBegun() bool { return r != nil && r.began }

// Ended records how the run ended.
func (r *Recorder) Ended(result Result) {
	if r != nil {
		r.result = result
	}
}

// Write writes the file for a command that ended with an exit code. It writes under another name and
// renames the file to path, so that nobody reads half of it.
func (r *Recorder) Write(path, command string, code int) error {
	registry := prometheus.NewRegistry()
	path = Target(path)
	// Two jobs on one machine write different files with different series, because the collector
	// drops a series that it has seen in another file.
	label := prometheus.Labels{"command": command,
		"file": strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help, ConstLabels: label})
		g.Set(value)
		registry.MustRegister(g)
	}
	rows := func(name, help string, counts map[results.Outcome]int) {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tapsweep_" + name, Help: help,
			ConstLabels: label}, []string{"outcome"})
		for _, o := range results.Outcomes {
			g.WithLabelValues(string(o)).Set(float64(counts[o]))
		}
		registry.MustRegister(g)
	}
	end, res := time.Now(), r.result
	gauge("last_run_timestamp_seconds", "When the last run ended, in Unix time.", float64(end.UnixMilli())/1000)
	gauge("last_run_exit_code",
		"Exit code of the last run: 0 all done, 1 some left, 3 no access, 4 stopped early, 64 refused.",
		float64(code))
	gauge("last_run_duration_seconds", "How long the last run took.", end.Sub(r.start).Seconds())
	if res.Outcomes != nil {
		log := res.Log
		if log == nil {
			log = res.Outcomes
		}
		rows("last_run_rows", "Rows of the last run by outcome, without those of runs that it resumed.", res.Outcomes)
		rows("log_rows", "Rows of its whole results log by outcome. The exit code is about these.", log)
		if res.Sessions != nil {
			rows("log_sessions", "Users of the whole results log by what became of their sessions.", res.Sessions)
		}
		gauge("last_run_refused_requests",
			"Requests that were refused in the last run, with 429, or with 503 as a whole batch.", float64(res.Refused))
	}
	users, complete := scan.Counts{}, r.expired != nil && res.Complete && res.Outcomes != nil
	if res.Scan != nil {
		users = *res.Scan
	}
	if users.Users+users.Earlier > 0 || complete {
		gauge("last_run_users", "Users that the last run scanned, without those of runs that it resumed.",
			float64(users.Users))
		gauge("log_users", "Users that the last run and the runs that it resumed scanned.",
			float64(users.Users+users.Earlier))
	}
	if complete {
		gauge("expired_passes_left",
			"Expired passes that the last run, or one that it resumed, found and that are not deleted.",
			float64(len(r.expired)))
		gauge("oldest_expired_pass_age_seconds", "How long ago the oldest of these expired, 0 if none.",
			r.oldest(end).Seconds())
	}
	return prometheus.WriteToTextfile(path, registry)
}

// oldest returns how long ago the oldest of the expired passes expired.
func (r *Recorder) oldest(now time.Time) (age time.Duration) {
	for _, at := range r.expired {
		if !at.IsZero() { // Graph need not return the dates
			age = max(age, now.Sub(at))
		}
	}
	return age
}

// Target returns the file that a path leads to, so that a symbolic link is not replaced.
func Target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
