//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/cli"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

func namedPipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	return path
}

// A run reads its list from a named pipe, and refuses one for its results.
func TestNamedPipes(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	for _, flag := range []string{"--resume", "--overwrite", "--quiet"} {
		tapsweep(t, nil, "revoke", "--yes", "--results", namedPipe(t), flag, list).ends(t, status.Usage,
			"is a pipe or a device")
	}
	from := namedPipe(t)
	go func() { _ = os.WriteFile(from, []byte(readText(t, list)), 0) }()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", "-", from)
	p.ends(t, status.Done)
	hasRows(t, p.stdout, "revoked 1")
}

// The first signal ends a command that waits for the other end of a pipe, or of standard input.
func TestSignalWhileAPipeIsWaitedFor(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	for name, args := range map[string][]string{
		"list on standard input": {"revoke", "--simulate", "--yes", "--results", newLog(t), "-"},
		"list":                   {"revoke", "--simulate", "--yes", "--results", newLog(t), namedPipe(t)},
		"protected users": {"revoke", "--simulate", "--yes", "--results", newLog(t), "--protect", namedPipe(t),
			list},
		"users":  {"scan", "--users", namedPipe(t)},
		"log":    {"verify", namedPipe(t)},
		"report": {"report", namedPipe(t)},
		"seed":   {"simulate", "--users", "0", "--seed", namedPipe(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("terminated signal received"))
			in, writer := io.Pipe()
			defer writer.Close()
			var out, errs strings.Builder
			code := cli.Main(ctx, cli.Process{Args: args, Environ: os.Environ(), In: in, Out: &out, Err: &errs})
			same(t, "exit code", code, status.Stopped)
			holds(t, "standard error", errs.String(), "tapsweep: terminated signal received, nothing was sent\n")
		})
	}
}

// The first signal ends a run even if the reader of its log has stopped reading.
func TestSignalWhileNobodyReads(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(3000)) // more rows than the log holds back
	ctx, cancel := context.WithCancelCause(t.Context())
	reader, out := io.Pipe()
	defer reader.Close()
	go func() {
		_, _ = reader.Read(make([]byte, 64<<10)) // the first line
		_, _ = reader.Read(make([]byte, 1))
		cancel(errors.New("terminated signal received"))
	}()
	var errs strings.Builder
	code := cli.Main(ctx, cli.Process{Args: []string{"revoke", "--simulate", "--yes", "--results", "-", list},
		Environ: os.Environ(), In: strings.NewReader(""), Out: out, Err: &errs})
	same(t, "exit code", code, status.Stopped)
	holds(t, "standard error", errs.String(), "The results log is not complete")
}

var (
	cost      = flag.String("cost", "", "measure what tapsweep costs and write the table to this file")
	costUsers = flag.Int("cost-users", 1_000_000, "the largest tenant to measure")
)

// TestCost measures the cost of runs in a simulated tenant that answers a batch in 10 ms. make
// bench-cost runs it. It runs a tapsweep that go build makes, because the test binary also holds the
// tests and their packages. The tenant has its own process, because the kernel adds the memory of a
// process to the peak of a process that it starts.
func TestCost(t *testing.T) {
	if *cost == "" {
		t.Skip("run by make bench-cost")
	}
	built := filepath.Join(t.TempDir(), "tapsweep")
	assert.OK(t, exec.CommandContext(t.Context(), "go", "build", "-o", built, ".").Run(), "go build")
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
		cmd.Path = built
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
