package main

import (
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// The progress bar is shown only on a terminal at standard error. No other output has a part of it.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10))
	for _, tt := range []struct {
		name string
		term string
		args []string
		bar  bool
	}{
		{"auto", "xterm", nil, true},
		{"none", "xterm", []string{"--progress", "none"}, false},
		{"plain", "xterm", []string{"--progress", "plain"}, false},
		{"dumb", "dumb", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := answered(t, []string{"TERM=" + tt.term}, nil,
				append([]string{"revoke", "--simulate", "--yes", "--results", "log.jsonl", list}, tt.args...)...)
			p.ends(t, 0, "results: log.jsonl")
			same(t, "a bar", strings.Contains(p.stderr, "revoking  [===="), tt.bar)
			same(t, "standard output", p.stdout, "")
		})
	}
}

// Without a terminal, a run shows no progress.
func TestProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "revoke", "--simulate", "--yes", listFile(t, graphsim.New(graphsim.Options{}).AddUsers(10)))
	lacks(t, "standard error", p.stderr, "\x1b", "\r", "revoking")
	same(t, "standard output", p.stdout, "")
}

// A key typed before the question does not answer it. It may be an answer to the previous program.
func TestKeysBeforeTheQuestion(t *testing.T) {
	t.Parallel()
	no := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }
	p := answered(t, nil, no, "revoke", "--simulate", "--user", "dana@contoso.com", "--results", "log.jsonl")
	p.ends(t, status.Usage, "y\r\n", "not confirmed")
}

// If the list comes from the terminal, the run cannot ask there for a confirmation.
func TestListFromATerminal(t *testing.T) {
	t.Parallel()
	answered(t, nil, nil, "revoke", "--simulate", "-").ends(t, status.Usage, "cannot ask")
}

// answered runs tapsweep at a terminal where somebody has already typed "y". It calls answer once tapsweep
// asks. It starts a process, because the terminal sends signals to it.
func answered(t *testing.T, env []string, answer func(keyboard *os.File, p *os.Process), args ...string) process {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	keyboard.WriteString("y\n")
	var shown, out strings.Builder
	cmd := command(t, env, args...)
	cmd.Stdin, cmd.Stderr, cmd.Stdout = tty, tty, &out
	assert.OK(t, cmd.Start())
	tty.Close()
	asked, buf := false, make([]byte, 4096)
	for err == nil {
		var n int
		n, err = keyboard.Read(buf) // an error when the last who has it open is gone
		shown.Write(buf[:n])
		if !asked && strings.Contains(shown.String(), "[y/N]") {
			asked = true
			answer(keyboard, cmd.Process)
		}
	}
	_ = cmd.Wait() // the exit code tells
	return process{args, cmd.ProcessState.ExitCode(), out.String(), shown.String()}
}
