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

// The evidence of a sweep that deleted nothing has whom it found. It once had everybody
// but them.
func TestRefusedSweepTellsWhomItFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		args        []string
		answer      func(keyboard *os.File, p *os.Process)
		code, found int // at least
		message     string
	}{
		{name: "bound", args: []string{"--yes", "--max-items", "9"}, code: status.Usage, found: 10, message: "not deleted: more than 9 passes are to be deleted"},
		{name: "declined", answer: func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }, code: status.Usage, found: 20, message: "not deleted: not confirmed"},
		{name: "stopped at the prompt", answer: func(_ *os.File, p *os.Process) { p.Signal(os.Interrupt) }, code: 4, found: 20, message: "not deleted: interrupt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := leftovers(400, graphsim.Options{})
			env, root := serve(t, tenant)
			dir := filepath.Join(t.TempDir(), "evidence")
			args := append([]string{"sweep", "--graph-url", root, "--all-users", "--evidence", dir}, tt.args...)
			p := process{}
			if tt.answer == nil {
				p = tapsweep(t, env, args...)
			} else {
				p = answered(t, env, tt.answer, args...)
			}
			rows, end := readLog(t, string(mustRead(t, dir+"/results.jsonl")))
			if p.code != tt.code || tenant.Stats().Deleted != 0 || len(rows) < tt.found || end.Counts[results.Found] != len(rows) || !strings.Contains(p.stderr, dir) {
				t.Fatalf("exit %d, %d deleted, %d rows\n%s", p.code, tenant.Stats().Deleted, len(rows), p.stderr)
			}
			for _, row := range rows {
				if row.Outcome != results.Found || !row.Undecided || row.Pending || row.Method == "" || row.Reason == "" || !strings.HasPrefix(row.Message, tt.message) {
					t.Errorf("%+v", row)
				}
			}
			checkSeal(t, dir, p.stderr)
			r := reported(t, dir)
			if r.Users != tenant.Stats().Lists || r.Counts[results.Found] != len(rows) || r.Done != 0 || r.Left != 0 {
				t.Errorf("%d users, %v, %d done, %d left; %d were looked at", r.Users, r.Counts, r.Done, r.Left, tenant.Stats().Lists)
			}

			// Neither the log nor the report is a yes.
			for _, list := range []string{"/results.jsonl", "/report.csv"} {
				if p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", dir+list); tenant.Stats().Deleted != 0 {
					t.Fatalf("exit %d, %d were deleted by %s\n%s", p.code, tenant.Stats().Deleted, list, p.stderr)
				}
			}
			again := []string{"sweep", "--resume", "--graph-url", root, "--all-users", "--evidence", dir, "--yes", "--max-items"}
			if p = tapsweep(t, env, append(again, "5")...); p.code != status.Usage || tenant.Stats().Deleted != 0 {
				t.Errorf("exit %d, %d deleted\n%s", p.code, tenant.Stats().Deleted, p.stderr)
			}

			// One pass goes meanwhile, and the run that is let deletes the others.
			if err := os.WriteFile(dir+"/list.csv", []byte("user,method\n"+rows[0].User+","+rows[0].Method+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", dir+"/list.csv"); p.code != 0 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			if err := os.Remove(dir + "/list.csv"); err != nil {
				t.Fatal(err)
			}
			p = tapsweep(t, env, append(again, "0")...)
			if r = reported(t, dir); p.code != 0 || tenant.Stats().Deleted != 20 || r.Counts[results.Revoked] != 19 || r.Counts[results.Absent] != 1 || r.Done != 20 || r.Users != 400 {
				t.Errorf("exit %d, %d deleted, %v, %d users\n%s", p.code, tenant.Stats().Deleted, r.Counts, r.Users, p.stderr)
			}
			checkSeal(t, dir, p.stderr)
		})
	}
}

// A sweep that is stopped while it looks has rows of what it had found by then.
func TestStoppedSweepTellsWhomItFound(t *testing.T) {
	t.Parallel()
	tenant := leftovers(3000, graphsim.Options{Latency: 10 * time.Millisecond})
	env, root := serve(t, tenant)
	dir := filepath.Join(t.TempDir(), "evidence")
	p := finish(t, command(t, env, "sweep", "--graph-url", root, "--all-users", "--yes", "--concurrency", "2", "--evidence", dir), func(p *os.Process) {
		for tenant.Stats().Lists < 500 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		p.Signal(syscall.SIGTERM)
	})
	r := reported(t, dir)
	if p.code != 4 || tenant.Stats().Deleted != 0 || r.Counts[results.Found] < 20 || r.Users != tenant.Stats().Lists {
		t.Errorf("exit %d, %v, %d users of %d\n%s", p.code, r.Counts, r.Users, tenant.Stats().Lists, p.stderr)
	}
	checkSeal(t, dir, p.stderr)
}

// answered runs tapsweep at a terminal, and answers once it asks.
func answered(t *testing.T, env []string, answer func(keyboard *os.File, p *os.Process), args ...string) process {
	t.Helper()
	return typed(t, env, "", answer, args...)
}

// typed runs tapsweep at a terminal with input typed in advance, and answers when it
// asks.
func typed(t *testing.T, env []string, ahead string, answer func(keyboard *os.File, p *os.Process), args ...string) process {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	if _, err := keyboard.WriteString(ahead); err != nil {
		t.Fatal(err)
	}
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
