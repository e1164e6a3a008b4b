package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The night job deletes the expired and the used passes and keeps all others, with and without
// --verify.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		lag  time.Duration
	}{
		{"not verified", nil, 0},
		{"verified", []string{"--verify"}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, graphsim.Options{ListLag: tt.lag})
			p := runSweep(t, env, tt.args...)
			p.ends(t, 0, "passes seen: 10 expired, 10 used,", "All 20 passes are gone.")
			same(t, "lines on standard error", strings.Count(p.stderr, "\n"), 1)
			readEnd(t, p.stdout, 0)
			rows := hasRows(t, p.stdout, "revoked 20")
			leaves(t, tenant, 20)
			lacks(t, "the log, in which each line has a time", p.stdout, `"time":"0001`)
			verified := slices.Contains(tt.args, "--verify")
			for _, r := range rows {
				holds(t, "reasons of the night", "expired used", r.Reason)
				differs(t, "user principal name of the row", r.UPN, "")
				same(t, "proof of the row", r.Verified, verified)
			}
			if !verified {
				same(t, "LISTs, of which none is sent twice", tenant.Stats().Lists, 400)
			}
			// The next night there is nothing to do, and nothing to say.
			p = runSweep(t, env, tt.args...)
			p.ends(t, 0)
			same(t, "standard error", p.stderr, "")
			hasRows(t, p.stdout, "")
		})
	}
}

func TestSweepGuards(t *testing.T) {
	t.Parallel()
	protect := writeFile(t, "protect.csv", "user\nuser00000@contoso.example\n")
	denied := failing(fault.Fault{Path: "temporaryAccessPassMethods", Do: fault.ItemStatus(403)})
	rejected := failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(423)})
	reader := graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Read.All", "User.Read.All"}}
	var plain graphsim.Options
	for _, tt := range []struct {
		name string
		opts graphsim.Options
		args string
		code int
		left int
		want string
	}{
		{"dry run", plain, "--yes --dry-run", 0, 40, "delete 20 passes"},
		{"limit", plain, "--yes --max-items 19", status.Usage, 40, "20 passes are more than the limit of 19"},
		{"limit, with a protected user", plain, "--yes --max-items 18 --protect " + protect, status.Usage, 40,
			"to list them, and the passes of protected users: tapsweep scan --reason=expired,used --all-users --graph"},
		{"just within the limit", plain, "--yes --max-items 20", 0, 20, ""},
		{"there is no terminal to ask at", plain, "", status.Usage, 40, "--yes"},
		{"usable", plain, "--yes --reason usable", status.Usage, 40, "--include-usable"},
		{"usable, not named", plain, "--yes --include-usable", status.Usage, 40, "--reason expired,used,usable"},
		{"usable, not among the named", plain, "--yes --include-usable --reason used", status.Usage, 40,
			"--reason does not name usable"},
		{"usable, meant", plain, "--yes --reason usable --include-usable", 0, 30, "10 usable"},
		{"protected", plain, "--yes --protect " + protect, 0, 21, "1 skipped: protected users"},
		{"reasons by the dates", graphsim.Options{OmitReason: true}, "--yes", 0, 20, "10 expired, 10 used"},
		{"reading only", reader, "--yes", 3, 40, "lacks the permission"},
		{"everything denied", denied, "--yes", 3, 40, "denied"},
		{"deletes fail", rejected, "--yes", 1, 40, "0 of 20 passes are gone, 20 are left."},
		{"verify and dry run", plain, "--yes --verify --dry-run", status.Usage, 40, "cannot be used together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, tt.opts)
			tapsweep(t, env, strings.Fields("sweep --all-users "+tt.args)...).ends(t, tt.code, tt.want)
			leaves(t, tenant, tt.left)
		})
	}
}

