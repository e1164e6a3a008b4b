package graphsim

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// token is an issued access token.
type token struct {
	caller
	audience string
	expires  time.Time
	revoked  bool
}

// graphAppID is Microsoft Graph's application id, in any cloud.
const graphAppID = "00000003-0000-0000-c000-000000000000"

// Token issues an app-only token for Graph without asking for a secret. Without
// roles it has those of Options.
func (t *Tenant) Token(roles ...string) string {
	if len(roles) == 0 {
		roles = t.opts.Roles
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issue(appCaller(roles), graphAppID, map[string]any{"roles": roles})
}

// UserToken issues a delegated token with the given scopes for a user of the
// tenant, by object id, such as a person gets who signs in.
func (t *Tenant) UserToken(userID string, scopes ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issueUser(userID, scopes, graphAppID)
}

// issueUser is called with mu held.
func (t *Tenant) issueUser(userID string, scopes []string, audience string) string {
	claims := map[string]any{"scp": strings.Join(scopes, " ")}
	if u := t.find(userID); u != nil {
		userID = u.ID
		claims["upn"], claims["unique_name"] = u.UPN, u.UPN
		if u.held != nil && len(u.held.roles) > 0 {
			claims["wids"] = u.held.roles
		}
	}
	return t.issue(userCaller(userID, scopes), audience, claims)
}

// ExpireTokens has every token that was issued so far refused, as if the run had
// outlived it. See Options.Challenge.
func (t *Tenant) ExpireTokens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for text, tok := range t.tokens {
		tok.revoked = true
		t.tokens[text] = tok
	}
}

// issue makes a token with the claims that a client may look at.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
// Called with mu held.
func (t *Tenant) issue(who caller, audience string, claims map[string]any) string {
	now := time.Now()
	for text, tok := range t.tokens {
		if now.After(tok.expires.Add(t.opts.TokenLife)) {
			delete(t.tokens, text)
		}
	}
	if t.key == nil {
		t.key = make([]byte, 32)
		rand.Read(t.key)
	}
	claims["aud"], claims["tid"], claims["appid"] = audience, t.opts.TenantID, t.opts.ClientID
	claims["iss"] = "https://sts.windows.net/" + t.opts.TenantID + "/"
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Add(t.opts.TokenLife).Unix()
	claims["appidacr"], claims["ver"], claims["uti"] = "1", "1.0", string(t.newID())
	claims["idtyp"], claims["oid"] = "app", servicePrincipal(t.opts.ClientID)
	if who.delegated {
		claims["idtyp"], claims["oid"] = "user", who.oid
	}
	head, _ := json.Marshal(map[string]string{"typ": "JWT", "alg": "HS256", "kid": "graphsim"}) // strings always marshal
	body, _ := json.Marshal(claims)                                                             // and so do these claims
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(text))
	text += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	t.tokens[text] = token{who, audience, now.Add(t.opts.TokenLife), false}
	return text
}

// authenticate finds who a request speaks for, or answers 401.
// Source: learn.microsoft.com/graph/resolve-auth-errors.
func (t *Tenant) authenticate(in *inbound) (*caller, *wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, ok := strings.CutPrefix(in.header.Get("Authorization"), "Bearer ")
	tok, known := t.tokens[text]
	problem := ""
	switch {
	case !ok || text == "":
		problem = "Access token is empty."
	case !known:
		problem = "CompactToken parsing failed with error code: 80049217"
	case tok.revoked && t.opts.Challenge:
		problem = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenCreatedWithOutdatedPolicies"
	case tok.revoked || !time.Now().Before(tok.expires):
		problem = "Lifetime validation failed, the token is expired."
	case tok.audience != publicRoot && tok.audience != graphAppID && tok.audience != "https://"+in.host:
		problem = "Access token validation failure. Invalid audience."
	default:
		return &tok.caller, nil
	}
	t.stats.Unauthorized++
	w := t.outer(t.fail(&call{header: in.header}, 401, "InvalidAuthenticationToken", problem))
	challenge, _, _ := strings.Cut(ClaimsChallenge, `, error=`)
	if tok.revoked && t.opts.Challenge {
		challenge = ClaimsChallenge
	}
	w.header.Set("WWW-Authenticate", challenge)
	return nil, &w
}

// login answers what is not Graph: discovery and the token endpoint.
func (t *Tenant) login(in *inbound) wire {
	first, rest, _ := strings.Cut(strings.TrimPrefix(in.path, "/"), "/")
	// Whichever name was asked for, the endpoints are named by the id.
	// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
	base := "https://" + in.host + "/" + t.opts.TenantID
	known := strings.EqualFold(first, t.opts.TenantID) || strings.EqualFold(first, t.opts.Domain)
	switch {
	case first == "common" && rest == "discovery/instance":
		return plain(200, map[string]any{
			"tenant_discovery_endpoint": "https://" + in.host + "/" + t.opts.TenantID + "/v2.0/.well-known/openid-configuration",
			"api-version":               "1.1",
			"metadata": []map[string]any{{
				"preferred_network": in.host, "preferred_cache": in.host, "aliases": []string{in.host},
			}},
		})
	case rest == "v2.0/.well-known/openid-configuration" && known:
		return plain(200, map[string]any{
			// A client checks that the issuer's host is the one it asked.
			"issuer":                                base + "/v2.0",
			"token_endpoint":                        base + "/oauth2/v2.0/token",
			"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
			"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
			"jwks_uri":                              base + "/discovery/v2.0/keys",
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		})
	case strings.HasSuffix(rest, "v2.0/.well-known/openid-configuration"), rest == "oauth2/v2.0/token" && !known:
		return t.loginError(400, "invalid_tenant", 90002, "Tenant '"+first+"' not found.")
	case rest == "oauth2/v2.0/token" && in.method == http.MethodPost:
		return t.grant(in)
	case rest == "oauth2/v2.0/authorize" && in.method == http.MethodGet && known:
		return t.authorize(in)
	case rest == "oauth2/v2.0/devicecode" && in.method == http.MethodPost && known:
		return t.deviceCode(in)
	}
	return plain(404, map[string]any{"error": "not_found"})
}

func (t *Tenant) loginError(status int, code string, number int, text string) wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	trace, correlation, now := string(t.newID()), string(t.newID()), time.Now().UTC().Format("2006-01-02 15:04:05Z")
	return plain(status, map[string]any{
		"error": code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			number, text, trace, correlation, now),
		"error_codes": []int{number}, "timestamp": now, "trace_id": trace, "correlation_id": correlation,
	})
}

func plain(status int, body map[string]any) wire {
	b, _ := json.Marshal(body) // texts and numbers always marshal
	return wire{status: status, header: http.Header{"Content-Type": {jsonType}, "Cache-Control": {"no-store"}}, body: b}
}
