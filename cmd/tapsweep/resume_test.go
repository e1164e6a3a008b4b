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
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

var kills = flag.Int("kills", 5, "how often TestKillAndResume kills a run")

// lastRows returns the last row of each line of the list from a log of several runs.
func lastRows(t *testing.T, path string) map[int]results.Row {
	t.Helper()
	return lastBy(t, path, func(r results.Row) int { return r.Line })
}

// A run that is killed at any moment and resumed loses nothing: the rows agree with the
// requests that the tenant carried out.
func TestKillAndResume(t *testing.T) {
	t.Parallel()
	const passes = 1500
	tenant, users, env := serveUsers(t, passes, graphsim.Options{Latency: 20 * time.Millisecond, Record: true})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--quiet", "--results", log, "--resume", list}
	killed := killRandomly(t, env, tenant, *kills, 2*passes / *kills, args...)
	tapsweep(t, env, "revoke", "--yes", "--results", log, "--resume", list).ends(t, 0)
	last := lastRows(t, log)
	same(t, "lines with a row", len(last), passes)
	leaves(t, tenant, 0)
	deleted := make(map[string]int)
	for _, e := range tenant.Log() {
		if e.Method == "DELETE" && e.Done {
			deleted[e.Path]++
		}
	}
	same(t, "passes that the tenant deleted", len(deleted), passes)
	absent := 0
	for line, r := range last {
		// What was in flight when the run was killed is gone, and nobody holds a pass any more: both are true.
		if r.Outcome == results.Absent {
			absent++
			holds(t, "message of an absent pass", r.Message, "may have been deleted by an earlier run")
		} else {
			same(t, fmt.Sprint("outcome of line ", line), r.Outcome, results.Revoked)
		}
	}
	// A kill loses only the rows of the last 200 ms and the requests in flight.
	atMost(t, "passes that had to be sent again", absent, killed*400)
}

func TestResumeRun(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 50, failing(
		fault.Fault{Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		fault.Fault{Path: "user0002@", Attempt: 1, Do: fault.ItemStatus(423)}))
	log := newLog(t)
	list := listFile(t, users)
	run := func(args ...string) process {
		return tapsweep(t, env, append([]string{"revoke", "--yes", "--results", log}, args...)...)
	}
	run("--resume", list).ends(t, 1, "denied")
	sent := tenant.Stats().Requests
	// The denied pass is tried again, the rejected one is not.
	p := run("--resume", list)
	p.ends(t, 1)
	same(t, "requests", tenant.Stats().Requests, sent+1)
	same(t, "outcome of line 2", lastRows(t, log)[2].Outcome, results.Revoked)
	same(t, "outcome of line 3", lastRows(t, log)[3].Outcome, results.Rejected)

	run("--resume", listFile(t, users[:49])).ends(t, status.Usage, "another list")
	run("--resume", "--dry-run", list).ends(t, status.Usage, "dry run")
	run(list).ends(t, status.Usage, "already exists")
	run("--resume", "--overwrite", list).ends(t, status.Usage, "cannot be used together", "hint: ")
	run("--resume=most", list).ends(t, status.Usage, `--resume "most" is not true or false`)
	tapsweep(t, env, "revoke", "--yes", "--resume", list).ends(t, status.Usage, "--results FILE")
	env = serve(t, graphsim.New(graphsim.Options{}))
	run("--resume", list).ends(t, status.Usage, "it is a log of")
}

