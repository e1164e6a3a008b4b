package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// lastLine returns the last line of a log. Its counts must be those of the report.
func lastLine(t *testing.T, env []string, log string) *results.End {
	t.Helper()
	_, end := readSessions(t, log)
	var r report.Report
	decode(t, tapsweep(t, env, "report", "--json", "-", log).stdout, &r)
	same(t, "passes in the last line and in the report", tally(end.Counts), tally(r.Counts))
	if r.Sessions == nil {
		same(t, "sessions in the last line", len(end.Sessions), 0)
		return end
	}
	sessions := maps.Clone(r.Sessions.Counts)
	if r.Sessions.WithoutRow > 0 {
		sessions[results.NotSent] += r.Sessions.WithoutRow
	}
	same(t, "sessions in the last line and in the report", tally(end.Sessions), tally(sessions))
	return end
}

// hung returns the options of a tenant that does not answer the first batch with a DELETE, and that lets the scan
// of the second run wait.
func hung() graphsim.Options {
	return graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "DELETE", Times: 1, Do: fault.Hang()},
		{Path: "/users?", Attempt: 2, Do: fault.ItemStatus(429, "Retry-After", "200")},
	}}
}

// A sweep is killed, and the run that resumes it is stopped while it scans. What it says covers the whole log: also the
// passes that it did not find again, and the sessions that it did not revoke.
func TestInterruptedResumeOfAKilledSweep(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 40, hung())
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--revoke-sessions", "--yes", "--results", log, "--resume"}
	killAt(t, env, args, func() bool { return countIn(log, `"status":204`) >= 20 })
	faults := tenant.Stats().Faults
	p := stopped(t, env, args, func() bool { return tenant.Stats().Faults > faults })
	p.ends(t, status.Stopped, "20 of 40 passes are gone, 20 are left.", " of 40 users are revoked.")
	end := lastLine(t, env, log)
	same(t, "passes", tally(end.Counts), "revoked 20, unknown 20")
	same(t, "users", end.Sessions[results.Revoked]+end.Sessions[results.NotSent], 40)
	tapsweep(t, env, args...).ends(t, 0)
	end = lastLine(t, env, log)
	same(t, "passes at the end", tally(end.Counts), "revoked 40")
	same(t, "sessions at the end", tally(end.Sessions), "revoked 40")
}

// A user whose sessions were not revoked joins the protected users before the run is resumed. Nothing is left then.
func TestSessionsOfUsersWhoAreProtectedSince(t *testing.T) {
	t.Parallel()
	for _, denied := range []string{"DELETE", "POST"} { // the pass or only the sessions are left
		t.Run(denied, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles,
				Faults: []fault.Fault{{Method: denied, Path: "user0003@", Do: fault.ItemStatus(403)}}})
			log, list := newLog(t), listFile(t, users)
			run := func(protected string) process {
				return tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", log, "--resume",
					"--protect", writeFile(t, "bg.txt", protected), list)
			}
			run("user0001@contoso.example\n").ends(t, 1)
			same(t, "sessions", tally(lastLine(t, env, log).Sessions), map[string]string{
				"DELETE": "revoked 1, not_sent 1", "POST": "revoked 1, denied 1"}[denied])
			p := run("user0001@contoso.example\nuser0003@contoso.example\n")
			p.ends(t, 0, "The sessions of 1 user are revoked; 1 protected and kept.")
			lacks(t, "the summary", p.stderr, "Resume:")
			same(t, "sessions", tally(lastLine(t, env, log).Sessions), "revoked 1, protected 1")
			text := tapsweep(t, env, "report", log).stdout
			lacks(t, "the report", text, "--resume")
			tapsweep(t, env, "verify", log).ends(t, 0)
			calls := tenant.Stats().Revoked
			tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", log).ends(t, 0)
			same(t, "calls of a run with the log as its list", tenant.Stats().Revoked, calls)
		})
	}
}

