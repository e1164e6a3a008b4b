package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// readSessions returns the rows of a log about sessions, the last of each user, and its last line.
func readSessions(t *testing.T, log string) (rows map[string]results.Row, end *results.End) {
	t.Helper()
	rows = make(map[string]results.Row)
	var c results.Condition
	for rec, err := range results.Read(strings.NewReader(readText(t, log)), &c) {
		switch {
		case err != nil:
			t.Fatal(err)
		case rec.Row != nil && rec.Row.Action == results.RevokeSessions:
			rows[rec.Row.User] = *rec.Row
		case rec.End != nil:
			end = rec.End
		}
	}
	return rows, end
}

// sessionOutcomes counts the rows about sessions.
func sessionOutcomes(t *testing.T, log string) map[results.Outcome]int {
	rows, _ := readSessions(t, log)
	return outcomes(slices.Collect(maps.Values(rows)))
}

// If a run is killed after it deleted the passes and before it revoked the sessions, the run that
// resumes it sends only the calls that revoke sessions.
func TestKilledBeforeSessions(t *testing.T) {
	t.Parallel()
	const users = 40
	for _, line := range []string{"revoke", "revoke --verify", "sweep --all-users"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveExpired(t, users, graphsim.Options{Roles: simulation.Roles, Record: true,
				Faults: []fault.Fault{{Method: "POST", Attempt: 1, Do: fault.Hang()}}})
			log := newLog(t)
			args := append(strings.Fields(line), "--revoke-sessions", "--yes", "--results", log, "--resume")
			if args[0] == "revoke" {
				args = append(args, writeFile(t, "list.csv", listOfHeld(tenant.Remaining())))
			}
			killAt(t, env, args, func() bool {
				return tenant.Stats().Deleted == users && countIn(log, `"outcome":"revoked"`) >= users
			})
			if n := tenant.Stats().Revoked; n > 0 {
				t.Fatalf("the sessions of %d users were revoked before the kill", n)
			}
			tapsweep(t, env, args...).ends(t, 0)
			same(t, "deletes", tenant.Stats().Deleted, users)
			same(t, "calls that were carried out", tenant.Stats().Revoked, users)
			same(t, "rows about sessions", sessionOutcomes(t, log)[results.Revoked], users)
			tapsweep(t, env, args...).ends(t, 0)
			same(t, "calls after a further run", tenant.Stats().Revoked, users)
		})
	}
}

// listOfHeld returns a CSV list of passes.
func listOfHeld(passes []graphsim.HeldPass) string {
	var b strings.Builder
	b.WriteString("user,method\n")
	for _, p := range passes {
		fmt.Fprintf(&b, "%s,%s\n", p.UPN, p.PassID)
	}
	return b.String()
}

// keepsSessions returns a tenant in which Graph denies the call about the second user.
func keepsSessions(n int) (*graphsim.Tenant, []graphsim.User) {
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(n)
	users[1].KeepsSessions = true
	tenant.AddUser(users[1])
	return tenant, users
}

// If sessions could not be revoked, the run exits with 1 and gives a hint. They are not counted as passes.
func TestSessionsDenied(t *testing.T) {
	t.Parallel()
	tenant, users := keepsSessions(3)
	env := serve(t, tenant)
	dir := t.TempDir()
	log, prom := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "m.prom")
	args := []string{"revoke", "--revoke-sessions", "--yes", "--results", log, "--metrics-file", prom,
		listFile(t, users)}
	tapsweep(t, env, args...).ends(t, status.Incomplete, "All 3 passes", "2 of 3 users",
		"Resume: tapsweep revoke --resume", "(Authorization_RequestDenied): ")
	_, end := readSessions(t, log)
	same(t, "passes in the last line", end.Counts[results.Revoked], 3)
	same(t, "sessions in the last line", end.Sessions[results.Revoked], 2)
	holds(t, "the metrics", readText(t, prom), `tapsweep_log_sessions{command="revoke",file="m",outcome="denied"} 1`)
	users[1].KeepsSessions, users[1].Passes = false, nil
	tenant.AddUser(users[1])
	before := tenant.Stats().Revoked
	tapsweep(t, env, append(args, "--resume")...).ends(t, 0, "All 3 passes", "sessions of 3 users")
	same(t, "calls of the run that resumes", tenant.Stats().Revoked-before, 1)
}

