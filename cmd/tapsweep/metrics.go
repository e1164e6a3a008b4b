package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
)

// recorder is what a run leaves for the metrics file.
type recorder struct {
	start   time.Time
	expired *metrics.Expired // nil if nobody wants to know
	summary *report.Summary  // nil until the run has begun
}

// metricsFile is what --metrics-file says, empty for commands without it, for who only
// asks for help, and for what is no run of the kind that alerts are about: a dry run, or
// a drill.
func (a *app) metricsFile(cmd *cobra.Command) string {
	f := cmd.Flags().Lookup("metrics-file")
	switch help := cmd.Flags().Lookup("help"); {
	case f == nil || help != nil && help.Changed:
		return ""
	case switched(cmd, "dry-run") || switched(cmd, "simulate"):
		return ""
	}
	return f.Value.String()
}

// switched tells whether a switch is set.
func switched(cmd *cobra.Command, name string) bool {
	f := cmd.Flags().Lookup(name)
	return f != nil && f.Value.String() == "true"
}

// checkMetrics refuses a name that the textfile collector would pass over, and a file
// that is there and something else: it would be lost.
//
// It has to be of the same command as well: a scan by hand, in an environment that is
// the night job's, would take its place.
func checkMetrics(path, command string) error {
	if path == "" {
		return nil
	}
	if filepath.Ext(path) != ".prom" {
		return status.Refuse(fmt.Errorf("--metrics-file %s does not end in .prom", path), "node_exporter's textfile collector reads no other files")
	}
	if err := checkFile("--metrics-file", path, true); err != nil {
		return err
	}
	// It is written beside and renamed. That it cannot be should not be found out after
	// the deletes.
	dir := filepath.Dir(metrics.Target(path))
	probe, err := os.CreateTemp(dir, ".tapsweep-*")
	if err != nil {
		return status.RefuseFile(fmt.Errorf("--metrics-file: nothing can be written to %s: %w", dir, err))
	}
	probe.Close()
	os.Remove(probe.Name())
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return status.Refuse(fmt.Errorf("--metrics-file %s is not a regular file", path))
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		defer file.Close()
		begin := make([]byte, 4096)
		n, _ := io.ReadFull(file, begin)
		switch text := string(begin[:n]); {
		case text == "" || strings.Contains(text, fmt.Sprintf("command=%q", command)):
			return nil
		case strings.HasPrefix(text, metrics.Begin):
			err = fmt.Errorf("%s is of another command of tapsweep", path)
		default:
			err = fmt.Errorf("%s is there already and not of tapsweep's metrics", path)
		}
	}
	return status.Refuse(fmt.Errorf("--metrics-file: %w", err), "choose another --metrics-file")
}

// writeMetrics writes the metrics file, whichever way the command ended, and returns
// the exit code: a run that ended well and cannot say so did not.
func (a *app) writeMetrics(cmd *cobra.Command, code int) int {
	path := a.metricsFile(cmd)
	if path == "" {
		return code
	}
	now := time.Now()
	run := metrics.Run{Command: cmd.Name(), End: now, Took: now.Sub(a.recorder.start), Exit: code}
	if s := a.recorder.summary; s != nil {
		run.Outcomes, run.Log, run.Refused = s.Counts.Outcomes, s.Log, s.Counts.Throttled
		if s.Stopped == nil { // else not everybody was looked at
			run.Expired = a.recorder.expired
		}
		if s.Scan != nil {
			run.Users, run.Before = s.Scan.Users, s.Scan.Earlier
		}
	}
	err := checkMetrics(path, cmd.Name()) // the results log may have come by that name
	if err == nil {
		err = run.Write(path)
	} else if a.recorder.summary == nil {
		return code // said before
	}
	if err != nil {
		a.say("the metrics file is not written: %v", err)
		if code == status.Done {
			code = status.Stopped
		}
	}
	return code
}
