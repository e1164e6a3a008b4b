package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
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
		{"own, by domain", own, []string{"--tenant", entra.DefaultDomain}, 0, true, ""},
		{"own, no tenant in particular", own, []string{"--tenant", "organizations"}, 0, true, ""},
		{"foreign, by id", foreign, []string{"--tenant", entra.DefaultTenantID}, 3, false,
			entra.DefaultTenantID + " was requested"},
		{"foreign, by domain", foreign, []string{"--tenant", entra.DefaultDomain}, 3, false,
			entra.DefaultTenantID + " was requested"},
		{"foreign, by id, no preflight", foreign, []string{"--tenant", entra.DefaultTenantID, "--no-preflight"}, 3,
			false, "was requested"},
		{"foreign, by domain, no preflight", foreign, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3,
			false, "was requested"},
		{"a domain that nobody has", own, []string{"--tenant", "nobody.example"}, 3, false,
			"give the tenant by its ID"},
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
	p := spawn(t, env, "revoke", "--yes", "--auth", "managed-identity", "--deadline", "1s", "--results", "-",
		listFile(t, tenant.AddUsers(1)))
	p.ends(t, 4, "the deadline of 1s has passed, nothing was sent")
	atMost(t, "time that it took", time.Since(start), 30*time.Second)
}
