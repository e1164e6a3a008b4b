package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

var kills = flag.Int("kills", 5, "how often TestKillAndResume kills a run")

// lastRows returns the last row of each line of the list, as a log of several
// runs has them.
func lastRows(t *testing.T, path string) map[int]results.Row {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := make(map[int]results.Row)
	for line := range strings.Lines(string(text)) {
		rows, _ := readLogLine(t, line)
		for _, r := range rows {
			last[r.Line] = r
		}
	}
	return last
}

// A run that is killed at any moment and taken up again loses nothing: what the
// tenant did and what the rows say agree.
func TestKillAndResume(t *testing.T) {
	t.Parallel()
	const pairs = 1500
	tenant, users, env := serveUsers(t, pairs, graphsim.Options{Latency: 20 * time.Millisecond, Record: true})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--quiet", "--rate", "400", "--results", log, "--resume", list}
	killed := killRandomly(t, env, *kills, 100, 500, args...)
	p := tapsweep(t, env, "revoke", "--yes", "--results", log, "--resume", list)
	p.ends(t, 0)
	last := lastRows(t, log)
	deleted := make(map[string]int)
	for _, e := range tenant.Log() {
		if e.Method == "DELETE" && e.Done {
			deleted[e.Path]++
		}
	}
	if len(tenant.Remaining()) != 0 || len(last) != pairs || len(deleted) != pairs {
		t.Errorf("%d passes left, rows for %d pairs, %d passes deleted; want 0, %d, %d", len(tenant.Remaining()),
			len(last), len(deleted), pairs, pairs)
	}
	for line, r := range last {
		// What was in flight when the run was killed is gone, and nobody holds
		// a pass any more: both are true.
		if r.Outcome != results.Revoked && r.Outcome != results.Absent {
			t.Errorf("line %d is %s", line, r.Outcome)
		}
	}
	absent := 0
	for _, r := range last {
		if r.Outcome == results.Absent {
			absent++
			if !strings.Contains(r.Message, "may have been deleted by an earlier run") {
				t.Errorf("line %d is absent, and its message %q does not say why that may be", r.Line, r.Message)
			}
		}
	}
	// A kill loses no more than what was not on disk for 200 ms and in flight.
	if most := killed * 400; absent > most {
		t.Errorf("%d pairs had to be sent again after %d kills, want at most %d", absent, killed, most)
	}
}

func readLogLine(t *testing.T, line string) ([]results.Row, bool) {
	t.Helper()
	if !strings.HasPrefix(line, `{"type":"result"`) {
		return nil, false
	}
	rows, _ := readLog(t, line)
	return rows, true
}

func TestResumeRun(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		{Path: "user0002@", Attempt: 1, Do: fault.ItemStatus(423)},
	}})
	users := tenant.AddUsers(50)
	env := serve(t, tenant)
	log := newLog(t)
	list := listFile(t, users)
	run := func(args ...string) process {
		return tapsweep(t, env, append([]string{"revoke", "--yes", "--results", log}, args...)...)
	}
	run("--resume", list).ends(t, 1, "denied")
	sent := tenant.Stats().Requests
	// The denied pair is tried again, the rejected one is not.
	p := run("--resume", list)
	p.ends(t, 1)
	same(t, "requests", tenant.Stats().Requests, sent+1)
	same(t, "outcome of line 2", outcomeOf(lastRows(t, log), 2), results.Revoked)
	same(t, "outcome of line 3", outcomeOf(lastRows(t, log), 3), results.Rejected)

	other := listFile(t, users[:49])
	refused := []struct {
		name, want string
		p          process
	}{
		{"another list", "another list", run("--resume", other)},
		{"a dry run", "dry run", run("--resume", "--dry-run", list)},
		{"without resume", "already exists", run(list)},
		{"overwrite too", "cannot be used together", run("--resume", "--overwrite", list)},
		{"no log named", "--results FILE", tapsweep(t, env, "revoke", "--yes", "--resume", list)},
		{"another value", `--resume "most" is not true or false`, run("--resume=most", list)},
	}
	for _, r := range refused {
		if r.p.code != status.Usage || !strings.Contains(r.p.stderr, r.want) {
			t.Errorf("%s: exit %d, want 64 with %q\n%s", r.name, r.p.code, r.want, r.p.stderr)
		}
	}
	elsewhere := graphsim.New(graphsim.Options{})
	env2, root2 := serveAt(t, elsewhere)
	tapsweep(t, env2, "revoke", "--yes", "--graph-url", root2, "--results", log, "--resume", list).ends(t, status.Usage,
		"it is a log of")
}