// Graph rejects the delete of a pass once. A resumed run tries neither the pass nor the sessions again, so the command
// to resume is not printed. The printed command does both.
func TestSessionsOfARejectedPass(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles,
		Faults: []fault.Fault{{Method: "DELETE", Path: "user0002@", Times: 1, Do: fault.ItemStatus(400)}}})
	log := newLog(t)
	args := []string{"revoke", "--yes", "--revoke-sessions", "--results", log, "--resume", listFile(t, users)}
	var again string
	for range 2 {
		p := tapsweep(t, env, args...)
		p.ends(t, 1, "To revoke what remains: tapsweep revoke --")
		_, again, _ = strings.Cut(strings.TrimSpace(p.stderr), "To revoke what remains: ")
		lacks(t, "the summary", p.stderr, "Resume:")
	}
	same(t, "sessions", tally(lastLine(t, env, log).Sessions), "revoked 2, rejected 1")
	text := tapsweep(t, env, "report", log).stdout
	lacks(t, "the report", text, "--resume")
	same(t, "commands in the report", strings.Count(text, "tapsweep revoke --revoke-sessions "+log), 2)
	tapsweep(t, env, append(strings.Fields(again)[1:], "--yes")...).ends(t, 0)
	same(t, "users who are signed out", tenant.Stats().Revoked, 3)
}

// A row of a user is invalid, so the sessions are not revoked. They count once in the run, in the report and in the
// proof, also after a resumed run.
func TestSessionsOfAnInvalidRow(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 2, graphsim.Options{Roles: simulation.Roles})
	log, proof := newLog(t), newLog(t)
	list := writeFile(t, "list.csv", listOf(users)+users[0].UPN+",no-pass-id\n")
	for range 2 {
		p := tapsweep(t, env, "revoke", "--yes", "--skip-invalid", "--revoke-sessions", "--results", log, "--resume",
			list)
		p.ends(t, 1, "The sessions of 1 of 2 users are revoked.")
		lacks(t, "the summary", p.stderr, "Resume:")
	}
	holds(t, "the report", tapsweep(t, env, "report", log).stdout, "The sessions of 1 of 2 users are revoked.")
	tapsweep(t, env, "verify", "--results", proof, log).ends(t, 1, "the sessions of 1 of 2 users are revoked")
}

// One log has users by name, and another one has them by object ID. The name in a row may be wrong, so a proof checks
// both, and the report finds that it is complete.
func TestTwoNamesInTwoLogs(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles})
	names, ids := "", "user,method,userPrincipalName\n"
	for _, u := range users {
		names += u.UPN + "\n"
		ids += u.ID + "," + u.Passes[0].ID + "," + u.UPN + "\n"
	}
	lists := []string{writeFile(t, "names.txt", names), writeFile(t, "ids.csv", ids)}
	for range 2 {
		a, b, proof := newLog(t), newLog(t), newLog(t)
		tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", a, lists[0]).ends(t, 0)
		tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", b, lists[1]).ends(t, 0)
		tapsweep(t, env, "verify", "--results", proof, a, b).ends(t, 0, "6 of 6 users have no pass",
			"3 users are in the logs by object ID and by name: each name is checked")
		text := tapsweep(t, env, "report", a, b, proof).stdout
		lacks(t, "the report", text, "not complete")
		lacks(t, "the report", text, "--resume")
		holds(t, "the report", text, "The sessions of 3 users have rows by object ID and by name, and count twice.")
		slices.Reverse(lists)
	}
	tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", newLog(t), lists[0], lists[1]).ends(t, 0,
		"the sessions of a user with both count as those of two users")
}

// A signal that arrives when all passes are gone changes nothing.
func TestStoppedWhenAllIsDone(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{Latency: 300 * time.Millisecond})
	log := newLog(t)
	p := stopped(t, env, []string{"revoke", "--yes", "--results", log, listFile(t, users)},
		func() bool { return tenant.Stats().Deleted == 3 })
	p.ends(t, 0)
	same(t, "why the run stopped", lastLine(t, env, log).Stopped, "")
}

// A pass that a sweep left is gone when the sweep is resumed. The row counts neither in the summary nor in the report.
func TestPassesThatAreNotFoundAgain(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "DELETE", Times: 1, Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--revoke-sessions", "--yes", "--results", log, "--resume"}
	tapsweep(t, env, append(args, "--max-wait", "1s")...).ends(t, status.Stopped)
	same(t, "passes", tally(lastLine(t, env, log).Counts), "revoked 2, not_sent 1")
	for _, held := range tenant.Remaining() { // somebody replaces it by a pass that a sweep leaves alone
		tenant.GivePass(held.UserID, graphsim.Pass{Reason: "EnabledByPolicy"})
	}
	tapsweep(t, env, args...).ends(t, 0)
	same(t, "passes", tally(lastLine(t, env, log).Counts), "revoked 2")
	lacks(t, "the report", tapsweep(t, env, "report", log).stdout, "--resume")
}

