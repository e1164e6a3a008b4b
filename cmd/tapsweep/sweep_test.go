package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The night job: what is expired or used goes, everything else stays, whichever way
// it works.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		lag  time.Duration
	}{
		{"at most 10,000 passes", nil, 0},
		{"any number of passes", []string{"--max-items", "0"}, 0},
		{"verified", []string{"--verify"}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, graphsim.Options{ListLag: tt.lag})
			args := append([]string{"sweep", "--all-users", "--yes", "--results", "-"}, tt.args...)
			p := tapsweep(t, env, args...)
			rows, end := readLog(t, p.stdout)
			p.ends(t, 0)
			hasRows(t, rows, 20)
			hasOutcome(t, rows, results.Revoked, 20)
			leaves(t, tenant, 20)
			if end == nil {
				t.Fatal("the log has no last line")
			}
			same(t, "exit code in the log", end.Exit, 0)
			if strings.Contains(p.stdout, `"time":"0001`) {
				t.Errorf("a line has no time:\n%s", p.stdout)
			}
			verified := slices.Contains(tt.args, "--verify")
			for _, r := range rows {
				if r.Reason != "expired" && r.Reason != "used" || r.UPN == "" || r.Verified != verified {
					t.Errorf("%+v", r)
				}
			}
			stats := tenant.Stats()
			if stats.Lists != 400 && !verified {
				t.Errorf("%d LISTs of 400 users: what was just read was read again", stats.Lists)
			}
			holds(t, "standard error", p.stderr, "passes seen: 10 expired, 10 used,", "All 20 passes are gone.")
			// The next night there is nothing to do, and nothing to say.
			p = tapsweep(t, env, args...)
			if rows, _ := readLog(t, p.stdout); p.code != 0 || len(rows) != 0 || p.stderr != "" {
				t.Errorf("exit %d, %d rows\n%s", p.code, len(rows), p.stderr)
			}
		})
	}
}

func TestSweepGuards(t *testing.T) {
	t.Parallel()
	protect := writeFile(t, "protect.csv", "user\nuser00000@contoso.example\n")
	const found = "the run would delete 20 passes"
	const spared = "1 pass of protected users left alone"
	denied := failing(fault.Fault{Path: "temporaryAccessPassMethods", Do: fault.ItemStatus(403)})
	rejected := failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(423)})
	reader := graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Read.All", "User.Read.All"}}
	var plain graphsim.Options
	tests := []struct {
		name string
		opts graphsim.Options
		args string
		code int
		left int
		want string
	}{
		{"dry run", plain, "--yes --dry-run", 0, 40, found},
		{"limit", plain, "--yes --max-items 19", status.Usage, 40,
			"20 passes are more than the limit of 19: nothing was deleted"},
		{"just within the limit", plain, "--yes --max-items 20", 0, 20, ""},
		{"there is no terminal to ask at", plain, "", status.Usage, 40, "--yes"},
		{"usable", plain, "--yes --reason usable", status.Usage, 40, "--include-usable"},
		{"usable, not named", plain, "--yes --include-usable", status.Usage, 40, "--reason expired,used,usable"},
		{"usable, not among the named", plain, "--yes --include-usable --reason used", status.Usage, 40,
			"--reason does not name usable"},
		{"usable, meant", plain, "--yes --reason usable --include-usable", 0, 30, "10 usable"},
		{"protected", plain, "--yes --protect " + protect, 0, 21, spared},
		{"reasons by the dates", graphsim.Options{OmitReason: true}, "--yes", 0, 20, "10 expired, 10 used"},
		{"reading only", reader, "--yes", 3, 40, "lacks the permission"},
		{"everything denied", denied, "--yes", 3, 40, "denied"},
		{"deletes fail", rejected, "--yes", 1, 40, "0 of 20 passes are gone; 20 left"},
		{"verify and dry run", plain, "--yes --verify --dry-run", status.Usage, 40, "cannot be used together"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, tt.opts)
			p := tapsweep(t, env, append([]string{"sweep", "--all-users"}, strings.Fields(tt.args)...)...)
			p.ends(t, tt.code, tt.want)
			leaves(t, tenant, tt.left)
		})
	}
}

