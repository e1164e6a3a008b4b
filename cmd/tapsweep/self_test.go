package main

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

const (
	ownScope  = "UserAuthMethod-TAP.ReadWrite"
	allScope  = "UserAuthMethod-TAP.ReadWrite.All"
	tokenName = "dana@fabrikam.example"                      // as a guest's token has it
	trueName  = "dana_fabrikam.example#EXT#@contoso.example" // as the directory has it
	selfID    = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	selfPass  = "9f0c11aa-1111-4222-8333-000000000001"
	otherPass = "9f0c11aa-1111-4222-8333-000000000002"
	lee       = "lee@contoso.example"
	leeID     = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322"
)

// guest is a tenant with a user of whom the token has a name that is none of the
// directory's.
func guest(t *testing.T, scopes ...string) (tenant *graphsim.Tenant, token string) {
	t.Helper()
	tenant = graphsim.New(graphsim.Options{Record: true})
	self := graphsim.User{ID: selfID, UPN: tokenName, Passes: []graphsim.Pass{{ID: selfPass}, {ID: otherPass}}}
	tenant.AddUser(self)
	token = writeFile(t, "t", tenant.Entra.UserToken(selfID, scopes...))
	self.UPN = trueName
	tenant.AddUser(self)
	tenant.AddUser(graphsim.User{ID: leeID, UPN: lee, Passes: []graphsim.Pass{{}}})
	return tenant, token
}

// The user who is signed in may be protected under a name that the token does not have.
func TestWhoIsMe(t *testing.T) {
	t.Parallel()
	const protected = "user\n" + trueName + "\n"
	tests := []struct {
		name, protect string
		scopes        []string
		exit          int
		outcomes      string // of the rows
		says          string
	}{
		{"protected by name", protected, []string{ownScope, "User.Read"}, 0, "protected", ""},
		{"protected by name, by a look-up", protected, []string{ownScope, "User.ReadBasic.All"}, 0, "protected", ""},
		{"protected by name, and nobody may ask", protected, []string{ownScope}, status.Usage, "",
			"cannot be looked up"},
		{"protected by id, and nobody may ask", "user\n" + selfID + "\n", []string{ownScope}, 0, "protected", ""},
		{"not protected", "", []string{ownScope}, 0, "revoked revoked", ""},
		{"another is protected", "user\n" + lee + "\n", []string{ownScope, "User.Read"}, 0, "revoked revoked", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, token := guest(t, tt.scopes...)
			env := serve(t, tenant)
			args := []string{"revoke", "--yes", "--self", "--results", "-", "--token-file", token}
			if tt.protect != "" {
				args = append(args, "--protect", writeFile(t, "p.txt", tt.protect))
			}
			p := tapsweep(t, env, args...)
			var got []string
			if p.stdout != "" {
				rows, _ := readLog(t, p.stdout)
				for _, row := range rows {
					got = append(got, string(row.Outcome))
				}
				var run results.Run
				if err := decodeFirst(p.stdout, &run); err != nil || run.Self != selfID {
					t.Errorf("self is %q, %v", run.Self, err)
				}
			}
			p.ends(t, tt.exit, tt.says)
			same(t, "outcomes", strings.Join(got, " "), tt.outcomes)
			s := tenant.Stats()
			if s.LostWrites != 0 || s.OverlappingWrites != 0 || s.Deleted != strings.Count(tt.outcomes, "revoked") {
				t.Errorf("%d deleted, %d lost, %d overlapping", s.Deleted, s.LostWrites, s.OverlappingWrites)
			}
		})
	}
}

// The own permission is enough for the own pass by name, too.
func TestOwnByName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"upn", "id"} {
		tenant, users, env := serveUsers(t, 2, graphsim.Options{})
		token := writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope))
		self := map[string]string{"upn": strings.ToUpper(users[0].UPN), "id": users[0].ID}[name]
		args := []string{"revoke", "--yes", "--results", "-", "--token-file", token}
		p := tapsweep(t, env, append(args, writeFile(t, "l.csv", "user\n"+self+"\n"))...)
		if left := tenant.Remaining(); p.code != 0 || len(left) != 1 ||
			!strings.Contains(p.stderr, "in place of the name works") {
			t.Errorf("%s: exit %d\n%s", name, p.code, p.stderr)
		}
		if p := tapsweep(t, env,
			append(args, writeFile(t, "l.csv", "user\n"+self+"\n"+users[1].UPN+"\n"))...); p.code != 3 {
			t.Errorf("with another user: exit %d\n%s", p.code, p.stderr)
		}
	}
}

