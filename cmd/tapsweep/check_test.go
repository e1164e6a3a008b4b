package main

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/token"
)

func checkJSON(t *testing.T, p process) (c checkup.Checkup, steps map[string]checkup.Finding) {
	t.Helper()
	decode(t, p.stdout, &c)
	steps = make(map[string]checkup.Finding)
	for _, s := range c.Steps {
		steps[s.Step] = s
	}
	return c, steps
}

// A checkTest is a check in a tenant.
type checkTest struct {
	name  string
	opts  graphsim.Options
	user  string
	exit  int
	steps string // step:result, in order, between the token and TLS
	holds string // in the details and hints
}

func checkTests() []checkTest {
	const user = "user0001@contoso.example"
	app := []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All"}
	const (
		noUser = "nobody@contoso.example"
		admin  = "admin@contoso.example"
		role   = "Privileged Authentication Administrator"
	)
	own := graphsim.Options{Roles: app[:1]}
	all := graphsim.Options{Roles: app}
	with := func(opts graphsim.Options, path string, do fault.Effect) graphsim.Options {
		opts.Faults = []fault.Fault{{Path: path, Do: do}}
		return opts
	}
	const passes = "/temporaryAccessPassMethods"
	return []checkTest{
		{"all well", all, "", 0, "permissions:ok passes:ok users:ok", "one user"},
		{"one user", own, user, 0, "permissions:ok passes:ok", user},
		{"passes alone", own, "", 0, "permissions:ok passes:ok", "404"},
		{"passes alone, denied", with(own, passes, fault.ItemStatus(403)), "", 1, "permissions:ok passes:failed", role},
		{"another success", with(own, passes, fault.ItemShaped(206, `{"value":[]}`)), user, 1, "permissions:ok passes:failed",
			"the body may be incomplete: the answer was 206, not 200; try again later"},
		{"users denied", with(all, "/users?", fault.ItemStatus(403)), "", 1, "permissions:ok passes:ok users:failed",
			"User.ReadBasic.All"},
		{"no permission", graphsim.Options{Roles: app[1:]}, "", 3, "permissions:failed passes:warning", "=Role"},
		{"reading alone", graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Read.All"}}, "", 0,
			"permissions:ok passes:ok", "list passes of any user, but not delete them"},
		{"no such user", all, noUser, 1, "permissions:ok passes:failed", noUser},
		{"admin user", all, admin, 1, "permissions:ok passes:failed", role},
		{"Graph is down", with(all, "", fault.OuterStatus(503)), "", 1, "permissions:ok passes:failed", "503"},
		{"Graph refuses the token", with(own, "", fault.OuterStatus(401)), "", 3, "permissions:ok passes:failed", "disabled"},
		{"throttled for long", with(all, "", fault.ItemStatus(429, "Retry-After", "600")), "", 1,
			"permissions:ok passes:failed", "too long a wait"},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range checkTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(tt.opts)
			tenant.AddUsers(2)
			tenant.AddPair("admin@contoso.example", "", nil)
			env, root := serveAt(t, tenant)
			args := []string{"check", "--output", "json"}
			if tt.user != "" {
				args = append(args, "--user", tt.user)
			}
			p := tapsweep(t, env, args...)
			c, _ := checkJSON(t, p)
			var steps []string
			var all strings.Builder
			for _, s := range c.Steps {
				steps = append(steps, s.Step+":"+s.Result)
				all.WriteString(s.Detail + "\n" + strings.Join(s.Hints, "\n") + "\n")
			}
			p.ends(t, tt.exit)
			same(t, "exit code in the output", c.Exit, tt.exit)
			same(t, "steps", strings.Join(steps, " "), "token:ok "+tt.steps+" TLS:ok clock:ok")
			holds(t, "the details and hints", all.String(), tt.holds)
			same(t, "tenant in the output", c.Tenant, entra.DefaultTenantID)
			same(t, "kind of sign-in", c.Kind, token.App)
			same(t, "cloud", c.Cloud, "other")
			same(t, "root of Graph", c.Graph, root)
			differs(t, "commands in the output", len(c.Commands), 0)
			lacks(t, "the details and hints", all.String(), "--resume", "tapsweep check")
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
		})
	}
}

// The check leaves no more behind than revoke, for any answer of the service. It waits for a service that refuses
// everything, so it starts before most other tests.
func TestLeaksOfCheck(t *testing.T) {
	t.Parallel()
	testLeaks(t, "check", "check --output json --user user0001@contoso.example")
}

// The check does not say that a command works if Graph was not reached, or refused what the token
// allows. The permissions in the token alone do not prove it.
func TestCheckOfNothingRead(t *testing.T) {
	t.Parallel()
	roles := []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "GroupMember.Read.All"}
	const closed = "https://127.0.0.1:1"
	type works map[string]token.Access // of a command
	for _, tt := range []struct {
		name, root string
		fault      fault.Fault
		works      works
	}{
		{"not reached", closed, fault.Fault{},
			works{"revoke": token.Perhaps, "scan --all-users": token.Perhaps}},
		{"refused", "", fault.Fault{Do: fault.OuterStatus(401)},
			works{"revoke": token.No, "scan --group": token.No, "verify": token.No}},
		{"denied", "", fault.Fault{Path: "/temporaryAccessPassMethods", Do: fault.ItemStatus(403)},
			works{"revoke": token.Perhaps, "verify": token.Perhaps}},
		{"users denied", "", fault.Fault{Path: "/users?", Do: fault.ItemStatus(403)},
			works{"revoke": token.Yes, "scan --group": token.Yes, "scan --all-users": token.Perhaps,
				"sweep --all-users": token.Perhaps}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts := graphsim.Options{Roles: roles}
			if tt.root == "" {
				opts.Faults = []fault.Fault{tt.fault}
			}
			env := serve(t, graphsim.New(opts))
			args := []string{"check"}
			if tt.root != "" { // the scope is the root's, so that a token is had for it as well
				args = append(args, "--graph-url", tt.root)
			}
			c, _ := checkJSON(t, tapsweep(t, env, append(args, "--output", "json")...))
			for _, v := range c.Commands {
				if want, ok := tt.works[v.Command]; ok {
					same(t, v.Command+" works", v.Works, want)
				}
			}
			p := tapsweep(t, env, args...)
			differs(t, "exit code", p.code, 0)
			if len(tt.works) < 4 {
				lacks(t, "standard output", p.stdout, " yes ")
			}
		})
	}
}