func outcomeOf(rows map[int]results.Row, line int) results.Outcome { return rows[line].Outcome }

// Two runs on one log would each take the other's pairs for unsent.
func TestTwoRunsOnOneLog(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 100, graphsim.Options{Limits: []*quota.Limit{quota.Window(40, time.Minute)}})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--results", log, "--resume", list}
	var second, looked, overwrite process
	first := finish(t, command(t, env, args...), func(p *os.Process) {
		waitWhile(t, func() bool { return len(tenant.Remaining()) > 60 })
		second = tapsweep(t, env, args...)
		looked = tapsweep(t, env, "verify", log)
		overwrite = tapsweep(t, env, "sweep", "--all-users", "--yes", "--results", log, "--overwrite")
		p.Signal(os.Interrupt)
	})
	second.ends(t, status.Usage, "another run is writing")
	same(t, "exit code of the first run", first.code, 4)
	// It was said to name the same lists, or that the run was killed.
	looked.ends(t, status.Usage, "or is still running")
	for _, p := range []process{second, overwrite} {
		p.ends(t, status.Usage, "another run is writing", "hint: wait until that run has ended")
		lacks(t, "standard error", p.stderr, "the same lists", "killed")
	}
	tapsweep(t, env, "verify",
		writeFile(t, "copy.jsonl", strings.Split(string(mustRead(t, log)), "\n")[0]+"\n")).ends(t, status.Usage,
		"was killed, could not continue writing, or is still running")
}

// A disk that fills up in the middle stops the run before more is sent, and the
// log can be resumed once there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 2000, graphsim.Options{Latency: 10 * time.Millisecond})
	log := newLog(t)
	list := listFile(t, users)
	inner := command(t, env, "revoke", "--yes", "--rate", "800", "--results", log, "--resume", list)
	cmd := exec.CommandContext(t.Context(), "sh",
		append([]string{"-c", `ulimit -f 500; exec "$0" "$@"`}, inner.Args...)...)
	cmd.Env, cmd.Dir = inner.Env, inner.Dir
	p := finish(t, cmd)
	p.ends(t, 4, "file too large", "--resume")
	left := len(tenant.Remaining())
	if left < 500 {
		t.Errorf("%d passes left: the run went on without a log", left)
	}
	tapsweep(t, env, inner.Args[1:]...).ends(t, 0)
	leaves(t, tenant, 0)
	same(t, "rows of the log", len(lastRows(t, log)), 2000)
}

// A second signal ends the process at once, and the log stays good.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 100, failing(fault.Fault{Do: fault.Hang()}))
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--results", log, "--resume", list}
	start := time.Now()
	cmd := command(t, env, args...)
	finish(t, cmd, func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Batches == 0 })
		p.Signal(os.Interrupt)
		time.Sleep(1300 * time.Millisecond)
		p.Signal(os.Interrupt)
	})
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || time.Since(start) > 8*time.Second {
		t.Errorf("%v after %v, want the signal to end it", cmd.ProcessState, time.Since(start))
	}
	text, _ := os.ReadFile(log)
	if !strings.HasPrefix(string(text), `{"type":"run"`) || !strings.HasSuffix(string(text), "\n") {
		t.Errorf("log %q", text)
	}
}

func TestMaxItems(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	var b strings.Builder
	b.WriteString("user,method\n")
	for i := range 10_001 {
		fmt.Fprintf(&b, "u%d@contoso.example,9f0c11aa-1111-4222-8333-%012d\n", i, i)
	}
	list := writeFile(t, "list.csv", b.String())
	env := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--yes", list)
	p.ends(t, status.Usage, "10001 passes, more than the limit of 10000")
	same(t, "requests to Graph and Entra", tenant.Stats().Requests+tenant.Stats().Tokens, 0)
	six := writeFile(t, "six.csv", strings.Join(strings.SplitAfter(b.String(), "\n")[:7], ""))
	tapsweep(t, env, "revoke", "--yes", "--max-items", "5", six).ends(t, status.Usage)
	for _, args := range [][]string{{"--max-items", "0", "--yes"}, {"--max-items", "6", "--yes"}, {"--dry-run"}} {
		args = append([]string{"revoke", "--quiet", "--results", "-", six}, args...)
		if p := tapsweep(t, env, args...); p.code != 1 {
			t.Errorf("%v: exit %d, want 1, for the users are not there\n%s", args[5:], p.code, p.stderr)
		}
	}
}