// What is there is not said to be missing, whatever name the row has.
func TestOwnDenied(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"self", "upn", "id"} {
		tenant, users, env := serveUsers(t, 1, failing(fault.Fault{Do: fault.ItemStatus(403)}))
		user := map[string][]string{"self": {"--self"}, "upn": {"--user", users[0].UPN},
			"id": {"--user", users[0].ID}}[form]
		p := tapsweep(t, env, append([]string{"revoke", "--yes", "--results", "-",
			"--token-file", writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope))}, user...)...)
		rows, _ := readLog(t, p.stdout)
		if p.code != 1 || len(rows) != 1 || !strings.HasPrefix(rows[0].Hint, "changing one's own methods") ||
			!strings.Contains(rows[0].Hint, "--sign-in-again") {
			t.Errorf("%s: exit %d, %+v\n%s", form, p.code, rows, p.stderr)
		}
	}
}

// A list with a row "me" is refused, and nothing is sent.
func TestMeInAList(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 1, graphsim.Options{})
	list := writeFile(t, "l.csv", "user\nme\n"+users[0].UPN+"\n")
	args := []string{"revoke", "--yes", "--results", "-"}
	for _, more := range [][]string{{list}, {"--user", "me"}} {
		p := tapsweep(t, env, append(args, more...)...)
		if p.code != status.Usage {
			t.Errorf("%q: exit %d, want %d\n%s", more, p.code, status.Usage, p.stderr)
		}
		holds(t, "standard error", p.stderr, "--self")
	}
	same(t, "batches", tenant.Stats().Batches, 0)
	p := tapsweep(t, env, append(args, "--skip-invalid", list)...)
	rows, _ := readLog(t, p.stdout)
	p.ends(t, 1)
	hasOutcome(t, rows, results.Invalid, 1)
	hasOutcome(t, rows, results.Revoked, 1)
}

// A results log as a list means the one who was signed in for it.
func TestMeOfALog(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 2, failing(fault.Fault{Path: "/me/", Do: fault.ItemStatus(403)}))
	args := []string{"revoke", "--yes", "--results", "-"}
	p := tapsweep(t, env, append(args, "--self", "--token-file",
		writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope)))...)
	p.ends(t, 1)
	p = tapsweep(t, env, append(args, writeFile(t, "earlier.jsonl", p.stdout), "--token-file",
		writeFile(t, "t", tenant.Entra.UserToken(users[1].ID, allScope)))...)
	p.ends(t, 0)
	leaves(t, tenant, 1)
	same(t, "user with a pass left", tenant.Remaining()[0].UPN, users[1].UPN)
}

// The flag is for people who sign in.
func TestSignInAgainUsage(t *testing.T) {
	t.Parallel()
	p := tapsweep(t, nil, "check", "--auth", "managed-identity", "--sign-in-again")
	p.ends(t, status.Usage, "--sign-in-again is for --auth device-code and browser")
}

// One user under two names is written to one request after the other, also where
// only the tenant knows that they are one.
func TestTwoNamesOfOneUser(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	passes := []graphsim.Pass{{ID: "9f0c11aa-1111-4222-8333-000000000001"},
		{ID: "9f0c11aa-1111-4222-8333-000000000002"}}
	const id = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	tenant.AddUser(graphsim.User{ID: id, UPN: "dana@contoso.example", Passes: passes})
	env := serve(t, tenant)
	list := writeFile(t, "l.csv", "user,method\ndana@contoso.example,"+passes[0].ID+"\n"+id+","+passes[1].ID+"\n")
	p := runRevoke(t, env, list)
	rows, _ := readLog(t, p.stdout)
	s := tenant.Stats()
	p.ends(t, 0)
	hasOutcome(t, rows, results.Revoked, 2)
	same(t, "lost writes", s.LostWrites, 0)
	same(t, "overlapping writes", s.OverlappingWrites, 0)
	leaves(t, tenant, 0)
}

// What stops the first part of a list leaves rows for the other parts.
func TestPartsAreSettled(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Do: fault.ItemStatus(429, "Retry-After", "3600")}))
	users := tenant.AddUsers(40)
	var b strings.Builder
	b.WriteString("user,method\n")
	for i, u := range users {
		name := u.UPN
		if i%2 == 0 {
			name = u.ID
		}
		b.WriteString(name + "," + u.Passes[0].ID + "\n")
	}
	env := serve(t, tenant)
	p := runRevoke(t, env, writeFile(t, "l.csv", b.String()))
	rows, _ := readLog(t, p.stdout)
	p.ends(t, 4, "too long a wait")
	hasRows(t, rows, 40)
	hasOutcome(t, rows, results.NotSent, 40)
}
