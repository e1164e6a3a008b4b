package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/cli"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// readerFunc is a reader that calls the function.
type readerFunc func() error

func (f readerFunc) Read([]byte) (int, error) { return 0, f() }

// Nothing is sent after a signal, even if the list ends afterwards, as it does if the signal also ended the
// program that writes it.
func TestSignalBeforeTheRun(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	ctx, stop := context.WithCancelCause(t.Context())
	list := io.MultiReader(strings.NewReader("user\ndana@contoso.com\n"), readerFunc(func() error {
		stop(errors.New("terminated signal received"))
		return io.EOF
	}))
	var stderr strings.Builder
	code := cli.Main(ctx, cli.Process{Args: []string{"revoke", "--yes", "--results", newLog(t), "-"},
		Environ: serve(t, tenant), In: list, Out: io.Discard, Err: &stderr})
	same(t, "exit code", code, status.Stopped)
	holds(t, "standard error", stderr.String(), "terminated", "nothing was sent")
	same(t, "requests", tenant.Stats().Requests, 0)
}

// If the reader of the results goes away, the run stops in order. The test needs a process, because
// SIGPIPE would end it.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 2000, graphsim.Options{Latency: 50 * time.Millisecond})
	cmd := command(t, env, "revoke", "--yes", "--concurrency", "1", "--results", "-", listFile(t, users))
	r, w, err := os.Pipe()
	assert.OK(t, err)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	assert.OK(t, cmd.Start())
	w.Close()
	r.Read(make([]byte, 1))
	r.Close()
	cmd.Wait()
	same(t, "exit code", cmd.ProcessState.ExitCode(), 4)
	holds(t, "standard error", stderr.String(), "broken pipe")
	differs(t, "passes left", len(tenant.Remaining()), 0)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{})
	lists := strings.NewReplacer("LIST", listFile(t, users), "CASES/", mustAbs(listCases)+"/",
		"GONE", writeFile(t, "gone.csv", "user,method\nnobody@contoso.example,9f0c11aa-1111-4222-8333-000000000001\n"),
		"BAD", writeFile(t, "bad.csv", "user,method\ndana@contoso.example,nope\n"))
	for _, tt := range []struct {
		name   string
		line   string // words in capitals stand for lists
		code   int
		stderr string
	}{
		{"version", "--version", 0, ""},
		{"help", "revoke --help", 0, ""},
		{"no arguments", "revoke", status.Usage, "no list and no --user is given"},
		{"unknown command", "remove", status.Usage, "unknown command"},
		{"results to a device", "revoke --dry-run --results /dev/null LIST", status.Usage, "use --results - and"},
		{"unknown flag", "revoke --force LIST", status.Usage, "unknown flag"},
		{"batch size", "revoke --batch-size 21 LIST", status.Usage, "\"21\" is not a number between 1 and 20"},
		{"concurrency", "revoke --concurrency -1 LIST", status.Usage, `--concurrency "-1"`},
		{"rate", "revoke --rate -1 LIST", status.Usage, `--rate "-1"`},
		{"priority", "revoke --priority highest LIST", status.Usage, "--priority"},
		{"max wait", "revoke --max-wait 0 LIST", status.Usage, "--max-wait"},
		{"deadline", "revoke --deadline -1s LIST", status.Usage, "--deadline"},
		{"attempts", "revoke --max-attempts 0 LIST", status.Usage, `--max-attempts "0"`},
		{"timeout", "revoke --request-timeout 5ms LIST", status.Usage, `--request-timeout "5ms"`},
		{"progress", "revoke --progress much LIST", status.Usage, "--progress"},
		{"log level", "revoke --yes --log-level loud LIST", status.Usage, "--log-level"},
		{"log format", "revoke --yes --log-format xml LIST", status.Usage, "--log-format"},
		{"simulate and graph-url", "revoke --yes --simulate --graph-url https://127.0.0.1:1 LIST", status.Usage,
			"--simulate starts its own tenant"},
		{"simulation of an audit log", "revoke --simulate --yes CASES/purview-audit.csv", status.Usage,
			"audit or sign-in log"},
		{"simulation of a row of two users", "revoke --simulate --yes CASES/two-users-in-a-row.csv", status.Usage,
			"two users"},
		{"simulation of passes as IDs", "revoke --simulate --yes CASES/tap-created-as-method.csv", status.Usage,
			"the pass itself"},
		{"output of a check", "check --output xml", status.Usage, "--output"},
		{"user of a check", "check --user a/../b", status.Usage, "--user"},
		{"cloud of a check", "check --cloud x", status.Usage, "--cloud"},
		{"log level of a check", "check --log-level loud", status.Usage, "--log-level"},
		{"there is no terminal to ask at", "revoke LIST", status.Usage, "--yes"},
		{"no list", "revoke --yes nosuch.csv", status.Usage, "nosuch.csv"},
		{"bad row", "revoke --yes BAD", status.Usage, `bad.csv:2: method "no... (4 characters)" is not a GUID`},
		{"plain http", "revoke --yes --graph-url http://graph.microsoft.com LIST", status.Usage, "https://"},
		{"results to standard output by name", "revoke --yes --results /dev/stdout LIST", status.Usage,
			"use --results -"},
		{"results is a list", "revoke --yes --overwrite --results LIST LIST", status.Usage, "is also a list"},
		{"results is a directory", "revoke --yes --results / LIST", status.Usage, "is a directory"},
		{"results there already", "revoke --yes --results GONE LIST", status.Usage, "--overwrite\n"},
		{"results nowhere", "revoke --yes --results /nosuch/dir/r.jsonl LIST", status.Usage,
			"/nosuch/dir: no such file"},
		{"wrong secret", "revoke --yes LIST", 3, "AADSTS7000215"},
		{"some left", "revoke --yes GONE", 1, "unknown_user"},
		{"dry run", "revoke --dry-run LIST", 0, "planned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := env
			switch {
			case tt.name == "wrong secret":
				env = append(without(env, "AZURE_CLIENT_SECRET"), "AZURE_CLIENT_SECRET=wrong")
			case strings.HasPrefix(tt.name, "simulation"):
				env = nil
			}
			p := tapsweep(t, env, words(tt.line, lists)...)
			p.ends(t, tt.code, tt.stderr)
			if tt.code > 1 {
				same(t, "standard output", p.stdout, "")
			}
		})
	}
	leaves(t, tenant, 3) // none of these may delete one
}

