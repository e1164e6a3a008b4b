package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/cli"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// asMain makes the test binary act as tapsweep. Most tests run tapsweep inside the test process. A test
// starts a separate process only if it needs one: for signals, a terminal, a working directory, file
// descriptors, a limit of the system, variables that Go or azidentity reads by itself, or an empty list of
// secrets in safetext.
const asMain = "TEST_AS_TAPSWEEP"

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	testscript.Main(suite{m}, map[string]func(){"tapsweep": main})
}

type suite struct{ *testing.M }

// Run runs the tests. Most of the time they wait for a tenant or for a process. So unless -parallel is set,
// many more tests run at once than there are processors. Tenants need memory only for a short time, so the
// garbage collector runs less often than by default.
func (s suite) Run() int {
	flag.Parse()
	debug.SetGCPercent(400)
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue {
		_ = p.Value.Set(strconv.Itoa(12 * runtime.GOMAXPROCS(0)))
	}
	return s.M.Run()
}

// process is a finished run of tapsweep.
type process struct {
	args           []string
	code           int
	stdout, stderr string
}

// command returns a command for a tapsweep process. Its environment has only the given
// variables.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self := assert.Must(os.Executable())
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append([]string{asMain + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"TMPDIR=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}, env...)
	cmd.Dir = t.TempDir()
	return cmd
}

// finish runs the command to its end. It calls meanwhile while the command runs.
func finish(t *testing.T, cmd *exec.Cmd, meanwhile ...func(*os.Process)) process {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	assert.OK(t, cmd.Start())
	for _, f := range meanwhile {
		go f(cmd.Process)
	}
	err := cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return process{cmd.Args[1:], cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// tapsweep runs a command line in this process. The environment has only the given variables. A run
// without a results log gets one in a directory of the test.
func tapsweep(t *testing.T, env []string, args ...string) process {
	t.Helper()
	if len(args) > 0 && slices.Contains([]string{"revoke", "sweep", "verify"}, args[0]) &&
		!slices.ContainsFunc(args, func(arg string) bool {
			return strings.HasPrefix(arg, "--results") || strings.HasPrefix(arg, "--evidence") ||
				strings.HasPrefix(arg, "--resume")
		}) {
		args = slices.Insert(slices.Clone(args), 1, "--results", newLog(t))
	}
	return runHere(t.Context(), append([]string{"HOME=" + t.TempDir()}, env...), args)
}

// runHere runs a command line in this process with the environment.
func runHere(ctx context.Context, env, args []string) process {
	var stdout, stderr bytes.Buffer
	code := cli.Main(ctx, cli.Process{Args: args, Environ: env, In: strings.NewReader(""), Out: &stdout,
		Err: &stderr, Version: "devel"})
	return process{args, code, stdout.String(), stderr.String()}
}

// stopped runs a command line in this process, and stops it as a signal does once the condition holds.
func stopped(t *testing.T, env, args []string, reached func() bool) process {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	go func() {
		defer stop(errors.New("terminated signal received"))
		waitWhile(t, func() bool { return !reached() })
	}()
	return runHere(ctx, append([]string{"HOME=" + t.TempDir()}, env...), args)
}

// tapsweepWhile is tapsweep with a function that runs at the same time. It returns when both are over.
func tapsweepWhile(t *testing.T, env []string, meanwhile func(), args ...string) process {
	t.Helper()
	var both sync.WaitGroup
	both.Go(meanwhile)
	p := tapsweep(t, env, args...)
	both.Wait()
	return p
}

// spawn runs a command line in a separate process, in an empty directory.
func spawn(t *testing.T, env []string, args ...string) process {
	t.Helper()
	return finish(t, command(t, env, args...))
}

// serve starts a tenant and returns the environment that leads to it.
func serve(t *testing.T, tenant *graphsim.Tenant) (env []string) {
	t.Helper()
	env, _ = serveAt(t, tenant)
	return env
}

// serveAt starts a tenant and returns the environment that leads to it, and its root of Graph.
func serveAt(t *testing.T, tenant *graphsim.Tenant) (env []string, root string) {
	t.Helper()
	server := assert.Must(tenant.Start())
	t.Cleanup(func() { server.Close() })
	return append(tenant.Environment(server.URL, server.CAFile), graphURL+"="+server.URL), server.URL
}

// serveUsers starts a tenant with n users who hold a pass each, and returns its environment.
func serveUsers(t *testing.T, n int, opts graphsim.Options) (*graphsim.Tenant, []graphsim.User, []string) {
	t.Helper()
	tenant := graphsim.New(opts)
	users := tenant.AddUsers(n)
	return tenant, users, serve(t, tenant)
}

// serveLeftovers starts a tenant of leftovers and returns its environment.
func serveLeftovers(t *testing.T, n int, opts graphsim.Options) (*graphsim.Tenant, []string) {
	t.Helper()
	tenant := leftovers(n, opts)
	return tenant, serve(t, tenant)
}

// failing returns the options of a tenant with faults.
func failing(faults ...fault.Fault) graphsim.Options { return graphsim.Options{Faults: faults} }

// waitWhile returns once the condition is false, or the test is over.
func waitWhile(t *testing.T, condition func() bool) {
	for condition() && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// runRevoke runs revoke --yes with the results log on standard output.
func runRevoke(t *testing.T, env []string, args ...string) process {
	t.Helper()
	return tapsweep(t, env, append([]string{"revoke", "--yes", "--results", "-"}, args...)...)
}

// runSweep runs sweep --yes over all users with the results log on standard output.
func runSweep(t *testing.T, env []string, args ...string) process {
	t.Helper()
	return tapsweep(t, env, append([]string{"sweep", "--all-users", "--yes", "--results", "-"}, args...)...)
}

// graphURL is the environment variable for the root of Graph.
const graphURL = "TAPSWEEP_GRAPH_URL"

// newLog returns the path of a results log that does not exist yet.
func newLog(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "log.jsonl")
}

// listFile writes a CSV list of the users' passes.
func listFile(t *testing.T, users []graphsim.User) string {
	t.Helper()
	return writeFile(t, "list.csv", listOf(users))
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

// listOf returns a CSV list of the users' passes.
func listOf(users []graphsim.User) string {
	var b strings.Builder
	b.WriteString("user,method\n")
	for _, u := range users {
		fmt.Fprintf(&b, "%s,%s\n", u.UPN, u.Passes[0].ID)
	}
	return b.String()
}

// readLog returns the rows of a results log and its last line. It leaves out provisional rows
// that a later row follows.
func readLog(t *testing.T, text string) (rows []results.Row, end *results.End) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		var row results.Row
		decode(t, line, &row)
		switch row.Type {
		case "run":
			same(t, "line of the run", i, 0)
		case "result":
			rows = slices.DeleteFunc(rows, func(r results.Row) bool {
				return r.Provisional && r.Source == row.Source && r.Line == row.Line && r.User == row.User
			})
			rows = append(rows, row)
		case "end":
			end = new(results.End)
			decode(t, line, end)
			same(t, "line of the end", i, len(lines)-1)
		case "wait", "scanned":
		default:
			t.Errorf("line %d of the log has type %q", i+1, row.Type)
		}
	}
	return rows, end
}

// lastBy returns the last row in the log for each value of key.
func lastBy[K comparable](t *testing.T, log string, key func(results.Row) K) map[K]results.Row {
	t.Helper()
	last := make(map[K]results.Row)
	for line := range strings.Lines(readText(t, log)) {
		var row results.Row
		if json.Unmarshal([]byte(line), &row) == nil && row.Type == "result" { // a kill may tear the last line
			last[key(row)] = row
		}
	}
	return last
}

func outcomes(rows []results.Row) map[results.Outcome]int {
	m := make(map[results.Outcome]int)
	for _, r := range rows {
		m[r.Outcome]++
	}
	return m
}

// Scripts run the program against a simulated tenant with the users and passes of a list:
// "tenant LIST" starts it, "left N" checks how many passes are left, "outcomes LOG" prints the
// counts of a results log. Each command has a process, as in a shell: scripts have pipes and files.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TESTDATA", mustAbs("../../testdata"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tenant":   scriptTenant,
			"left":     scriptLeft,
			"outcomes": scriptOutcomes,
		},
	})
}