// A user who is on the list by ID and by name has a call and a row for each name. The last call is after the last
// pass. A run that resumes finds both rows.
func TestCallsForTwoNames(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true})
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example",
		Passes: []graphsim.Pass{{ID: selfPass}, {ID: otherPass}}})
	env, log := serve(t, tenant), newLog(t)
	list := "user,method\ndana@contoso.example," + otherPass + "\n" + selfID + "," + selfPass + "\n"
	args := []string{"revoke", "--revoke-sessions", "--yes", "--resume", "--results", log,
		writeFile(t, "list.csv", list)}
	for range 2 {
		tapsweep(t, env, args...).ends(t, 0)
		leaves(t, tenant, 0)
		losesNoWrite(t, tenant)
		same(t, "calls", tenant.Stats().Revoked, 2)
		same(t, "names in the log", sessionOutcomes(t, log)[results.Revoked], 2)
		sent := tenant.Log()
		same(t, "the last request", sent[len(sent)-1].Method, "POST")
	}
}

// An earlier run left one pass of a user, and the scan finds another one. The sessions are revoked after
// both are deleted.
func TestSessionsAfterThePassesOfTwoRuns(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true,
		Faults: []fault.Fault{{Method: "DELETE", Times: 1, Do: fault.Hang()}}})
	passes := many(2)
	dana := graphsim.User{ID: selfID, UPN: "dana@contoso.example", Passes: passes[:1]}
	tenant.AddUser(dana)
	env := serve(t, tenant)
	args := []string{"sweep", "--all-users", "--yes", "--revoke-sessions", "--resume", "--results", newLog(t)}
	killAt(t, env, args, func() bool { return tenant.Stats().Faults > 0 })
	dana.Passes = passes
	tenant.AddUser(dana)
	tapsweep(t, env, args...).ends(t, 0)
	leaves(t, tenant, 0)
	sent := tenant.Log()
	same(t, "the last request", sent[len(sent)-1].Method, "POST")
}

// In a row with an ID and a name, the name may be another user's. That user is not signed out in place of
// the first one.
func TestNameOfAnotherUser(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example", Passes: []graphsim.Pass{{ID: selfPass}}})
	tenant.AddUser(graphsim.User{ID: leeID, UPN: lee, Passes: []graphsim.Pass{{ID: otherPass}}})
	tapsweep(t, serve(t, tenant), "revoke", "--revoke-sessions", "--yes", writeFile(t, "list.csv",
		"userId,upn,method\n"+selfID+","+lee+","+selfPass+"\n,"+lee+","+otherPass+"\n")).ends(t, 0)
	same(t, "dana is signed out", tenant.SessionsFrom(selfID).IsZero(), false)
	same(t, "lee is signed out", tenant.SessionsFrom(leeID).IsZero(), false)
}

// Without the permission to revoke sessions nothing is sent, and the run prints the commands that grant
// it. Without the permission for the proof there is a warning.
func TestSessionPermissions(t *testing.T) {
	t.Parallel()
	tap := "UserAuthMethod-TAP.ReadWrite.All"
	for _, tt := range []struct {
		name   string
		roles  []string
		args   []string
		exit   int
		says   string
		remain int
	}{
		{"none", []string{tap, "User.Read.All"}, nil, status.NoAccess,
			"User.RevokeSessions.All (77f3a031-c388-4f99-b373-dc68676a979e)", 1},
		{"dry run", []string{tap}, []string{"--dry-run"}, 0, "needs User.RevokeSessions.All", 1},
		{"broad", []string{tap, "User.ReadWrite.All"}, []string{"--verify"}, 0, "1 user are revoked, 1 verified", 0},
		{"no proof", []string{tap, "User.RevokeSessions.All"}, []string{"--verify"}, status.Incomplete,
			"the token lacks User.Read.All", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 1, graphsim.Options{Roles: tt.roles})
			runRevoke(t, env, append(tt.args, "--revoke-sessions", listFile(t, users))...).ends(t, tt.exit, tt.says)
			leaves(t, tenant, tt.remain)
		})
	}
}

// --self signs the user out everywhere. The sessions of a protected user stay.
func TestSessionsOfOneself(t *testing.T) {
	t.Parallel()
	tenant, token := guest(t, ownScope, "User.RevokeSessions.All", "User.Read")
	env := serve(t, tenant)
	tapsweep(t, env, "revoke", "--self", "--revoke-sessions", "--yes", "--token-file", token).ends(t, 0)
	same(t, "calls", tenant.Stats().Revoked, 1)
	tapsweep(t, env, "revoke", "--user", lee, "--revoke-sessions", "--yes",
		"--protect", writeFile(t, "glass.csv", "user\n"+leeID+"\n"), "--token-file",
		writeFile(t, "all", tenant.Entra.Token(simulation.Roles...))).ends(t, 0)
	same(t, "calls with a protected user", tenant.Stats().Revoked, 1)
}

