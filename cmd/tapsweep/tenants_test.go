package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/auth"
)

const (
	foreignTenant = "11111111-3b7d-4e88-9a41-d5c27be0f913"
	foreignDomain = "fabrikam.example"
)

// A token of another tenant never gets to write, whatever names the tenant that was
// asked for, and with --no-preflight too.
func TestTenantOfTheToken(t *testing.T) {
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
		{"foreign, by id", foreign, []string{"--tenant", entra.DefaultTenantID}, 3, false, entra.DefaultTenantID + " was asked for"},
		{"foreign, by domain", foreign, []string{"--tenant", entra.DefaultDomain}, 3, false, entra.DefaultTenantID + " was asked for"},
		{"foreign, by id, no preflight", foreign, []string{"--tenant", entra.DefaultTenantID, "--no-preflight"}, 3, false, "was asked for"},
		{"foreign, by domain, no preflight", foreign, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3, false, "was asked for"},
		{"a domain that nobody has", own, []string{"--tenant", "nobody.example"}, 3, false, "give the tenant by its id"},
		{"unreadable", opaque, []string{"--tenant", entra.DefaultDomain}, 3, true, "not known to be of " + entra.DefaultDomain},
		{"unreadable, no preflight", opaque, []string{"--tenant", entra.DefaultDomain, "--no-preflight"}, 3, true, "not known to be of " + entra.DefaultDomain},
		{"a secret of the domain's own app", nil, []string{"--tenant", entra.DefaultDomain}, 0, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, other := graphsim.New(graphsim.Options{}), graphsim.New(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant, Domain: foreignDomain}})
			users := tenant.AddUsers(3)
			env, root := serve(t, tenant)
			args := append([]string{"revoke", "--yes", "--graph-url", root, "--results", "-", writeFile(t, "l.csv", listOf(users))}, tt.args...)
			if tt.token != nil {
				args = append(args, "--token-file", writeFile(t, "t", tt.token(tenant, other)))
			}
			p := tapsweep(t, env, args...)
			s := tenant.Stats()
			posted := s.Batches+s.Unauthorized > 0
			if p.code != tt.exit || posted != tt.posts || !strings.Contains(p.stderr, tt.want) {
				t.Errorf("exit %d, want %d, posted %v, want %q in\n%s", p.code, tt.exit, posted, tt.want, p.stderr)
			}
		})
	}
}

// hanging never answers, and heeds the context or does not.
type hanging struct{ deaf chan struct{} }

func (h hanging) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if h.deaf != nil {
		<-h.deaf
	}
	<-ctx.Done()
	return azcore.AccessToken{}, ctx.Err()
}

// An identity endpoint that hangs holds nobody up for good.
func TestFirstTokenIsBounded(t *testing.T) {
	for method, want := range map[string]time.Duration{"managed-identity": machinePatience, "device-code": personPatience} {
		for _, deaf := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				var h hanging
				if deaf {
					h.deaf = make(chan struct{})
					defer close(h.deaf)
				}
				c := &connection{credential: &auth.Credential{TokenCredential: h, Method: method}}
				client, err := graph.New(h, graph.Options{})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = c.firstToken(t.Context(), client)
				if _, ok := errors.AsType[*graph.TokenError](err); !ok || time.Since(start) != want || !strings.Contains(err.Error(), "no answer within") {
					t.Errorf("%s: %v after %v, want %v", method, err, time.Since(start), want)
				}
			})
		}
	}
}

// The deadline begins before the token is asked for.
func TestDeadlineOfTheToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	env = append(env, "IDENTITY_ENDPOINT="+server.URL, "IDENTITY_HEADER=h")
	start := time.Now()
	p := tapsweep(t, env, "revoke", "--yes", "--auth", "managed-identity", "--deadline", "1s", "--graph-url", root, "--results", "-",
		writeFile(t, "l.csv", listOf(tenant.AddUsers(1))))
	if p.code != 4 || !strings.Contains(p.stderr, "the deadline of 1s is over, nothing was sent") || time.Since(start) > 30*time.Second {
		t.Errorf("exit %d after %v\n%s", p.code, time.Since(start), p.stderr)
	}
}

// What is printed before the question is no use after it.
func TestQuietHoldsBack(t *testing.T) {
	for _, tt := range []struct {
		quiet bool
		guard guardFlags
		held  bool
	}{
		{true, guardFlags{}, false},
		{true, guardFlags{yes: true}, true},
		{true, guardFlags{dryRun: true}, true},
		{false, guardFlags{yes: true}, false},
	} {
		var out strings.Builder
		r := &runOf{app: &app{stderr: &out}, flags: &runFlags{}, list: openList(t, "user\ndana@contoso.com\n"), tenant: tenantOf(t, graphsim.New(graphsim.Options{}).Entra.Token())}
		err := r.preflight(r.task(false), tt.quiet && tt.guard.unasked())
		if err != nil || (len(r.held) > 0) != tt.held || (out.Len() > 0) == tt.held {
			t.Errorf("%+v: held %q, printed %q, %v", tt, r.held, out.String(), err)
		}
	}
}