// Deletes wait for their own quota while the scan goes on, and the other way round;
// and what is stopped in the middle is resumed.
func TestSweepResumes(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"0", "10000"} {
		t.Run(bound, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 4000, graphsim.Options{Latency: 5 * time.Millisecond})
			dir := t.TempDir()
			args := []string{"sweep", "--all-users", "--yes", "--max-items", bound, "--concurrency", "2", "--results",
				dir + "/log.jsonl"}
			p := finish(t, command(t, env, args...), func(p *os.Process) {
				waitWhile(t, func() bool { return tenant.Stats().Lists < 2000 })
				p.Signal(syscall.SIGTERM)
			})
			p.ends(t, 4)
			p = tapsweep(t, env, append(args, "--resume")...)
			p.ends(t, 0, "scanned by an earlier run\n")
			leaves(t, tenant, 200)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 200)
			if lists := tenant.Stats().Lists; lists > 5200 {
				t.Errorf("%d LISTs of 4000 users", lists)
			}
		})
	}
}

// verify is the proof for a whole log: it deletes nothing, whatever it finds.
func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5,
		failing(fault.Fault{Method: "DELETE", Path: "user0003", Do: fault.ItemStatus(423)}))
	dir := t.TempDir()
	p := tapsweep(t, env, "revoke", "--yes", "--results", dir+"/log.jsonl", listFile(t, users))
	p.ends(t, 1)
	tenant.GivePass(users[0].ID, graphsim.Pass{})
	deleted := tenant.Stats().Deleted
	p = tapsweep(t, env, "verify", "--results", dir+"/proof.jsonl", "--verify-wait", "1s", dir+"/log.jsonl")
	rows, end := readLog(t, string(mustRead(t, dir+"/proof.jsonl")))
	p.ends(t, 1)
	hasOutcome(t, rows, results.Revoked, 3)
	hasOutcome(t, rows, results.Remains, 2)
	same(t, "exit code in the log", end.Exit, 1)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, deleted)
	for _, r := range rows {
		if r.Verified != (r.Outcome == results.Revoked) ||
			r.Outcome == results.Remains && (r.Reason != "usable" || !strings.Contains(r.Message, "pass")) {
			t.Errorf("%+v", r)
		}
	}
	if !strings.Contains(p.stderr, "Verified: 3 of 5 users hold no pass.") {
		t.Errorf("%s", p.stderr)
	}
	// Both logs are one report, in which nothing is counted twice.
	p = tapsweep(t, env, "report", dir+"/log.jsonl", dir+"/proof.jsonl")
	p.ends(t, 0)
	holds(t, "standard output", strings.Join(strings.Fields(p.stdout), " "), "revoked 3 ", "remains 1 ", "rejected 1 ",
		"verified 3 ")
	// What remains is a list.
	p = runRevoke(t, env, dir+"/proof.jsonl")
	if rows, _ := readLog(t, p.stdout); len(rows) != 2 || outcomes(rows)[results.Revoked] != 1 {
		t.Errorf("exit %d, %v\n%s", p.code, outcomes(rows), p.stderr)
	}
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

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// --verify on revoke.
func TestRevokeVerify(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 50, graphsim.Options{ListLag: time.Second})
	p := runRevoke(t, env, "--verify", listFile(t, users))
	rows, _ := readLog(t, p.stdout)
	p.ends(t, 0, "Verified: the users of 50 rows hold no pass")
	hasRows(t, rows, 50)
	for _, row := range rows {
		if !row.Verified {
			t.Errorf("%s is not verified", row.User)
		}
	}
}

// Waits are in the log, and add up to what was refused.
func TestLogTellsWaits(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 120, graphsim.Options{Limits: []*quota.Limit{quota.Bucket(40, 40)}})
	p := runRevoke(t, env, listFile(t, users))
	refused := 0
	for line := range strings.Lines(p.stdout) {
		var w results.Wait
		if json.Unmarshal([]byte(line), &w) == nil && w.Type == "wait" {
			refused += w.Refused
			if w.Quota != "write" || w.Until.Before(w.Time) {
				t.Errorf("%+v", w)
			}
		}
	}
	if refused == 0 || refused != tenant.Stats().Refused {
		t.Errorf("the log tells of %d refusals, the tenant of %d", refused, tenant.Stats().Refused)
	}
}

