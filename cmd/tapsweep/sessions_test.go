package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
	for rec, err := range results.Read(strings.NewReader(string(mustRead(t, log))), &c) {
		switch {
		case err != nil:
			t.Fatal(err)
		case rec.Kind == results.KindSessions:
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
	counts := make(map[results.Outcome]int)
	for _, row := range rows {
		counts[row.Outcome]++
	}
	return counts
}

// A run that is killed after it has deleted the passes, and before it has revoked the sessions, is
// resumed by one that sends only the calls.
func TestKilledBeforeSessions(t *testing.T) {
	t.Parallel()
	const users = 40
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"revoke", []string{"revoke"}},
		{"revoke --verify", []string{"revoke", "--verify"}},
		{"sweep", []string{"sweep", "--all-users"}},
		{"sweep --verify, in one go", []string{"sweep", "--all-users", "--verify", "--max-items", "0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true,
				Faults: []fault.Fault{{Method: "POST", Attempt: 1, Do: fault.Hang()}}})
			tenant.AddMany(users, func(i int) graphsim.User {
				return graphsim.User{UPN: fmt.Sprintf("user%02d@contoso.example", i),
					Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}}
			})
			env, root := serve(t, tenant)
			log := filepath.Join(t.TempDir(), "log.jsonl")
			args := slices.Concat(tt.args, []string{"--revoke-sessions", "--yes", "--graph-url", root, "--results", log,
				"--resume"})
			if tt.args[0] == "revoke" {
				args = append(args, writeFile(t, "list.csv", listOfHeld(tenant.Remaining())))
			}
			finish(t, command(t, env, args...), func(p *os.Process) {
				onDisk := func() int { return strings.Count(string(mustRead(t, log)), `"outcome":"revoked"`) }
				for (tenant.Stats().Deleted < users || onDisk() < users) && t.Context().Err() == nil {
					time.Sleep(time.Millisecond)
				}
				p.Kill()
			})
			if n := tenant.Stats().Revoked; n > 0 {
				t.Fatalf("the sessions of %d users were revoked before the kill", n)
			}
			p := tapsweep(t, env, args...)
			if p.code != 0 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			want(t, "deletes", tenant.Stats().Deleted, users)
			want(t, "calls that were carried out", tenant.Stats().Revoked, users)
			want(t, "rows about sessions", sessionOutcomes(t, log)[results.Revoked], users)
			again := tapsweep(t, env, args...)
			want(t, "exit of a further run", again.code, 0)
			want(t, "calls after a further run", tenant.Stats().Revoked, users)
		})
	}
}

// listOfHeld is a CSV list of passes.
func listOfHeld(passes []graphsim.HeldPass) string {
	var b strings.Builder
	b.WriteString("user,method\n")
	for _, p := range passes {
		fmt.Fprintf(&b, "%s,%s\n", p.UPN, p.PassID)
	}
	return b.String()
}

// Sessions that could not be revoked make the run exit 1, with a hint, and count apart from passes.
func TestSessionsDenied(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(3)
	users[1].KeepsSessions = true
	tenant.AddUser(users[1])
	env, root := serve(t, tenant)
	dir := t.TempDir()
	log, prom := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "m.prom")
	args := []string{"revoke", "--revoke-sessions", "--yes", "--graph-url", root, "--results", log, "--metrics-file", prom,
		writeFile(t, "list.csv", listOf(users))}
	p := tapsweep(t, env, args...)
	want(t, "exit", p.code, status.Incomplete)
	for _, text := range []string{
		"All 3 passes are gone. The sessions of 2 of 3 users are revoked. Resume: tapsweep revoke --resume",
		"Authorization_RequestDenied: the user may hold an admin role"} {
		if !strings.Contains(p.stderr, text) {
			t.Errorf("no %q in\n%s", text, p.stderr)
		}
	}
	_, end := readSessions(t, log)
	want(t, "passes in the last line", end.Counts[results.Revoked], 3)
	want(t, "sessions in the last line", end.Sessions[results.Revoked], 2)
	const metric = `tapsweep_log_sessions{command="revoke",file="m",outcome="denied"} 1`
	if text := string(mustRead(t, prom)); !strings.Contains(text, metric) {
		t.Errorf("no %s in the metrics:\n%s", metric, text)
	}
	users[1].KeepsSessions, users[1].Passes = false, nil
	tenant.AddUser(users[1])
	before := tenant.Stats().Revoked
	p = tapsweep(t, env, append(args, "--resume")...)
	want(t, "exit of the run that resumes", p.code, 0)
	want(t, "calls of the run that resumes", tenant.Stats().Revoked-before, 1)
	if text := "All 3 passes are gone. The sessions of 3 users are revoked.\n"; !strings.Contains(p.stderr, text) {
		t.Errorf("no %q in\n%s", text, p.stderr)
	}
}

