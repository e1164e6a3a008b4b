package main

import (
	"math/rand/v2"
	"os"
	"strconv"
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

// killRandomly starts the run n times, kills each after 1 to most requests, and returns how many ran until then.
// -seed gives the same numbers again.
func killRandomly(t *testing.T, env []string, tenant *graphsim.Tenant, n, most int, args ...string) (killed int) {
	t.Helper()
	seed := randomSeed()
	t.Logf("-seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range n {
		enough := tenant.Stats().Requests + 1 + rng.IntN(most)
		p := finish(t, command(t, env, args...), func(p *os.Process) { // only a process can be killed
			waitWhile(t, func() bool { return tenant.Stats().Requests < enough })
			p.Kill()
		})
		if p.code == -1 {
			killed++
		} else {
			p.ends(t, 0)
		}
	}
	differs(t, "runs that were killed", killed, 0)
	return killed
}

// A sweep that is killed at any moment and resumed ends like one that was not killed: the passes that are
// over are gone and verified, all others are untouched, and every deleted pass has a row.
func TestKillAndResumeSweep(t *testing.T) {
	t.Parallel()
	const users = 3000
	tenant := leftovers(users,
		graphsim.Options{Latency: 20 * time.Millisecond, ListLag: 300 * time.Millisecond, Record: true})
	over := make(map[string]bool) // passes that are expired or used
	for _, h := range tenant.Remaining() {
		over[h.PassID] = true
	}
	env := serve(t, tenant)
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--verify", "--results", log, "--resume"}
	killRandomly(t, env, tenant, max(*kills/4, 2), users, args...)
	tapsweep(t, env, args...).ends(t, 0)
	leaves(t, tenant, users/20)
	for _, h := range tenant.Remaining() {
		delete(over, h.PassID)
	}
	same(t, "expired and used passes that went", len(over), users/20)
	// Each was on disk before its delete was sent.
	for id, row := range lastBy(t, log, func(r results.Row) string { return r.Method }) {
		if over[id] {
			same(t, "outcome of "+id, row.Outcome, results.Revoked)
			same(t, "proof of "+id, row.Verified, true)
			delete(over, id)
		} else if id != "" && !row.Provisional {
			same(t, id+", which stays, has a row that says it is done", row.Outcome.Done(), false)
		}
	}
	same(t, "passes that went without a row", len(over), 0)
}

// countIn returns how many times the text is in a file now.
func countIn(path, text string) int {
	data, _ := os.ReadFile(path) // which may not be there yet
	return strings.Count(string(data), text)
}

// killAt starts the run in a process, and kills it once the tenant is in a state.
func killAt(t *testing.T, env, args []string, reached func() bool) {
	t.Helper()
	finish(t, command(t, env, args...), func(p *os.Process) {
		waitWhile(t, func() bool { return !reached() })
		p.Kill()
	})
}

// If a pass was found but not deleted, because its delete was not sent or failed, the run that resumes
// deletes it. A pass that was replaced has a row.
func TestSweepResumesBeforeDelete(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"--verify=false", "--verify"} {
		t.Run(more, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.Hang()}))
			log := newLog(t)
			args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume", more}
			killAt(t, env, args, func() bool { return tenant.Stats().Faults > 0 })
			same(t, "passes on record before their delete", strings.Count(readText(t, log), `"pending":true`), 20)
			gone := tenant.Remaining()[0] // an expired one, replaced by somebody else meanwhile
			tenant.GivePass(gone.UserID, graphsim.Pass{Reason: "EnabledByPolicy"})
			tapsweep(t, env, args...).ends(t, 1)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 19)
			atMost(t, "LISTs of 400 users", tenant.Stats().Lists, 480)
			rows := lastBy(t, log, func(r results.Row) string { return r.Method })
			same(t, "passes with a row", len(rows), 20)
			same(t, "outcome of the pass that was replaced", rows[gone.PassID].Outcome, results.Replaced)
			delete(rows, gone.PassID)
			for id, row := range rows {
				same(t, "outcome of "+id, row.Outcome, results.Revoked)
				same(t, "proof of "+id, row.Verified, more == "--verify")
				differs(t, "reason of "+id, row.Reason, "")
			}
		})
	}
}

