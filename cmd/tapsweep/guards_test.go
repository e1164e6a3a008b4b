package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A misspelt protected name is refused. Earlier it protected nobody without a message: the pass of
// the break-glass account was deleted, and the exit code was 0.
func TestMisspeltProtectedName(t *testing.T) {
	t.Parallel()
	list, typo := mustAbs("../../testdata/lists/protect-list.csv"), mustAbs("../../testdata/lists/p.typo.txt")
	held := func(roles ...string) *graphsim.Tenant {
		tenant := graphsim.New(graphsim.Options{Roles: roles})
		for i, upn := range []string{"dana@contoso.com", "bg1@contoso.com", "erik@contoso.com"} {
			id := "9f0c11aa-1111-4222-8333-00000000000" + string(rune('1'+i))
			tenant.AddUser(graphsim.User{UPN: upn, ID: id, Passes: []graphsim.Pass{{ID: id}}})
		}
		return tenant
	}
	const passes = "UserAuthMethod-TAP.ReadWrite.All"
	const dana = "9f0c11aa-1111-4222-8333-000000000001"
	two := writeFile(t, "two.csv", "userId,upn\n"+dana+",bg1@contoso.com\n")
	const absent = "p.typo.txt:1: protected user bg1@contoso.con "
	const twoUsers = "two.csv:2: protected user bg1@contoso.com (" + dana + ")"
	unchecked := func(who string) string { return "(" + who + "): " }
	none, reader := []string{passes}, []string{passes, "User.Read.All"}
	mixed := writeFile(t, "mixed.csv", "userId,upn,methodId\n"+dana+",bg1@contoso.com,"+dana+"\n")
	glass := writeFile(t, "glass.txt", "bg1@contoso.com\n")
	const mixedRow = "mixed.csv:2: the object ID and the user principal name belong to two users: bg1@contoso.com"
	tests := []struct {
		name, line string // words in capitals stand for lists
		roles      []string
		code, left int
		says       string
	}{
		{"revoke", "revoke --yes --protect TYPO LIST", []string{passes, "User.ReadBasic.All"}, status.Usage, 3, absent},
		{"a dry run", "revoke --dry-run --protect TYPO LIST", reader, status.Usage, 3, absent},
		{"sweep", "sweep --all-users --yes --protect TYPO", reader, status.Usage, 3, absent},
		{"names of two users", "revoke --yes --protect TWO LIST", reader, status.Usage, 3, twoUsers},
		{"names of two users that nobody may look up", "revoke --yes --protect TWO LIST", none, status.Done, 1,
			unchecked("bg1@contoso.com ("+dana+")") + "the token lacks"},
		{"nobody may ask", "revoke --yes --quiet --protect TYPO LIST", none, status.Done, 0,
			unchecked("bg1@contoso.con") + "the token lacks User.Read.All"},
		{"no preflight", "revoke --yes --no-preflight --protect TYPO LIST", none, status.Done, 0,
			unchecked("bg1@contoso.con") + "Graph answered 403"},
		{"a row of two users", "revoke --yes --protect GLASS MIXED", reader, status.Usage, 3, mixedRow},
		{"a row of two users in a sweep", "sweep --yes --protect GLASS --users MIXED", reader, status.Usage, 3,
			mixedRow},
	}
	files := strings.NewReplacer("TYPO", typo, "LIST", list, "TWO", two, "MIXED", mixed, "GLASS", glass)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := held(tt.roles...)
			env := serve(t, tenant)
			args := words(tt.line, files)
			tapsweep(t, env, append(args, "--results", "-")...).ends(t, tt.code, tt.says)
			leaves(t, tenant, tt.left)
		})
	}
}

// A tenant that does not answer is not a usage error.
func TestProtectedNamesInAnOutage(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Path: "/users/bg1@", Do: fault.ItemStatus(429, "Retry-After", "3600")}}})
	users := tenant.AddUsers(1)
	tenant.AddUser(graphsim.User{UPN: "bg1@contoso.com"})
	env := serve(t, tenant)
	args := []string{"--protect", writeFile(t, "glass.txt", "bg1@contoso.com\n"), listFile(t, users)}
	runRevoke(t, env, args...).ends(t, status.Stopped, "nothing was deleted")
	leaves(t, tenant, 1)
}

// A name beside an object ID comes from the list, and may be another user's. A list that contradicts
// itself is refused.
func TestNamesOfAListAreNotChecked(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles})
	row := func(id, name, pass int) string {
		return users[id].ID + "," + users[name].UPN + "," + users[pass].Passes[0].ID + "\n"
	}
	const head = "userId,upn,methodId\n"
	list := writeFile(t, "list.csv", head+row(0, 0, 0)+row(1, 0, 1))
	p := runRevoke(t, env, "--skip-invalid", list)
	p.ends(t, status.Usage, list+":3: the user principal name")
	lacks(t, "standard error", p.stderr, "--skip-invalid")
	leaves(t, tenant, 3)
}

// many returns n expired passes.
func many(n int) (list []graphsim.Pass) {
	for i := range n {
		id := fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", i)
		list = append(list, graphsim.Pass{ID: id, Created: time.Now().Add(-48 * time.Hour)})
	}
	return list
}