// verify checks all passes of a log. It deletes nothing, even if it finds a pass.
func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5,
		failing(fault.Fault{Method: "DELETE", Path: "user0003", Do: fault.ItemStatus(423)}))
	dir := t.TempDir()
	tapsweep(t, env, "revoke", "--yes", "--results", dir+"/log.jsonl", listFile(t, users)).ends(t, 1)
	tenant.GivePass(users[0].ID, graphsim.Pass{})
	deleted := tenant.Stats().Deleted
	p := tapsweep(t, env, "verify", "--results", dir+"/proof.jsonl", "--verify-wait", "1s", dir+"/log.jsonl")
	p.ends(t, 1)
	proof := readText(t, dir+"/proof.jsonl")
	readEnd(t, proof, 1)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, deleted)
	for _, r := range hasRows(t, proof, "revoked 3, remains 2") {
		same(t, "proof of a row that is "+string(r.Outcome), r.Verified, r.Outcome == results.Revoked)
		if r.Outcome == results.Remains {
			same(t, "reason of the pass that remains", r.Reason, "usable")
			holds(t, "message of the pass that remains", r.Message, "pass")
		}
	}
	holds(t, "standard error", p.stderr, "Verified: 3 of 5 users have no pass.")
	// Both logs are one report, in which nothing is counted twice.
	p = tapsweep(t, env, "report", dir+"/log.jsonl", dir+"/proof.jsonl")
	p.ends(t, 0)
	holds(t, "standard output", strings.Join(strings.Fields(p.stdout), " "), "revoked 3 ", "remains 1 ", "rejected 1 ",
		"verified 3 ")
	// What remains is a list.
	p = runRevoke(t, env, dir+"/proof.jsonl")
	hasRows(t, p.stdout, "revoked 1, rejected 1")
}

// verify deletes nothing, even if a flag stands before it.
func TestVerifyAfterAFlag(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(423)}))
	log, proof := newLog(t), newLog(t)
	tapsweep(t, env, "revoke", "--yes", "--results", log, listFile(t, users)).ends(t, 1)
	p := tapsweep(t, env, "--progress=none", "verify", "--results", proof, "--verify-wait", "1s", log)
	p.ends(t, 1)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
	hasRows(t, readText(t, proof), "remains 3")
	holds(t, "the first line of the log", readText(t, proof), `"command":["verify",`)
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	list := writeFile(t, "list.csv", "user,method\na@b.c,\n")
	logOf := func(lines ...string) string { return writeFile(t, "log.jsonl", strings.Join(lines, "\n")+"\n") }
	const row = `{"type":"result","user":"a@b.c","outcome":"revoked"}`
	const end, endAtOnce = `{"type":"end","lines":2}`, `{"type":"end","lines":1}`
	run := `{"type":"run","tenant":"` + entra.DefaultTenantID + `","graphRoot":"` + root + `"}`
	foreign := logOf(`{"type":"run","tenant":"`+foreignTenant+`"}`, row, end)
	for _, tt := range []struct{ name, logs, want string }{
		{"a killed run", logOf(`{"type":"run","pairs":5000}`, row), "passes may be missing"},
		{"a list", list, "it is not a results log"},
		{"another tenant", foreign, "it is the log of tenant"},
		{"logs of two tenants", logOf(run, row, end) + " " + foreign, foreign + ":1: it is the log of tenant"},
		{"a scan", logOf(`{"type":"run","command":["scan","--all-users"]}`, row, end), "which deletes nothing"},
		{"a dry run of a sweep", logOf(`{"type":"run","command":["sweep"],"dryRun":true}`, endAtOnce),
			"which deletes nothing"},
		{"a dry run after a run", logOf(run, row, end) + " " + logOf(`{"type":"run","dryRun":true}`, row, end),
			"which deletes nothing"},
		{"an invalid row", logOf(run, `{"type":"result","user":"a","outcome":"invalid"}`, end), "1 row was invalid"},
		{"no such file", "nosuch", "open nosuch: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"verify"}, strings.Fields(tt.logs)...)
			tapsweep(t, env, args...).ends(t, status.Usage, tt.want)
		})
	}
	quiet := logOf(run, endAtOnce)
	tapsweep(t, env, "verify", quiet).ends(t, 0, "no user to check in "+quiet+"; nothing to do")
}

