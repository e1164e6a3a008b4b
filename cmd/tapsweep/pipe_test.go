//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A run writes its rows to a named pipe with a reader, and refuses to resume from a pipe.
func TestResultsPipe(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	env := serve(t, graphsim.New(graphsim.Options{}))
	tapsweep(t, env, "revoke", "--yes", "--results", pipe, "--resume", list).ends(t, status.Usage,
		"is a pipe or a device, and a run cannot resume from it")
	read := make(chan []byte, 1)
	go func() {
		text, _ := os.ReadFile(pipe)
		read <- text
	}()
	tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", pipe, list).ends(t, status.Done)
	hasRows(t, readWhole(t, string(<-read), 0), 1)
}