func mustAbs(path string) string { return assert.Must(filepath.Abs(path)) }

var scriptTenants sync.Map // *testscript.TestScript to *graphsim.Tenant; scripts run in parallel

// scriptTenant: tenant LIST
func scriptTenant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tenant LIST")
	}
	tenant := graphsim.New(graphsim.Options{})
	list, err := input.Open([]string{ts.MkAbs(args[0])}, input.Options{})
	ts.Check(err)
	ts.Defer(func() { list.Close() })
	for pair, err := range list.Pairs() {
		ts.Check(err)
		tenant.AddPair(pair.User, pair.Method, nil)
	}
	server, err := tenant.Start()
	ts.Check(err)
	ts.Defer(func() { server.Close() })
	for _, v := range tenant.Environment(server.URL, server.CAFile) {
		name, value, _ := strings.Cut(v, "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("GRAPH", server.URL)
	scriptTenants.Store(ts, tenant)
	ts.Defer(func() { scriptTenants.Delete(ts) })
}

func scriptLeft(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	tenant, ok := scriptTenants.Load(ts)
	if !ok {
		ts.Fatalf("there is no tenant")
	}
	if left := tenant.(*graphsim.Tenant).Remaining(); len(left) != want {
		ts.Fatalf("%d passes left, want %d: %v", len(left), want, left)
	}
}

func scriptOutcomes(ts *testscript.TestScript, neg bool, args []string) {
	var rows []results.Row
	for line := range strings.SplitSeq(ts.ReadFile(args[0]), "\n") {
		var row results.Row
		if json.Unmarshal([]byte(line), &row) == nil && row.Type == "result" &&
			!row.Provisional { // another row follows that
			rows = append(rows, row)
		}
	}
	fmt.Fprintln(ts.Stdout(), strings.ReplaceAll(tally(outcomes(rows)), ", ", "\n"))
}
