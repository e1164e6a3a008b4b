package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
)

func checkJSON(t *testing.T, p process) (c checkup.Checkup, steps map[string]checkup.Finding) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.stdout), &c); err != nil {
		t.Fatalf("%v: exit %d\n%s\n%s", err, p.code, p.stdout, p.stderr)
	}
	steps = make(map[string]checkup.Finding)
	for _, s := range c.Steps {
		steps[s.Step] = s
	}
	return c, steps
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const user = "user0001@contoso.example"
	app := []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All"}
	denied := []fault.Fault{{Path: "/temporaryAccessPassMethods", Do: fault.ItemStatus(403)}}
	tests := []struct {
		name  string
		opts  graphsim.Options
		args  []string
		exit  int
		steps string // step:result, in order
		holds string // in the details and hints
	}{
		{"all well", graphsim.Options{Roles: app}, nil, 0, "token:ok claims:ok read:ok users:ok TLS:ok clock:ok", "Graph listed one user"},
		{"one user", graphsim.Options{Roles: app[:1]}, []string{"--user", user}, 0, "token:ok claims:ok read:ok TLS:ok clock:ok", "Graph listed the passes of " + user},
		{"passes alone", graphsim.Options{Roles: app[:1]}, nil, 0, "token:ok claims:ok read:ok TLS:ok clock:ok", "404 for the passes of a user that does not exist, as expected"},
		{"passes alone, denied", graphsim.Options{Roles: app[:1], Faults: denied}, nil, 1, "token:ok claims:ok read:failed TLS:ok clock:ok", "Privileged Authentication Administrator"},
		{"users denied", graphsim.Options{Roles: app, Faults: []fault.Fault{{Path: "/users?", Do: fault.ItemStatus(403)}}}, nil, 1, "token:ok claims:ok read:ok users:failed TLS:ok clock:ok", "User.ReadBasic.All"},
		{"no permission", graphsim.Options{Roles: app[1:]}, nil, 3, "token:ok claims:failed read:warning TLS:ok clock:ok", "=Role"},
		{"hidden permission", graphsim.Options{Roles: []string{"UserAuthMethod-TAP.Delete.All"}}, nil, 0, "token:ok claims:warning read:warning TLS:ok clock:ok", "does not document"},
		{"no such user", graphsim.Options{Roles: app}, []string{"--user", "nobody@contoso.example"}, 1, "token:ok claims:ok read:failed TLS:ok clock:ok", "the tenant has no user nobody@contoso.example"},
		{"admin user", graphsim.Options{Roles: app}, []string{"--user", "admin@contoso.example"}, 1, "token:ok claims:ok read:failed TLS:ok clock:ok", "Privileged Authentication Administrator"},
		{"Graph is down", graphsim.Options{Roles: app, Faults: []fault.Fault{{Do: fault.OuterStatus(503)}}}, nil, 1, "token:ok claims:ok read:failed TLS:ok clock:ok", "503"},
		{"Graph refuses the token", graphsim.Options{Roles: app[:1], Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}}, nil, 3, "token:ok claims:ok read:failed TLS:ok clock:ok", "disabled"},
		{"throttled for long", graphsim.Options{Roles: app, Faults: []fault.Fault{{Do: fault.ItemStatus(429, "Retry-After", "600")}}}, nil, 1, "token:ok claims:ok read:failed TLS:ok clock:ok", "too long a wait"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(tt.opts)
			tenant.AddUsers(2)
			tenant.AddPair("admin@contoso.example", "", nil)
			env, root := serve(t, tenant)
			p := tapsweep(t, env, append([]string{"check", "--graph-url", root, "--output", "json"}, tt.args...)...)
			c, _ := checkJSON(t, p)
			var steps []string
			var all strings.Builder
			for _, s := range c.Steps {
				steps = append(steps, s.Step+":"+s.Result)
				all.WriteString(s.Detail + "\n" + strings.Join(s.Hints, "\n") + "\n")
			}
			if p.code != tt.exit || c.Exit != tt.exit || strings.Join(steps, " ") != tt.steps || !strings.Contains(all.String(), tt.holds) {
				t.Errorf("exit %d, want %d; steps %s, want %s, with %q\n%s", p.code, tt.exit, steps, tt.steps, tt.holds, p.stdout)
			}
			if c.Tenant != entra.DefaultTenantID || c.Kind != token.App || c.Cloud != "other" || c.Graph != root || len(c.Commands) == 0 {
				t.Errorf("%+v", c)
			}
			if strings.Contains(all.String(), "--resume") || strings.Contains(all.String(), "tapsweep check") {
				t.Errorf("a check sends to itself, or to a run:\n%s", all.String())
			}
			if tenant.Stats().Deleted != 0 {
				t.Error("a check deletes")
			}
		})
	}
}

