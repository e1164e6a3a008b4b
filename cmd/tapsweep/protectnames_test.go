package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A misspelt protected name is refused. Earlier it silently protected nobody, and the pass of
// the break-glass account was deleted, exit 0.
func TestMisspeltProtectedName(t *testing.T) {
	t.Parallel()
	const list, typo = "../../testdata/lists/protect-list.csv", "../../testdata/lists/p.typo.txt"
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
	star := writeFile(t, "star.txt", "bg*@contoso.com\n")
	tests := []struct {
		name  string
		args  []string
		roles []string
		code  int
		left  int
		says  string
	}{
		{"revoke", []string{"revoke", "--yes", "--protect", typo, list}, []string{passes, "User.ReadBasic.All"},
			status.Usage, 3, "p.typo.txt:1: protected user bg1@contoso.con is not in the tenant"},
		{"a dry run", []string{"revoke", "--dry-run", "--protect", typo, list}, []string{passes, "User.Read.All"},
			status.Usage, 3, "p.typo.txt:1: protected user bg1@contoso.con is not in the tenant"},
		{"sweep", []string{"sweep", "--all-users", "--yes", "--protect", typo}, []string{passes, "User.Read.All"},
			status.Usage, 3, "p.typo.txt:1: protected user bg1@contoso.con is not in the tenant"},
		{"names of two users", []string{"revoke", "--yes", "--protect", two, list}, []string{passes, "User.Read.All"},
			status.Usage, 3, "two.csv:2: protected user bg1@contoso.com (" + dana +
				"): the object id and the user principal " +
				"name are not of one user, Graph names the user \"dana@contoso.com\""},
		{"names of two users that nobody may look up", []string{"revoke", "--yes", "--protect", two, list},
			[]string{passes},
			status.Done, 1, "warning: 1 of 1 protected names could not be checked (bg1@contoso.com (" + dana +
				")): the token lacks"},
		{"a pattern", []string{"revoke", "--yes", "--protect", star, list}, []string{passes, "User.Read.All"},
			status.Usage, 3,
			"star.txt:1: bg*@contoso.com is a pattern, which protects nobody"},
		{"nobody may ask", []string{"revoke", "--yes", "--quiet", "--protect", typo, list}, []string{passes},
			status.Done, 0,
			"warning: 1 of 1 protected names could not be checked (bg1@contoso.con): the token lacks User.Read.All"},
		{"no preflight", []string{"revoke", "--yes", "--no-preflight", "--protect", typo, list}, []string{passes},
			status.Done, 0,
			"warning: 1 of 1 protected names could not be checked (bg1@contoso.con): Graph answered 403"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := held(tt.roles...)
			env := serve(t, tenant)
			p := tapsweep(t, env, append(absolute(tt.args), "--results", "-")...)
			p.ends(t, tt.code)
			if n := len(tenant.Remaining()); n != tt.left {
				t.Errorf("%d passes are left, want %d", n, tt.left)
			}
			if !strings.Contains(p.stderr, tt.says) {
				t.Errorf("standard error lacks %q\n%s", tt.says, p.stderr)
			}
		})
	}
}

// A simulated tenant does not show whether a protected name exists. So a rehearsal refuses a
// name that differs by one letter from one on the list, and says that other names on no list
// were not checked.
func TestProtectedNamesInARehearsal(t *testing.T) {
	t.Parallel()
	const list, typo = "../../testdata/lists/protect-list.csv", "../../testdata/lists/p.typo.txt"
	rehearse := func(protect string) process {
		args := []string{"revoke", "--simulate", "--yes", "--quiet", "--protect", protect, "--results", "-", list}
		return tapsweep(t, nil, absolute(args)...)
	}
	p := rehearse(typo)
	want := "p.typo.txt:1: protected user bg1@contoso.con is on no list, but bg1@contoso.com at "
	p.ends(t, status.Usage, want)
	p = rehearse(writeFile(t, "others.txt", "bg2@contoso.com\n"))
	want = "warning: 1 of 1 protected names could not be checked (bg2@contoso.com): the simulated tenant has"
	p.ends(t, status.Done, want)
	p = rehearse(writeFile(t, "right.txt", "bg1@contoso.com\n"))
	if strings.Contains(p.stderr, "checked") {
		t.Errorf("a name on the list is reported as unchecked\n%s", p.stderr)
	}
	if rows, _ := readLog(t, p.stdout); outcomes(rows)[results.Protected] != 1 {
		t.Errorf("%v, want one protected row", outcomes(rows))
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
	p := runRevoke(t, env, "--protect", writeFile(t, "glass.txt", "bg1@contoso.com\n"), listFile(t, users))
	p.ends(t, status.Stopped, "nothing was changed")
	if n := len(tenant.Remaining()); n != 1 {
		t.Errorf("%d passes are left, want 1", n)
	}
}

// absolute makes the names of files in testdata absolute, because the command runs elsewhere.
func absolute(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if out[i] = arg; strings.HasPrefix(arg, "../") {
			out[i], _ = filepath.Abs(arg)
		}
	}
	return out
}
