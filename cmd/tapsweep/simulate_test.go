package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/status"
)

// A simulation writes its authority over that of a simulation before and over nothing else, and says
// where it is in whatever directory the shell is.
func TestSimulateCAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	simulate := func(name string) process {
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
		if p := simulate("ca.pem"); p.code != 0 || !strings.Contains(p.stdout, "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem")+"\n") {
			t.Errorf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
		}
	}
	authority := string(mustRead(t, filepath.Join(dir, "ca.pem")))
	for name, text := range map[string]string{"list": "user,method\n", "bundle": authority + authority, "empty": ""} {
		path := writeFile(t, name, text)
		if p := tapsweep(t, nil, "simulate", "--users", "1", "--ca-file", path); p.code != status.Usage || !strings.Contains(p.stderr, "--ca-file: "+path+" already exists") || string(mustRead(t, path)) != text {
			t.Errorf("%s: exit %d\n%s", name, p.code, p.stderr)
		}
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
	if p := finish(t, cmd); p.code != status.Usage || strings.Contains(p.stderr, "--listen") || !strings.Contains(p.stderr, "hint: let TMPDIR name a directory") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if p := tapsweep(t, nil, "simulate", "--listen", "nowhere"); p.code != status.Usage || !strings.Contains(p.stderr, `--listen "nowhere" is not an address`) {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}