// No command is said to work where Graph was not reached, or did not do what the token
// allows: what the token says is no more than half of it.
func TestCheckOfNothingRead(t *testing.T) {
	t.Parallel()
	roles := []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "GroupMember.Read.All"}
	const closed = "https://127.0.0.1:1"
	for _, tt := range []struct {
		name, root string
		fault      fault.Fault
		works      map[string]token.Access
	}{
		{"not reached", closed, fault.Fault{}, map[string]token.Access{"revoke": token.Perhaps, "scan --all-users": token.Perhaps, "revoke --self": token.No}},
		{"refused", "", fault.Fault{Do: fault.OuterStatus(401)}, map[string]token.Access{"revoke": token.No, "scan --group": token.No, "verify": token.No}},
		{"denied", "", fault.Fault{Path: "/temporaryAccessPassMethods", Do: fault.ItemStatus(403)}, map[string]token.Access{"revoke": token.Perhaps, "verify": token.Perhaps}},
		{"users denied", "", fault.Fault{Path: "/users?", Do: fault.ItemStatus(403)},
			map[string]token.Access{"revoke": token.Yes, "scan --group": token.Yes, "scan --all-users": token.Perhaps, "sweep --all-users": token.Perhaps, "revoke --protect": token.Perhaps}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts := graphsim.Options{Roles: roles}
			if tt.root == "" {
				opts.Faults = []fault.Fault{tt.fault}
			}
			env, root := serve(t, graphsim.New(opts))
			args := []string{"check", "--graph-url", root}
			if tt.root != "" { // the scope is the root's, so that a token is had for it as well
				args[2] = tt.root
			}
			c, _ := checkJSON(t, tapsweep(t, env, append(args, "--output", "json")...))
			for _, v := range c.Commands {
				if want, ok := tt.works[v.Command]; ok && v.Works != want {
					t.Errorf("%s works: %s, want %s", v.Command, v.Works, want)
				}
			}
			if p := tapsweep(t, env, args...); p.code == 0 || len(tt.works) < 4 && strings.Contains(p.stdout, " yes ") {
				t.Errorf("exit %d\n%s", p.code, p.stdout)
			}
		})
	}
}

func TestCheckWithoutAToken(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	tenant.Entra.ExpireSecret()
	env, root := serve(t, tenant)
	p := tapsweep(t, env, "check", "--graph-url", root, "--output", "json")
	c, steps := checkJSON(t, p)
	if s := steps["token"]; p.code != 3 || c.Exit != 3 || s.Result != "failed" || !strings.Contains(s.Detail, "AADSTS7000222") || len(s.Hints) == 0 {
		t.Errorf("exit %d, %+v", p.code, c)
	}
	// A person gets the same in words.
	p = tapsweep(t, env, "check", "--graph-url", root)
	if p.code != 3 || !strings.Contains(p.stdout, "failed: token: getting an access token: AADSTS7000222") || !strings.Contains(p.stdout, "hint: the secret has expired") {
		t.Errorf("exit %d\n%s", p.code, p.stdout)
	}
}

// A check names the domain of the tenant if the token allows to read it, or if it was given.
func TestCheckNamesTheDomain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		roles  []string
		args   []string
		domain string
	}{
		{"by permission", []string{"UserAuthMethod-TAP.ReadWrite.All", "Organization.Read.All"}, nil, entra.DefaultDomain},
		{"as given", nil, []string{"--tenant", entra.DefaultDomain}, entra.DefaultDomain},
		{"not known", nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, root := serve(t, graphsim.New(graphsim.Options{Roles: tt.roles}))
			args := append([]string{"check", "--graph-url", root}, tt.args...)
			if c, _ := checkJSON(t, tapsweep(t, env, append(args, "--output", "json")...)); c.Domain != tt.domain {
				t.Errorf("the domain is %q, want %q", c.Domain, tt.domain)
			}
			want := "tenant:        " + entra.DefaultTenantID + "\n"
			if tt.domain != "" {
				want = "tenant:        " + tt.domain + " (" + entra.DefaultTenantID + ")\n"
			}
			if p := tapsweep(t, env, args...); !strings.HasPrefix(p.stdout, want) {
				t.Errorf("the check does not begin with %q\n%s", want, p.stdout)
			}
		})
	}
}