// A user who is on the list by id and by name gets one call, after both passes.
func TestOneCallForTwoNames(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		"user,method\n" + selfID + "," + selfPass + "\ndana@contoso.example," + otherPass + "\n",
		"userId,upn,method\n" + selfID + ",dana@contoso.example," + selfPass + "\n,Dana@contoso.example," + otherPass + "\n",
	} {
		tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true})
		tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example",
			Passes: []graphsim.Pass{{ID: selfPass}, {ID: otherPass}}})
		env, root := serve(t, tenant)
		p := tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--graph-url", root, writeFile(t, "list.csv", list))
		want(t, "exit", p.code, 0)
		want(t, "calls", tenant.Stats().Revoked, 1)
		log := tenant.Log()
		want(t, "the last request", log[len(log)-1].Method, "POST")
	}
}

// Without the permission nothing is sent, and the commands that grant it are shown. Without the
// permission for the proof there is a warning.
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
			"--api-permissions 77f3a031-c388-4f99-b373-dc68676a979e=Role", 1},
		{"dry run", []string{tap}, []string{"--dry-run"}, 0,
			"warning: to revoke sessions takes User.RevokeSessions.All", 1},
		{"broad", []string{tap, "User.ReadWrite.All"}, []string{"--verify"}, 0,
			"The pass is gone. The sessions of 1 user are revoked, 1 is verified.", 0},
		{"no proof", []string{tap, "User.RevokeSessions.All"}, []string{"--verify"}, status.Incomplete,
			"warning: whether sessions are revoked cannot be verified: the token lacks User.Read.All", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Roles: tt.roles})
			users := tenant.AddUsers(1)
			env, root := serve(t, tenant)
			p := tapsweep(t, env, append([]string{"revoke", "--revoke-sessions", "--yes", "--graph-url", root,
				writeFile(t, "list.csv", listOf(users))}, tt.args...)...)
			want(t, "exit", p.code, tt.exit)
			want(t, "passes left", len(tenant.Remaining()), tt.remain)
			if !strings.Contains(p.stderr, tt.says) {
				t.Errorf("no %q in\n%s", tt.says, p.stderr)
			}
		})
	}
}

// Another app, which may only read, verifies passes and sessions, and the evidence names both apps.
func TestVerifiedByAnotherApp(t *testing.T) {
	t.Parallel()
	const reader = "3d6f0a52-9f1e-4f7c-9a58-2f4f5e0c7711"
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, SessionLag: 2 * time.Second})
	users := tenant.AddUsers(5)
	env, root := serve(t, tenant)
	dir := t.TempDir()
	log, proof := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "proof")
	p := tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--graph-url", root, "--results", log,
		writeFile(t, "list.csv", listOf(users)))
	want(t, "exit of revoke", p.code, 0)
	token := writeFile(t, "token", tenant.Entra.AppToken(reader, "UserAuthMethod-TAP.Read.All", "User.Read.All"))
	p = tapsweep(t, env, "verify", "--graph-url", root, "--token-file", token, "--evidence", proof, log)
	const says = "Verified: 5 users hold no pass. The sessions of 5 users are revoked, 5 are verified.\n"
	if p.code != 0 || !strings.Contains(p.stderr, says) {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	checkSeal(t, proof, p.stderr)
	r := reported(t, proof)
	if r.Readers == nil {
		t.Fatal("the report does not say who deleted and who verified")
	}
	want(t, "who deleted", strings.Join(r.Readers.DeletedBy, ", "), "app "+tenant.Entra.Options().ClientID)
	want(t, "who verified", strings.Join(r.Readers.VerifiedBy, ", "), "app "+reader)
	want(t, "sessions verified in the report", r.Sessions.Verified, 5)
	for _, name := range []string{"preflight.txt", "report.txt"} {
		text := strings.Join(strings.Fields(string(mustRead(t, filepath.Join(proof, name)))), " ")
		if !strings.Contains(text, "deleted by") || !strings.Contains(text, "verified by") {
			t.Errorf("%s does not name both apps:\n%s", name, text)
		}
	}
}

