package graphsim

import (
	"net/url"
	"strings"
	"time"
)

// entra is what the token endpoint knows beside Options.
type entra struct {
	secret        string
	secretExpired bool
	disabled      bool // the app is
	assertions    assertions
	signIn        SignIn
	codes         map[string]*pending // device codes
	challenges    map[string]string   // of the codes that browsers brought back
	refresh       map[string]SignIn   // refresh tokens
}

// ReplaceSecret has the token endpoint take another secret than the one before.
func (t *Tenant) ReplaceSecret(secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entra.secret, t.entra.secretExpired = secret, false
}

// ExpireSecret has the token endpoint refuse its secret as one past its end.
func (t *Tenant) ExpireSecret() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entra.secretExpired = true
}

// DisableApp has the app refused wherever it wants a token.
func (t *Tenant) DisableApp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entra.disabled = true
}

// A refusal is an error of the token endpoint.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
type refusal struct {
	status int
	code   string // OAuth's
	number int    // Entra's
	text   string
}

// grant answers the token endpoint.
func (t *Tenant) grant(in *inbound) wire {
	form, err := url.ParseQuery(string(in.body))
	kind := form.Get("grant_type")
	if err != nil || kind == "" {
		return t.loginError(400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.")
	}
	var body map[string]any
	var no *refusal
	t.mu.Lock()
	switch {
	case form.Get("client_id") != t.opts.ClientID:
		no = &refusal{400, "unauthorized_client", 700016, "Application with identifier '" +
			form.Get("client_id") + "' was not found in the directory."}
	case t.entra.disabled:
		no = &refusal{400, "unauthorized_client", 7000112, "Application '" + t.opts.ClientID + "'(graphsim) is disabled."}
	case kind == "client_credentials":
		body, no = t.grantApp(form, "https://"+in.host+in.path)
	case kind == "urn:ietf:params:oauth:grant-type:device_code", kind == "device_code":
		body, no = t.grantCode(form, in.host)
	case kind == "authorization_code":
		body, no = t.grantAuthorized(form, in.host)
	case kind == "refresh_token":
		body, no = t.grantRefresh(form, in.host)
	default:
		no = &refusal{400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."}
	}
	if no == nil {
		t.stats.Tokens++
		if strings.Contains(form.Get("claims"), `"nbf"`) {
			t.stats.TokensByClaims++
		}
	}
	t.mu.Unlock()
	if no != nil {
		return t.loginError(no.status, no.code, no.number, no.text)
	}
	return plain(200, body)
}

// audience finds the resource among the scopes, to which a client library may add
// openid and the like. Scopes without a resource are Graph's.
func audience(scope string) (aud string, ok bool) {
	for one := range strings.FieldsSeq(scope) {
		if a, ok := strings.CutSuffix(one, "/.default"); ok {
			return strings.TrimSuffix(a, "/"), true
		}
	}
	return "", false
}

// grantApp answers a client credentials request. Called with mu held.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func (t *Tenant) grantApp(form url.Values, endpoint string) (map[string]any, *refusal) {
	aud, ok := audience(form.Get("scope"))
	assertion, secret := form.Get("client_assertion"), form.Get("client_secret")
	var no *refusal
	switch {
	case assertion != "":
		no = t.checkAssertion(form.Get("client_assertion_type"), assertion, endpoint)
	case secret == "":
		no = &refusal{401, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' " +
			"is required for the 'client_credentials' grant type."}
	case secret != t.entra.secret:
		no = &refusal{401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being " +
			"sent in the request is the client secret value, not the client secret ID, for a secret added to app '" +
			t.opts.ClientID + "'."}
	case t.entra.secretExpired:
		no = &refusal{401, "invalid_client", 7000222, "The provided client secret keys for app '" + t.opts.ClientID +
			"' are expired. Visit the Azure portal to create new keys for your app."}
	}
	switch {
	case no != nil:
		return nil, no
	case !ok:
		return nil, &refusal{400, "invalid_scope", 1002012, "The provided value for scope " + form.Get("scope") + " is not valid."}
	}
	return t.grantBody(t.issue(appCaller(t.opts.Roles), aud, map[string]any{"roles": t.opts.Roles})), nil
}

func (t *Tenant) grantBody(token string) map[string]any {
	life := int(t.opts.TokenLife / time.Second)
	return map[string]any{"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}
}
