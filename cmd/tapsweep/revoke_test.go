package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/text/encoding/unicode"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Two thousand pairs in each form in which people have them: all deleted, the
// batches full, one row a pair; and a second run is harmless.
func TestRevokeEachForm(t *testing.T) {
	t.Parallel()
	csv := func(comma string) func([]graphsim.User) string {
		return func(users []graphsim.User) string { return strings.ReplaceAll(listOf(users), ",", comma) }
	}
	object := func(u graphsim.User) string {
		b, _ := json.Marshal(map[string]string{"userPrincipalName": u.UPN, "methodId": u.Passes[0].ID, "displayName": "Dana"})
		return string(b)
	}
	join := func(before, between, after string) func([]graphsim.User) string {
		return func(users []graphsim.User) string {
			var objects []string
			for _, u := range users {
				objects = append(objects, object(u))
			}
			return before + strings.Join(objects, between) + after
		}
	}
	utf16 := func(users []graphsim.User) string {
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(csv(";")(users), "\n", "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	forms := []struct {
		file string
		text func([]graphsim.User) string
	}{
		{"comma.csv", csv(",")},
		{"semicolon.csv", csv(";")},
		{"tab.tsv", csv("\t")},
		{"excel-utf16.csv", utf16},
		{"array.json", join("[", ",\n", "]")},
		{"graph.json", join(`{"@odata.context":"x","value":[`, ",", "]}")},
		{"lines.jsonl", join("", "\n", "\n")},
	}
	for _, tt := range forms {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{})
			users := tenant.AddUsers(45)
			env, root := serve(t, tenant)
			list := writeFile(t, tt.file, tt.text(users))

			p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", list)
			rows, end := readLog(t, p.stdout)
			if p.code != 0 || len(rows) != 45 || outcomes(rows)[results.Revoked] != 45 || end == nil || end.Exit != 0 {
				t.Fatalf("exit %d, outcomes %v, end %+v\n%s", p.code, outcomes(rows), end, p.stderr)
			}
			lines := make(map[int]bool)
			for _, r := range rows {
				lines[r.Line] = true
			}
			if len(lines) != 45 && !strings.HasPrefix(tt.file, "graph") { // all on one line there
				t.Errorf("rows of %d different lines, want 45", len(lines))
			}
			if stats := tenant.Stats(); stats.LostWrites+stats.OverlappingWrites != 0 {
				t.Errorf("%d writes were lost, %d overlapped", stats.LostWrites, stats.OverlappingWrites)
			}
			if left := len(tenant.Remaining()); left != 0 {
				t.Errorf("%d passes are left", left)
			}

			p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", list)
			rows, _ = readLog(t, p.stdout)
			if p.code != 0 || outcomes(rows)[results.Absent] != 45 {
				t.Errorf("second run: exit %d, outcomes %v", p.code, outcomes(rows))
			}
		})
	}
}

