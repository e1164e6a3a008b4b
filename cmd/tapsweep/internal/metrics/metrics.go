// Package metrics writes the result of a run to a file for the textfile collector of node_exporter (Prometheus).
package metrics

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// A Recorder records the metrics of one command. A nil Recorder records nothing.
type Recorder struct {
	start  time.Time
	result RunResult

	expired map[string]time.Time // when each expired pass expired that was found and is not deleted yet
}

// NewRecorder returns a Recorder for a command that begins now.
func NewRecorder() *Recorder {
	return &Recorder{start: time.Now(), expired: make(map[string]time.Time)}
}

// A RunResult is how a run ended. Its rows are of the whole results log.
type RunResult struct {
	Outcomes map[results.Outcome]int // rows about passes, nil if the run never began
	Sessions map[results.Outcome]int // users by what became of their sessions, nil without
	Refused  int                     // requests of the run refused with 429, or with 503 as a whole batch
	Scan     *scan.Totals            // nil if the run does not look for passes
	Complete bool                    // the run reached its end, so it has scanned everybody
}

// gone are the outcomes of passes that no longer exist.
var gone = []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser}

// Row records whether the pass of a row is expired and still exists. Passes of protected users do not count.
func (r *Recorder) Row(row *results.Row) {
	switch {
	case r == nil || row.Method == "" || row.Provisional && row.Outcome != results.Found:
	case slices.Contains(gone, row.Outcome):
		delete(r.expired, row.Method)
	case row.Reason == string(pass.Expired) && row.Outcome != results.Protected && r.expired[row.Method].IsZero():
		r.expired[row.Method] = row.Expires
	}
}

// Ended records how the run ended.
func (r *Recorder) Ended(result RunResult) {
	if r != nil {
		r.result = result
	}
}

// Write writes the file for a command that ended with an exit code. It writes under a temporary name and renames the
// file to path, so that nobody reads an incomplete file.
func (r *Recorder) Write(path, command string, code int) error {
	registry := prometheus.NewRegistry()
	path = Target(path)
	// Two jobs on one machine write different files with different series. Otherwise the collector would drop a series
	// that another file also has.
	label := prometheus.Labels{"command": command,
		"file": strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	metrics := promauto.With(prometheus.WrapRegistererWithPrefix("tapsweep_",
		prometheus.WrapRegistererWith(label, registry)))
	gauge := func(name, help string, value float64) {
		metrics.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}).Set(value)
	}
	rows := func(name, help string, counts map[results.Outcome]int) {
		if counts == nil {
			return
		}
		g := metrics.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"outcome"})
		for _, o := range results.Outcomes {
			g.WithLabelValues(string(o)).Set(float64(counts[o]))
		}
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
	if res.Scan != nil && res.Complete {
		oldest := time.Duration(0)
		for _, at := range r.expired {
			if !at.IsZero() { // Graph may not return the dates
				oldest = max(oldest, end.Sub(at))
			}
		}
		gauge("expired_passes_left",
			"Expired passes that the last run, or one that it resumed, found and that are not deleted.",
			float64(len(r.expired)))
		gauge("oldest_expired_pass_age_seconds", "How long ago the oldest of these expired, 0 if none.",
			oldest.Seconds())
	}
	return prometheus.WriteToTextfile(path, registry)
}

// Target returns the target of a symbolic link, else path, so that a link is not replaced.
func Target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
