//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

var (
	cost      = flag.String("cost", "", "measure what tapsweep costs and write the table to this file")
	costUsers = flag.Int("cost-users", 1_000_000, "the largest tenant to measure")
)

// TestCost measures the cost of runs in a simulated tenant that answers a batch in 10 ms. make
// bench-cost runs it. The tenant has its own process, because the kernel adds the memory of a process
// to the peak of a process that it starts.
func TestCost(t *testing.T) {
	if *cost == "" {
		t.Skip("run by make bench-cost")
	}
	var table strings.Builder
	table.WriteString("| run | wall | user + system CPU | peak memory | goal |\n| --- | --- | --- | --- | --- |\n")
	for _, tt := range []struct {
		command string
		users   int
		goal    float64 // of the peak memory, in MB; 0 is none
	}{
		{"--version", 0, 0},
		{"revoke --yes --max-items 0 LIST", 10_000, 0},
		{"revoke --yes --max-items 0 LIST", 100_000, 60},
		{"revoke --yes --max-items 0 LIST", 1_000_000, 160},
		{"scan --all-users --reason expired,used --output FOUND", 1_000_000, 200},
	} {
		if tt.users > *costUsers {
			continue
		}
		dir := t.TempDir()
		files := strings.NewReplacer("LIST", filepath.Join(dir, "list.csv"), "FOUND", filepath.Join(dir, "found.csv"))
		mixed := fmt.Sprintf("--mixed=%v", strings.HasPrefix(tt.command, "scan"))
		env, stop := simulate(t, "--users", fmt.Sprint(tt.users), mixed, "--latency", "10ms", "--write-list",
			files.Replace("LIST"))
		cmd := command(t, env, words(tt.command, files)...)
		start := time.Now()
		finish(t, cmd).ends(t, 0)
		wall := time.Since(start)
		stop()
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		peak := float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10) / 1e6 // Linux counts kilobytes
		table.WriteString(fmt.Sprintf("| %s of %d users | %.1f s | %.1f s | %.0f MB | %.0f MB |\n",
			strings.Fields(tt.command)[0],
			tt.users, wall.Seconds(), cpu.Seconds(), peak, tt.goal))
		if tt.goal > 0 {
			atMost(t, "peak memory in MB", peak, tt.goal)
		}
	}
	assert.OK(t, os.WriteFile(*cost, []byte(table.String()), 0o644))
}