func TestQuietRun(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 3, graphsim.Options{})
	p := tapsweep(t, env, "revoke", "--yes", "--quiet", listFile(t, users))
	p.ends(t, 0)
	same(t, "output", p.stdout+p.stderr, "")
}

// After an interrupt the run waits for the answers to requests in flight, and writes NotSent
// for the rest. During a wait, it ends at once. The test needs a process to get the signals.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 500,
				graphsim.Options{Limits: []*quota.Limit{quota.Window(40, time.Hour)}})
			log := newLog(t)
			cmd := command(t, env, "revoke", "--yes", "--max-wait", "2h", "--results", log, listFile(t, users))
			var signalled time.Time
			p := finish(t, cmd, func(p *os.Process) {
				waitWhile(t, func() bool { return tenant.Stats().Refused == 0 })
				signalled = time.Now()
				p.Signal(sig)
			})
			atMost(t, "time to end with nothing in flight", time.Since(signalled), 3*time.Second)
			p.ends(t, 4, sig.String())
			hasRows(t, readText(t, log), "revoked 40, not_sent 460")
			holds(t, "reason of the stop in the log", readEnd(t, readText(t, log), 4).Stopped, sig.String())
		})
	}
}

// If the app lacks the permission, the run stops after the first answers, not after ten
// thousand.
func TestAbortAfter(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 1000,
		graphsim.Options{Latency: 20 * time.Millisecond, Faults: []fault.Fault{{Do: fault.ItemStatus(403)}}})
	list := listFile(t, users)
	p := runRevoke(t, env, list)
	p.ends(t, 3, "ReadWrite.All")
	rows, _ := readLog(t, p.stdout)
	got := outcomes(rows)
	same(t, "rows", len(rows), 1000)
	atLeast(t, "rows that are Denied", got[results.Denied], 100)
	atLeast(t, "rows that are NotSent", got[results.NotSent], 600)
	p = runRevoke(t, env, "--abort-after", "0", list)
	p.ends(t, 1)
	hasRows(t, p.stdout, "denied 1000")
}

// A resumed run reaches the users who come after the administrators on a list. Before, each run ended at the same place.
func TestResumeGoesOnAfterDenials(t *testing.T) {
	t.Parallel()
	run := runDenied(t, 30, 5)
	run().ends(t, 3, "resume the run", "--abort-after 0")
	run("--resume").ends(t, 1, "5 of 35 passes are gone")
}

// If a resumed run gets no answer but 403, its exit code is that of the first run.
func TestResumeIsDeniedAgain(t *testing.T) {
	t.Parallel()
	run := runDenied(t, 30, 0)
	run().ends(t, 3, "0 of 30 passes are gone")
	for range 2 {
		run("--resume").ends(t, 3, "0 of 30 passes are gone", "ReadWrite.All")
	}
}

