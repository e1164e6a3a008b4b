// Package metrics writes how a run ended to a file for the textfile collector of Prometheus's
// node_exporter.
package metrics

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
}

// NewRecorder returns a Recorder for a command that begins now.
func NewRecorder() *Recorder { return &Recorder{start: time.Now()} }

// A Result is how a run ended. Its rows are of the whole results log.
type Result struct {
	Outcomes map[results.Outcome]int // rows about passes, nil if the run never began
	Sessions map[results.Outcome]int // users by what became of their sessions, nil without
	Refused  int                     // requests of the run refused with 429, or with 503 as a whole batch
	Scan     *scan.Counts            // nil if the run does not look for passes
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
		if counts == nil {
			return
		}
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
	rows("log_rows", "Rows of the whole results log by outcome. The exit code is about these.", res.Outcomes)
	rows("log_sessions", "Users of the whole results log by what became of their sessions.", res.Sessions)
	if res.Outcomes != nil {
		gauge("last_run_refused_requests",
			"Requests that were refused in the last run, with 429, or with 503 as a whole batch.", float64(res.Refused))
	}
	if res.Scan != nil {
		gauge("log_users", "Users that the last run and the runs that it resumed scanned.",
			float64(res.Scan.Users+res.Scan.Earlier))
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
