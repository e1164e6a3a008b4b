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
	const absent = "p.typo.txt:1: protected user bg1@contoso.con is not in the tenant"
	const twoUsers = "two.csv:2: protected user bg1@contoso.com (" + dana + "): the object id and the user principal " +
		`name are not of one user, Graph names the user "dana@contoso.com"`
	unchecked := func(who string) string {
		return "warning: 1 of 1 protected names could not be checked (" + who + "): "
	}
	none, reader := []string{passes}, []string{passes, "User.Read.All"}
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
		{"a pattern", "revoke --yes --protect STAR LIST", reader, status.Usage, 3,
			"star.txt:1: bg*@contoso.com is a pattern, which protects nobody"},
		{"nobody may ask", "revoke --yes --quiet --protect TYPO LIST", none, status.Done, 0,
			unchecked("bg1@contoso.con") + "the token lacks User.Read.All"},
		{"no preflight", "revoke --yes --no-preflight --protect TYPO LIST", none, status.Done, 0,
			unchecked("bg1@contoso.con") + "Graph answered 403"},
	}
	files := strings.NewReplacer("TYPO", typo, "LIST", list, "TWO", two, "STAR", star)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := held(tt.roles...)
			env := serve(t, tenant)
			args := words(tt.line, files)
			tapsweep(t, env, append(absolute(args), "--results", "-")...).ends(t, tt.code, tt.says)
			leaves(t, tenant, tt.left)
		})
	}
}

// A rehearsal does not check whether protected users exist, and says so.
func TestProtectedNamesInARehearsal(t *testing.T) {
	t.Parallel()
	for _, protect := range []string{"bg1@contoso.com\n",
		"userId,upn\n9f0c11aa-1111-4222-8333-000000000009,bg1@contoso.com\n"} {
		p := runRevoke(t, nil, "--simulate", "--protect", writeFile(t, "glass.csv", protect),
			writeFile(t, "list.csv", "user\ndana@contoso.com\nBG1@contoso.com\n"))
		p.ends(t, status.Done, "warning: a rehearsal does not check whether the protected users exist")
		if rows, _ := readLog(t, p.stdout); outcomes(rows)[results.Protected] != 1 {
			t.Errorf("%v, want one protected row", outcomes(rows))
		}
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
