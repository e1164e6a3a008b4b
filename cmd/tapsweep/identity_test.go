package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
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

// guest returns a tenant with a user, and a token in which the user has a name that the
// directory does not know.
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
	for _, tt := range []struct {
		name, protect string
		scopes        []string
		exit          int
		rows          string
		deleted       int
		says          string
	}{
		{"protected by name", protected, []string{ownScope, "User.Read"}, 0, "protected 1", 0, ""},
		{"protected by a lookup", protected, []string{ownScope, "User.ReadBasic.All"}, 0, "protected 1", 0, ""},
		{"protected by name, and nobody may ask", protected, []string{ownScope}, status.Usage, "", 0,
			"cannot be looked up"},
		{"protected by id, and nobody may ask", "user\n" + selfID + "\n", []string{ownScope}, 0, "protected 1", 0, ""},
		{"not protected", "", []string{ownScope}, 0, "revoked 2", 2, ""},
		{"another is protected", "user\n" + lee + "\n", []string{ownScope, "User.Read"}, 0, "revoked 2", 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, token := guest(t, tt.scopes...)
			env := serve(t, tenant)
			args := []string{"--self", "--token-file", token}
			if tt.protect != "" {
				args = append(args, "--protect", writeFile(t, "p.txt", tt.protect))
			}
			p := runRevoke(t, env, args...)
			p.ends(t, tt.exit, tt.says)
			if p.stdout != "" {
				var run results.Header
				decodeFirst(t, p.stdout, &run)
				same(t, "who is signed in by the log", run.Self, selfID)
				hasRows(t, p.stdout, tt.rows)
			}
			losesNoWrite(t, tenant)
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, tt.deleted)
		})
	}
}

// An app has no pass of its own.
func TestSelfOfAnApp(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	runRevoke(t, serve(t, tenant), "--self").ends(t, 3, "is an app")
	same(t, "batches", tenant.Stats().Batches, 0)
}

// Changing one's own methods may need a recent sign-in. The row says so.
func TestOwnDenied(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 1, failing(fault.Fault{Do: fault.ItemStatus(403)}))
	token := writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, ownScope))
	p := runRevoke(t, env, "--self", "--token-file", token)
	p.ends(t, 1)
	holds(t, "hint of the row", hasRows(t, p.stdout, "denied 1")[0].Hint, "--sign-in-again")
	runRevoke(t, env, "--user", users[0].UPN, "--token-file", token).ends(t, status.NoAccess,
		"may manage only the user's own")
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
	p.ends(t, 1)
	hasRows(t, p.stdout, "revoked 1, invalid 1")
}

// If the first part of a list stops the run, the other parts still get their rows.
func TestEachPartHasRows(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 40, failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
	for i := range 20 {
		users[2*i].UPN = users[2*i].ID
	}
	p := runRevoke(t, env, "--abort-after", "20", listFile(t, users))
	p.ends(t, status.NoAccess)
	hasRows(t, p.stdout, "denied 20, not_sent 20")
}

const (
	foreignTenant = "11111111-3b7d-4e88-9a41-d5c27be0f913"
	foreignDomain = "fabrikam.example"
)

// A run never writes with a token of another tenant, even with --no-preflight. It does not
// matter how the tenant is given.
func TestTenantOfTheToken(t *testing.T) {
	t.Parallel()
	own := func(s, _ *graphsim.Tenant) string { return s.Entra.Token() }
	foreign := func(_, s *graphsim.Tenant) string { return s.Entra.Token() }
	opaque := func(_, _ *graphsim.Tenant) string { return "opaque" }
	for _, tt := range []struct {
		name  string
		token func(own, foreign *graphsim.Tenant) string // nil signs in by the secret
		args  []string
		exit  int
		posts bool
		want  string
	}{
		{"own, by id", own, []string{"--tenant", entra.DefaultTenantID}, 0, true, ""},
		{"own, by domain", own, []string{"--tenant", entra.DefaultDomain}, 0, true, ""},
		{"own, no tenant in particular", own, []string{"--tenant", "organizations"}, 0, true, ""},
		{"foreign, by id", foreign, []string{"--tenant", entra.DefaultTenantID}, 3, false,
			entra.DefaultTenantID + " was requested"},
		{"foreign, by domain, no preflight", foreign, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3,
			false, entra.DefaultTenantID + " was requested"},
		{"a domain that nobody has", own, []string{"--tenant", "nobody.example"}, 3, false,
			"give the ID of the tenant"},
		{"foreign, by id, no preflight", foreign, []string{"--tenant", entra.DefaultTenantID, "--no-preflight"}, 3,
			false, "was requested"},
		{"unreadable", opaque, []string{"--tenant", entra.DefaultDomain}, 3, true,
			"tapsweep cannot check that it is for " + entra.DefaultDomain},
		{"unreadable, no preflight", opaque, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3, true,
			"tapsweep cannot check that it is for " + entra.DefaultDomain},
		{"a secret of the domain's own app", nil, []string{"--tenant", entra.DefaultDomain}, 0, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 3, graphsim.Options{})
			other := graphsim.New(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant,
				Domain: foreignDomain}})
			args := append(tt.args, listFile(t, users))
			if tt.token != nil {
				args = append(args, "--token-file", writeFile(t, "t", tt.token(tenant, other)))
			}
			runRevoke(t, env, args...).ends(t, tt.exit, tt.want)
			s := tenant.Stats()
			same(t, "posted", s.Batches+s.Unauthorized > 0, tt.posts)
		})
	}
}