// The log of one run is the list of the next.
func TestRevokeResultsLog(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0003@", Do: fault.ItemStatus(503)}}})
	users := tenant.AddUsers(5)
	env, root := serve(t, tenant)
	log := filepath.Join(t.TempDir(), "first.jsonl")
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--max-attempts", "1", "--results", log, writeFile(t, "l.csv", listOf(users)))
	if p.code != 1 {
		t.Fatalf("exit %d, want 1\n%s", p.code, p.stderr)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--max-attempts", "1", "--results", "-", log)
	rows, _ := readLog(t, p.stdout)
	if p.code != 1 || len(rows) != 1 || outcomes(rows)[results.Failed] != 1 || !strings.Contains(p.stderr, "4 rows left out") {
		t.Errorf("exit %d, outcomes %v\n%s", p.code, outcomes(rows), p.stderr)
	}

	// With nothing left to do, there is nothing to do, and that is well.
	done := filepath.Join(t.TempDir(), "done.jsonl")
	list := writeFile(t, "l.csv", listOf(users[:2]))
	tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", done, list)
	if p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", done); p.code != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// A signal is heard at any time, and nothing is sent after it.
func TestSignalBeforeTheRun(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	cmd := command(t, env, "revoke", "--yes", "--graph-url", root, "-")
	stdin, err := cmd.StdinPipe() // stays open
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	p := finish(t, cmd, func(p *os.Process) {
		time.Sleep(500 * time.Millisecond)
		p.Signal(syscall.SIGTERM)
	})
	if p.code != 4 || !strings.Contains(p.stderr, "terminated") || !strings.Contains(p.stderr, "nothing was sent") || strings.Contains(p.stderr, "hint") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// A reader of the results that goes away stops the run in order.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
	users := tenant.AddUsers(2000)
	env, root := serve(t, tenant)
	cmd := command(t, env, "revoke", "--yes", "--graph-url", root, "--concurrency", "1", "--results", "-", writeFile(t, "l.csv", listOf(users)))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Read(make([]byte, 1))
	r.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 4 || !strings.Contains(stderr.String(), "broken pipe") || len(tenant.Remaining()) == 0 {
		t.Errorf("exit %d, %d passes left\n%s", code, len(tenant.Remaining()), stderr.String())
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(3)
	env, root := serve(t, tenant)
	list := writeFile(t, "list.csv", listOf(users))
	gone := writeFile(t, "gone.csv", "user,method\nnobody@contoso.example,9f0c11aa-1111-4222-8333-000000000001\n")
	bad := writeFile(t, "bad.csv", "user,method\ndana@contoso.example,nope\n")
	wrong := append(env[:len(env):len(env)], "AZURE_CLIENT_SECRET=wrong")
	tests := []struct {
		name   string
		env    []string
		args   []string
		code   int
		stderr string
	}{
		{"version", nil, []string{"version"}, 0, ""},
		{"help", nil, []string{"revoke", "--help"}, 0, ""},
		{"no arguments", env, []string{"revoke"}, status.Usage, "no list is named"},
		{"unknown command", env, []string{"remove"}, status.Usage, "unknown command"},
		{"unknown flag", env, []string{"revoke", "--force", list}, status.Usage, "unknown flag"},
		{"batch size", env, []string{"revoke", "--batch-size", "21", list}, status.Usage, "--batch-size 21 is not a number between 1 and 20"},
		{"concurrency", env, []string{"revoke", "--concurrency", "-1", list}, status.Usage, "--concurrency -1"},
		{"rate", env, []string{"revoke", "--rate", "-1", list}, status.Usage, "--rate -1"},
		{"priority", env, []string{"revoke", "--priority", "highest", list}, status.Usage, "--priority"},
		{"max wait", env, []string{"revoke", "--max-wait", "0", list}, status.Usage, "--max-wait"},
		{"deadline", env, []string{"revoke", "--deadline", "-1s", list}, status.Usage, "--deadline"},
		{"attempts", env, []string{"revoke", "--max-attempts", "0", list}, status.Usage, "--max-attempts 0"},
		{"timeout", env, []string{"revoke", "--request-timeout", "5ms", list}, status.Usage, "--request-timeout 5ms"},
		{"progress", env, []string{"revoke", "--progress", "much", list}, status.Usage, "--progress"},
		{"log level", env, []string{"revoke", "--yes", "--log-level", "loud", list}, status.Usage, "--log-level"},
		{"log format", env, []string{"revoke", "--yes", "--log-format", "xml", list}, status.Usage, "--log-format"},
		{"format", env, []string{"revoke", "--yes", "--format", "xml", list}, status.Usage, "xml"},
		{"simulate and graph-url", env, []string{"revoke", "--yes", "--simulate", "--graph-url", root, list}, status.Usage, "--simulate goes to a tenant of its own"},
		{"there is no terminal to ask at", env, []string{"revoke", "--graph-url", root, list}, status.Usage, "--yes"},
		{"no list", env, []string{"revoke", "--yes", "--graph-url", root, "nosuch.csv"}, status.Usage, "nosuch.csv"},
		{"bad row", env, []string{"revoke", "--yes", "--graph-url", root, bad}, status.Usage, `bad.csv:2: method "no..." (4 characters) is not a GUID`},
		{"plain http", env, []string{"revoke", "--yes", "--graph-url", "http://graph.microsoft.com", list}, status.Usage, "https://"},
		{"results is a list", env, []string{"revoke", "--yes", "--graph-url", root, "--overwrite", "--results", list, list}, status.Usage, "is also a list"},
		{"results is a directory", env, []string{"revoke", "--yes", "--graph-url", root, "--results", "/", list}, status.Usage, "is a directory"},
		{"results there already", env, []string{"revoke", "--yes", "--graph-url", root, "--results", gone, list}, status.Usage, "--overwrite"},
		{"results nowhere", env, []string{"revoke", "--yes", "--graph-url", root, "--results", "/nosuch/dir/r.jsonl", list}, status.Usage, "/nosuch/dir does not exist"},
		{"wrong secret", wrong, []string{"revoke", "--yes", "--graph-url", root, list}, 3, "AADSTS7000215"},
		{"some left", env, []string{"revoke", "--yes", "--graph-url", root, gone}, 1, "unknown_user"},
		{"dry run", env, []string{"revoke", "--dry-run", "--graph-url", root, list}, 0, "planned"},
		{"full disk", env, []string{"revoke", "--yes", "--graph-url", root, "--overwrite", "--results", "/dev/full", list}, status.Stopped, "no space left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tapsweep(t, tt.env, tt.args...)
			if p.code != tt.code || !strings.Contains(p.stderr, tt.stderr) {
				t.Errorf("tapsweep %s: exit %d, want %d with %q\n%s", strings.Join(tt.args, " "), p.code, tt.code, tt.stderr, p.stderr)
			}
			if tt.code > 0 && tt.code != 1 && p.stdout != "" {
				t.Errorf("standard output: %s", p.stdout)
			}
		})
	}
	if left := len(tenant.Remaining()); left != 3 {
		t.Errorf("%d passes left, want 3: none of these may delete one", left)
	}
	if p := tapsweep(t, env, "revoke", "--yes", "--quiet", "--graph-url", root, list); p.code != 0 || p.stdout+p.stderr != "" {
		t.Errorf("quiet run: exit %d\n%s%s", p.code, p.stdout, p.stderr)
	}
}

// An interrupt lets what is in flight be answered, says of the rest that it was
// not sent, and ends at once in the middle of a wait.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.Window(40, time.Hour)}})
			users := tenant.AddUsers(500)
			env, root := serve(t, tenant)
			log := filepath.Join(t.TempDir(), "log.jsonl")
			cmd := command(t, env, "revoke", "--yes", "--max-wait", "2h", "--graph-url", root, "--results", log, writeFile(t, "l.csv", listOf(users)))
			var signalled time.Time
			p := finish(t, cmd, func(p *os.Process) {
				for len(tenant.Remaining()) > 460 {
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(300 * time.Millisecond)
				signalled = time.Now()
				p.Signal(sig)
			})
			if d := time.Since(signalled); d > 3*time.Second {
				t.Errorf("nothing was in flight, and the run took %v to end", d)
			}
			text, _ := os.ReadFile(log)
			rows, end := readLog(t, string(text))
			got := outcomes(rows)
			if p.code != 4 || len(rows) != 500 || got[results.Revoked] != 40 || got[results.NotSent] != 460 {
				t.Errorf("exit %d, outcomes %v\n%s", p.code, got, p.stderr)
			}
			if end == nil || end.Exit != 4 || !strings.Contains(end.Stopped, sig.String()) || !strings.Contains(p.stderr, sig.String()) {
				t.Errorf("end %+v, want it to name the signal\n%s", end, p.stderr)
			}
		})
	}
}

