package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// killRandomly starts the run n times, kills each after from to before milliseconds, and returns how
// many ran until then.
func killRandomly(t *testing.T, env []string, n, from, before int, args ...string) (killed int) {
	t.Helper()
	for range n {
		p := finish(t, command(t, env, args...), func(p *os.Process) {
			time.Sleep(time.Duration(from+rand.IntN(before-from)) * time.Millisecond)
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

// A sweep that is killed at any moment and taken up again ends as if it had not
// been: what is over is gone, and verified, nothing else was touched, and every pass
// that went has a row. With --max-items 0 a pass that was found in the last 200 ms before
// the kill, and deleted at once, once had none.
func TestKillAndResumeSweep(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"0", "10000"} {
		t.Run("--max-items "+bound, func(t *testing.T) {
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
			args := []string{"sweep", "--all-users", "--yes", "--verify", "--max-items", bound, "--rate", "1250",
				"--results", log, "--resume"}
			killed := killRandomly(t, env, max(*kills/4, 2), 200, 4000, args...)
			tapsweep(t, env, args...).ends(t, 0)
			left := tenant.Remaining()
			for _, h := range left {
				delete(over, h.PassID)
			}
			if len(left) != users/20 || len(over) != users/20 {
				t.Errorf("%d passes are left, and %d went; want %d and %d", len(left), len(over), users/20, users/20)
			}
			last := lastBy(t, log, func(r results.Row) string { return r.Method })
			verified := 0
			for id := range over {
				row := last[id]
				if row.Outcome == results.Revoked && row.Verified {
					verified++
				}
				if row.Outcome == results.Absent { // it was announced, and nobody else deletes here
					t.Errorf("a pass that the job deleted is absent: %+v", row)
				}
			}
			// Each was on disk before its delete was sent.
			if verified != len(over) {
				t.Errorf("%d of %d passes that went have a row that says so, verified, after %d kills", verified,
					len(over), killed)
			}
			for id, row := range last {
				if id != "" && row.Outcome.Done() && !row.Provisional && !over[id] {
					t.Errorf("the row of a pass that was not over: %+v", row)
				}
			}
			t.Logf("%d killed, %d of %d with proof", killed, verified, len(over))
		})
	}
}

// A pass that was found, and whose delete never went or never worked, is deleted by
// the run that goes on; one that went has a row.
func TestSweepResumesBeforeDelete(t *testing.T) {
	t.Parallel()
	for _, verify := range []bool{false, true} {
		tenant, env := serveLeftovers(t, 400, failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.Hang()}))
		log := newLog(t)
		args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
		if verify {
			args = append(args, "--verify")
		}
		finish(t, command(t, env, args...), func(p *os.Process) {
			waitWhile(t, func() bool { return tenant.Stats().Faults == 0 })
			p.Kill()
		})
		if found := strings.Count(string(mustRead(t, log)), `"pending":true`); found != 20 {
			t.Errorf("%d passes are on record before their delete, want 20", found)
		}
		gone := tenant.Remaining()[0] // an expired one, replaced by somebody else meanwhile
		tenant.GivePass(gone.UserID, graphsim.Pass{Reason: "EnabledByPolicy"})
		start := time.Now()
		p := tapsweep(t, env, args...)
		rows := lastBy(t, log, func(r results.Row) string { return r.Method })
		if p.code != 1 || len(rows) != 20 || tenant.Stats().Deleted != 19 || time.Since(start) > time.Minute {
			t.Errorf("verify %v: exit %d, rows of %d passes, %d deleted, in %v\n%s", verify, p.code, len(rows),
				tenant.Stats().Deleted, time.Since(start), p.stderr)
		}
		for id, row := range rows {
			want := results.Revoked
			if id == gone.PassID {
				want = results.Replaced
			}
			if row.Provisional || row.Outcome != want || row.Verified != (verify && want == results.Revoked) ||
				row.Reason == "" {
				t.Errorf("verify %v: %+v", verify, row)
			}
		}
	}
}

// A sweep that resumes stops at --max-items before it deletes what its scan finds, or what the
// earlier run has left, and not in the middle of it.
func TestSweepResumesWithinTheBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, bound         string
		code, deleted, left int
		says                string
	}{
		{"too many left", "19", status.Usage, 0, 80, "20 passes are more than the limit of 19: nothing was deleted"},
		{"too many found", "60", status.Stopped, 20, 60, "80 passes are more than the limit of 60: " +
			"only 20 that an earlier run had left were deleted"},
		{"just within the bound", "80", status.Done, 80, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := leftovers(400, failing(fault.Fault{Method: "DELETE", Times: 1,
				Do: fault.Hang()}))
			before := len(tenant.Remaining())
			env := serve(t, tenant)
			log := newLog(t)
			args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
			finish(t, command(t, env, args...), func(p *os.Process) {
				waitWhile(t, func() bool { return tenant.Stats().Faults == 0 })
				p.Kill()
			})
			for i := range 60 {
				tenant.AddUser(graphsim.User{UPN: "new" + strconv.Itoa(i) + "@contoso.example",
					Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}})
			}
			p := tapsweep(t, env, append(args, "--max-items", tt.bound)...)
			p.ends(t, tt.code)
			if n := tenant.Stats().Deleted; n != tt.deleted {
				t.Errorf("%d passes were deleted, want %d", n, tt.deleted)
			}
			if !strings.Contains(p.stderr, tt.says) {
				t.Errorf("standard error lacks %q\n%s", tt.says, p.stderr)
			}
			if n := len(tenant.Remaining()) - (before - 20); n != tt.left {
				t.Errorf("%d passes are left, want %d", n, tt.left)
			}
			if tt.code == status.Done {
				return
			}
			if p = tapsweep(t, env, append(args, "--max-items", "80")...); p.code != status.Done {
				t.Errorf("resumed with a higher bound: exit %d\n%s", p.code, p.stderr)
			}
			if n := tenant.Stats().Deleted; n != 80 {
				t.Errorf("%d passes were deleted in the end, want 80", n)
			}
		})
	}
}

