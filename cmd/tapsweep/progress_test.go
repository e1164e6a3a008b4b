package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/creack/pty"

	"tapsweep/batch/graphsim"
)

// The bar is for a terminal at standard error, and nothing of it is anywhere else.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10))
	tests := []struct {
		name string
		env  string
		args []string
		bar  bool
	}{
		{"auto", "TERM=xterm", nil, true},
		{"none", "TERM=xterm", []string{"--progress", "none"}, false},
		{"plain", "TERM=xterm", []string{"--progress", "plain"}, false},
		{"dumb", "TERM=dumb", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			screen, stdout := onTerminal(t, tt.env,
				append([]string{"revoke", "--simulate", "--yes", "--results", "log.jsonl", list}, tt.args...))
			if got := strings.Contains(screen, "revoking  [===="); got != tt.bar {
				t.Errorf("a bar: %v, want %v\n%q", got, tt.bar, screen)
			}
			if !strings.Contains(screen, "results: log.jsonl") || stdout != "" {
				t.Errorf("standard error %q\nstandard output %q", screen, stdout)
			}
		})
	}
}

// Without a terminal nothing is shown that was not asked for.
func TestProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10)))
	if strings.ContainsAny(p.stderr, "\x1b\r") || strings.Contains(p.stderr, "revoking") || p.stdout != "" {
		t.Errorf("standard error %q\nstandard output %q", p.stderr, p.stdout)
	}
}

// onTerminal runs tapsweep with a terminal at standard error, and returns what was
// written to that and to standard output.
func onTerminal(t *testing.T, env string, args []string) (screen, stdout string) {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	cmd := command(t, []string{env}, args...)
	var out, shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	_, _ = io.Copy(&shown, keyboard) // an error when the last who has it open is gone
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, shown.String())
	}
	return shown.String(), out.String()
}
