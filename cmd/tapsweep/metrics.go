package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/report"
)

// recorder is what a run leaves for the metrics file.
type recorder struct {
	start   time.Time
	expired *metrics.Expired // nil if nobody wants to know
	summary *report.Summary  // nil until the run has begun
}

// metricsFile is what --metrics-file says, empty for commands without it.
func metricsFile(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("metrics-file"); f != nil {
		return f.Value.String()
	}
	return ""
}

// checkMetrics refuses a name that the textfile collector would pass over: a file
// that is nothing else gets lost less easily, too.
func checkMetrics(path string) error {
	if path == "" {
		return nil
	}
	if filepath.Ext(path) != ".prom" {
		return refuse(fmt.Errorf("--metrics-file %s does not end in .prom", path), "node_exporter's textfile collector reads no other files")
	}
	return checkFile("--metrics-file", path, true, nil, nil)
}

// writeMetrics writes the metrics file, whichever way the command ended, and returns
// the exit code: a run that ended well and cannot say so did not.
func (a *app) writeMetrics(cmd *cobra.Command, code int) int {
	path := metricsFile(cmd)
	if path == "" || checkMetrics(path) != nil {
		return code
	}
	now := time.Now()
	run := metrics.Run{Command: cmd.Name(), End: now, Took: now.Sub(a.recorder.start), Exit: code}
	if s := a.recorder.summary; s != nil {
		run.Outcomes, run.Refused, run.Expired = s.Counts.Outcomes, s.Counts.Throttled, a.recorder.expired
		if s.Scan != nil {
			run.Users = s.Scan.Users + s.Scan.Earlier
		}
	}
	if err := run.Write(path); err != nil {
		a.say("%v", errors.Join(errors.New("--metrics-file could not be written"), err))
		if code == exitDone {
			code = exitStopped
		}
	}
	return code
}
