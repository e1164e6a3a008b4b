package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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

// The night job: what is expired or used goes, everything else stays, whichever way
// it works.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		lag  time.Duration
	}{
		{"one after the other", nil, 0},
		{"at the same time", []string{"--max-items", "0"}, 0},
		{"verified", []string{"--verify"}, time.Second},
		{"verified at the same time", []string{"--verify", "--max-items", "0"}, time.Second},
		{"privileged first", []string{"--order", "privileged", "--max-items", "0"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := leftovers(400, graphsim.Options{ListLag: tt.lag})
			env, root := serve(t, tenant)
			args := append([]string{"sweep", "--graph-url", root, "--all-users", "--yes", "--results", "-"}, tt.args...)
			p := tapsweep(t, env, args...)
			rows, end := readLog(t, p.stdout)
			if p.code != 0 || len(rows) != 20 || outcomes(rows)[results.Revoked] != 20 || len(tenant.Remaining()) != 20 || end == nil || end.Exit != 0 {
				t.Fatalf("exit %d, %v, %d left\n%s", p.code, outcomes(rows), len(tenant.Remaining()), p.stderr)
			}
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
			if got := strings.Count(p.stderr, "\n"); got != 1 || !strings.Contains(p.stderr, "20 passes revoked of 400 users (10 expired, 10 used)") {
				t.Errorf("%d lines where one will do:\n%s", got, p.stderr)
			}
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
	tests := []struct {
		name string
		opts graphsim.Options
		args []string
		code int
		left int
		want string
	}{
		{"dry run", graphsim.Options{}, []string{"--yes", "--dry-run"}, 0, 40, "the run would delete 20 passes"},
		{"dry run at the same time", graphsim.Options{}, []string{"--yes", "--dry-run", "--max-items", "0"}, 0, 40, "the run would delete 20 passes"},
		{"bound", graphsim.Options{}, []string{"--yes", "--max-items", "19"}, status.Usage, 40, "more than 19 passes were found: nothing was deleted"},
		{"just within the bound", graphsim.Options{}, []string{"--yes", "--max-items", "20"}, 0, 20, ""},
		{"there is no terminal to ask at", graphsim.Options{}, nil, status.Usage, 40, "--yes"},
		{"usable", graphsim.Options{}, []string{"--yes", "--reason", "usable"}, status.Usage, 40, "--include-usable"},
		{"usable, not named", graphsim.Options{}, []string{"--yes", "--include-usable"}, status.Usage, 40, "--reason expired,used,usable"},
		{"usable, not among the named", graphsim.Options{}, []string{"--yes", "--include-usable", "--reason", "used"},
			status.Usage, 40, "--reason does not name usable"},
		{"usable, meant", graphsim.Options{}, []string{"--yes", "--reason", "usable", "--include-usable"}, 0, 30, "10 usable"},
		{"protected", graphsim.Options{}, []string{"--yes", "--protect", protect}, 0, 21, "1 pass of protected users left alone"},
		{"protected at the same time", graphsim.Options{}, []string{"--yes", "--protect", protect, "--max-items", "0"}, 0, 21, "1 pass of protected users left alone"},
		{"reasons by the dates", graphsim.Options{OmitReason: true}, []string{"--yes"}, 0, 20, "10 expired, 10 used"},
		{"reading only", graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Read.All", "User.Read.All"}}, []string{"--yes"}, 3, 40, "lacks the permission"},
		{"everything denied", graphsim.Options{Faults: []fault.Fault{{Path: "temporaryAccessPassMethods", Do: fault.ItemStatus(403)}}}, []string{"--yes"}, 3, 40, "denied"},
		{"deletes fail", graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(423)}}}, []string{"--yes"}, 1, 40, "0 of 20 passes are gone; 20 are left"},
		{"verify and dry run", graphsim.Options{}, []string{"--yes", "--verify", "--dry-run"}, status.Usage, 40, "cannot be used together"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := leftovers(400, tt.opts)
			env, root := serve(t, tenant)
			p := tapsweep(t, env, append([]string{"sweep", "--graph-url", root, "--all-users"}, tt.args...)...)
			if left := len(tenant.Remaining()); p.code != tt.code || left != tt.left || !strings.Contains(p.stderr, tt.want) {
				t.Errorf("exit %d, want %d; %d left, want %d; with %q\n%s", p.code, tt.code, left, tt.left, tt.want, p.stderr)
			}
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
			tenant := leftovers(4000, graphsim.Options{Latency: 5 * time.Millisecond})
			env, root := serve(t, tenant)
			dir := t.TempDir()
			args := []string{"sweep", "--graph-url", root, "--all-users", "--yes", "--max-items", bound, "--concurrency", "2", "--results", dir + "/log.jsonl"}
			p := finish(t, command(t, env, args...), func(p *os.Process) {
				for s := tenant.Stats(); s.Lists < 2000 && t.Context().Err() == nil; s = tenant.Stats() {
					time.Sleep(time.Millisecond)
				}
				p.Signal(syscall.SIGTERM)
			})
			if p.code != 4 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			p = tapsweep(t, env, append(args, "--resume")...)
			if p.code != 0 || len(tenant.Remaining()) != 200 || tenant.Stats().Deleted != 200 || !strings.Contains(p.stderr, "scanned by an earlier run") {
				t.Errorf("exit %d, %d left, %d deleted\n%s", p.code, len(tenant.Remaining()), tenant.Stats().Deleted, p.stderr)
			}
			if lists := tenant.Stats().Lists; lists > 5200 {
				t.Errorf("%d LISTs of 4000 users", lists)
			}
		})
	}
}