// Two runs cannot use one log. Each would treat the passes of the other as not sent.
func TestTwoRunsOnOneLog(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 100, graphsim.Options{Limits: []*quota.Limit{quota.Window(40, time.Minute)}})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--results", log, "--resume", list}
	stopped(t, env, args, func() bool {
		if len(tenant.Remaining()) > 60 {
			return false
		}
		tapsweep(t, env, "verify", log).ends(t, status.Usage, "or is still running")
		for _, line := range [][]string{args, {"sweep", "--all-users", "--yes", "--results", log, "--overwrite"}} {
			second := tapsweep(t, env, line...)
			second.ends(t, status.Usage, "another run is writing", "hint: wait until that run has ended")
			lacks(t, "standard error", second.stderr, "the same lists", "killed")
		}
		return true
	}).ends(t, status.Stopped)
	first, _, _ := strings.Cut(readText(t, log), "\n")
	tapsweep(t, env, "verify", writeFile(t, "copy.jsonl", first+"\n")).ends(t, status.Usage, "or is still running")
}

// If the disk fills up during the run, the run stops before it sends more, and its log can be
// resumed once there is space. The test needs a process, because ulimit limits a process.
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
	atLeast(t, "passes that are left", len(tenant.Remaining()), 400) // the run did not continue without a log
	tapsweep(t, env, inner.Args[1:]...).ends(t, 0)
	leaves(t, tenant, 0)
	same(t, "rows of the log", len(lastRows(t, log)), 2000)
}

// A second signal, a second after the first, ends the process at once, and the log stays valid. The test
// needs a process, because the signal ends it.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 100, failing(fault.Fault{Do: fault.Hang()}))
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--results", log, "--resume", list}
	var first time.Time
	cmd := command(t, env, args...)
	finish(t, cmd, func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Batches == 0 })
		first = time.Now()
		waitWhile(t, func() bool { return p.Signal(os.Interrupt) == nil }) // until it has ended
	})
	same(t, "whether the signal ended it", cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled(), true)
	atLeast(t, "time since the first signal", time.Since(first), time.Second)
	atMost(t, "time since the first signal", time.Since(first), 8*time.Second)
	text := readText(t, log)
	same(t, "whether the log begins with its run", strings.HasPrefix(text, `{"type":"run"`), true)
	same(t, "whether the last line is whole", strings.HasSuffix(text, "\n"), true)
}

func TestMaxItems(t *testing.T) {
	t.Parallel()
	users := graphsim.New(graphsim.Options{}).AddUsers(10_001)
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	tapsweep(t, env, "revoke", "--yes", listFile(t, users)).ends(t, status.Usage, "10,001 passes", "10,000")
	same(t, "requests to Graph and Entra", tenant.Stats().Requests+tenant.Stats().Tokens, 0)
	six := listFile(t, users[:6])
	tapsweep(t, env, "revoke", "--yes", "--max-items", "5", six).ends(t, status.Usage)
	for _, flags := range []string{"--max-items 0 --yes", "--max-items 6 --yes", "--dry-run"} {
		tapsweep(t, env, append(strings.Fields("revoke "+flags), six)...).ends(t, 1) // the users are not there
	}
}

// As a list, a resumed log means the passes that are left at its end. If an earlier run left a
// pass and a later run deleted it, a new pass of the user is not deleted.
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
	p.ends(t, status.Done, "20 rows skipped")
}

// The log of a run with --protect is resumed only with --protect, because somebody may have forgotten the flag. A user
// who is no longer on the list is no longer protected. A complete sweep does not count.
func TestResumeNeedsProtect(t *testing.T) {
	t.Parallel()
	for line, needs := range map[string]bool{
		"revoke LIST": true,
		"sweep --all-users --reason usable --include-usable": false,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles})
			tenant.AddUser(graphsim.User{UPN: "somebody@contoso.example"})
			args := append(words(line, strings.NewReplacer("LIST", listFile(t, users))), "--yes", "--revoke-sessions",
				"--resume", "--results", newLog(t))
			run := func(names string) {
				t.Helper()
				tapsweep(t, env, append(args, "--protect", writeFile(t, "protect.txt", names))...).ends(t, status.Done)
			}
			run(users[0].UPN + "\n" + users[1].UPN + "\n")
			leaves(t, tenant, 2)
			if !needs {
				tapsweep(t, env, args...).ends(t, status.Done)
				leaves(t, tenant, 0)
				return
			}
			tapsweep(t, env, args...).ends(t, status.Usage, "the run of the log protects users: add --protect ",
				"name another --results file")
			leaves(t, tenant, 2)
			run(users[1].UPN + "\n")
			leaves(t, tenant, 1)
			run("somebody@contoso.example\n")
			leaves(t, tenant, 0)
		})
	}
}

