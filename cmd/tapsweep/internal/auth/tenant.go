package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"tapsweep/input"
)

// enforcing are the methods that ask the authority of the configured tenant, so they get no token for another tenant.
// Other methods take the token of a file, a machine or a tool.
var enforcing = []string{"environment", "secret", "certificate", "workload-identity", "device-code", "browser"}

// BoundToTenant reports whether the credential returns only tokens for the configured tenant.
func (c *Credential) BoundToTenant() bool {
	return c.Tenant != "" && slices.Contains(enforcing, c.Method)
}

// Interactive reports whether a person may have to sign in.
func (c *Credential) Interactive() bool { return c.Method == "device-code" || c.Method == "browser" }

// anyTenant reports whether a name means no particular tenant.
// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
func anyTenant(name string) bool {
	return slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(name))
}

var tenantDomain = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// discoveryTimeout limits each attempt to ask an authority.
const discoveryTimeout = 15 * time.Second

// TenantID asks an authority for the ID of the tenant with a domain. The endpoints of the authority must be on hosts.
// If the error wraps an *AuthorityUnreachableError, the domain may be right.
// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
func TenantID(ctx context.Context, transport http.RoundTripper, authority string, hosts []string,
	domain string) (string, error) {
	if !tenantDomain.MatchString(domain) || strings.Contains(domain, "..") {
		return "", fmt.Errorf("%q is neither the ID nor a domain of a tenant", domain)
	}
	l := newIssuerTransport(Options{Authority: authority, Hosts: hosts, HTTP: &http.Client{Transport: transport}})
	pipeline := runtime.NewPipeline("tapsweep", "", runtime.PipelineOptions{}, &policy.ClientOptions{Transport: l,
		Telemetry: policy.TelemetryOptions{Disabled: true},
		Retry:     policy.RetryOptions{MaxRetries: 2, TryTimeout: discoveryTimeout}})
	req, err := runtime.NewRequest(ctx, http.MethodGet, strings.TrimSuffix(authority, "/")+"/"+url.PathEscape(domain)+
		"/v2.0/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	resp, err := pipeline.Do(req)
	if away := l.lastFailure.Load(); away != nil {
		return "", away
	}
	if err != nil {
		return "", err
	}
	data, err := runtime.Payload(resp)
	if err != nil {
		return "", err
	}
	host := req.Raw().URL.Host
	if resp.StatusCode == http.StatusOK {
		return tenantOf(host, data)
	}
	var e oauthError
	text := fmt.Sprintf("%s answers %d", host, resp.StatusCode)
	if json.Unmarshal(data, &e) == nil && e.Said != "" {
		text += ": " + e.said()
	}
	return "", errors.New(text)
}

// tenantOf returns the ID of a tenant from its metadata.
func tenantOf(host string, data []byte) (string, error) {
	var answer struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return "", fmt.Errorf("the answer of %s cannot be read: %w", host, err)
	}
	issuer, endpoint := firstGUID(answer.Issuer), firstGUID(answer.Token)
	switch {
	case issuer == "" && endpoint == "":
		return "", errors.New("the answer of " + host + " contains no tenant ID")
	case issuer != "" && endpoint != "" && !strings.EqualFold(issuer, endpoint):
		return "", errors.New("the answer of " + host + " contains two tenant IDs")
	}
	return cmp.Or(issuer, endpoint), nil
}

// firstGUID returns the first segment of the path of a URL if it is a GUID.
func firstGUID(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !input.IsGUID(first) {
		return ""
	}
	return first
}