// A night job with --resume starts again if the run of the night before has ended. This is true of a sweep,
// and of a scan, whose log names the users without a pass.
func TestSweepResumeBeginsAnew(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 400, graphsim.Options{})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
	for night, want := range []string{"All 20 passes are gone.", "The pass is gone.", ""} {
		if night == 1 {
			tenant.GivePass("user00001@contoso.example", graphsim.Pass{Created: time.Now().Add(-48 * time.Hour)})
		}
		p := tapsweep(t, env, args...)
		p.ends(t, 0, want)
		same(t, "whether the night is silent", p.stderr == "", want == "")
		same(t, "LISTs of all nights", tenant.Stats().Lists, 400*(night+1))
	}
	log = newLog(t)
	for night := range 2 {
		before := tenant.Stats().Lists
		tapsweep(t, env, "scan", "--all-users", "--resume", "--results", log).ends(t, 0)
		same(t, "LISTs of a scan", tenant.Stats().Lists-before, 400)
		same(t, "lines about 380 users", countIn(log, `"type":"scanned"`), 2*(night+1))
	}
}

// A sweep that may read but not delete ends at the first sign of it.
func TestSweepAborts(t *testing.T) {
	t.Parallel()
	_, env := serveExpired(t, 200, failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
	p := runSweep(t, env, "--abort-after", "40", "--concurrency", "1")
	p.ends(t, 3)
	rows, _ := readLog(t, p.stdout)
	denied := outcomes(rows)[results.Denied]
	atLeast(t, "rows that are denied", denied, 40)
	atMost(t, "rows that are denied", denied, 120)
}

// A sweep does not scan protected users. Otherwise one whose passes Graph does not list would make each night's run end
// with exit code 1. The summary, the metrics and the report have the same number of scanned users.
func TestSweepSkipsProtectedUsers(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Path: "/users/" + selfID + "/authentication", Do: fault.ItemStatus(403)}}})
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "admin.kim@contoso.example", Passes: many(1)})
	tenant.AddUser(graphsim.User{ID: leeID, UPN: "glass@contoso.example", Passes: many(1)})
	tenant.AddUsers(2)
	dir := t.TempDir()
	p := tapsweep(t, serve(t, tenant), "sweep", "--all-users", "--yes", "--reason", "usable", "--include-usable",
		"--protect", writeFile(t, "p.txt", "admin.kim@contoso.example\nglass@contoso.example\n"),
		"--metrics-file", dir+"/m.prom", "--evidence", dir+"/evidence")
	p.ends(t, status.Done, "tapsweep: 2 users scanned", "2 skipped: protected users")
	leaves(t, tenant, 2)
	same(t, "users in the report", reported(t, dir+"/evidence").Users, 2)
	holds(t, "the metrics", readText(t, dir+"/m.prom"), `tapsweep_log_users{command="sweep",file="m"} 2`+"\n",
		`outcome="protected"} 0`+"\n")
}

// If only a protected account holds an old pass, the night job prints nothing, so cron mails nobody.
func TestSweepProtectedIsQuiet(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	tenant.AddUser(graphsim.User{UPN: "glass@contoso.example", Passes: many(1)})
	p := runSweep(t, serve(t, tenant), "--protect", writeFile(t, "p.csv", "user\nglass@contoso.example\n"))
	p.ends(t, 0)
	same(t, "standard error", p.stderr, "")
	leaves(t, tenant, 1)
}

// If verify could not list the passes of a user, its log as a list means no pass of the user.
func TestVerifyLogAsList(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 40,
		failing(fault.Fault{Method: "GET", Path: "/users/", Do: fault.ItemStatus(423)}))
	dir := t.TempDir()
	tapsweep(t, env, "sweep", "--all-users", "--yes", "--results", dir+"/log.jsonl")
	tapsweep(t, env, "verify", "--results", dir+"/proof.jsonl", dir+"/log.jsonl")
	for _, list := range []string{"log.jsonl", "proof.jsonl"} {
		p := runRevoke(t, env, dir+"/"+list)
		differs(t, "exit code", p.code, 0)
		holds(t, "the output", p.stderr+p.stdout, "about a user without a pass")
		same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
	}
}

// serveExpired starts a tenant of n users, each with a pass that has expired, and returns its environment.
func serveExpired(t *testing.T, n int, opts graphsim.Options) (*graphsim.Tenant, []string) {
	t.Helper()
	tenant := graphsim.New(opts)
	tenant.AddMany(n, func(i int) graphsim.User {
		return graphsim.User{UPN: fmt.Sprintf("user%02d@contoso.example", i),
			Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}}
	})
	return tenant, serve(t, tenant)
}