// A log that was resumed is a list of what is left at its end: what an earlier run
// had left over and a later one has done is not done again, to whatever pass the user was
// given since.
func TestResumedLogAsList(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 20,
		failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(403)}))
	log := newLog(t)
	var list strings.Builder
	list.WriteString("user\n")
	for _, u := range users {
		list.WriteString(u.UPN + "\n")
	}
	args := []string{"revoke", "--yes", "--results", log, "--resume", writeFile(t, "users.csv", list.String())}
	for _, want := range []int{1, 0} {
		tapsweep(t, env, args...).ends(t, want)
	}
	tenant.GivePass(users[3].UPN, graphsim.Pass{})
	sent := tenant.Stats().Requests
	p := runRevoke(t, env, log)
	leaves(t, tenant, 1)
	same(t, "requests", tenant.Stats().Requests, sent)
	holds(t, "standard error", p.stderr, "20 rows left out, done by the earlier run")
}

// To resume without --protect is a slip, and no decision to revoke the passes of those who
// were protected.
func TestResumeKeepsWhoWasProtected(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(3)
	tenant.AddUser(graphsim.User{UPN: "somebody@contoso.example"})
	env := serve(t, tenant)
	log := newLog(t)
	list := listFile(t, users)
	run := func(left int, protect ...string) {
		t.Helper()
		args := []string{"revoke", "--yes", "--results", log, "--resume", list}
		for _, names := range protect {
			args = append(args, "--protect", writeFile(t, "protect.txt", names))
		}
		p := tapsweep(t, env, args...)
		p.ends(t, status.Done)
		leaves(t, tenant, left)
	}
	run(2, users[0].UPN+"\n", users[1].UPN+"\n")
	run(2)
	run(1, users[1].UPN+"\n")
	run(0, "somebody@contoso.example\n")
}

// nohup means that the run outlives its terminal, and a shell script that what it has put
// in the background is not ended by Ctrl-C.
func TestNohup(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 60, graphsim.Options{Latency: 200 * time.Millisecond})
	inner := command(t, env, "revoke", "--yes", "--rate", "40", "--results", "-", listFile(t, users))
	cmd := exec.CommandContext(t.Context(), "sh",
		append([]string{"-c", `trap '' HUP INT; exec "$0" "$@"`}, inner.Args...)...)
	cmd.Env, cmd.Dir = inner.Env, inner.Dir
	p := finish(t, cmd, func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Requests == 0 })
		p.Signal(syscall.SIGHUP)
		p.Signal(os.Interrupt)
	})
	p.ends(t, 0)
	leaves(t, tenant, 0)
}

// What a run that resumes says is of the whole log. Its headline is of this run.
// said to be that. Once it gave the rows of all runs the time and the rate of the last.
func TestResumedRunTellsOfItself(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Method: "DELETE", Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		{Method: "DELETE", Path: "user0002@", Attempt: 1, Do: fault.ItemStatus(403)},
		{Method: "DELETE", Path: "user0003@", Do: fault.ItemStatus(423)},
	}})
	users := tenant.AddUsers(30)
	env := serve(t, tenant)
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--verify", "--results", dir + "/log.jsonl", "--metrics-file", dir + "/m.prom",
		"--resume", listFile(t, users)}
	for run, want := range [][]string{
		{"tapsweep: 30 rows in ", "revoked 27 denied 2 ", "Verified: the users of 27 rows hold no pass results:",
			"27 of 30 passes are gone; 3 left: see above. Resume: tapsweep revoke"},
		{"tapsweep: 2 rows in ", "revoked 29 rejected 1 ",
			"Verified: the users of 29 rows hold no pass 28 rows completed by an earlier run",
			"29 of 30 passes are gone; 1 left: see above."},
		{"tapsweep: 0 rows in ", "revoked 29 rejected 1 ",
			"Verified: the users of 29 rows hold no pass", "29 of 30 passes are gone; 1 left: see above."},
	} {
		p := tapsweep(t, env, args...)
		text := strings.Join(strings.Fields(p.stderr), " ")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("run %d: no %q in\n%s", run, w, p.stderr)
			}
		}
		_, end := readLog(t, lastRun(string(mustRead(t, dir+"/log.jsonl"))))
		if p.code != 1 || end == nil ||
			end.Counts[results.Revoked]+end.Counts[results.Denied]+end.Counts[results.Rejected] != 30 {
			t.Errorf("run %d: exit %d, %+v", run, p.code, end)
		}
		metrics := string(mustRead(t, dir+"/m.prom"))
		holds(t, "the metrics", metrics, fmt.Sprintf(
			"tapsweep_log_rows{command=\"revoke\",file=\"m\",outcome=\"revoked\"} %d\n", []int{27, 29, 29}[run]))
	}
}

// lastRun is what the last run has added to a log.
func lastRun(log string) string { return log[strings.LastIndex(log, `{"type":"run"`):] }