// An app without the permission is told so after the first answers, not after
// ten thousand.
func TestAbortAfter(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Latency: 20 * time.Millisecond, Faults: []fault.Fault{{Do: fault.ItemStatus(403)}}})
	users := tenant.AddUsers(1000)
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(users))
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", list)
	rows, _ := readLog(t, p.stdout)
	got := outcomes(rows)
	if p.code != 3 || len(rows) != 1000 || got[results.Denied] < 100 || got[results.NotSent] < 600 || !strings.Contains(p.stderr, "ReadWrite.All") {
		t.Errorf("exit %d, outcomes %v\n%s", p.code, got, p.stderr)
	}
	p = tapsweep(t, env, "revoke", "--yes", "--abort-after", "0", "--graph-url", root, "--results", "-", list)
	if rows, _ := readLog(t, p.stdout); p.code != 1 || outcomes(rows)[results.Denied] != 1000 {
		t.Errorf("exit %d, outcomes %v", p.code, outcomes(rows))
	}
}

// What ends a run early leaves a log that can be taken up, and says why.
func TestStopsEarly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limit  *quota.Limit
		args   []string
		stderr string
	}{
		{"max wait", quota.Window(20, time.Hour), []string{"--max-wait", "1m"}, "too long a wait"},
		{"stall", quota.First(1_000_000, time.Second), []string{"--stall-timeout", "2s"}, "refuses everything"},
		{"deadline", quota.Bucket(1000, 1000), []string{"--rate", "10", "--deadline", "2s"},
			"the deadline of 2s has passed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{tt.limit}})
			users := tenant.AddUsers(500)
			env, root := serve(t, tenant)
			p := tapsweep(t, env, append([]string{"revoke", "--yes", "--graph-url", root, "--results", "-", writeFile(t, "l.csv", listOf(users))}, tt.args...)...)
			rows, end := readLog(t, p.stdout)
			if p.code != 4 || len(rows) != 500 || outcomes(rows)[results.NotSent] != len(tenant.Remaining()) || end == nil || !strings.Contains(p.stderr, tt.stderr) {
				t.Errorf("exit %d, outcomes %v, %d passes left, end %v\n%s", p.code, outcomes(rows), len(tenant.Remaining()), end, p.stderr)
			}
		})
	}
}

// tapsweep simulate serves what it prints the environment for.
func TestSimulateServes(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "simulated.csv")
	cmd := command(t, nil, "simulate", "--users", "50", "--limit", "1000/s:2000", "--latency", "1ms", "--write-list", list)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var env []string
	buf := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "# then: tapsweep revoke …\n"); {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("tapsweep simulate ended: %v\n%s", err, text)
		}
		text += string(buf[:n])
		env = nil
		for line := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
				env = append(env, v)
			}
		}
	}
	p := tapsweep(t, env, "revoke", "--yes", list) // the environment says where
	if p.code != 0 || !strings.Contains(p.stderr, "revoked") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("tapsweep simulate: %v", err)
	}
}

// What the demo shows is what the README promises that it shows.
func TestDemoList(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", "-", mustAbs("../../testdata/incident.csv"))
	rows, _ := readLog(t, p.stdout)
	got := outcomes(rows)
	for _, o := range []results.Outcome{results.Revoked, results.Absent, results.Denied, results.UnknownUser, results.Replaced, results.Duplicate} {
		if got[o] == 0 {
			t.Errorf("no row is %s: %v", o, got)
		}
	}
	if p.code != 1 || !strings.Contains(p.stderr, "throttled") {
		t.Errorf("exit %d, want 1 and to be throttled\n%s", p.code, p.stderr)
	}
}