// A run under nohup survives the end of its terminal. A run in the background of a shell script
// survives Ctrl-C. The test needs a process, because a process inherits ignored signals from a shell.
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

// The summary of a run that resumes is about the whole log. Its first line is about this run.
func TestResumedRunReportsItself(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 30, failing(
		fault.Fault{Method: "DELETE", Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		fault.Fault{Method: "DELETE", Path: "user0002@", Attempt: 1, Do: fault.ItemStatus(403)},
		fault.Fault{Method: "DELETE", Path: "user0003@", Do: fault.ItemStatus(423)}))
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--verify", "--results", dir + "/log.jsonl", "--metrics-file", dir + "/m.prom",
		"--resume", listFile(t, users)}
	for run, want := range [][]string{
		{": 30 rows in ", "revoked 27 denied 2 ", "the users of 27 rows", "27 of 30 passes", "Resume: tapsweep revoke"},
		{": 2 rows in ", "revoked 29 rejected 1 ", "the users of 29 rows", "28 rows completed", "29 of 30 passes"},
		{": 0 rows in ", "revoked 29 rejected 1 ", "the users of 29 rows", "29 of 30 passes"},
	} {
		p := tapsweep(t, env, args...)
		p.ends(t, 1)
		holds(t, "standard error, with single spaces", strings.Join(strings.Fields(p.stderr), " "), want...)
		rows := readEnd(t, lastRun(readText(t, dir+"/log.jsonl")), 1).Counts
		same(t, "rows of the whole log", rows[results.Revoked]+rows[results.Denied]+rows[results.Rejected], 30)
		revokedInMetrics(t, dir, []int{27, 29, 29}[run])
	}
}

// revokedInMetrics fails the test unless the metrics count n revoked rows of the log.
func revokedInMetrics(t *testing.T, dir string, n int) {
	t.Helper()
	holds(t, "the metrics", readText(t, dir+"/m.prom"),
		fmt.Sprintf("tapsweep_log_rows{command=\"revoke\",file=\"m\",outcome=\"revoked\"} %d\n", n))
}

// lastRun returns the lines that the last run added to a log.
func lastRun(log string) string { return log[strings.LastIndex(log, `{"type":"run"`):] }

// A run that resumes with --verify counts only the passes that it deleted itself as revoked.
func TestVerifiedLater(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 30, failing(
		fault.Fault{Method: "DELETE", Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		fault.Fault{Method: "GET", Path: "user0002@", Times: 1, Do: fault.ItemStatus(403)}))
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--results", dir + "/log.jsonl", "--metrics-file", dir + "/m.prom",
		"--resume", listFile(t, users)}
	tapsweep(t, env, args...).ends(t, 1)
	p := tapsweep(t, env, append(args, "--verify")...)
	p.ends(t, 1)
	holds(t, "standard error, with single spaces", strings.Join(strings.Fields(p.stderr), " "),
		"revoked 30 ", "the users of 29 rows", "All 30 passes", "1 pass is not verified")
	revokedInMetrics(t, dir, 30)
	log := func() string { return lastRun(readText(t, dir+"/log.jsonl")) }
	same(t, "rows that are not verified", strings.Count(log(), "not verified"), 1)
	tapsweep(t, env, append(args, "--verify")...).ends(t, 0)
	same(t, "rows in the end that are revoked", readEnd(t, log(), 0).Counts[results.Revoked], 30)
	holds(t, "the log", log(), `"verified":true`)
	lacks(t, "the log", log(), "not verified")
}