// The log of a sweep that was stopped is no list of whatever passes people hold.
func TestSweepLogAsList(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, []string, []string, *graphsim.Tenant){
		"stopped": func(t *testing.T, env, args []string, tenant *graphsim.Tenant) {
			p := finish(t, command(t, env, args...), func(p *os.Process) {
				waitWhile(t, func() bool { return tenant.Stats().Lists < 500 })
				p.Signal(syscall.SIGINT)
			})
			p.ends(t, 4)
		},
		"bound": func(t *testing.T, env, args []string, _ *graphsim.Tenant) {
			tapsweep(t, env, append(args, "--max-items", "1")...).ends(t, status.Usage)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 3000, graphsim.Options{Latency: 10 * time.Millisecond})
			log := newLog(t)
			end(t, env, []string{"sweep", "--all-users", "--yes", "--concurrency", "2", "--results", log}, tenant)
			before := len(tenant.Remaining())
			p := runRevoke(t, env, log)
			if len(tenant.Remaining()) != before {
				t.Errorf("exit %d, %d passes were deleted\n%s", p.code, before-len(tenant.Remaining()), p.stderr)
			}
		})
	}
}

// A night job that says --resume begins anew once the night before is over.
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
		if p.code != 0 || !strings.Contains(p.stderr, want) || want == "" && p.stderr != "" ||
			tenant.Stats().Lists != 400*(night+1) {
			t.Errorf("night %d: exit %d, %d LISTs, want %q\n%s", night, p.code, tenant.Stats().Lists, want, p.stderr)
		}
	}
}

// What was deleted is on record before it is verified, and a run that is gone on
// with verifies what the one before could not.
func TestVerifyResumes(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 30, graphsim.Options{ListLag: 5 * time.Second})
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--verify", "--results", dir + "/log.jsonl", listFile(t, users)}
	finish(t, command(t, env, args...), func(p *os.Process) {
		waitWhile(t, func() bool { return tenant.Stats().Deleted < 30 })
		time.Sleep(time.Second) // the log is written a few times a second
		p.Kill()
	})
	if pending := strings.Count(string(mustRead(t, dir+"/log.jsonl")), `"outcome":"revoked"`); pending != 30 {
		t.Errorf("the log tells of %d deletes", pending)
	}
	p := tapsweep(t, env, append(args, "--resume")...)
	verified := strings.Count(string(mustRead(t, dir+"/log.jsonl")), `"verified":true`)
	p.ends(t, 0, "Verified: the users of 30 rows hold no pass")
	same(t, "verified", verified, 30)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 30)
}

// A sweep that may read and not delete ends as soon as that shows.
func TestSweepAborts(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"0", "10000"} {
		t.Run("--max-items "+limit, func(t *testing.T) {
			t.Parallel()
			_, env := serveLeftovers(t, 3000, failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
			p := runSweep(t, env, "--max-items", limit, "--abort-after", "40", "--concurrency", "1")
			p.ends(t, 3)
			rows, _ := readLog(t, p.stdout)
			denied := outcomes(rows)[results.Denied]
			atLeast(t, "rows that are denied", denied, 40)
			atMost(t, "rows that are denied", denied, 120)
		})
	}
}

// Nobody is mailed for a protected account that holds an old pass.
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

// The log of a proof in which a user could not be looked at means nobody's pass.
func TestVerifyLogAsList(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 40,
		failing(fault.Fault{Method: "GET", Path: "/users/", Do: fault.ItemStatus(423)}))
	dir := t.TempDir()
	tapsweep(t, env, "sweep", "--all-users", "--yes", "--results", dir+"/log.jsonl")
	tapsweep(t, env, "verify", "--results", dir+"/proof.jsonl", dir+"/log.jsonl")
	for _, list := range []string{"log.jsonl", "proof.jsonl"} {
		p := runRevoke(t, env, dir+"/"+list)
		if p.code == 0 || !strings.Contains(p.stderr+p.stdout, "about a user without a pass") ||
			tenant.Stats().Deleted != 0 {
			t.Errorf("%s: exit %d, %d deleted\n%s", list, p.code, tenant.Stats().Deleted, p.stderr)
		}
	}
}
