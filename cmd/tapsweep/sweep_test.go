package main

import (
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
		{"dry run", plain, "--yes --dry-run", 0, 40, "the run would delete 20 passes"},
		{"limit", plain, "--yes --max-items 19", status.Usage, 40,
			"20 passes are more than the limit of 19: nothing was deleted"},
		{"just within the limit", plain, "--yes --max-items 20", 0, 20, ""},
		{"there is no terminal to ask at", plain, "", status.Usage, 40, "--yes"},
		{"usable", plain, "--yes --reason usable", status.Usage, 40, "--include-usable"},
		{"usable, not named", plain, "--yes --include-usable", status.Usage, 40, "--reason expired,used,usable"},
		{"usable, not among the named", plain, "--yes --include-usable --reason used", status.Usage, 40,
			"--reason does not name usable"},
		{"usable, meant", plain, "--yes --reason usable --include-usable", 0, 30, "10 usable"},
		{"protected", plain, "--yes --protect " + protect, 0, 21, "1 pass of protected users left alone"},
		{"reasons by the dates", graphsim.Options{OmitReason: true}, "--yes", 0, 20, "10 expired, 10 used"},
		{"reading only", reader, "--yes", 3, 40, "lacks the permission"},
		{"everything denied", denied, "--yes", 3, 40, "denied"},
		{"deletes fail", rejected, "--yes", 1, 40, "0 of 20 passes are gone; 20 left"},
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
	holds(t, "standard error", p.stderr, "Verified: 3 of 5 users hold no pass.")
	// Both logs are one report, in which nothing is counted twice.
	p = tapsweep(t, env, "report", dir+"/log.jsonl", dir+"/proof.jsonl")
	p.ends(t, 0)
	holds(t, "standard output", strings.Join(strings.Fields(p.stdout), " "), "revoked 3 ", "remains 1 ", "rejected 1 ",
		"verified 3 ")
	// What remains is a list.
	p = runRevoke(t, env, dir+"/proof.jsonl")
	hasRows(t, p.stdout, "revoked 1, rejected 1")
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	list := writeFile(t, "list.csv", "user,method\na@b.c,\n")
	logOf := func(lines ...string) string { return writeFile(t, "log.jsonl", strings.Join(lines, "\n")+"\n") }
	const row, end = `{"type":"result","user":"a@b.c","outcome":"revoked"}`, `{"type":"end"}`
	run := `{"type":"run","tenant":"` + entra.DefaultTenantID + `","graphRoot":"` + root + `"}`
	for _, tt := range []struct{ name, log, want string }{
		{"a killed run", logOf(`{"type":"run","pairs":5000}`, row), "passes may be missing"},
		{"a list", list, "it is not a results log"},
		{"another tenant", logOf(`{"type":"run","tenant":"`+foreignTenant+`"}`, row, end), "it is the log of tenant"},
		{"an invalid row", logOf(run, `{"type":"result","user":"a","outcome":"invalid"}`, end), "1 row was invalid"},
		{"no such file", "nosuch", "nosuch does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) { tapsweep(t, env, "verify", tt.log).ends(t, status.Usage, tt.want) })
	}
	quiet := logOf(run, end)
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

// The log has a deleted pass before the pass is verified. A run that resumes verifies the
// passes that the run before could not verify.
func TestVerifyResumes(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 30, graphsim.Options{ListLag: 5 * time.Second})
	log := newLog(t)
	args := []string{"revoke", "--yes", "--verify", "--results", log, listFile(t, users)}
	killAt(t, env, args, func() bool {
		return tenant.Stats().Deleted == 30 && countIn(log, `"outcome":"revoked"`) == 30
	})
	tapsweep(t, env, append(args, "--resume")...).ends(t, 0, "Verified: the users of 30 rows hold no pass")
	same(t, "verified", countIn(log, `"verified":true`), 30)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 30)
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

// If only a protected account holds an old pass, the night job prints nothing, so cron mails nobody.
func TestSweepProtectedIsQuiet(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	tenant.AddUser(graphsim.User{UPN: "glass@contoso.example",
		Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}})
	env := serve(t, tenant)
	p := runSweep(t, env, "--protect", writeFile(t, "p.csv", "user\nglass@contoso.example\n"))
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