// A sweep whose deletes are denied sends no call, and neither does a run that resumes it.
func TestSweepDeniedIsResumed(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles,
		Faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(403)}}})
	log := newLog(t)
	for range 3 {
		tapsweep(t, env, "sweep", "--all-users", "--revoke-sessions", "--yes",
			"--results", log, "--resume", "--abort-after", "0").ends(t, 1)
		same(t, "calls", tenant.Stats().Revoked, 0)
		same(t, "users whose sessions are left", sessionOutcomes(t, log)[results.NotSent], 3)
	}
}

// A sweep that was stopped, and is resumed with --revoke-sessions, revokes the sessions of all users
// whose passes are gone.
func TestStoppedSweepIsResumedWithSessions(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 5, graphsim.Options{Roles: simulation.Roles,
		Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Times: 1,
			Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
	tapsweep(t, env, append(args, "--max-wait", "1s")...).ends(t, status.Stopped)
	leaves(t, tenant, 1)
	tapsweep(t, env, append(args, "--revoke-sessions")...).ends(t, 0)
	same(t, "users who are signed out", tenant.Stats().Revoked, 5)
}

// A guest does not change the exit code 0 of a nightly sweep, and is not verified again each night.
func TestGuestIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true})
	tenant.AddUser(graphsim.User{UPN: "guest@contoso.example", Guest: true, Passes: many(1)})
	env := serve(t, tenant)
	log := newLog(t)
	var proofs [2]int // after each run
	for i := range proofs {
		tapsweep(t, env, "sweep", "--all-users", "--revoke-sessions", "--verify", "--verify-wait=1s", "--yes",
			"--results", log, "--resume").ends(t, 0)
		for _, e := range tenant.Log() {
			if strings.Contains(e.Path, "signInSessions") {
				proofs[i]++
			}
		}
	}
	atLeast(t, "proofs of the first run", proofs[0], 1)
	same(t, "proofs of both runs", proofs[1], proofs[0])
	tapsweep(t, env, "verify", log).ends(t, 0)
	report := tapsweep(t, env, "report", log).stdout
	lacks(t, "the report", report, "not verified")
	holds(t, "the report", report, "The sessions of 0 of 1 user are revoked; 1 user is a guest")
}

// A verify that resumes its log proves each user once.
func TestVerifyIsResumed(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5, graphsim.Options{Roles: simulation.Roles})
	dir := t.TempDir()
	log, proof := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "proof.jsonl")
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users)).ends(t, 0)
	for i := range 2 {
		requests := tenant.Stats().Requests
		tapsweep(t, env, "verify", "--results", proof, "--resume", log).ends(t, 0,
			"Verified: the sessions of 5 users are revoked.")
		same(t, "requests of verify", tenant.Stats().Requests-requests, 10*(1-i))
	}
}

// If verify finds that sessions remain, it and the report give the command that sends the calls again:
// the log of verify is the list.
func TestVerifyFindsSessionsThatRemain(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, SessionLag: time.Hour})
	users := tenant.AddUsers(2)
	env, root := serveAt(t, tenant)
	log, proof := newLog(t), filepath.Join(t.TempDir(), "proof.jsonl")
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users)).ends(t, status.Done)
	tenant.GivePass(users[0].ID, graphsim.Pass{})
	again := "tapsweep revoke --graph-url=" + root + " --revoke-sessions " + proof
	p := tapsweep(t, env, "verify", "--verify-wait", "1s", "--results", proof, log)
	p.ends(t, status.Incomplete, "To revoke what remains, which may include passes that no list names: "+again)
	again = "tapsweep revoke --revoke-sessions " + proof // without flags of sign-in from a log
	for _, logs := range [][]string{{log, proof}, {proof}} {
		p = tapsweep(t, env, append([]string{"report"}, logs...)...)
		holds(t, "the report", p.stdout, "    "+again+"   # may", "to send what is missing: "+again+"\n")
	}
	before := tenant.Stats().Revoked
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", newLog(t), proof).ends(t, status.Done,
		"The sessions of 2 users are revoked.")
	same(t, "calls with the log of verify as the list", tenant.Stats().Revoked-before, 2)
}
