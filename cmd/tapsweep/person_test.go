package main

import (
	"bytes"
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// revoke shows the user principal names that scan printed. Earlier it showed two GUIDs.
func TestNamesStayWithThePass(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			_, env := serveLeftovers(t, 40, graphsim.Options{})
			dir := t.TempDir()
			found, log := filepath.Join(dir, "found."+format), filepath.Join(dir, "log.jsonl")
			report, html := filepath.Join(dir, "report.csv"), filepath.Join(dir, "report.html")
			p := tapsweep(t, env, "scan", "--all-users", "--reason", "expired", "--output", found)
			p.ends(t, 0)
			tapsweep(t, env, "revoke", "--yes", "--results", log, found).ends(t, 0)
			rows, _ := readLog(t, string(mustRead(t, log)))
			if len(rows) != 1 || rows[0].UPN != "user00000@contoso.example" {
				t.Errorf("rows %+v, want one of user00000@contoso.example", rows)
			}
			tapsweep(t, env, "report", "--csv", report, "--html", html, log).ends(t, 0)
			lines, err := csv.NewReader(bytes.NewReader(mustRead(t, report))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			same(t, "lines", len(lines), 2)
			holds(t, "second line", strings.Join(lines[1], ","), "user00000@contoso.example")
			if page := strings.ReplaceAll(string(mustRead(t, html)), "<wbr>", ""); !strings.Contains(page,
				"user00000@contoso.example") {
				t.Error("report.html lacks the name")
			}
		})
	}
}

// A user protected by name is protected if a list has both the name and an object ID, even if
// the token does not allow lookups and no user has the ID.
func TestProtectedByTheNameBesideAnID(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.ReadWrite.All"}})
	const id, pass = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "9f0c11aa-1111-4222-8333-000000000001"
	tenant.AddUser(graphsim.User{ID: id, UPN: "bg1@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
	env := serve(t, tenant)
	glass := writeFile(t, "glass.csv", "userId,upn\n00000000-0000-4000-8000-000000000000,bg1@contoso.com\n")
	list := writeFile(t, "list.csv", "user,method,userPrincipalName\n"+id+","+pass+",BG1@contoso.com\n")
	p := runRevoke(t, env, "--protect", glass, list)
	if len(tenant.Remaining()) != 1 {
		t.Errorf("the pass of the protected user was deleted\n%s", p.stderr)
	}
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
	p.ends(t, status.Usage)
	if want := list + ":3: the user principal name"; !strings.Contains(p.stderr, want) {
		t.Errorf("standard error is %q, want it to hold %q", p.stderr, want)
	}
	if strings.Contains(p.stderr, "--skip-invalid") {
		t.Errorf("standard error is %q, but --skip-invalid does not help", p.stderr)
	}
	if left := len(tenant.Remaining()); left != 3 {
		t.Errorf("%d passes are left, want 3", left)
	}
}
