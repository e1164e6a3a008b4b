//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/cli"
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

// A run reads its list from a named pipe, writes its rows to a pipe that has a reader, and refuses to resume
// from a pipe.
func TestResultsPipe(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	pipe := namedPipe(t)
	env := serve(t, graphsim.New(graphsim.Options{}))
	tapsweep(t, env, "revoke", "--yes", "--results", pipe, "--resume", list).ends(t, status.Usage,
		"is a pipe or a device: a run cannot resume from it")
	read, from := make(chan []byte, 1), namedPipe(t)
	go func() {
		_ = os.WriteFile(from, []byte(readText(t, list)), 0)
		text, _ := os.ReadFile(pipe)
		read <- text
	}()
	tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", pipe, from).ends(t, status.Done)
	hasRows(t, string(<-read), "revoked 1")
}

// The first signal ends a command that waits for the other end of a pipe, or of standard input.
func TestSignalWhileAPipeIsWaitedFor(t *testing.T) {
	t.Parallel()
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	for name, args := range map[string][]string{
		"list on standard input": {"revoke", "--simulate", "--yes", "--results", newLog(t), "-"},
		"list":                   {"revoke", "--simulate", "--yes", "--results", newLog(t), namedPipe(t)},
		"protected users": {"revoke", "--simulate", "--yes", "--results", newLog(t), "--protect", namedPipe(t),
			list},
		"users":  {"scan", "--users", namedPipe(t)},
		"log":    {"verify", namedPipe(t)},
		"report": {"report", namedPipe(t)},
		"seed":   {"simulate", "--users", "0", "--seed", namedPipe(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("terminated signal received"))
			in, writer := io.Pipe()
			defer writer.Close()
			var out, errs strings.Builder
			code := cli.Main(ctx, cli.Process{Args: args, Environ: os.Environ(), In: in, Out: &out, Err: &errs})
			same(t, "exit code", code, status.Stopped)
			holds(t, "standard error", errs.String(), "tapsweep: terminated signal received, nothing was sent\n")
		})
	}
}

// A run with a results pipe that nobody reads does not hang for ever.
func TestResultsPipeWithoutReader(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", namedPipe(t),
		writeFile(t, "l.csv", "user\ndana@contoso.com\n"))
	p.ends(t, status.Usage, "no program reads it: start the reader first")
}

// The first signal ends a run even if the reader of its log has stopped reading.
func TestSignalWhileNobodyReads(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(3000)) // more rows than the log holds back
	ctx, cancel := context.WithCancelCause(t.Context())
	reader, out := io.Pipe()
	defer reader.Close()
	go func() {
		_, _ = reader.Read(make([]byte, 64<<10)) // the first line
		_, _ = reader.Read(make([]byte, 1))
		cancel(errors.New("terminated signal received"))
	}()
	var errs strings.Builder
	code := cli.Main(ctx, cli.Process{Args: []string{"revoke", "--simulate", "--yes", "--results", "-", list},
		Environ: os.Environ(), In: strings.NewReader(""), Out: out, Err: &errs})
	same(t, "exit code", code, status.Stopped)
	holds(t, "standard error", errs.String(), "The results log is not complete")
}