// runDenied returns a function that revokes the passes of a list of administrators and then of users, with
// --abort-after 20. All its runs have one log.
func runDenied(t *testing.T, admins, users int) func(more ...string) process {
	tenant := graphsim.New(graphsim.Options{})
	var list []graphsim.User
	for i := range admins + users {
		id := fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", i)
		list = append(list, graphsim.User{UPN: fmt.Sprintf("user%02d@contoso.com", i), Privileged: i < admins,
			Passes: []graphsim.Pass{{ID: id}}})
		tenant.AddUser(list[i])
	}
	args := words("revoke --yes --abort-after 20 --concurrency 1 --results LOG LIST",
		strings.NewReplacer("LOG", newLog(t), "LIST", listFile(t, list)))
	env := serve(t, tenant)
	return func(more ...string) process { return tapsweep(t, env, slices.Concat(args, more)...) }
}

// A run that ends early leaves a log that can be resumed, and says why it ended.
func TestStopsEarly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		limit  *quota.Limit
		args   []string
		stderr string
	}{
		{"max wait", quota.Window(20, time.Hour), []string{"--max-wait", "1m"}, "too long a wait"},
		{"stall", quota.First(1_000_000, time.Second), []string{"--stall-timeout", "2s"}, "refuses everything"},
		{"deadline", quota.Bucket(1000, 1000), []string{"--rate", "10", "--deadline", "4s"},
			"the deadline of 4s has passed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 500, graphsim.Options{Limits: []*quota.Limit{tt.limit}})
			p := runRevoke(t, env, append(tt.args, listFile(t, users))...)
			p.ends(t, 4, tt.stderr)
			readEnd(t, p.stdout, 4)
			left := len(tenant.Remaining())
			hasRows(t, p.stdout, tally(map[results.Outcome]int{results.Revoked: 500 - left, results.NotSent: left}))
		})
	}
}

// The progress bar is shown only on a terminal at standard error. No other output has a part of it.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10))
	for _, tt := range []struct {
		name string
		term string
		args []string
		bar  bool
	}{
		{"auto", "xterm", nil, true},
		{"none", "xterm", []string{"--progress", "none"}, false},
		{"plain", "xterm", []string{"--progress", "plain"}, false},
		{"dumb", "dumb", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := answered(t, []string{"TERM=" + tt.term}, nil,
				append([]string{"revoke", "--simulate", "--yes", "--results", "log.jsonl", list}, tt.args...)...)
			p.ends(t, 0, "results: log.jsonl")
			same(t, "a bar", strings.Contains(p.stderr, "revoking  [===="), tt.bar)
			same(t, "standard output", p.stdout, "")
		})
	}
}

// Without a terminal, a run shows no progress.
func TestProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10)))
	lacks(t, "standard error", p.stderr, "\x1b", "\r", "revoking")
	same(t, "standard output", p.stdout, "")
}

// A key typed before the question does not answer it. It may be an answer to the previous program.
func TestKeysBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	no := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }
	p := answered(t, nil, no, "revoke", "--simulate", "--user", "dana@contoso.com", "--results", "log.jsonl")
	p.ends(t, status.Usage, "y\r\n", "not confirmed")
}

// If the list comes from the terminal, the run cannot ask there for a confirmation.
func TestListFromATerminal(t *testing.T) {
	t.Parallel()
	answered(t, nil, nil, "revoke", "--simulate", "-").ends(t, status.Usage, "cannot ask")
}

// answered runs tapsweep at a terminal where somebody has already typed "y". It calls answer once tapsweep
// asks. It starts a process, because the terminal sends signals to it.
func answered(t *testing.T, env []string, answer func(keyboard *os.File, p *os.Process), args ...string) process {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	keyboard.WriteString("y\n")
	var shown, out strings.Builder
	cmd := command(t, env, args...)
	cmd.Stdin, cmd.Stderr, cmd.Stdout = tty, tty, &out
	assert.OK(t, cmd.Start())
	tty.Close()
	asked, buf := false, make([]byte, 4096)
	for err == nil {
		var n int
		n, err = keyboard.Read(buf) // an error when the last who has it open is gone
		shown.Write(buf[:n])
		if !asked && strings.Contains(shown.String(), "[y/N]") {
			asked = true
			answer(keyboard, cmd.Process)
		}
	}
	_ = cmd.Wait() // the exit code says how it ended
	return process{args, cmd.ProcessState.ExitCode(), out.String(), shown.String()}
}
