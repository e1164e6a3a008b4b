//go:build unix

package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

var (
	cost      = flag.String("cost", "", "measure what tapsweep costs and write the tables to this file")
	costPairs = flag.Int("cost-pairs", 1_000_000, "the longest list to measure")
)

// asLauncher makes the test binary start another program and write what that
// used to the file it names. The kernel counts the memory of the process that
// forks to the peak of the one that is started, so the test, which holds a
// tenant of a million users, must not do it itself.
const asLauncher = "TEST_AS_LAUNCHER"

func init() {
	if path := os.Getenv(asLauncher); path != "" {
		os.Unsetenv(asLauncher)
		os.Exit(launch(path, os.Args[1:]))
	}
}

// usage is what a process used.
type usage struct {
	Wall, CPU time.Duration
	PeakBytes int64
	code      int
	stderr    string
}

func launch(path string, args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	u := usage{Wall: time.Since(start), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	u.PeakBytes = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		u.PeakBytes <<= 10 // elsewhere it counts kilobytes
	}
	text, _ := json.Marshal(u) // numbers always marshal
	if err := os.WriteFile(path, text, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return cmd.ProcessState.ExitCode()
}

// measureCommand runs a built tapsweep to its end.
func measureCommand(t *testing.T, binary string, env []string, args ...string) usage {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	dir := t.TempDir()
	path := filepath.Join(dir, "usage.json")
	cmd := exec.CommandContext(ctx, self, append([]string{binary}, args...)...)
	cmd.Env = append([]string{asLauncher + "=" + path, "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir},
		env...)
	cmd.Dir = dir
	p := finish(t, cmd)
	u := usage{code: p.code, stderr: p.stderr}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: exit %d\n%s", err, p.code, p.stderr)
	}
	if err := json.Unmarshal(text, &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// buildRelease builds tapsweep as make release does, and returns how long that
// took. A cache of its own makes it a cold build.
func buildRelease(t *testing.T, cache string) (binary string, took time.Duration) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "tapsweep")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=cost", "-o",
		binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, time.Since(start)
}

// A table is written in Markdown.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, heads ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)}
	t.row(heads...)
	rule := make([]string, len(heads))
	for i := range rule {
		rule[i] = "---"
	}
	t.row(rule...)
	return t
}

func (t table) row(cells ...string) { fmt.Fprintf(t, "| %s\t|\n", strings.Join(cells, "\t| ")) }

// verdict compares with a goal that is the most allowed.
func verdict(value, most float64) string {
	if value <= most {
		return "met"
	}
	return "missed"
}