// --max-items limits the passes of one user. If the user holds more, none of them is deleted.
func TestMaxItemsCountsPasses(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(30)})
	env, list := serve(t, tenant), writeFile(t, "list.csv", "user\ndana@contoso.com\n")
	p := runRevoke(t, env, "--max-items", "29", list)
	p.ends(t, status.Usage, "--max-items 29", "the 30 passes of dana@contoso.com")
	leaves(t, tenant, 30)
	hasRows(t, p.stdout, "not_sent 1")
	runRevoke(t, env, "--max-items", "30", list).ends(t, status.Done)
	leaves(t, tenant, 0)
}

// If a pass was already deleted, the run stops early and can be resumed.
func TestMaxItemsInMidRun(t *testing.T) {
	t.Parallel()
	// The second user is looked up after the first user's pass is deleted.
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Path: "/users/dana@", Attempt: 1, Do: fault.ItemStatus(500)}}})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: many(3)})
	tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: many(1)})
	env := serve(t, tenant)
	list := writeFile(t, "list.csv", "user\nerik@contoso.com\ndana@contoso.com\n")
	log := strings.TrimSuffix(list, "list.csv") + "log.jsonl"
	args := []string{"revoke", "--yes", "--results", log, list}
	tapsweep(t, env, append(args, "--max-items", "3")...).ends(t, status.Stopped, "hint: "+status.HintBound)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 1)
	tapsweep(t, env, append(args, "--max-items", "4", "--resume")...).ends(t, status.Done)
	leaves(t, tenant, 0)
}

// A sweep that resumes does not count the passes of protected users that an earlier run left for --max-items.
func TestMaxItemsOfAResumedSweep(t *testing.T) {
	t.Parallel()
	var works atomic.Bool
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Do: fault.Reset(),
		Match: func(_, _ string) bool { return !works.Load() }}))
	passes := many(2)
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: passes[:1]})
	tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: passes[1:]})
	env, log := serve(t, tenant), newLog(t)
	sweep := []string{"sweep", "--all-users", "--yes", "--max-attempts", "1", "--results", log}
	tapsweep(t, env, sweep...).ends(t, status.Incomplete)
	leaves(t, tenant, 2)
	works.Store(true)
	protect := writeFile(t, "protect.txt", "dana@contoso.com\n")
	tapsweep(t, env, append(sweep, "--resume", "--max-items", "1", "--protect", protect)...).ends(t, status.Done)
	leaves(t, tenant, 1)
}

// A sweep that deleted nothing, because it was refused or stopped, writes no row. It says how
// many passes it found, and the run that resumes it finds them again.
func TestRefusedSweepHasNoRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		answer func(keyboard *os.File, p *os.Process)
		code   int
		says   string
	}{
		{name: "limit", args: []string{"--yes", "--max-items", "9"}, code: status.Usage,
			says: "20 passes are more than the limit of 9"},
		{name: "declined", answer: func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") },
			code: status.Usage, says: "found 20 passes, and deleted none of them"},
		{name: "stopped at the prompt", answer: func(_ *os.File, p *os.Process) { p.Signal(os.Interrupt) },
			code: status.Stopped, says: "found 20 passes, and deleted none of them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 400, graphsim.Options{})
			dir := filepath.Join(t.TempDir(), "evidence")
			args := append([]string{"sweep", "--all-users", "--created-since", "90d", "--evidence", dir}, tt.args...)
			var p process
			if tt.answer == nil {
				p = tapsweep(t, env, args...)
			} else {
				p = answered(t, env, tt.answer, args...)
			}
			p.ends(t, tt.code, tt.says, dir)
			_, after, _ := strings.Cut(p.stderr, "to list them: tapsweep ")
			command, _, _ := strings.Cut(after, "\n")
			lacks(t, "the command, in which an age would mean another time", command, "90d")
			listed := tapsweep(t, env, append(strings.Fields(command), "--format", "table")...)
			listed.ends(t, status.Done)
			same(t, "passes in the output of "+command, strings.Count(listed.stdout, "\n")-1, 20)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
			hasRows(t, readText(t, dir+"/results.jsonl"), "")
			checkSeal(t, dir, p.stderr)

			again := []string{"sweep", "--resume", "--all-users", "--created-since", "90d", "--evidence", dir, "--yes",
				"--max-items"}
			tapsweep(t, env, append(again, "5")...).ends(t, status.Usage)
			p = tapsweep(t, env, append(again, "0")...)
			p.ends(t, status.Done)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 20)
			same(t, "passes revoked by the report", reported(t, dir).Counts[results.Revoked], 20)
			checkSeal(t, dir, p.stderr)
		})
	}
}

// A sweep that is stopped while it scans says how many passes it has found. As a list, its log does not
// mean any pass of the users.
func TestStoppedSweepSaysWhatItFound(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 1000, graphsim.Options{Limits: []*quota.Limit{quota.Window(600, time.Hour)}})
	dir := filepath.Join(t.TempDir(), "evidence")
	args := []string{"sweep", "--all-users", "--yes", "--max-wait", "2h", "--evidence", dir}
	p := stopped(t, env, args, func() bool { return tenant.Stats().Lists >= 500 })
	p.ends(t, status.Stopped, "deleted none of them", "tapsweep scan")
	checkSeal(t, dir, p.stderr)
	runRevoke(t, env, dir+"/results.jsonl")
	leaves(t, tenant, 100)
}
