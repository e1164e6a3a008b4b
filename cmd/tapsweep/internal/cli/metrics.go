package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/status"
)

// metricsFile returns the value of --metrics-file. It is empty for dry runs and simulations, which must
// not feed alerts.
func metricsFile(cmd *cobra.Command) string {
	f := cmd.Flags().Lookup("metrics-file")
	if f == nil || isOn(cmd, "dry-run") || isOn(cmd, "simulate") {
		return ""
	}
	return f.Value.String()
}

// checkMetrics refuses a name that the textfile collector does not read. It also refuses an existing file
// that is not the metrics of the same command: a scan by hand, in the environment of the nightly job,
// would replace the metrics of that job.
func checkMetrics(path, command string) error {
	if path == "" {
		return nil
	}
	if filepath.Ext(path) != ".prom" {
		return status.Refuse(fmt.Errorf("--metrics-file %s does not end in .prom", path),
			"node_exporter's textfile collector reads no other files")
	}
	if err := fileout.Check("--metrics-file", path, true); err != nil {
		return status.Of(err)
	}
	// The file is written under another name and then renamed. If this is not possible, the run must end
	// before the deletes.
	dir := filepath.Dir(metrics.Target(path))
	probe, err := os.CreateTemp(dir, ".tapsweep-*")
	if err != nil {
		return status.RefuseFile(fmt.Errorf("--metrics-file: tapsweep cannot write to %s: %w", dir, err))
	}
	probe.Close()
	os.Remove(probe.Name())
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return status.Refuse(fmt.Errorf("--metrics-file %s is not a regular file", path))
	}
	begin, err := fileout.Begin(path, 4096)
	if err == nil && len(begin) > 0 && !strings.Contains(string(begin), fmt.Sprintf("command=%q", command)) {
		err = fmt.Errorf("%s already exists and is not the metrics of tapsweep %s", path, command)
	}
	if err != nil {
		return status.Refuse(fmt.Errorf("--metrics-file: %w", err), "choose another --metrics-file")
	}
	return nil
}

// writeMetrics writes the metrics file, if the flags of the command were valid, and returns the exit code.
// A run whose metrics cannot be written does not end with exit code 0.
func (p *program) writeMetrics(cmd *cobra.Command, code int) int {
	if p.metrics == "" {
		return code
	}
	if err := p.recorder.Write(p.metrics, cmd.Name(), code); err != nil {
		p.console.Say("the metrics file was not written: %v", err)
		if code == status.Done {
			code = status.Stopped
		}
	}
	return code
}