// A sweep that resumes deletes what the earlier run left and what its scan finds, or nothing if both are more than
// --max-items. A pass that is both counts once.
func TestSweepResumesWithinTheLimit(t *testing.T) {
	t.Parallel()
	tenant := leftovers(400, failing(fault.Fault{Method: "DELETE", Times: 1, Do: fault.Hang()}))
	env := serve(t, tenant)
	args := []string{"sweep", "--all-users", "--yes", "--results", newLog(t), "--resume"}
	killAt(t, env, args, func() bool { return tenant.Stats().Faults > 0 })
	for i := range 60 {
		tenant.AddUser(graphsim.User{UPN: "new" + strconv.Itoa(i) + "@contoso.example",
			Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}})
	}
	tapsweep(t, env, append(args, "--max-items", "79")...).ends(t, status.Usage,
		"80 passes are more than the limit of 79: nothing was deleted")
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
	tapsweep(t, env, append(args, "--max-items", "80")...).ends(t, status.Done, "All 80 passes are gone.")
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 80)
}

// At a terminal, a sweep that resumes asks before it deletes the passes, or revokes the sessions, that the earlier run
// left.
func TestResumedSweepAsks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, flag, logged, question string
		deleted                            int // by the earlier run
	}{
		{"passes", "temporaryAccessPassMethods/", "--revoke-sessions=false", `"pending":true`,
			"About to delete 20 passes of 20 users", 0},
		{"sessions", "revokeSignInSessions", "--revoke-sessions", `"status":204`,
			"About to delete 0 passes and revoke the sessions of 20 users", 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, failing(fault.Fault{Path: tt.path, Attempt: 1, Do: fault.Hang()}))
			log := newLog(t)
			args := []string{"sweep", "--all-users", "--results", log, "--resume", tt.flag}
			killAt(t, env, append(args, "--yes"), func() bool {
				return tenant.Stats().Faults > 0 && countIn(log, tt.logged) == 20
			})
			for _, reply := range []struct {
				answer string
				code   int
			}{{"n", status.Usage}, {"y", status.Done}} {
				answered(t, env, func(keyboard *os.File, _ *os.Process) {
					same(t, "passes deleted before the answer "+reply.answer, tenant.Stats().Deleted, tt.deleted)
					same(t, "sessions revoked before the answer "+reply.answer, tenant.Stats().Revoked, 0)
					keyboard.WriteString(reply.answer + "\n")
				}, args...).ends(t, reply.code, tt.question)
			}
			same(t, "passes that are deleted", tenant.Stats().Deleted, 20)
		})
	}
}

// If the scan of a sweep that resumes does not end, the sweep still deletes what the earlier run left.
func TestResumedSweepWhoseScanStops(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 400, failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.Hang()},
		fault.Fault{Path: "/users?", Attempt: 2, Do: fault.ItemStatus(429, "Retry-After", "900")}))
	args := []string{"sweep", "--all-users", "--yes", "--results", newLog(t), "--resume", "--max-wait", "1s"}
	killAt(t, env, args, func() bool { return tenant.Stats().Faults > 0 })
	tapsweep(t, env, args...).ends(t, status.Stopped, "20 passes are gone. The scan ended early")
	leaves(t, tenant, 20)
}