// The commands of the incident page work from the audit record to the proof. Only the passes that the
// intruder created are deleted, only their users are signed out, and another app proves it.
func TestIncidentFromAuditRecordToProof(t *testing.T) {
	t.Parallel()
	const reader = "3d6f0a52-9f1e-4f7c-9a58-2f4f5e0c7711"
	tenant := incident(simulation.Roles...)
	before := tenant.Remaining()
	env := serve(t, tenant)
	dir := t.TempDir()
	run := func(flags ...string) process {
		t.Helper()
		p := tapsweep(t, env, flags...)
		p.ends(t, 0)
		return p
	}
	list, evidence, proof := filepath.Join(dir, "hers.csv"), filepath.Join(dir, "4711"), filepath.Join(dir, "proof")
	run("scan", "--created-since", "72h", "--created-by", simulation.Mallory.UPN, "--output", list)
	glass := writeFile(t, "break-glass.txt", simulation.Helpdesk.UPN+"\n")
	run("revoke", "--yes", "--revoke-sessions", "--protect", glass, "--verify", "--evidence", evidence, list)
	token := writeFile(t, "token", tenant.Entra.AppToken(reader, "UserAuthMethod-TAP.Read.All", "User.Read.All"))
	p := run("verify", "--token-file", token, "--evidence", proof, filepath.Join(evidence, "results.jsonl"))
	checkSeal(t, proof, p.stderr)
	for _, name := range []string{"preflight.txt", "report.txt"} {
		holds(t, name, readText(t, filepath.Join(proof, name)), "deleted by", "verified by")
	}
	rows, _ := readSessions(t, filepath.Join(evidence, "results.jsonl"))
	hers := make(map[string]results.Row)
	for user, row := range rows {
		hers[strings.ToLower(user)] = row
	}
	differs(t, "users who are signed out", len(hers), 0)
	same(t, "passes that are gone", len(before)-len(tenant.Remaining()), len(hers))
	for _, held := range before {
		row, isHers := hers[strings.ToLower(held.UserID)]
		same(t, held.UPN+" is signed out", !tenant.SessionsFrom(held.UserID).IsZero(), isHers)
		same(t, held.UPN+" has a verified row", row.Verified, isHers)
	}
	r := reported(t, proof)
	same(t, "sessions verified by the reader", r.Sessions.Verified, len(hers))
	same(t, "who deleted", strings.Join(r.TaskOperators.DeletedBy, ", "), "app "+tenant.Entra.Options().ClientID)
	same(t, "who verified", strings.Join(r.TaskOperators.VerifiedBy, ", "), "app "+reader)
	table := readText(t, filepath.Join(evidence, "report.csv"))
	same(t, "rows that say who created the pass", strings.Count(table, ","+simulation.Mallory.UPN+","), len(hers))
}

// A run without --revoke-sessions can be resumed with it. Then only the calls are sent.
func TestSessionsOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles})
	args := []string{"revoke", "--yes", "--results", newLog(t), listFile(t, users)}
	tapsweep(t, env, args...).ends(t, 0)
	same(t, "calls without the flag", tenant.Stats().Revoked, 0)
	requests := tenant.Stats().Requests
	tapsweep(t, env, append(args, "--resume", "--revoke-sessions")...).ends(t, 0)
	same(t, "calls with the flag", tenant.Stats().Revoked, 3)
	same(t, "requests with the flag", tenant.Stats().Requests-requests, 3)
}

// A run that revokes sessions cannot be resumed without --revoke-sessions. The sessions would be forgotten.
func TestSessionsAreNotForgotten(t *testing.T) {
	t.Parallel()
	tenant, users := keepsSessions(3)
	env := serve(t, tenant)
	args := []string{"revoke", "--yes", "--verify", "--results", newLog(t), listFile(t, users)}
	tapsweep(t, env, append(args, "--revoke-sessions")...).ends(t, status.Incomplete)
	requests := tenant.Stats().Requests
	tapsweep(t, env, append(args, "--resume")...).ends(t, status.Usage, "add --revoke-sessions")
	same(t, "requests without --revoke-sessions", tenant.Stats().Requests, requests)
}

