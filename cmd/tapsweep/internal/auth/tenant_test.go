package auth

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// authority answers each request with the same status and body.
type authority struct {
	status int
	body   string
	asked  *int
}

func (a authority) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.asked != nil {
		*a.asked++
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func TestTenantID(t *testing.T) {
	const id, other = entra.DefaultTenantID, "11111111-3b7d-4e88-9a41-d5c27be0f913"
	sim := graphsim.New(graphsim.Options{})
	for _, tt := range []struct {
		name      string
		transport http.RoundTripper
		domain    string
		want      string // id
		problem   string
	}{
		{"domain", sim, entra.DefaultDomain, id, ""},
		{"in capitals", sim, strings.ToUpper(entra.DefaultDomain), id, ""},
		{"another domain", sim, "fabrikam.example", "", "AADSTS90002"},
		{"no domain", sim, "../x", "", "neither the ID nor a domain"},
		{"the token endpoint alone", authority{200,
			`{"issuer":"https://login.example/{tenantid}/v2.0","token_endpoint":"https://login.example/` + id +
				`/oauth2/v2.0/token"}`, nil}, "a.example", id, ""},
		{"two tenant IDs", authority{200, `{"issuer":"https://login.example/` + id +
			`/v2.0","token_endpoint":"https://login.example/` + other + `/token"}`, nil},
			"a.example", "", "two tenant IDs"},
		{"no id", authority{200, `{}`, nil}, "a.example", "", "no tenant ID"},
		{"a page of a proxy", authority{200, `<html>`, nil}, "a.example", "", "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := TenantID(t.Context(), tt.transport, "https://login.example/", nil, tt.domain)
			assert.Says(t, "TenantID", err, tt.problem)
			assert.Same(t, "TenantID", got, tt.want)
		})
	}
}

// An authority that is down is asked three times.
func TestTenantIDRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		_, err := TenantID(t.Context(), authority{503, "", &asked}, "https://login.example", nil, "a.example")
		assert.That(t, err != nil, "TenantID returns no error")
		assert.Same(t, "requests", asked, 3)
	})
}

func TestEnforces(t *testing.T) {
	for _, tt := range []struct {
		c    Credential
		want bool
	}{
		{Credential{Method: "secret", Tenant: "contoso.com"}, true},
		{Credential{Method: "device-code", Tenant: "contoso.com"}, true},
		{Credential{Method: "device-code"}, false},
		{Credential{Method: "token-file", Tenant: "contoso.com"}, false},
		{Credential{Method: "managed-identity", Tenant: "contoso.com"}, false},
		{Credential{Method: "azure-cli", Tenant: "contoso.com"}, false},
		{Credential{Method: "default", Tenant: "contoso.com"}, false}, // whose token it is depends on what is there
	} {
		assert.Same(t, fmt.Sprintf("%s of tenant %q", tt.c.Method, tt.c.Tenant), tt.c.BoundToTenant(), tt.want)
	}
}