// A user signs out everywhere with --self, and sessions of a protected user stay.
func TestSessionsOfOneself(t *testing.T) {
	t.Parallel()
	tenant, token := guest(t, ownScope, "User.RevokeSessions.All", "User.Read")
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--self", "--revoke-sessions", "--yes", "--graph-url", root, "--token-file", token)
	want(t, "exit", p.code, 0)
	want(t, "calls", tenant.Stats().Revoked, 1)
	p = tapsweep(t, env, "revoke", "--user", lee, "--revoke-sessions", "--yes", "--graph-url", root,
		"--protect", writeFile(t, "glass.csv", "user\n"+leeID+"\n"), "--token-file",
		writeFile(t, "all", tenant.Entra.Token(simulation.Roles...)))
	want(t, "exit with a protected user", p.code, 0)
	want(t, "calls with a protected user", tenant.Stats().Revoked, 1)
}

// The recipe of the incident page, from the audit record to the proof: exactly the passes that the
// intruder created are deleted, their users are signed out, nobody else is, and another app proves it.
func TestIncidentFromAuditRecordToProof(t *testing.T) {
	t.Parallel()
	const reader = "3d6f0a52-9f1e-4f7c-9a58-2f4f5e0c7711"
	tenant := incident(simulation.Roles...)
	before := tenant.Remaining()
	env, root := serve(t, tenant)
	dir := t.TempDir()
	run := func(flags ...string) process {
		t.Helper()
		p := tapsweep(t, env, append(flags, "--graph-url", root)...)
		if p.code != 0 {
			t.Fatalf("%s: exit %d\n%s", flags[0], p.code, p.stderr)
		}
		return p
	}
	list, evidence, proof := filepath.Join(dir, "hers.csv"), filepath.Join(dir, "4711"), filepath.Join(dir, "proof")
	run("scan", "--created-since", "72h", "--created-by", simulation.Mallory.UPN, "--output", list)
	glass := writeFile(t, "break-glass.txt", simulation.Helpdesk.UPN+"\n")
	run("revoke", "--yes", "--revoke-sessions", "--order", "privileged", "--protect", glass, "--verify", "--evidence",
		evidence, list)
	token := writeFile(t, "token", tenant.Entra.AppToken(reader, "UserAuthMethod-TAP.Read.All", "User.Read.All"))
	run("verify", "--token-file", token, "--evidence", proof, filepath.Join(evidence, "results.jsonl"))

	hers := readSessionsOf(t, filepath.Join(evidence, "results.jsonl"))
	if len(hers) == 0 {
		t.Fatal("no user is signed out")
	}
	want(t, "passes that are gone", len(before)-len(tenant.Remaining()), len(hers))
	for _, held := range before {
		row, isHers := hers[strings.ToLower(held.UserID)]
		want(t, held.UPN+" is signed out", !tenant.SessionsFrom(held.UserID).IsZero(), isHers)
		want(t, held.UPN+" has a verified row", row.Verified, isHers)
	}
	r := reported(t, proof)
	want(t, "sessions verified by the reader", r.Sessions.Verified, len(hers))
	want(t, "who verified", strings.Join(r.Readers.VerifiedBy, ", "), "app "+reader)
	table := string(mustRead(t, filepath.Join(evidence, "report.csv")))
	want(t, "rows that say who created the pass", strings.Count(table, ","+simulation.Mallory.UPN+","), len(hers))
}

// readSessionsOf is readSessions by object id in lower case.
func readSessionsOf(t *testing.T, log string) map[string]results.Row {
	t.Helper()
	rows, _ := readSessions(t, log)
	byID := make(map[string]results.Row)
	for user, row := range rows {
		byID[strings.ToLower(user)] = row
	}
	return byID
}

// A run without --revoke-sessions can be resumed with it. Then only the calls are sent.
func TestSessionsOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(3)
	env, root := serve(t, tenant)
	args := []string{"revoke", "--yes", "--graph-url", root, "--results", filepath.Join(t.TempDir(), "log.jsonl"),
		writeFile(t, "list.csv", listOf(users))}
	want(t, "exit without the flag", tapsweep(t, env, args...).code, 0)
	want(t, "calls without the flag", tenant.Stats().Revoked, 0)
	requests := tenant.Stats().Requests
	want(t, "exit with the flag", tapsweep(t, env, append(args, "--resume", "--revoke-sessions")...).code, 0)
	want(t, "calls with the flag", tenant.Stats().Revoked, 3)
	want(t, "requests with the flag", tenant.Stats().Requests-requests, 3)
}
