package main

import (
	"runtime"
	"testing"

	"tapsweep/cmd/tapsweep/internal/status"
)

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