// verify is the proof for a whole log: it deletes nothing, whatever it finds.
func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Path: "user0003", Do: fault.ItemStatus(423)}}})
	users := tenant.AddUsers(5)
	env, root := serve(t, tenant)
	dir := t.TempDir()
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", dir+"/log.jsonl", writeFile(t, "l.csv", listOf(users)))
	if p.code != 1 {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	tenant.GivePass(users[0].ID, graphsim.Pass{})
	deleted := tenant.Stats().Deleted
	p = tapsweep(t, env, "verify", "--graph-url", root, "--results", dir+"/proof.jsonl", "--verify-wait", "1s", dir+"/log.jsonl")
	rows, end := readLog(t, string(mustRead(t, dir+"/proof.jsonl")))
	count := outcomes(rows)
	if p.code != 1 || count[results.Revoked] != 3 || count[results.Remains] != 2 || end.Exit != 1 || tenant.Stats().Deleted != deleted {
		t.Fatalf("exit %d, %v, %d deleted\n%s", p.code, count, tenant.Stats().Deleted-deleted, p.stderr)
	}
	for _, r := range rows {
		if r.Verified != (r.Outcome == results.Revoked) || r.Outcome == results.Remains && (r.Reason != "usable" || !strings.Contains(r.Message, "pass")) {
			t.Errorf("%+v", r)
		}
	}
	if !strings.Contains(p.stderr, "Verified: 3 of 5 users hold no pass.") {
		t.Errorf("%s", p.stderr)
	}
	// Both logs are one report, in which nothing is counted twice.
	p = tapsweep(t, env, "report", dir+"/log.jsonl", dir+"/proof.jsonl")
	if text := strings.Join(strings.Fields(p.stdout), " "); p.code != 0 || !strings.Contains(text, "revoked 3 ") || !strings.Contains(text, "remains 1 ") || !strings.Contains(text, "rejected 1 ") || !strings.Contains(text, "verified 3 ") {
		t.Errorf("exit %d\n%s\n%s", p.code, p.stdout, p.stderr)
	}
	// What remains is a list.
	p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", dir+"/proof.jsonl")
	if rows, _ := readLog(t, p.stdout); len(rows) != 2 || outcomes(rows)[results.Revoked] != 1 {
		t.Errorf("exit %d, %v\n%s", p.code, outcomes(rows), p.stderr)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	list := writeFile(t, "list.csv", "user,method\na@b.c,\n")
	foreign := writeFile(t, "log.jsonl", `{"type":"run","tenant":"11111111-3b7d-4e88-9a41-d5c27be0f913"}`+"\n"+`{"type":"result","user":"a@b.c","outcome":"revoked"}`+"\n"+`{"type":"end"}`+"\n")
	run := `{"type":"run","tenant":"0f6a1c52-3b7d-4e88-9a41-d5c27be0f913","graphRoot":"` + root + `"}` + "\n"
	invalid := writeFile(t, "log.jsonl", run+`{"type":"result","user":"a","outcome":"invalid"}`+"\n"+`{"type":"end"}`+"\n")
	killed := writeFile(t, "log.jsonl", `{"type":"run","pairs":5000}`+"\n"+`{"type":"result","user":"a@b.c","outcome":"revoked"}`+"\n")
	for log, want := range map[string]string{killed: "passes may be missing", list: "it is not a results log", foreign: "it is the log of tenant", invalid: "1 row was invalid", "nosuch": "nosuch does not exist"} {
		if p := tapsweep(t, env, "verify", "--graph-url", root, log); p.code != status.Usage || !strings.Contains(p.stderr, want) {
			t.Errorf("%s: exit %d, want %q\n%s", log, p.code, want, p.stderr)
		}
	}
	quiet := writeFile(t, "log.jsonl", run+`{"type":"end"}`+"\n")
	p := tapsweep(t, env, "verify", "--graph-url", root, quiet)
	if want := "no user to check in " + quiet + "; nothing to do"; p.code != 0 || !strings.Contains(p.stderr, want) {
		t.Errorf("a log without rows: exit %d, want 0 and %q\n%s", p.code, want, p.stderr)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// --verify on revoke, and accounts with a role first.
func TestRevokeVerifyAndOrder(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, ListLag: time.Second})
	users := tenant.AddUsers(50)
	tenant.AddUser(graphsim.User{UPN: "boss@contoso.example", Admin: true, Passes: []graphsim.Pass{{}}})
	left := tenant.Remaining()
	boss := left[slices.IndexFunc(left, func(h graphsim.HeldPass) bool { return h.UPN == "boss@contoso.example" })]
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(users)+boss.UPN+","+boss.PassID+"\n")
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--order", "privileged", "--verify", "--concurrency", "1", "--batch-size", "1", "--results", "-", list)
	rows, _ := readLog(t, p.stdout)
	if p.code != 0 || len(rows) != 51 || rows[0].User != boss.UPN || !rows[0].Verified || !strings.Contains(p.stderr, "Verified: the users of 51 rows hold no pass") {
		t.Errorf("exit %d, %d rows, the first %+v\n%s", p.code, len(rows), rows[0], p.stderr)
	}
	// Without the licence the list's order has to do.
	tenant = graphsim.New(graphsim.Options{Roles: simulation.Roles, Unlicensed: true})
	env, root = serve(t, tenant)
	p = tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--order", "privileged", "--results", "-", writeFile(t, "l.csv", listOf(tenant.AddUsers(3))))
	if p.code != 0 || !strings.Contains(p.stderr, "--order privileged: who holds an admin role is not known") || len(tenant.Remaining()) != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// Waits are in the log, and add up to what was refused.
func TestLogTellsWaits(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.Bucket(40, 40)}})
	users := tenant.AddUsers(120)
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", writeFile(t, "l.csv", listOf(users)))
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
				for tenant.Stats().Lists < 500 && t.Context().Err() == nil {
					time.Sleep(time.Millisecond)
				}
				p.Signal(syscall.SIGINT)
			})
			if p.code != 4 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
		},
		"bound": func(t *testing.T, env, args []string, _ *graphsim.Tenant) {
			if p := tapsweep(t, env, append(args, "--max-items", "1")...); p.code != status.Usage {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := leftovers(3000, graphsim.Options{Latency: 10 * time.Millisecond})
			env, root := serve(t, tenant)
			log := filepath.Join(t.TempDir(), "log.jsonl")
			end(t, env, []string{"sweep", "--graph-url", root, "--all-users", "--yes", "--concurrency", "2", "--results", log}, tenant)
			before := len(tenant.Remaining())
			p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", log)
			if len(tenant.Remaining()) != before {
				t.Errorf("exit %d, %d passes were deleted\n%s", p.code, before-len(tenant.Remaining()), p.stderr)
			}
		})
	}
}