// What a run has deleted and not verified is verified by the one that goes on, also
// where its scan does not meet the user any more; and the row keeps what is known.
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
	finish(t, command(t, env, args...), func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Deleted < 20 })
		time.Sleep(500 * time.Millisecond)
		p.Signal(os.Interrupt)
	})
	tenant.AddGroup(graphsim.Group{ID: group}) // everybody has left it
	tenant.GivePass(held[0].UserID, graphsim.Pass{})
	p := tapsweep(t, env, args...)
	rows := lastBy(t, log, func(r results.Row) string { return r.User })
	verified, remains := 0, 0
	for _, row := range rows {
		switch {
		case row.Verified && row.Outcome == results.Revoked && row.Status == 204 && row.RequestID != "" &&
			row.Reason != "":
			verified++
		case row.Outcome == results.Remains && row.User == held[0].UserID:
			remains++
		default:
			t.Errorf("%+v", row)
		}
	}
	p.ends(t, 1)
	same(t, "verified", verified, 19)
	same(t, "remains", remains, 1)
}

// A look that failed is not the last word once it has worked.
func TestFailedLookIsMended(t *testing.T) {
	t.Parallel()
	_, env := serveLeftovers(t, 40,
		failing(fault.Fault{Method: "GET", Path: "temporaryAccessPassMethods", Attempt: 1, Do: fault.ItemStatus(423)}))
	log := newLog(t)
	args := []string{"scan", "--all-users", "--reason", "disabled", "--results", log}
	tapsweep(t, env, args...).ends(t, 1)
	// The run came to its end, so the next begins anew, and lists the passes of the same users.
	tapsweep(t, env, append(args, "--resume")...).ends(t, 0)
	p := tapsweep(t, env, "report", log)
	p.ends(t, 0)
	lacks(t, "the report", p.stdout, string(results.Rejected))
}