// Three lists in three directories have one name and the same rows. The repeated rows count once for each list, in the
// summary and in the report, also if a run names the directories in another way.
func TestListsWithOneName(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 2, graphsim.Options{})
	dir, log := t.TempDir(), newLog(t)
	var lists, again []string
	for _, name := range []string{"a", "b", "c"} {
		lists = append(lists, filepath.Join(dir, name, "l.csv"))
		again = append(again, dir+"/b/../"+name+"/l.csv")
		write(t, lists[len(lists)-1], readText(t, listFile(t, users)))
	}
	args := []string{"revoke", "--yes", "--resume", "--results", log}
	tapsweep(t, env, append(args, lists...)...).ends(t, 0, "All 2 passes are gone.")
	same(t, "rows", tally(lastLine(t, env, log).Counts), "revoked 2, duplicate 4")
	lacks(t, "the report", tapsweep(t, env, "report", log).stdout, "no result")
	tapsweep(t, env, append(args, again...)...).ends(t, 0)
	same(t, "rows after a second run", tally(lastLine(t, env, log).Counts), "revoked 2, duplicate 4")
}

// The deletes of a sweep are stopped after a complete scan. Three passes that an earlier run left are not among those
// that it found.
func TestNotFoundAgainAndStopped(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "DELETE", Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--revoke-sessions", "--yes", "--results", log, "--resume",
		"--max-wait", "1s"}
	tapsweep(t, env, args...).ends(t, status.Stopped)
	same(t, "passes", tally(lastLine(t, env, log).Counts), "not_sent 3")
	for _, held := range tenant.Remaining() {
		tenant.GivePass(held.UserID, graphsim.Pass{Reason: "EnabledByPolicy"})
	}
	tenant.AddMany(1, func(int) graphsim.User {
		expired := graphsim.Pass{Created: time.Now().Add(-48 * time.Hour)}
		return graphsim.User{UPN: "new@contoso.example", Passes: []graphsim.Pass{expired}}
	})
	for range 2 {
		tapsweep(t, env, args...).ends(t, status.Stopped, "0 of 1 pass is gone, 1 is left.")
		same(t, "passes", tally(lastLine(t, env, log).Counts), "not_sent 1")
		text := tapsweep(t, env, "report", log).stdout
		lacks(t, "the report", text, "The scan ended early")
	}
}

// A sweep that is refused has no rows about the passes that it found, so those of earlier runs count.
func TestRefusedSweepKeepsWhatIsLeft(t *testing.T) {
	t.Parallel()
	_, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "DELETE", Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume", "--max-wait", "1s"}
	tapsweep(t, env, args...).ends(t, status.Stopped)
	tapsweep(t, env, append(args, "--max-items", "2")...).ends(t, status.Usage)
	same(t, "passes", tally(lastLine(t, env, log).Counts), "not_sent 3")
}

// The passes of a user could not be listed, and a resumed scan no longer has this user. Then nothing is left.
func TestUserWhoLeavesTheScope(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "GET", Path: "temporaryAccessPassMethods", Times: 1, Do: fault.ItemStatus(423)},
		{Method: "DELETE", Times: 1, Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
	tapsweep(t, env, append(args, "--max-wait", "1s")...).ends(t, status.Stopped)
	same(t, "rows", tally(lastLine(t, env, log).Counts), "revoked 1, rejected 1, not_sent 1")
	tenant.AddFaults(fault.Fault{Path: "/users?", Do: fault.ItemBody(`{"value":[]}`)})
	tapsweep(t, env, args...).ends(t, 0)
	same(t, "rows at the end", tally(lastLine(t, env, log).Counts), "revoked 1")
	text := tapsweep(t, env, "report", log).stdout
	lacks(t, "the report", text, "could not be scanned")
	lacks(t, "the report", text, "--resume")
}
