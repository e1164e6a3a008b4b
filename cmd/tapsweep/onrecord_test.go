package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Which pass a user holds, of whom the list names no pass, is on record before it is
// deleted. A run that goes on said of a pass that had gone in between: absent, and not
// which, or later not that it was this job's delete.
func TestKilledRevokeOfAnyPass(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		hang := fault.Hang()
		if arrived {
			hang = hang.AfterWork()
		}
		tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: hang}))
		users := tenant.AddUsers(5)
		ids := make(map[string]string)
		var list strings.Builder
		list.WriteString("user\n")
		for _, u := range users {
			ids[u.UPN] = u.Passes[0].ID
			list.WriteString(u.UPN + "\n")
		}
		env := serve(t, tenant)
		log := newLog(t)
		args := []string{"revoke", "--yes", "--results", log, "--resume", writeFile(t, "list.csv", list.String())}
		finish(t, command(t, env, args...), func(p *os.Process) {
			for s := tenant.Stats(); (s.Faults == 0 || arrived && s.Deleted < 5) &&
				t.Context().Err() == nil; s = tenant.Stats() {
				time.Sleep(time.Millisecond)
			}
			p.Kill()
		})
		p := tapsweep(t, env, "report", log)
		if n := strings.Count(readText(t, log), `"outcome":"found"`); n != 5 {
			t.Errorf("the log has %d rows that say found, want 5\n%s", n, mustRead(t, log))
		}
		holds(t, "standard output", p.stdout, "5 unknown: sent, and no answer came")
		if p = tapsweep(t, env, args...); p.code != 0 || len(tenant.Remaining()) != 0 {
			t.Errorf("exit %d, %d left\n%s", p.code, len(tenant.Remaining()), p.stderr)
		}
		rows := lastBy(t, log, func(r results.Row) string { return r.User })
		for user, row := range rows {
			if row.Provisional || row.Outcome != results.Revoked || row.Method != ids[user] || !row.AnyPass {
				t.Errorf("%+v", row)
			}
		}
		if len(rows) != 5 {
			t.Errorf("%d rows", len(rows))
		}
	}
}

// A pass that a list names has no row before its delete. If the run was killed during the
// delete, the resumed run cannot know who deleted the pass, and says so.
func TestKilledRevokeOfNamedPasses(t *testing.T) {
	t.Parallel()
	hang := fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.Hang().AfterWork()}
	tenant, users, env := serveUsers(t, 5, graphsim.Options{Faults: []fault.Fault{hang}})
	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log, "--resume",
		listFile(t, users)}
	finish(t, command(t, env, args...), func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Deleted < 5 })
		p.Kill()
	})
	tapsweep(t, env, args...).ends(t, 0)
	rows := lastRows(t, log)
	for line, row := range rows {
		if row.Outcome != results.Absent {
			t.Errorf("line %d is %s, want absent", line, row.Outcome)
		}
		if want := "may have been deleted by an earlier run"; row.Message != want {
			t.Errorf("line %d says %q, want %q", line, row.Message, want)
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows, want 5", len(rows))
	}
}
