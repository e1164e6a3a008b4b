package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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
			says: "more than 9 passes were found"},
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
				p = typed(t, env, "", tt.answer, args...)
			}
			p.ends(t, tt.code, tt.says, "tapsweep scan with the same flags names them", dir)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
			rows, _ := readLog(t, readText(t, dir+"/results.jsonl"))
			hasRows(t, rows, 0)
			checkSeal(t, dir, p.stderr)

			again := []string{"sweep", "--resume", "--all-users", "--evidence", dir, "--yes", "--max-items"}
			tapsweep(t, env, append(again, "5")...).ends(t, status.Usage)
			p = tapsweep(t, env, append(again, "0")...)
			p.ends(t, status.Done)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 20)
			same(t, "passes revoked by the report", reported(t, dir).Counts[results.Revoked], 20)
			checkSeal(t, dir, p.stderr)
		})
	}
}

// Rows that a version before wrote about a sweep that was refused are no list, and the run that
// resumes deletes their passes.
func TestUndecidedRowsOfOlderLogs(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 400, graphsim.Options{})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--max-items"}
	tapsweep(t, env, append(args, "9")...).ends(t, status.Usage)
	var rows strings.Builder
	for _, h := range tenant.Remaining()[:12] {
		rows.WriteString(`{"type":"result","line":0,"source":"scan","user":"` + h.UserID + `","method":"` + h.PassID +
			`","outcome":"found","undecided":true,"message":"not deleted"}` + "\n")
	}
	text := readText(t, log)
	end := strings.LastIndex(strings.TrimSpace(text), "\n") + 1
	text = text[:end] + rows.String() + strings.Replace(text[end:], `"lines":`, `"lines":1`, 1)
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runRevoke(t, env, log)
	same(t, "passes deleted by the log", tenant.Stats().Deleted, 0)
	tapsweep(t, env, append(args, "0", "--resume")...).ends(t, status.Done)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 20)
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
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
	checkSeal(t, dir, p.stderr)
}
