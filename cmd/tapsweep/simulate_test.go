package main

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A simulation writes its authority over that of a simulation before and over nothing else, and says
// where it is in whatever directory the shell is.
func TestSimulateCAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	simulateIn := func(name string) process {
		cmd := command(t, nil, "simulate", "--users", "1", "--ca-file", name)
		cmd.Dir = dir
		return finish(t, cmd, func(p *os.Process) {
			for t.Context().Err() == nil {
				if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.HasPrefix(string(text),
					"-----BEGIN") {
					time.Sleep(300 * time.Millisecond) // for the environment to be printed
					p.Signal(os.Interrupt)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	for range 2 {
		p := simulateIn("ca.pem")
		p.ends(t, 0)
		holds(t, "standard output", p.stdout, "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem")+"\n")
	}
	authority := readText(t, filepath.Join(dir, "ca.pem"))
	for name, text := range map[string]string{"list": "user,method\n", "bundle": authority + authority, "empty": ""} {
		path := writeFile(t, name, text)
		p := tapsweep(t, nil, "simulate", "--users", "1", "--ca-file", path)
		p.ends(t, status.Usage, "--ca-file: "+path+" already exists")
		same(t, "text of "+name, readText(t, path), text)
	}
}

// It was --listen that was said to be wrong.
func TestSimulateWithoutTemp(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("TMPDIR is not asked")
	}
	cmd := command(t, nil, "simulate", "--users", "1")
	cmd.Env = append(cmd.Env, "TMPDIR=/nonexistent")
	p := finish(t, cmd)
	p.ends(t, status.Usage, "hint: let TMPDIR name a directory")
	lacks(t, "standard error", p.stderr, "--listen")
	tapsweep(t, nil, "simulate", "--listen", "nowhere").ends(t, status.Usage, `--listen "nowhere" is not an address`)
}

// simulate starts a simulated tenant in a process of its own. It returns the environment that leads to it,
// and a function that ends it.
func simulate(t *testing.T, args ...string) (env []string, stop func()) {
	t.Helper()
	cmd := command(t, nil, append([]string{"simulate"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "# then: tapsweep revoke …") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "export "); ok {
			env = append(env, v)
		}
	}
	return env, func() {
		t.Helper()
		_ = cmd.Process.Signal(os.Interrupt) // if it has ended already, Wait says why
		if err := cmd.Wait(); err != nil {
			t.Errorf("tapsweep simulate: %v", err)
		}
	}
}

// tapsweep simulate serves the tenant to which the printed environment leads.
func TestSimulateServes(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "simulated.csv")
	env, stop := simulate(t, "--users", "50", "--limit", "1000/s:2000", "--latency", "1ms", "--write-list", list)
	tapsweep(t, env, "revoke", "--yes", list).ends(t, 0, "revoked")
	stop()
}

// What the demo shows is what the README promises that it shows.
func TestDemoList(t *testing.T) {
	t.Parallel()
	p := runRevoke(t, nil, "--simulate", mustAbs("../../testdata/incident.csv"))
	rows, _ := readLog(t, p.stdout)
	got := outcomes(rows)
	for _, o := range []results.Outcome{results.Revoked, results.Absent, results.Denied, results.UnknownUser,
		results.Replaced, results.Duplicate} {
		differs(t, "rows that are "+string(o), got[o], 0)
	}
	p.ends(t, 1, "throttled")
}