// An outage of Entra is not a wrong credential (exit code 4). A run is refused (exit code 3) if it would
// send the credential or the lookup of a domain to a wrong host. The deadline begins before the request for the
// token.
func TestAuthorityAstray(t *testing.T) {
	t.Parallel()
	const metadata, byFile = "/openid-configuration", "--token-file TOKEN --tenant " + entra.DefaultDomain
	answer := func(code int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, body)
		})
	}
	for _, tt := range []struct {
		name, suffix string
		answer       http.Handler
		flags        string // TOKEN stands for a file with a token, whose tenant is compared with the domain
		exit         int
		want         string
	}{
		{"outage", "/token", answer(503, `{"error":"server_error","error_description":"AADSTS90033: It is so.",`+
			`"error_codes":[90033]}`), "", status.Stopped, "AADSTS90033"},
		{"outage of the metadata", metadata, answer(500, ""), "", status.Stopped, "an outage"},
		{"no answer before the deadline", "/token", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}), "--deadline 1s", status.Stopped, "the deadline of 1s has passed, nothing was sent"},
		{"endpoint on another host", metadata, answer(200, `{"token_endpoint":"https://thief.example/t"}`), "",
			status.NoAccess, "https://thief.example"},
		{"redirect", "/token", http.RedirectHandler("https://thief.example/", http.StatusTemporaryRedirect), "",
			status.NoAccess, "not followed"},
		{"lookup in an outage", metadata, answer(503, ""), byFile, status.Stopped, "cannot check"},
		{"lookup that is redirected", metadata, http.RedirectHandler("https://thief.example/", http.StatusFound),
			byFile, status.NoAccess, "cannot check"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // azidentity tries again
			tenant := graphsim.New(graphsim.Options{})
			env := serveRudely(t, tenant, tt.suffix, tt.answer)
			flags := words(tt.flags, strings.NewReplacer("TOKEN", writeFile(t, "t", tenant.Entra.Token())))
			p := runRevoke(t, env, append(flags, "--stall-timeout", "1s", listFile(t, tenant.AddUsers(1)))...)
			p.ends(t, tt.exit, tt.want)
			lacks(t, "standard error", p.stderr, "AZURE_CLIENT_SECRET")
		})
	}
}

// In the log of a simulation, of another tenant or of another Graph root, a done pass is not done here. So
// revoke and verify refuse this log as a list. A simulation accepts it.
func TestLogOfAnotherTenant(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{})
	list := listFile(t, users)
	logOf := func(env []string, flags ...string) string {
		log := newLog(t)
		tapsweep(t, env, append([]string{"revoke", "--yes", "--results", log, list}, flags...)...).ends(t, status.Done)
		return log
	}
	elsewhere := func(opts graphsim.Options) string {
		_, _, env := serveUsers(t, 3, opts)
		return logOf(env)
	}
	simulated := logOf(nil, "--simulate")
	for _, tt := range []struct{ name, log, want string }{
		{"a simulation", simulated, "it is a log of https://127.0.0.1:"},
		{"another tenant", elsewhere(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant}}),
			"it is the log of tenant " + foreignTenant},
		{"another Graph root", elsewhere(graphsim.Options{}), "it is a log of https://"},
	} {
		for _, command := range []string{"revoke --yes", "revoke --dry-run", "verify --verify-wait 1s"} {
			tapsweep(t, env, append(strings.Fields(command), "--results", "-", tt.log)...).ends(t, status.Usage,
				tt.want)
		}
	}
	same(t, "batches", tenant.Stats().Batches, 0)
	runRevoke(t, nil, "--simulate", simulated).ends(t, status.Done)
	own := logOf(env)
	tapsweep(t, env, "verify", "--results", "-", own, simulated).ends(t, status.Usage)
}

// revoke and verify refuse a log with missing lines, such as the rest after a rotation, even
// if it has its last line.
func TestLogThatIsNotWhole(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5, failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
	log := newLog(t)
	for range 2 {
		tapsweep(t, env, "revoke", "--yes", "--results", log, "--resume", listFile(t, users)).ends(t, status.Incomplete)
	}
	text := readText(t, log)
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	second := len(lines) - strings.Count(lastRun(text), "\n")
	sent := tenant.Stats().Batches
	for name, cut := range map[string][]string{
		"the second run":   lines[second:],
		"without row 1":    append([]string{lines[0]}, lines[2:]...),
		"without the last": append(lines[:len(lines)-2:len(lines)-2], lines[len(lines)-1]),
	} {
		part := writeFile(t, "part.jsonl", strings.Join(cut, ""))
		runRevoke(t, env, part).ends(t, status.Usage, "complete")
		tapsweep(t, env, "verify", part).ends(t, status.Usage, "complete")
		if strings.HasPrefix(name, "without") {
			holds(t, "the report of a log "+name, tapsweep(t, nil, "report", part).stdout, part+" lacks 1 of its ")
		}
	}
	killed := writeFile(t, "killed.jsonl", strings.Join(lines[:len(lines)-1], ""))
	tapsweep(t, env, "verify", killed).ends(t, status.Usage, "tapsweep revoke --resume --results "+killed)
	same(t, "batches", tenant.Stats().Batches, sent)
	tapsweep(t, env, "verify", "--verify-wait", "1s", log).ends(t, status.Incomplete)
}
