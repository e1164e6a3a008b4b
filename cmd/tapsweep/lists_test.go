package main

import (
	"os"
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
		"entra-audit-download.csv":         "audit or sign-in log",
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
			if !strings.Contains(p.stderr, want) {
				t.Errorf("standard error is %q, want it to hold %q", p.stderr, want)
			}
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
			if p.code != status.Done {
				t.Errorf("%s %q: exit %d, want %d", name, more, p.code, status.Done)
			}
			if want := "tapsweep: " + list + " has no rows; nothing to do\n"; p.stderr != want {
				t.Errorf("%s %q: standard error is %q, want %q", name, more, p.stderr, want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%s %q: %d files are left, want only the list: %v", name, more, len(left), err)
			}
		}
	}
	p := tapsweep(t, env, "revoke", "--yes", writeFile(t, "z.csv", ""))
	p.ends(t, status.Usage)
}

// --user names users without a list, and only on the command line.
func TestNamedUser(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 4, graphsim.Options{Roles: simulation.Roles})

	p := tapsweep(t, env, "scan", "--user", users[0].UPN, "--user", users[1].ID,
		"--users", writeFile(t, "u.txt", users[2].UPN))
	for i, user := range users {
		if found := strings.Contains(p.stdout, user.Passes[0].ID); found != (i < 3) {
			t.Errorf("scan: pass of user %d found: %v\n%s%s", i, found, p.stdout, p.stderr)
		}
	}

	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log,
		"--user", users[0].UPN, "--user", users[1].ID}
	if p = tapsweep(t, env, args...); p.code != status.Done {
		t.Fatalf("revoke: exit %d\n%s", p.code, p.stderr)
	}
	if left := tenant.Remaining(); len(left) != 2 {
		t.Errorf("revoke: %d passes are left, want 2: %v", len(left), left)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := readLog(t, string(text))
	if len(rows) != 2 || rows[0].Source != "--user" || rows[0].Outcome != results.Revoked {
		t.Errorf("revoke: rows are %+v", rows)
	}
	if p = tapsweep(t, env, append(args, "--resume")...); p.code != status.Done {
		t.Errorf("revoke --resume: exit %d\n%s", p.code, p.stderr)
	}

	list := writeFile(t, "l.csv", "user\n"+users[2].UPN+"\n")
	if p = tapsweep(t, env, "revoke", "--yes", "--results", log+"2", list); p.code != status.Done {
		t.Errorf("revoke of a list: exit %d\n%s", p.code, p.stderr)
	}
	if left := tenant.Remaining(); len(left) != 1 || left[0].UPN != users[3].UPN {
		t.Errorf("revoke of a list: left is %v, want that of the user that nobody named", left)
	}
	for _, bad := range [][]string{{"revoke", "--yes", "--user", ""}, {"revoke", "--yes", "--user", "dana"},
		{"scan", "--user", ""}, {"revoke", "--self", "--user", users[3].UPN}, {"revoke", "--yes"},
		{"revoke", "--yes", "--user", users[3].UPN, list}} {
		if p = tapsweep(t, env, bad...); p.code != status.Usage {
			t.Errorf("%q: exit %d, want %d", bad, p.code, status.Usage)
		}
	}
	const hint = "hint: to name a user without a list, use --user dana@contoso.com\n"
	for _, typo := range [][]string{{"revoke", "--yes", "dana@contoso.com"}, {"scan", "--users", "dana@contoso.com"}} {
		if p = tapsweep(t, env, typo...); !strings.Contains(p.stderr, hint) {
			t.Errorf("%q: standard error is %q", typo, p.stderr)
		}
	}
}

// Lines that were skipped in a log may have named somebody: the warning is shown even with --quiet. Such a
// log is not resumed.
func TestMergedLog(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	here := strings.NewReplacer("11111111-2222-4333-8444-555555555555", entra.DefaultTenantID,
		"https://localhost:40187", root)
	log := writeFile(t, "log-pod-merged.log",
		here.Replace(string(mustRead(t, mustAbs(listCases+"log-pod-merged.log")))))
	warning := log + ": skipped 1 line that is not part of a results log, starting at line 36\n"
	for _, args := range [][]string{{"revoke", "--yes", "--quiet", log}, {"scan", "--users", log},
		{"sweep", "--yes", "--all-users", "--protect", log}, {"verify", log},
		{"revoke", "--yes", "--user", "dana@contoso.com", "--protect", log}} {
		if p := tapsweep(t, env, args...); !strings.Contains(p.stderr, warning) {
			t.Errorf("%q: standard error is %q, want %q in it", args, p.stderr, warning)
		}
	}
	tapsweep(t, env, "sweep", "--yes", "--all-users", "--results", log, "--resume").ends(t, status.Usage)
}