// A night job that says --resume begins anew once the night before is over.
func TestSweepResumeBeginsAnew(t *testing.T) {
	t.Parallel()
	tenant := leftovers(400, graphsim.Options{})
	env, root := serve(t, tenant)
	log := filepath.Join(t.TempDir(), "log.jsonl")
	args := []string{"sweep", "--graph-url", root, "--all-users", "--yes", "--results", log, "--resume"}
	for night, want := range []string{"20 passes revoked of 400 users (10 expired, 10 used)", "1 pass revoked of 400 users (1 expired)", ""} {
		if night == 1 {
			tenant.GivePass("user00001@contoso.example", graphsim.Pass{Created: time.Now().Add(-48 * time.Hour)})
		}
		p := tapsweep(t, env, args...)
		if p.code != 0 || !strings.Contains(p.stderr, want) || want == "" && p.stderr != "" || tenant.Stats().Lists != 400*(night+1) {
			t.Errorf("night %d: exit %d, %d LISTs, want %q\n%s", night, p.code, tenant.Stats().Lists, want, p.stderr)
		}
	}
}

// What was deleted is on record before it is verified, and a run that is gone on
// with verifies what the one before could not.
func TestVerifyResumes(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{ListLag: 5 * time.Second})
	users := tenant.AddUsers(30)
	env, root := serve(t, tenant)
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--verify", "--graph-url", root, "--results", dir + "/log.jsonl", writeFile(t, "l.csv", listOf(users))}
	finish(t, command(t, env, args...), func(p *os.Process) {
		for tenant.Stats().Deleted < 30 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second) // the log is written a few times a second
		p.Kill()
	})
	if pending := strings.Count(string(mustRead(t, dir+"/log.jsonl")), `"outcome":"revoked"`); pending != 30 {
		t.Errorf("the log tells of %d deletes", pending)
	}
	p := tapsweep(t, env, append(args, "--resume")...)
	verified := strings.Count(string(mustRead(t, dir+"/log.jsonl")), `"verified":true`)
	if p.code != 0 || verified != 30 || tenant.Stats().Deleted != 30 || !strings.Contains(p.stderr, "Verified: the users of 30 rows hold no pass") {
		t.Errorf("exit %d, %d verified, %d deleted\n%s", p.code, verified, tenant.Stats().Deleted, p.stderr)
	}
}

