package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

func TestSetVariable(t *testing.T) {
	const v = `SSL_CERT_FILE=C:\Users\O'Neill\a=b\ca.pem`
	for system, want := range map[string]string{
		"linux": "export " + v, "darwin": "export " + v, "windows": `$env:SSL_CERT_FILE = 'C:\Users\O''Neill\a=b\ca.pem'`,
	} {
		if got := setVariable(system, v); got != want {
			t.Errorf("on %s: %s, want %s", system, got, want)
		}
	}
}

// A drill writes its authority over that of a drill before and over nothing else, and says
// where it is in whatever directory the shell is.
func TestSimulateCAFile(t *testing.T) {
	dir := t.TempDir()
	drill := func(name string) process {
		cmd := command(t, nil, "simulate", "--users", "1", "--ca-file", name)
		cmd.Dir = dir
		return finish(t, cmd, func(p *os.Process) {
			for t.Context().Err() == nil {
				if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.HasPrefix(string(text), "-----BEGIN") {
					time.Sleep(300 * time.Millisecond) // for the environment to be printed
					p.Signal(os.Interrupt)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	for range 2 {
		if p := drill("ca.pem"); p.code != 0 || !strings.Contains(p.stdout, "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem")+"\n") {
			t.Errorf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
		}
	}
	drills := string(mustRead(t, filepath.Join(dir, "ca.pem")))
	for name, text := range map[string]string{"list": "user,method\n", "bundle": drills + drills, "empty": ""} {
		path := writeFile(t, name, text)
		if p := tapsweep(t, nil, "simulate", "--users", "1", "--ca-file", path); p.code != status.Usage || !strings.Contains(p.stderr, "--ca-file: "+path+" is there already") || string(mustRead(t, path)) != text {
			t.Errorf("%s: exit %d\n%s", name, p.code, p.stderr)
		}
	}
}

// It was --listen that was said to be wrong.
func TestSimulateWithoutTemp(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("TMPDIR is not asked")
	}
	cmd := command(t, nil, "simulate", "--users", "1")
	cmd.Env = append(cmd.Env, "TMPDIR=/nonexistent")
	if p := finish(t, cmd); p.code != status.Usage || strings.Contains(p.stderr, "--listen") || !strings.Contains(p.stderr, "hint: let TMPDIR name a directory") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if p := tapsweep(t, nil, "simulate", "--listen", "nowhere"); p.code != status.Usage || !strings.Contains(p.stderr, "--listen: ") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// With --overwrite a second drill replaces the list of the first one, but no list of
// real users.
func TestSimulateReplacesItsList(t *testing.T) {
	held := graphsim.New(graphsim.Options{})
	held.AddUsers(3)
	path := filepath.Join(t.TempDir(), "drill.csv")
	if err := writeDrillList(path, false, held.Remaining()); err != nil {
		t.Fatal(err)
	}
	if err := writeDrillList(path, false, held.Remaining()); err == nil {
		t.Error("without --overwrite the list of a drill is replaced")
	}
	if err := writeDrillList(path, true, held.Remaining()[:1]); err != nil {
		t.Errorf("with --overwrite the list of a drill is not replaced: %v", err)
	}
	if n := strings.Count(string(mustRead(t, path)), "\n"); n != 2 {
		t.Errorf("the list has %d lines, want 2", n)
	}
	for name, text := range map[string]string{"people": "user,method\ndana@contoso.com,9f0c11aa-1111-4222-8333-000000000001\n", "notes": "break glass\n",
		"more": string(mustRead(t, path)) + "dana@contoso.com,\n"} {
		other := writeFile(t, name+".csv", text)
		if err := writeDrillList(other, true, held.Remaining()); err == nil {
			t.Errorf("%s: the file is replaced", name)
		}
		if got := string(mustRead(t, other)); got != text {
			t.Errorf("%s: the file holds %q, want %q", name, got, text)
		}
	}
}
