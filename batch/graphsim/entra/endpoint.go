package entra

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// An HTTPRequest is an HTTP request to the authority.
type HTTPRequest struct {
	Method, Host, Path, Query string
	Body                      []byte
}

// Serve answers requests for discovery, for tokens and for sign-ins.
func (a *Authority) Serve(r HTTPRequest) wire.HTTPResponse {
	tenant, endpoint, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	known := a.isTenant(tenant)
	const discovery, tokens = "v2.0/.well-known/openid-configuration", "oauth2/v2.0/token"
	switch {
	case endpoint == discovery && known:
		return a.discovery(r.Host)
	case strings.HasSuffix(endpoint, discovery), endpoint == tokens && !known:
		return a.refuse(&refusal{400, "invalid_tenant", 90002, "Tenant '" + tenant + "' not found."})
	case endpoint == tokens && r.Method == http.MethodPost:
		return a.grant(r)
	case endpoint == "oauth2/v2.0/authorize" && r.Method == http.MethodGet && known:
		return a.authorize(r)
	case endpoint == "oauth2/v2.0/devicecode" && r.Method == http.MethodPost && known:
		return a.startDeviceCode(r)
	}
	return respond(404, map[string]string{"error": "not_found"})
}

// discovery returns the endpoints with the tenant's ID, even if the client used another
// name. A client checks that the host of the issuer is the host that it asked.
// Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
func (a *Authority) discovery(host string) wire.HTTPResponse {
	base := "https://" + host + "/" + a.opts.TenantID
	return respond(200, map[string]any{
		"issuer":                                base + "/v2.0",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
	})
}

// A refusal is an error of the token endpoint.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
type refusal struct {
	status int
	code   string // the error code of OAuth
	number int    // the error number of Entra
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("AADSTS%d: %s", r.number, r.text) }

func (a *Authority) unknownApp(clientID string) *refusal {
	return &refusal{400, "unauthorized_client", 700016,
		"Application with identifier '" + clientID + "' was not found in the directory."}
}

// refuse returns the response for an error. It is called without mu.
func (a *Authority) refuse(no *refusal) wire.HTTPResponse {
	a.mu.Lock()
	defer a.mu.Unlock()
	trace, correlation := a.variety.NewID(), a.variety.NewID()
	now := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	return respond(no.status, map[string]any{
		"error": no.code, "error_codes": []int{no.number},
		"error_description": fmt.Sprintf("%v Trace ID: %s Correlation ID: %s Timestamp: %s",
			no, trace, correlation, now),
		"timestamp": now, "trace_id": trace, "correlation_id": correlation,
	})
}

func respond(status int, body any) wire.HTTPResponse {
	header := http.Header{"Content-Type": {wire.JSONType}, "Cache-Control": {"no-store"}}
	return wire.HTTPResponse{Status: status, Header: header, Body: wire.Marshal(body)}
}

// tokenRequest is a request to the token endpoint.
type tokenRequest struct {
	url.Values
	host, endpoint string
}

// tokenBody is the body of a response with a token.
type tokenBody map[string]any

func (a *Authority) tokenBody(accessToken string) tokenBody {
	life := int(a.opts.TokenLife / time.Second)
	return tokenBody{"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": accessToken}
}

// grant answers a request to the token endpoint.
func (a *Authority) grant(r HTTPRequest) wire.HTTPResponse {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("grant_type") == "" {
		return a.refuse(&refusal{400, "invalid_request", 900144,
			"The request body must contain the following parameter: 'grant_type'."})
	}
	body, no := a.grantForm(tokenRequest{form, r.Host, "https://" + r.Host + r.Path})
	if no != nil {
		return a.refuse(no)
	}
	return respond(200, body)
}

func (a *Authority) grantForm(r tokenRequest) (body tokenBody, no *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case r.Get("client_id") != a.opts.ClientID && !a.isReader(r):
		return nil, a.unknownApp(r.Get("client_id"))
	case a.appDisabled:
		return nil, &refusal{400, "unauthorized_client", 7000112,
			"Application '" + a.opts.ClientID + "'(graphsim) is disabled."}
	}
	switch r.Get("grant_type") {
	case "client_credentials":
		body, no = a.grantApp(r)
	case "urn:ietf:params:oauth:grant-type:device_code", "device_code":
		body, no = a.grantDeviceCode(r)
	case "authorization_code":
		body, no = a.grantAuthorized(r)
	case "refresh_token":
		body, no = a.grantRefresh(r)
	default:
		no = &refusal{400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."}
	}
	if no == nil {
		a.issued++
		if strings.Contains(r.Get("claims"), `"nbf"`) {
			a.byClaims++
		}
	}
	return body, no
}

// audience returns the resource of the scopes. It skips openid and the like, which a client
// library may add. Scopes without a resource are those of Graph.
func audience(scopes string) (resource string, ok bool) {
	for scope := range strings.FieldsSeq(scopes) {
		if resource, ok := strings.CutSuffix(scope, "/.default"); ok {
			return strings.TrimSuffix(resource, "/"), true
		}
	}
	return "", false
}

// grantApp answers a client credentials request. Called with mu held.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func (a *Authority) grantApp(r tokenRequest) (tokenBody, *refusal) {
	if no := a.checkCredential(r); no != nil {
		return nil, no
	}
	resource, ok := audience(r.Get("scope"))
	if !ok {
		return nil, &refusal{400, "invalid_scope", 1002012,
			"The provided value for scope " + r.Get("scope") + " is not valid."}
	}
	if a.isReader(r) {
		return a.tokenBody(a.issueApp(a.opts.ReaderID, a.opts.ReaderRoles, resource, nil)), nil
	}
	return a.tokenBody(a.issueApp(a.opts.ClientID, a.roles, resource, nil)), nil
}

// isReader reports whether the second app asks for an app-only token.
func (a *Authority) isReader(r tokenRequest) bool {
	return a.opts.ReaderID != "" && r.Get("client_id") == a.opts.ReaderID &&
		r.Get("grant_type") == "client_credentials"
}

func (a *Authority) checkCredential(r tokenRequest) *refusal {
	assertion, secret := r.Get("client_assertion"), r.Get("client_secret")
	switch {
	case assertion != "":
		return a.checkAssertion(r.Get("client_assertion_type"), assertion, r.endpoint)
	case secret == "":
		return &refusal{401, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' " +
			"is required for the 'client_credentials' grant type."}
	case secret != a.secret:
		return &refusal{401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being " +
			"sent in the request is the client secret value, not the client secret ID, for a secret added to app '" +
			a.opts.ClientID + "'."}
	case a.secretExpired:
		return &refusal{401, "invalid_client", 7000222, "The provided client secret keys for app '" + a.opts.ClientID +
			"' are expired. Visit the Azure portal to create new keys for your app."}
	}
	return nil
}