// A sweep that may read and not delete ends as soon as that shows.
func TestSweepAborts(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"0", "10000"} {
		tenant := leftovers(4000, graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(403)}}})
		env, root := serve(t, tenant)
		p := tapsweep(t, env, "sweep", "--graph-url", root, "--all-users", "--yes", "--max-items", bound, "--abort-after", "40", "--concurrency", "1", "--results", "-")
		rows, _ := readLog(t, p.stdout)
		if n := outcomes(rows)[results.Denied]; p.code != 3 || n < 40 || n > 120 {
			t.Errorf("--max-items %s: exit %d, %d denied\n%s", bound, p.code, n, p.stderr)
		}
	}
}

// Nobody is mailed for a protected account that holds an old pass.
func TestSweepProtectedIsQuiet(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	tenant.AddUser(graphsim.User{UPN: "glass@contoso.example", Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}})
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "sweep", "--graph-url", root, "--all-users", "--yes", "--protect", writeFile(t, "p.csv", "user\nglass@contoso.example\n"), "--results", "-")
	if p.code != 0 || p.stderr != "" || len(tenant.Remaining()) != 1 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// Whatever is wrong with the report of roles, passes are revoked, and soon.
func TestOrderHoldsUpNothing(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]fault.Effect{
		"errors": fault.ItemStatus(500), "refused": fault.ItemStatus(401), "throttled": fault.ItemStatus(429, "Retry-After", "900"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{{Path: "/reports/", Do: do}}})
			users := tenant.AddUsers(3)
			env, root := serve(t, tenant)
			start := time.Now()
			p := tapsweep(t, env, "revoke", "--yes", "--order", "privileged", "--graph-url", root, "--results", "-", writeFile(t, "l.csv", listOf(users)))
			if p.code != 0 || len(tenant.Remaining()) != 0 || time.Since(start) > 30*time.Second || !strings.Contains(p.stderr, "the order is that of the list") {
				t.Errorf("exit %d after %v\n%s", p.code, time.Since(start), p.stderr)
			}
		})
	}
}

// The log of a proof in which a user could not be looked at means nobody's pass.
func TestVerifyLogAsList(t *testing.T) {
	t.Parallel()
	tenant := leftovers(40, graphsim.Options{Faults: []fault.Fault{{Method: "GET", Path: "/users/", Do: fault.ItemStatus(423)}}})
	env, root := serve(t, tenant)
	dir := t.TempDir()
	tapsweep(t, env, "sweep", "--all-users", "--yes", "--graph-url", root, "--results", dir+"/log.jsonl")
	tapsweep(t, env, "verify", "--graph-url", root, "--results", dir+"/proof.jsonl", dir+"/log.jsonl")
	tapsweep(t, env, "report", "--csv", dir+"/report.csv", dir+"/log.jsonl")
	for _, list := range []string{"log.jsonl", "proof.jsonl", "report.csv"} {
		p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--results", "-", dir+"/"+list)
		if p.code == 0 || !strings.Contains(p.stderr+p.stdout, "about a user without a pass") || tenant.Stats().Deleted != 0 {
			t.Errorf("%s: exit %d, %d deleted\n%s", list, p.code, tenant.Stats().Deleted, p.stderr)
		}
	}
}
