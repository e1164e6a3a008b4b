//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

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

// The first signal ends a run although the reader of a pipe has stopped reading. Earlier it
// waited for the second signal.
func TestSignalWhileNobodyReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flag string
		args       []string
		says       string
	}{
		{"results log", "--results", []string{"revoke", "--yes"}, "The results log is not complete"},
		{"passes", "--output", []string{"scan", "--all-users", "--concurrency", "1"}, "stopped early: terminated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{})
			list := listOf(tenant.AddUsers(3000)) // many more rows than fit into a pipe
			if tt.args[0] == "revoke" {
				tt.args = append(tt.args, writeFile(t, "list.csv", list))
			}
			pipe := namedPipe(t)
			reader, err := os.OpenFile(pipe, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			env := serve(t, tenant)
			cmd := command(t, env, append(tt.args, tt.flag, pipe)...)
			p := finish(t, cmd, func(p *os.Process) {
				for s := tenant.Stats(); s.Deleted == 0 && s.Lists < 600; s = tenant.Stats() {
					if t.Context().Err() != nil {
						return
					}
					time.Sleep(time.Millisecond)
				}
				p.Signal(syscall.SIGTERM)
				time.Sleep(time.Minute) // far longer than it takes
				p.Kill()
			})
			p.ends(t, status.Stopped, tt.says)
		})
	}
}