// The commands that the runs print do not reach a protected user, even if the list names the user twice.
func TestPrintedCommandsProtect(t *testing.T) {
	t.Parallel()
	tenant, users := keepsSessions(3)
	glass, env, dir := users[2], serve(t, tenant), t.TempDir()
	run := func(command string) (lastPrinted string) {
		t.Helper()
		p := tapsweep(t, env, strings.Fields(command)...)
		p.ends(t, status.Incomplete)
		return strings.TrimSpace(p.stderr[strings.LastIndex(p.stderr, ": tapsweep ")+len(": tapsweep "):])
	}
	resume := run("revoke --yes --revoke-sessions --verify --verify-wait 1s --protect " +
		writeFile(t, "glass.txt", glass.UPN+"\n") + " --results " + dir + "/log.jsonl " +
		listFile(t, append(users, glass)))
	run(resume)
	again := run("verify --verify-wait 1s --results " + dir + "/proof.jsonl " + dir + "/log.jsonl")
	holds(t, "the command after verify", again, " --protect ")
	run(again + " --yes --verify --verify-wait 1s")
	leaves(t, tenant, 1)
	same(t, "the protected user is signed out", tenant.SessionsFrom(glass.ID).IsZero(), true)
}

// With a results log as its list, a run revokes the sessions that are left of users whose passes are gone.
// Their new passes stay. Without the flag, a message says that sessions are left. A protected user stays
// protected.
func TestSessionsLeftInALog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		flags   []string
		protect bool // the user whose sessions are left, by name; the log has the id
		calls   int
		says    string
	}{
		{"with the flag", []string{"--revoke-sessions"}, false, 1, "sessions of 1 user"},
		{"without the flag", nil, false, 0, "sessions of 1 user are not revoked yet: add --revoke-sessions"},
		{"protected", []string{"--revoke-sessions"}, true, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users := keepsSessions(3)
			env := serve(t, tenant)
			log := newLog(t)
			var list strings.Builder
			list.WriteString("user,method\n")
			for _, u := range users {
				list.WriteString(u.ID + "," + u.Passes[0].ID + "\n")
			}
			tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", log,
				writeFile(t, "list.csv", list.String())).ends(t, status.Incomplete)
			users[1].KeepsSessions, users[1].Passes = false, []graphsim.Pass{{CreatedBy: simulation.Helpdesk}}
			tenant.AddUser(users[1])
			before := tenant.Stats()
			args := []string{"revoke", "--yes", "--results", newLog(t)}
			if tt.protect {
				args = append(args, "--protect", writeFile(t, "protect.txt", users[1].UPN+"\n"))
			}
			args = append(args, tt.flags...)
			tapsweep(t, env, append(args, log)...).ends(t, status.Done, tt.says)
			same(t, "calls", tenant.Stats().Revoked-before.Revoked, tt.calls)
			same(t, "deletes", tenant.Stats().Deleted-before.Deleted, 0)
			tapsweep(t, env, append(args, "--resume", log)...).ends(t, status.Done)
			same(t, "calls with the run that resumes", tenant.Stats().Revoked-before.Revoked, tt.calls)
		})
	}
}

// If no run has sent the call for a user, verify does not say that the sessions remain. Its commands send the call if
// the tenant has such a user.
func TestVerifySessionsWithoutACall(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(2)
	kept, nobody := users[1].UPN, "nobody@contoso.example"
	tenant.AddFaults(fault.Fault{Method: "DELETE", Path: kept, Times: 1, Do: fault.ItemStatus(403)})
	env, root := serveAt(t, tenant)
	log, proof := newLog(t), newLog(t)
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log,
		writeFile(t, "list.txt", users[0].UPN+"\n"+kept+"\n"+nobody+"\n")).ends(t, status.Incomplete)
	again := "tapsweep revoke --graph-url=" + root + " --revoke-sessions " + proof
	p := tapsweep(t, env, "verify", "--verify-wait", "1s", "--results", proof, log)
	p.ends(t, status.Incomplete, "the sessions of 1 of 3 users are revoked.\n", ": "+again+"\n")
	rows, _ := readSessions(t, proof)
	same(t, "outcome of the user whose pass was not deleted", rows[kept].Outcome, results.NotSent)
	same(t, "outcome of the user whom the tenant does not have", rows[nobody].Outcome, results.UnknownUser)
	holds(t, "the report", tapsweep(t, env, "report", proof).stdout, // without flags of sign-in from a log
		"to send what is missing: tapsweep revoke --revoke-sessions "+proof+"\n")
	tapsweep(t, env, append(strings.Fields(again)[1:], "--yes")...).ends(t, status.Done)
	same(t, "the kept user is signed out", !tenant.SessionsFrom(users[1].ID).IsZero(), true)
}
