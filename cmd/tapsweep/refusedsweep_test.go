package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A sweep that deleted nothing, because it was refused or stopped, writes no row. It says how
// many passes it found, and the run that resumes it finds them again.
func TestRefusedSweepHasNoRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		answer func(keyboard *os.File, p *os.Process)
		code   int
		says   string
	}{
		{name: "bound", args: []string{"--yes", "--max-items", "9"}, code: status.Usage,
			says: "20 passes are more than the limit of 9"},
		{name: "declined", answer: func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") },
			code: status.Usage, says: "found 20 passes, and deleted none of them"},
		{name: "stopped at the prompt", answer: func(_ *os.File, p *os.Process) { p.Signal(os.Interrupt) },
			code: status.Stopped, says: "found 20 passes, and deleted none of them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, graphsim.Options{})
			dir := filepath.Join(t.TempDir(), "evidence")
			args := append([]string{"sweep", "--all-users", "--evidence", dir}, tt.args...)
			var p process
			if tt.answer == nil {
				p = tapsweep(t, env, args...)
			} else {
				p = answered(t, env, tt.answer, args...)
			}
			p.ends(t, tt.code, tt.says, "tapsweep scan with the same flags names them", dir)
			if n := tenant.Stats().Deleted; n != 0 {
				t.Fatalf("%d passes were deleted", n)
			}
			if rows, _ := readLog(t, string(mustRead(t, dir+"/results.jsonl"))); len(rows) > 0 {
				t.Errorf("%d rows, want none: %+v", len(rows), rows[0])
			}
			checkSeal(t, dir, p.stderr)

			again := []string{"sweep", "--resume", "--all-users", "--evidence", dir, "--yes", "--max-items"}
			if p = tapsweep(t, env, append(again, "5")...); p.code != status.Usage {
				t.Errorf("resumed with a lower bound: exit %d, want %d\n%s", p.code, status.Usage, p.stderr)
			}
			if p = tapsweep(t, env, append(again, "0")...); p.code != status.Done {
				t.Errorf("resumed without a bound: exit %d, want 0\n%s", p.code, p.stderr)
			}
			if n := tenant.Stats().Deleted; n != 20 {
				t.Errorf("%d passes were deleted in the end, want 20", n)
			}
			if r := reported(t, dir); r.Counts[results.Revoked] != 20 {
				t.Errorf("the report counts %v, want 20 revoked", r.Counts)
			}
			checkSeal(t, dir, p.stderr)
		})
	}
}

// A sweep that is stopped while it scans says how many passes it had found by then.
func TestStoppedSweepSaysWhatItFound(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 3000, graphsim.Options{Latency: 10 * time.Millisecond})
	dir := filepath.Join(t.TempDir(), "evidence")
	p := finish(t, command(t, env, "sweep", "--all-users", "--yes", "--concurrency", "2", "--evidence", dir),
		func(p *os.Process) {
			waitWhile(t, func() bool { return tenant.Stats().Lists < 500 })
			p.Signal(syscall.SIGTERM)
		})
	p.ends(t, status.Stopped, "and deleted none of them; tapsweep scan with the same flags names them")
	if n := tenant.Stats().Deleted; n != 0 {
		t.Errorf("%d passes were deleted", n)
	}
	checkSeal(t, dir, p.stderr)
}

// answered runs tapsweep at a terminal, and answers once it asks.
func answered(t *testing.T, env []string, answer func(keyboard *os.File, p *os.Process), args ...string) process {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	cmd := command(t, env, args...)
	cmd.Stdin, cmd.Stderr = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	var shown strings.Builder
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
	return process{code: cmd.ProcessState.ExitCode(), stderr: shown.String()}
}
