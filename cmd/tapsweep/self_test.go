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
				var run results.Run
				decodeFirst(t, p.stdout, &run)
				same(t, "who is signed in by the log", run.Self, selfID)
				rows, _ := readLog(t, p.stdout)
				for _, row := range rows {
					got = append(got, string(row.Outcome))
				}
			}
			p.ends(t, tt.exit, tt.says)
			same(t, "outcomes", strings.Join(got, " "), tt.outcomes)
			s := tenant.Stats()
			same(t, "lost and overlapping writes", s.LostWrites+s.OverlappingWrites, 0)
			same(t, "passes that the tenant deleted", s.Deleted, strings.Count(tt.outcomes, "revoked"))
		})
	}
}

// The own permission is enough for the own pass by name, too.
func TestOwnByName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"upn", "id"} {
		tenant, users, env := serveUsers(t, 2, graphsim.Options{})
		self := map[string]string{"upn": strings.ToUpper(users[0].UPN), "id": users[0].ID}[name]
		args := []string{"--token-file", writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope)), "--user", self}
		runRevoke(t, env, append(args, "--user", users[1].UPN)...).ends(t, 3)
		runRevoke(t, env, args...).ends(t, 0, "in place of the name works")
		leaves(t, tenant, 1)
	}
}

// Changing one's own methods may need a recent sign-in. The row says so, whatever name it has.
func TestOwnDenied(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"self", "upn", "id"} {
		tenant, users, env := serveUsers(t, 1, failing(fault.Fault{Do: fault.ItemStatus(403)}))
		user := map[string]string{"self": "--self", "upn": "--user=" + users[0].UPN, "id": "--user=" + users[0].ID}[form]
		p := runRevoke(t, env, user, "--token-file",
			writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope)))
		p.ends(t, 1)
		rows, _ := readLog(t, p.stdout)
		hasRows(t, rows, 1)
		holds(t, "hint of the row", rows[0].Hint, "changing one's own methods",
			"multi-factor sign-in within the last 10 minutes", "--sign-in-again")
	}
}

// A list with a row "me" is refused, and nothing is sent.
func TestMeInAList(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 1, graphsim.Options{})
	list := writeFile(t, "l.csv", "user\nme\n"+users[0].UPN+"\n")
	args := []string{"revoke", "--yes", "--results", "-"}
	for _, more := range [][]string{{list}, {"--user", "me"}} {
		tapsweep(t, env, append(args, more...)...).ends(t, status.Usage, "--self")
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
	tapsweep(t, env, append(args, writeFile(t, "earlier.jsonl", p.stdout), "--token-file",
		writeFile(t, "t", tenant.Entra.UserToken(users[1].ID, allScope)))...).ends(t, 0)
	leaves(t, tenant, 1)
	same(t, "user with a pass left", tenant.Remaining()[0].UPN, users[1].UPN)
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