// If a run deleted passes but did not verify them, the run that resumes verifies them, even
// if its scan does not find the user any more. The row keeps the known details.
func TestVerifyOfUsersThatLeft(t *testing.T) {
	t.Parallel()
	tenant := leftovers(400, graphsim.Options{ListLag: 3 * time.Second})
	held := tenant.Remaining()
	var members []string
	for _, h := range held {
		members = append(members, h.UserID)
	}
	group := tenant.AddGroup(graphsim.Group{Members: members})
	env := serve(t, tenant)
	log := newLog(t)
	args := []string{"sweep", "--group", group, "--yes", "--verify", "--results", log, "--resume"}
	stopped(t, env, args, func() bool { return countIn(log, `"status":204`) == 20 })
	tenant.AddGroup(graphsim.Group{ID: group}) // everybody has left it
	tenant.GivePass(held[0].UserID, graphsim.Pass{})
	tapsweep(t, env, args...).ends(t, 1)
	rows := lastBy(t, log, func(r results.Row) string { return r.User })
	same(t, "users with a row", len(rows), 20)
	same(t, "outcome of the new pass", rows[held[0].UserID].Outcome, results.Remains)
	delete(rows, held[0].UserID)
	for user, row := range rows {
		same(t, "outcome of "+user, row.Outcome, results.Revoked)
		same(t, "proof of "+user, row.Verified, true)
		same(t, "status of the delete of "+user, row.Status, 204)
		differs(t, "request id of the delete of "+user, row.RequestID, "")
		differs(t, "reason of "+user, row.Reason, "")
	}
}

// If the list names only the user, the log has the user's pass before the run deletes it. Without this
// row, a run that resumes could not say which pass is gone, or that this job deleted it.
func TestKilledRevokeOfAnyPass(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]fault.Effect{"sent": fault.Hang(), "arrived": fault.Hang().AfterWork()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 5, failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: hang}))
			ids, list := make(map[string]string), "user\n"
			for _, u := range users {
				ids[u.UPN] = u.Passes[0].ID
				list += u.UPN + "\n"
			}
			log := newLog(t)
			args := []string{"revoke", "--yes", "--results", log, "--resume", writeFile(t, "list.csv", list)}
			killAt(t, env, args, func() bool {
				s := tenant.Stats()
				return s.Faults > 0 && (name == "sent" || s.Deleted == 5)
			})
			same(t, "rows that say found", strings.Count(readText(t, log), `"outcome":"found"`), 5)
			p := tapsweep(t, env, "report", log)
			holds(t, "the report", p.stdout, "5 unknown: no response came")
			tapsweep(t, env, args...).ends(t, 0)
			leaves(t, tenant, 0)
			rows := lastBy(t, log, func(r results.Row) string { return r.User })
			same(t, "users with a row", len(rows), 5)
			for user, row := range rows {
				same(t, "outcome of "+user, row.Outcome, results.Revoked)
				same(t, "pass of "+user, row.Method, ids[user])
				same(t, user+" was named without a pass", row.AnyPass, true)
			}
		})
	}
}

// A pass that a list names has no row before its delete. If the run was killed during the
// delete, the resumed run cannot know who deleted the pass, and says so.
func TestKilledRevokeOfNamedPasses(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5,
		failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.Hang().AfterWork()}))
	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log, "--resume", listFile(t, users)}
	killAt(t, env, args, func() bool { return tenant.Stats().Deleted == 5 })
	tapsweep(t, env, args...).ends(t, 0)
	rows := lastRows(t, log)
	same(t, "lines with a row", len(rows), 5)
	for _, row := range rows {
		same(t, "outcome", row.Outcome, results.Absent)
		same(t, "message", row.Message, "may have been deleted by an earlier run")
	}
}

// A crash exits with the code of Go's runtime. No refusal uses this code: after a crash passes may
// be deleted, after a refusal none is. The test needs a process, because SIGQUIT makes it crash.
func TestCrashIsNoRefusal(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 100, graphsim.Options{Limits: []*quota.Limit{quota.Window(20, time.Hour)}})
	log := newLog(t)
	list := listFile(t, users)
	args := []string{"revoke", "--yes", "--max-wait", "2h", "--results", log}
	finish(t, command(t, env, append(args, list)...), func(p *os.Process) {
		waitWhile(t, func() bool { return len(tenant.Remaining()) > 80 })
		// The run now waits for an hour. While it is busy, Go's runtime can fail to print a goroutine of the race
		// detector, and then it ends with another code.
		time.Sleep(500 * time.Millisecond)
		p.Signal(syscall.SIGQUIT)
	}).ends(t, 2)
	tapsweep(t, env, append(args, list)...).ends(t, 64)
}