// An app that verifies must not be able to delete. The check of such an app does not say how to grant the permission to
// delete.
func TestCheckOfAnAppThatReads(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Read.All", "User.Read.All"}}))
	p := tapsweep(t, env, "check")
	p.ends(t, 0)
	holds(t, "standard output", p.stdout, "This app can only read. verify and scan work; revoke does not.")
	lacks(t, "standard output", p.stdout, "az ad app permission", "--self", "failed")
}

func TestCheckWithoutAToken(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	tenant.Entra.ExpireSecret()
	env := serve(t, tenant)
	p := tapsweep(t, env, "check", "--output", "json")
	c, steps := checkJSON(t, p)
	p.ends(t, 3)
	same(t, "exit code in the output", c.Exit, 3)
	same(t, "result of the step token", steps["token"].Result, "failed")
	holds(t, "detail of the step token", steps["token"].Detail, "AADSTS7000222")
	differs(t, "hints of the step token", len(steps["token"].Hints), 0)
	without := without(env, "AZURE_CLIENT_SECRET") // a credential that cannot be made is a finding like any other
	_, steps = checkJSON(t, tapsweep(t, without, "check", "--auth", "secret", "--output", "json"))
	holds(t, "detail of the step token", steps["token"].Detail, "no secret")
	// A person gets the same in words.
	p = tapsweep(t, env, "check")
	p.ends(t, 3)
	holds(t, "standard output", p.stdout, "failed: token: ", "AADSTS7000222", "hint: ")
}

// A check names the domain of the tenant if the token may read it, or if a flag names it.
func TestCheckNamesTheDomain(t *testing.T) {
	t.Parallel()
	const both = entra.DefaultDomain + " (" + entra.DefaultTenantID + ")"
	for _, tt := range []struct {
		name   string
		roles  []string
		args   []string
		domain string
		names  string // what the first line names
	}{
		{"by permission", []string{"UserAuthMethod-TAP.ReadWrite.All", "Organization.Read.All"}, nil,
			entra.DefaultDomain, both},
		{"as given", nil, []string{"--tenant", entra.DefaultDomain}, entra.DefaultDomain, both},
		{"not known", nil, nil, "", entra.DefaultTenantID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := serve(t, graphsim.New(graphsim.Options{Roles: tt.roles}))
			args := append([]string{"check"}, tt.args...)
			c, _ := checkJSON(t, tapsweep(t, env, append(args, "--output", "json")...))
			same(t, "domain", c.Domain, tt.domain)
			first, _, _ := strings.Cut(tapsweep(t, env, args...).stdout, "\n")
			same(t, "first line", first, "tenant:        "+tt.names)
		})
	}
}

// A check does not send a token to a tenant to which it does not belong. It says that no command
// works with this token.
func TestCheckOfAnotherTenant(t *testing.T) {
	t.Parallel()
	foreign := graphsim.New(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant, Domain: foreignDomain}})
	const no = token.No
	token := writeFile(t, "t", foreign.Entra.Token())
	for _, named := range []string{entra.DefaultTenantID, entra.DefaultDomain} {
		t.Run(named, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{})
			p := tapsweep(t, serve(t, tenant), "check", "--tenant", named, "--token-file", token, "--output", "json")
			c, steps := checkJSON(t, p)
			p.ends(t, 3)
			same(t, "result of the step permissions", steps["permissions"].Result, "failed")
			same(t, "result of the step passes", steps["passes"].Result, "skipped")
			for _, v := range c.Commands {
				same(t, v.Command+" works", v.Works, no)
			}
			same(t, "requests with the token", tenant.Stats().Batches+tenant.Stats().Unauthorized, 0)
		})
	}
}

func TestCheckOfAUser(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 2, graphsim.Options{})
	tokenFile := writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, "UserAuthMethod-TAP.ReadWrite"))
	p := tapsweep(t, env, "check", "--token-file", tokenFile, "--user", "ME", "--output", "json")
	c, steps := checkJSON(t, p)
	works := make(map[string]token.Access)
	for _, v := range c.Commands {
		works[v.Command] = v.Works
	}
	// The token allows the own pass, and no other.
	p.ends(t, 1)
	same(t, "result of the step passes", steps["passes"].Result, "ok")
	same(t, "whether revoke --self works", works["revoke --self"], token.Yes)
	same(t, "whether revoke works", works["revoke"], token.No)
	p = tapsweep(t, env, "check", "--token-file", tokenFile, "--user", "me")
	holds(t, "standard output, with single spaces", strings.Join(strings.Fields(p.stdout), " "),
		"signed in as: user "+users[0].UPN, "revoke --self yes", "revoke no UserAuthMethod-TAP.ReadWrite.All",
		"USER PASS REASON")
}