// A check keeps a token to itself that does not belong where it would go, and says
// that nothing works with it.
func TestCheckOfAnotherTenant(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]entra.Options{"tenant": {TenantID: foreignTenant}, "domain": {TenantID: foreignTenant, Domain: foreignDomain}} {
		t.Run(name, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{})
			env, root := serve(t, tenant)
			p := tapsweep(t, env, "check", "--graph-url", root, "--tenant", map[string]string{"tenant": entra.DefaultTenantID, "domain": entra.DefaultDomain}[name],
				"--token-file", writeFile(t, "t", graphsim.New(graphsim.Options{Entra: of}).Entra.Token()), "--output", "json")
			c, steps := checkJSON(t, p)
			if p.code != 3 || steps["claims"].Result != "failed" || steps["read"].Result != "skipped" {
				t.Errorf("exit %d, %+v", p.code, c.Steps)
			}
			for _, v := range c.Commands {
				if v.Works != token.No {
					t.Errorf("%s works: %s", v.Command, v.Works)
				}
			}
			if s := tenant.Stats(); s.Batches+s.Unauthorized != 0 {
				t.Error("the token was sent to another tenant")
			}
		})
	}
}

// A credential that cannot be made is a finding like any other.
func TestCheckWithoutACredential(t *testing.T) {
	t.Parallel()
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	p := tapsweep(t, without(env, "AZURE_CLIENT_SECRET"), "check", "--graph-url", root, "--auth", "secret", "--output", "json")
	c, steps := checkJSON(t, p)
	if s := steps["token"]; p.code != 3 || c.Exit != 3 || c.Graph != root || s.Result != "failed" || !strings.Contains(s.Detail, "no secret") || strings.Contains(p.stdout, "tapsweep check") {
		t.Errorf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
	}
}

func TestCheckOfAUser(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(2)
	env, root := serve(t, tenant)
	tokenFile := writeFile(t, "t", tenant.Entra.UserToken(users[0].ID, "UserAuthMethod-TAP.ReadWrite"))
	p := tapsweep(t, env, "check", "--graph-url", root, "--token-file", tokenFile, "--user", "ME", "--output", "json")
	c, steps := checkJSON(t, p)
	works := make(map[string]token.Access)
	for _, v := range c.Commands {
		works[v.Command] = v.Works
	}
	// The token allows the own pass, and no other.
	if p.code != 1 || steps["read"].Result != "ok" || works["revoke --self"] != token.Yes || works["revoke"] != token.No {
		t.Errorf("exit %d, %+v", p.code, c)
	}
	p = tapsweep(t, env, "check", "--graph-url", root, "--token-file", tokenFile, "--user", "me")
	for _, want := range []string{"signed in as: user " + users[0].UPN, "command works missing permission", "revoke --self yes", "revoke no UserAuthMethod-TAP.ReadWrite.All",
		"USER PASS REASON", "tapsweep revoke does not work with this sign-in"} {
		if !strings.Contains(strings.Join(strings.Fields(p.stdout), " "), want) {
			t.Errorf("no %q in\n%s", want, p.stdout)
		}
	}
}

func TestCheckUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "--output", "xml"}, {"check", "--user", "a/../b"}, {"check", "list.csv"}, {"check", "--cloud", "x"},
		{"check", "--graph-url", "http://graph.microsoft.com"}, {"check", "--log-level", "loud"}} {
		if p := tapsweep(t, nil, args...); p.code != status.Usage || p.stdout != "" {
			t.Errorf("%v: exit %d\n%s", args, p.code, p.stderr)
		}
	}
}

// The check leaves nothing behind but what it prints.
func TestCheckLeavesNothing(t *testing.T) {
	t.Parallel()
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	cmd := command(t, env, "check", "--graph-url", root)
	finish(t, cmd)
	if files, _ := filepath.Glob(filepath.Join(cmd.Dir, "*")); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}
