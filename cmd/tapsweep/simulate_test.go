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
		p := simulate("ca.pem")
		p.ends(t, 0)
		holds(t, "standard output", p.stdout, "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem")+"\n")
	}
	authority := string(mustRead(t, filepath.Join(dir, "ca.pem")))
	for name, text := range map[string]string{"list": "user,method\n", "bundle": authority + authority, "empty": ""} {
		path := writeFile(t, name, text)
		if p := tapsweep(t, nil, "simulate", "--users", "1", "--ca-file", path); p.code != status.Usage ||
			!strings.Contains(p.stderr, "--ca-file: "+path+" already exists") || string(mustRead(t, path)) != text {
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
	p := finish(t, cmd)
	p.ends(t, status.Usage, "hint: let TMPDIR name a directory")
	lacks(t, "standard error", p.stderr, "--listen")
	tapsweep(t, nil, "simulate", "--listen", "nowhere").ends(t, status.Usage, `--listen "nowhere" is not an address`)
}
