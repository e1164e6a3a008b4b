package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
)

// enforcing are the methods that ask the authority of the configured tenant, by
// whatever name, and so get a token of that tenant or none. The others take what
// a file, a machine or a tool has for them.
var enforcing = []string{"environment", "secret", "certificate", "workload-identity", "device-code", "browser"}

// Enforces tells whether the credential can have a token of the configured tenant
// only.
func (c *Credential) Enforces() bool {
	return c.Tenant != "" && slices.Contains(enforcing, c.Method)
}

// Interactive tells whether a person may have to sign in.
func (c *Credential) Interactive() bool { return c.Method == "device-code" || c.Method == "browser" }

// AnyTenant tells names that stand for no tenant in particular.
// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
func AnyTenant(name string) bool {
	return name == "" || slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(name))
}

var (
	tenantDomain = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
	tenantGUID   = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// maxDiscovery is many times what the answer of an authority takes.
const maxDiscovery = 1 << 20

// discoveryTimeout bounds each of the attempts to ask an authority.
const discoveryTimeout = 15 * time.Second

// TenantID asks the authority for the id of the tenant that has a domain.
// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
func TenantID(ctx context.Context, transport http.RoundTripper, authority, domain string) (string, error) {
	if !tenantDomain.MatchString(domain) || strings.Contains(domain, "..") {
		return "", fmt.Errorf("%q is neither an id nor a domain of a tenant", domain)
	}
	client := &http.Client{Transport: transport, Timeout: discoveryTimeout}
	at := strings.TrimSuffix(authority, "/") + "/" + url.PathEscape(domain) + "/v2.0/.well-known/openid-configuration"
	for attempt := 1; ; attempt++ {
		id, again, err := askTenant(ctx, client, at)
		if err == nil || !again || attempt == 3 {
			return id, err
		}
		select {
		case <-time.After(time.Duration(attempt) * time.Second):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func askTenant(ctx context.Context, client *http.Client, at string) (id string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDiscovery))
	if err != nil {
		return "", ctx.Err() == nil, err
	}
	var answer struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
		Said   string `json:"error_description"`
	}
	err = json.Unmarshal(data, &answer)
	if resp.StatusCode != http.StatusOK {
		said := ""
		if err == nil && answer.Said != "" {
			said = ": " + batch.Printable(strings.Join(strings.Fields(answer.Said), " "))
		}
		return "", resp.StatusCode == 429 || resp.StatusCode >= 500, fmt.Errorf("%s answers %d%s", req.URL.Host, resp.StatusCode, said)
	}
	if err != nil {
		return "", false, fmt.Errorf("the answer of %s cannot be read: %w", req.URL.Host, err)
	}
	issuer, endpoint := firstGUID(answer.Issuer), firstGUID(answer.Token)
	switch {
	case issuer == "" && endpoint == "":
		return "", false, errors.New("the answer of " + req.URL.Host + " holds no id of a tenant")
	case issuer != "" && endpoint != "" && !strings.EqualFold(issuer, endpoint):
		return "", false, errors.New("the answer of " + req.URL.Host + " holds two ids of tenants")
	case issuer != "":
		return issuer, false, nil
	}
	return endpoint, false, nil
}

// firstGUID returns the first segment of a URL's path if that is an id.
func firstGUID(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !tenantGUID.MatchString(first) {
		return ""
	}
	return first
}
