package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/status"
)

const (
	foreignTenant = "11111111-3b7d-4e88-9a41-d5c27be0f913"
	foreignDomain = "fabrikam.example"
)

// A token of another tenant never gets to write, whatever names the tenant that was
// asked for, and with --no-preflight too.
func TestTenantOfTheToken(t *testing.T) {
	t.Parallel()
	own := func(s, _ *graphsim.Tenant) string { return s.Entra.Token() }
	foreign := func(_, s *graphsim.Tenant) string { return s.Entra.Token() }
	opaque := func(_, _ *graphsim.Tenant) string { return "opaque" }
	tests := []struct {
		name  string
		token func(own, foreign *graphsim.Tenant) string // nil signs in by the secret
		args  []string
		exit  int
		posts bool
		want  string
	}{
		{"own, by id", own, []string{"--tenant", entra.DefaultTenantID}, 0, true, ""},
		{"own, by domain", own, []string{"--tenant", entra.DefaultDomain}, 3, false, "give the tenant by its ID"},
		{"own, no tenant in particular", own, []string{"--tenant", "organizations"}, 0, true, ""},
		{"foreign, by id", foreign, []string{"--tenant", entra.DefaultTenantID}, 3, false,
			entra.DefaultTenantID + " was requested"},
		{"foreign, by domain, no preflight", foreign, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3,
			false, "give the tenant by its ID"},
		{"foreign, by id, no preflight", foreign, []string{"--tenant", entra.DefaultTenantID, "--no-preflight"}, 3,
			false, "was requested"},
		{"unreadable", opaque, []string{"--tenant", entra.DefaultDomain}, 3, true,
			"it cannot be checked that it is for " + entra.DefaultDomain},
		{"unreadable, no preflight", opaque, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3, true,
			"it cannot be checked that it is for " + entra.DefaultDomain},
		{"a secret of the domain's own app", nil, []string{"--tenant", entra.DefaultDomain}, 0, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 3, graphsim.Options{})
			other := graphsim.New(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant,
				Domain: foreignDomain}})
			args := append([]string{"revoke", "--yes", "--results", "-", listFile(t, users)}, tt.args...)
			if tt.token != nil {
				args = append(args, "--token-file", writeFile(t, "t", tt.token(tenant, other)))
			}
			p := tapsweep(t, env, args...)
			s := tenant.Stats()
			posted := s.Batches+s.Unauthorized > 0
			p.ends(t, tt.exit, tt.want)
			same(t, "posted", posted, tt.posts)
		})
	}
}

// The deadline begins before the token is asked for.
func TestDeadlineOfTheToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	defer server.Close()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	env = append(env, "IDENTITY_ENDPOINT="+server.URL, "IDENTITY_HEADER=h")
	start := time.Now()
	spawn(t, env, "revoke", "--yes", "--auth", "managed-identity", "--deadline", "1s", "--results", "-",
		listFile(t, tenant.AddUsers(1))).ends(t, 4, "the deadline of 1s has passed, nothing was sent")
	atMost(t, "time that it took", time.Since(start), 30*time.Second)
}

// What the log of a simulation, of another tenant or of another Graph root says is done is not done
// here: revoke and verify refuse such a log. A simulation may have it as its list.
func TestLogOfAnotherTenant(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	list := listFile(t, tenant.AddUsers(3))
	env := serve(t, tenant)
	logOf := func(env []string, flags ...string) string {
		log := newLog(t)
		args := append([]string{"revoke", "--yes", "--results", log, list}, flags...)
		tapsweep(t, env, args...).ends(t, status.Done)
		return log
	}
	elsewhere := func(opts graphsim.Options) string {
		other := graphsim.New(opts)
		other.AddUsers(3)
		env := serve(t, other)
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
			tapsweep(t, env, append(strings.Fields(command), "--results", "-", tt.log)...).ends(t, status.Usage, tt.want)
		}
	}
	same(t, "batches", tenant.Stats().Batches, 0)
	runRevoke(t, nil, "--simulate", simulated).ends(t, status.Done)
	own := logOf(env)
	tapsweep(t, env, "verify", "--results", "-", own, simulated).ends(t, status.Usage)
}

// A log in which lines are missing, such as what a rotation left, is refused by revoke and
// verify, although its last line is there.
func TestLogThatIsNotWhole(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
	list := listFile(t, tenant.AddUsers(5))
	env := serve(t, tenant)
	log := newLog(t)
	for range 2 {
		tapsweep(t, env, "revoke", "--yes", "--results", log, "--resume", list).ends(t, status.Incomplete)
	}
	text := readText(t, log)
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	second := len(lines) - strings.Count(lastRun(text), "\n")
	sent := tenant.Stats().Batches
	for name, cut := range map[string][]string{
		"the last two lines": lines[len(lines)-2:],
		"the end":            lines[len(lines)-1:],
		"a row":              lines[1:2],
		"the second run":     lines[second:],
		"without row 1":      append([]string{lines[0]}, lines[2:]...),
		"without the last":   append(lines[:len(lines)-2:len(lines)-2], lines[len(lines)-1]),
	} {
		part := writeFile(t, "part.jsonl", strings.Join(cut, ""))
		for _, command := range []string{"revoke --yes", "verify --verify-wait 1s"} {
			tapsweep(t, env, append(strings.Fields(command), "--results", "-", part)...).ends(t, status.Usage, "whole")
		}
		if strings.HasPrefix(name, "without") {
			holds(t, "the report of a log "+name, tapsweep(t, nil, "report", part).stdout,
				"note: This report is not complete: "+part+" lacks 1 of its ")
		}
	}
	killed := writeFile(t, "killed.jsonl", strings.Join(lines[:len(lines)-1], ""))
	p := tapsweep(t, env, "verify", "--results", "-", killed)
	holds(t, "standard error", p.stderr, "with tapsweep revoke --resume --results "+killed)
	same(t, "batches", tenant.Stats().Batches, sent)
	args := []string{"verify", "--results", "-", "--verify-wait", "1s", log}
	tapsweep(t, env, args...).ends(t, status.Incomplete)
}