// TestCost prints what runs of the built program cost. It is a measurement, run
// by make bench.
func TestCost(t *testing.T) {
	if *cost == "" {
		t.Skip("run by make bench")
	}
	var b strings.Builder
	binary, _ := buildRelease(t, "")
	costOfLists(t, &b, binary)
	one := newTable(&b, "one-off", "measured", "goal", "")
	costOfScan(t, one, binary)
	costOfStart(t, one, binary)
	costOfBuild(t, one, binary)
	one.Flush()
	if err := os.WriteFile(*cost, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// costOfLists runs lists of growing length against a tenant that answers a
// batch in 10 ms, which keeps 16 of them in flight.
func costOfLists(t *testing.T, b *strings.Builder, binary string) {
	most := map[int]float64{100_000: 60, 1_000_000: 150} // MB
	w := newTable(b, "pairs", "wall", "user + system CPU", "peak memory", "goal", "µs of wall a pair",
		"µs of CPU a pair")
	nothing := measureCommand(t, binary, nil, "--version")
	w.row("none (version)", fmt.Sprintf("%.2f s", nothing.Wall.Seconds()), fmt.Sprintf("%.2f s", nothing.CPU.Seconds()),
		fmt.Sprintf("%.1f MB", float64(nothing.PeakBytes)/1e6), "", "", "")
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		if n > *costPairs {
			break
		}
		tenant := graphsim.New(graphsim.Options{Latency: 10 * time.Millisecond})
		list := writeFile(t, "list.csv", listOf(tenant.AddUsers(n)))
		runtime.GC()
		env, root := serveAt(t, tenant)
		u := measureCommand(t, binary, env, "revoke", "--yes", "--max-items", "0", "--graph-url", root, "--results",
			filepath.Join(t.TempDir(), "log.jsonl"), list)
		if left := len(tenant.Remaining()); u.code != status.Done || left != 0 {
			t.Errorf("%d pairs: exit %d, %d passes left\n%s", n, u.code, left, u.stderr)
		}
		peak := float64(u.PeakBytes) / 1e6
		goal := ""
		if most[n] > 0 {
			goal = fmt.Sprintf("%.0f MB: %s", most[n], verdict(peak, most[n]))
		}
		w.row(fmt.Sprint(n), fmt.Sprintf("%.1f s", u.Wall.Seconds()), fmt.Sprintf("%.1f s", u.CPU.Seconds()),
			fmt.Sprintf("%.1f MB", peak),
			goal, fmt.Sprintf("%.1f", u.Wall.Seconds()*1e6/float64(n)),
			fmt.Sprintf("%.1f", u.CPU.Seconds()*1e6/float64(n)))
		debug.FreeOSMemory()
	}
	w.Flush()
	fmt.Fprintln(b)
}

// costOfScan looks at a million users, of whom one in ten holds a pass.
func costOfScan(t *testing.T, w table, binary string) {
	tenant := leftovers(*costPairs, graphsim.Options{})
	env, root := serveAt(t, tenant)
	dir := t.TempDir()
	u := measureCommand(t, binary, env, "scan", "--graph-url", root, "--all-users", "--reason", "expired,used",
		"--output", filepath.Join(dir, "found.csv"), "--results", filepath.Join(dir, "log.jsonl"))
	if u.code != status.Done {
		t.Fatalf("exit %d\n%s", u.code, u.stderr)
	}
	peak := float64(u.PeakBytes) / 1e6
	w.row(fmt.Sprintf("scan of %d users, peak memory", *costPairs),
		fmt.Sprintf("%.0f MB in %.1f s", peak, u.Wall.Seconds()), "200 MB", verdict(peak, 200))
	debug.FreeOSMemory()
}

// A stopwatch is a tenant that notes when it answered the token request, and
// when the first batch came.
type stopwatch struct {
	*graphsim.Tenant
	token, batch atomic.Int64 // nanoseconds of the wall clock
}

func (s *stopwatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/$batch") {
		s.batch.CompareAndSwap(0, time.Now().UnixNano())
	}
	s.Tenant.ServeHTTP(w, r)
	if strings.HasSuffix(r.URL.Path, "/token") {
		s.token.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// costOfStart measures what comes before the first batch, and the connections.
func costOfStart(t *testing.T, w table, binary string) {
	const pairs, latency = 4000, 40 * time.Millisecond
	var start, first []float64 // milliseconds
	var connections int
	var wall []float64
	for range 9 {
		watch := &stopwatch{Tenant: graphsim.New(graphsim.Options{Latency: latency})}
		list := writeFile(t, "list.csv", listOf(watch.AddUsers(pairs)))
		var open atomic.Int32
		server := httptest.NewUnstartedServer(watch)
		server.EnableHTTP2 = true
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				open.Add(1)
			}
		}
		server.StartTLS()
		ca := writeFile(t, "ca.pem",
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
		began := time.Now()
		u := measureCommand(t, binary, watch.Environment(server.URL, ca), "revoke", "--yes", "--graph-url", server.URL,
			"--results", "log.jsonl", list)
		server.Close()
		if left := len(watch.Remaining()); u.code != status.Done || left != 0 {
			t.Fatalf("exit %d, %d passes left\n%s", u.code, left, u.stderr)
		}
		start = append(start, float64(watch.batch.Load()-began.UnixNano())/1e6)
		first = append(first, float64(watch.batch.Load()-watch.token.Load())/1e6)
		wall = append(wall, u.Wall.Seconds())
		connections = max(connections, int(open.Load()))
	}
	for _, s := range [][]float64{start, first, wall} {
		slices.Sort(s)
	}
	mid := len(first) / 2
	w.row("from the token to the first batch, 4,000 pairs",
		fmt.Sprintf("%.1f ms (%.1f to %.1f)", first[mid], first[0], first[len(first)-1]),
		"100 ms", verdict(first[mid], 100))
	w.row("from the start of the process to the first batch",
		fmt.Sprintf("%.0f ms (%.0f to %.0f)", start[mid], start[0], start[len(start)-1]), "", "")
	bound := (pairs / 20 * latency / 16).Seconds()
	w.row("whole process, 4,000 pairs at 40 ms a batch",
		fmt.Sprintf("%.2f s, %.0f %% of the bound of %.2f s", wall[mid], 100*bound/wall[mid], bound), "", "")
	w.row("connections for them, the token's included", fmt.Sprint(connections), "4", verdict(float64(connections), 4))
}

func costOfBuild(t *testing.T, w table, binary string) {
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	w.row("size of the release binary", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), "20 MB",
		verdict(float64(info.Size())/1e6, 20))
	_, took := buildRelease(t, t.TempDir())
	w.row("cold build", fmt.Sprintf("%.0f s", took.Seconds()), "", "")
}
