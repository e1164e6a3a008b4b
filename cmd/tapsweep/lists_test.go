package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

const listCases = "../../testdata/cases/"

// A simulation refuses the same lists as a run. A tenant created from a misread list would
// hide the mistake.
func TestSimulationRefuses(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"purview-audit.csv":                "audit or sign-in log",
		"entra-audit-download.csv":         `in "Target1UserPrincipalName"`,
		"graph-signins.json":               "audit or sign-in log",
		"two-users-in-a-row.csv":           "names two users",
		"tap-upn-id.csv":                   "rename it to userId or methodId",
		"entra-group-members-download.csv": "csv:3: the row is not a user",
		"tap-created-as-method.csv":        "this looks like the pass itself, not its id",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			p := tapsweep(t, nil, "revoke", "--simulate", "--yes", mustAbs(listCases+file))
			p.ends(t, status.Usage)
			holds(t, "standard error", p.stderr, want)
		})
	}
}

// A list without rows, as a scan writes it if it finds nothing, is not a failure.
func TestEmptyList(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{}))
	for name, text := range map[string]string{"h.csv": "user,method\n", "a.json": "[]", "v.json": `{"value":[]}`} {
		list := writeFile(t, name, text)
		dir := filepath.Dir(list)
		log, evidence := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "evidence")
		for _, more := range [][]string{{"--results", log}, {"--quiet", "--results", log, "--resume"},
			{"--evidence", evidence}, {"--dry-run", "--results", log}} {
			p := tapsweep(t, env, append([]string{"revoke", "--yes", list}, more...)...)
			p.ends(t, status.Done)
			same(t, "standard error", p.stderr, "tapsweep: "+list+" has no rows; nothing to do\n")
			hasFiles(t, dir, 1)
		}
	}
	tapsweep(t, env, "revoke", "--yes", writeFile(t, "z.csv", "")).ends(t, status.Usage)
}

// --user names users without a list, and only on the command line.
func TestNamedUser(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 4, graphsim.Options{Roles: simulation.Roles})

	p := tapsweep(t, env, "scan", "--user", users[0].UPN, "--user", users[1].ID,
		"--users", writeFile(t, "u.txt", users[2].UPN))
	for i, user := range users {
		same(t, "the pass of "+user.UPN+" is found", strings.Contains(p.stdout, user.Passes[0].ID), i < 3)
	}

	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log,
		"--user", users[0].UPN, "--user", users[1].ID}
	tapsweep(t, env, args...).ends(t, status.Done)
	leaves(t, tenant, 2)
	rows, _ := readLog(t, readText(t, log))
	hasRows(t, rows, 2)
	hasOutcome(t, rows, results.Revoked, 2)
	same(t, "source of a row", rows[0].Source, "--user")
	tapsweep(t, env, append(args, "--resume")...).ends(t, status.Done)

	list := writeFile(t, "l.csv", "user\n"+users[2].UPN+"\n")
	tapsweep(t, env, "revoke", "--yes", "--results", log+"2", list).ends(t, status.Done)
	leaves(t, tenant, 1)
	same(t, "user with a pass left", tenant.Remaining()[0].UPN, users[3].UPN)
	for _, bad := range [][]string{{"revoke", "--yes", "--user", ""}, {"revoke", "--yes", "--user", "dana"},
		{"scan", "--user", ""}, {"revoke", "--self", "--user", users[3].UPN}, {"revoke", "--yes"},
		{"revoke", "--yes", "--user", users[3].UPN, list}} {
		tapsweep(t, env, bad...).ends(t, status.Usage)
	}
	const hint = "hint: to name a user without a list, use --user dana@contoso.com\n"
	for _, typo := range [][]string{{"revoke", "--yes", "dana@contoso.com"}, {"scan", "--users", "dana@contoso.com"}} {
		tapsweep(t, env, typo...).ends(t, status.Usage, hint)
	}
}

// A warning about lines mixed into a results log is shown even with --quiet.
func TestMergedLog(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	here := strings.NewReplacer("11111111-2222-4333-8444-555555555555", entra.DefaultTenantID,
		"https://localhost:40187", root)
	log := writeFile(t, "log-pod-merged.log",
		here.Replace(readText(t, mustAbs(listCases+"log-pod-merged.log"))))
	p := tapsweep(t, env, "revoke", "--yes", "--quiet", log)
	p.ends(t, status.Done)
	same(t, "standard error", p.stderr, "tapsweep: warning: "+log+
		": skipped 1 line that is not part of the results log\n")
}

// Lines that were skipped in a log of protected users or of users to scan may have named somebody.
func TestMergedLogOfUsers(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{}))
	log := mustAbs(listCases + "log-pod-merged.log")
	warning := log + ": skipped 1 line that is not part of the results log\n"
	for _, args := range [][]string{{"scan", "--users", log}, {"sweep", "--yes", "--all-users", "--protect", log},
		{"revoke", "--yes", "--user", "dana@contoso.com", "--protect", log}} {
		holds(t, "standard error", tapsweep(t, env, args...).stderr, warning)
	}
}
