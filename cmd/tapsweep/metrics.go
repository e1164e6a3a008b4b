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
)

// recorder is what a run leaves for the metrics file.
type recorder struct {
	start   time.Time
	expired *metrics.Expired // nil if nobody wants to know
	summary *report.Summary  // nil until the run has begun
}

// metricsFile is what --metrics-file says, empty for commands without it, and for
// who only asks for help.
func (a *app) metricsFile(cmd *cobra.Command) string {
	f := cmd.Flags().Lookup("metrics-file")
	switch help := cmd.Flags().Lookup("help"); {
	case f == nil || help != nil && help.Changed:
		return ""
	case a.misread:
		return misreadMetricsFile(a.args)
	}
	return f.Value.String()
}

// misreadMetricsFile finds the file where reading the flags ended at one that is wrong,
// before all were read: an alert is to see that no night goes well any more.
func misreadMetricsFile(args []string) string {
	const flag = "--metrics-file"
	path := os.Getenv(variable(flag[2:]))
	for i, arg := range args {
		value, is := strings.CutPrefix(arg, flag+"=")
		switch {
		case arg == "--":
			return path
		case arg == "--help" || arg == "-h":
			return ""
		case is:
			path = value
		case arg == flag && i+1 < len(args):
			path = args[i+1]
		}
	}
	return path
}

// checkMetrics refuses a name that the textfile collector would pass over, and a file
// that is there and something else: it would be lost.
func checkMetrics(path string) error {
	if path == "" {
		return nil
	}
	if filepath.Ext(path) != ".prom" {
		return refuse(fmt.Errorf("--metrics-file %s does not end in .prom", path), "node_exporter's textfile collector reads no other files")
	}
	if err := checkFile("--metrics-file", path, true, nil, nil); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return refuse(fmt.Errorf("--metrics-file %s is not a regular file", path))
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		defer file.Close()
		begin := make([]byte, len(metrics.Begin))
		n, readErr := io.ReadFull(file, begin)
		if n == 0 && readErr == io.EOF || string(begin) == metrics.Begin {
			return nil
		}
		err = fmt.Errorf("%s is there already and not of tapsweep's metrics", path)
	}
	return refuse(fmt.Errorf("--metrics-file: %w", err), "choose another --metrics-file")
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
		run.Outcomes, run.Refused, run.Expired = s.Counts.Outcomes, s.Counts.Throttled, a.recorder.expired
		if s.Scan != nil {
			run.Users = s.Scan.Users + s.Scan.Earlier
		}
	}
	err := checkMetrics(path) // the results log may have come by that name
	if err == nil {
		err = run.Write(path)
	} else if a.recorder.summary == nil && !a.misread {
		return code // said before
	}
	if err != nil {
		a.say("the metrics file is not written: %v", err)
		if code == exitDone {
			code = exitStopped
		}
	}
	return code
}
