//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

var errSignal = errors.New("terminated signal received")

// The first signal ends a command that hangs while it opens or reads a named pipe. Earlier the
// process had to be killed.
func TestSignalWhileAPipeIsRead(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	secret := writeFile(t, "secret", "s3cret")
	app := []string{"--tenant", "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913",
		"--client-id", "7c2e94d1-58af-4b06-8d3e-1f90a6c4b725", "--secret-file", secret}
	for _, tt := range []struct {
		name string
		args []string // before the pipe
		rest []string // behind it
	}{
		{"list", []string{"revoke", "--simulate", "--yes"}, nil},
		{"protected users", []string{"revoke", "--simulate", "--yes", "--protect"}, []string{list}},
		{"users", []string{"sweep", "--yes", "--users"}, app},
		{"log to verify", append([]string{"verify"}, app...), nil},
		{"seed", []string{"simulate", "--users", "0", "--seed"}, nil},
		{"certificate authority", []string{"simulate", "--users", "0", "--ca-file"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pipe := namedPipe(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			go func() {
				f, err := os.OpenFile(pipe, os.O_WRONLY, 0) // once somebody reads
				if err == nil {
					defer f.Close()
				}
				cancel(errSignal)
				<-t.Context().Done()
			}()
			args := append(append(tt.args, pipe), tt.rest...)
			var out, errs strings.Builder
			start := time.Now()
			code := run(ctx, args, strings.NewReader(""), &out, &errs)
			same(t, "exit code", code, status.Stopped)
			same(t, "standard error", errs.String(), "tapsweep: "+errSignal.Error()+", nothing was sent\n")
			atMost(t, "time that it took", time.Since(start), time.Minute)
		})
	}
}

// A pipe without a writer is not even opened.
func TestSignalWhileAPipeIsOpened(t *testing.T) {
	t.Parallel()
	pipe := namedPipe(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	var out, errs strings.Builder
	code := run(ctx, []string{"report", pipe}, strings.NewReader(""), &out, &errs)
	same(t, "exit code", code, status.Stopped)
	holds(t, "standard error", errs.String(), errSignal.Error())
	if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil { // lets go who waits still
		f.Close()
	}
}

// A run writes its rows to a named pipe with a reader, and refuses to resume from a pipe.
func TestResultsPipe(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	pipe := namedPipe(t)
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
