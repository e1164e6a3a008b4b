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

func namedPipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	return path
}

// A run writes its rows to a named pipe with a reader, and refuses to resume from a pipe.
func TestResultsPipe(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	pipe := namedPipe(t)
	env := serve(t, graphsim.New(graphsim.Options{}))
	p := tapsweep(t, env, "revoke", "--yes", "--results", pipe, "--resume", list)
	p.ends(t, status.Usage, "is a pipe or a device, and a run cannot resume from it")
	read := make(chan []byte, 1)
	go func() {
		text, _ := os.ReadFile(pipe)
		read <- text
	}()
	p = tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", pipe, list)
	p.ends(t, status.Done)
	rows, end := readLog(t, string(<-read))
	if len(rows) != 1 || end == nil {
		t.Errorf("the reader has %d rows and the end %v, want 1 and an end", len(rows), end)
	}
}
