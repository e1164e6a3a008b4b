package graphsim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A SignIn is what a person does who is asked to sign in with a device code.
type SignIn struct {
	User   string   // object id of a user of the tenant
	Scopes []string // what the token may do

	Polls   int  // how often the code is asked for in vain before
	Decline bool // then the person says no
}

// pending is a device code that somebody may sign in with.
type pending struct {
	polls int
	ends  time.Time
}

// codeLife is how long a device code lasts.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
const codeLife = 15 * time.Minute

// WillSignIn says who signs in with the device codes to come. Until it is called
// nobody does.
func (t *Tenant) WillSignIn(s SignIn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entra.signIn = s
}

// deviceCode begins a sign-in on another device.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
func (t *Tenant) deviceCode(in *inbound) wire {
	form, err := url.ParseQuery(string(in.body))
	if err != nil || form.Get("client_id") != t.opts.ClientID {
		return t.loginError(400, "unauthorized_client", 700016, "Application with identifier '"+
			form.Get("client_id")+"' was not found in the directory.")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entra.codes == nil {
		t.entra.codes = make(map[string]*pending)
	}
	code := string(t.newID())
	t.entra.codes[code] = &pending{ends: time.Now().Add(codeLife)}
	user := strings.ToUpper(code[:9])
	return plain(200, map[string]any{
		"user_code": user, "device_code": code, "verification_uri": "https://login.example/device",
		"expires_in": int(codeLife / time.Second), "interval": 1,
		"message": "To sign in, use a web browser to open the page https://login.example/device and enter the code " + user + " to authenticate.",
	})
}

// grantCode answers somebody who asks whether the person has signed in by now.
// Called with mu held.
func (t *Tenant) grantCode(form url.Values, host string) (map[string]any, *refusal) {
	p := t.entra.codes[form.Get("device_code")]
	s := t.entra.signIn
	switch {
	case p == nil:
		return nil, &refusal{400, "bad_verification_code", 7000218, "The device code is not known."}
	case !time.Now().Before(p.ends):
		return nil, &refusal{400, "expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid: the code has expired."}
	}
	if p.polls++; s.User == "" || p.polls <= s.Polls {
		return nil, &refusal{400, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."}
	}
	if s.Decline {
		return nil, &refusal{400, "authorization_declined", 70018, "OAuth 2.0 device flow error: the user declined to sign in."}
	}
	delete(t.entra.codes, form.Get("device_code"))
	return t.grantUser(s, form, host), nil
}

// authorize is the page that a person signs in at in a browser, and comes back
// from with a code. Called for a tenant that is known.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
func (t *Tenant) authorize(in *inbound) wire {
	q, err := url.ParseQuery(in.query)
	back, backErr := url.Parse(q.Get("redirect_uri"))
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.entra.signIn
	switch {
	case err != nil || backErr != nil || back.Hostname() != "localhost" || q.Get("client_id") != t.opts.ClientID ||
		q.Get("response_type") != "code" || q.Get("response_mode") != "form_post" || q.Get("code_challenge_method") != "S256":
		return plain(400, map[string]any{"error": "invalid_request"})
	case s.User == "":
		return plain(200, map[string]any{"page": "nobody is there to sign in"})
	}
	answer := url.Values{"state": {q.Get("state")}}
	if s.Decline {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "AADSTS65004: User declined to consent to access the app.")
	} else {
		code := "graphsim-code-" + string(t.newID())
		if t.entra.challenges == nil {
			t.entra.challenges = make(map[string]string)
		}
		t.entra.challenges[code] = q.Get("code_challenge")
		answer.Set("code", code)
	}
	// The browser sends the form by itself, so that the code is in no address.
	var page strings.Builder
	fmt.Fprintf(&page, `<html><body onload="document.forms[0].submit()"><form method="POST" action="%s">`, html.EscapeString(back.String()))
	for name := range answer {
		fmt.Fprintf(&page, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(answer.Get(name)))
	}
	page.WriteString("</form></body></html>")
	return wire{status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: []byte(page.String())}
}

// grantAuthorized redeems the code that the browser brought back. Called with mu
// held.
func (t *Tenant) grantAuthorized(form url.Values, host string) (map[string]any, *refusal) {
	challenge, ok := t.entra.challenges[form.Get("code")]
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if !ok || challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil, &refusal{400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."}
	}
	delete(t.entra.challenges, form.Get("code"))
	return t.grantUser(t.entra.signIn, form, host), nil
}

// grantRefresh gives a new token without the person. Called with mu held.
func (t *Tenant) grantRefresh(form url.Values, host string) (map[string]any, *refusal) {
	s, ok := t.entra.refresh[form.Get("refresh_token")]
	if !ok {
		return nil, &refusal{400, "invalid_grant", 700082, "The refresh token has expired due to inactivity."}
	}
	return t.grantUser(s, form, host), nil
}

// grantUser makes the tokens of a person. Called with mu held.
func (t *Tenant) grantUser(s SignIn, form url.Values, host string) map[string]any {
	aud, ok := audience(form.Get("scope"))
	if !ok {
		aud = publicRoot
	}
	if t.entra.refresh == nil {
		t.entra.refresh = make(map[string]SignIn)
	}
	refresh := "graphsim-refresh-" + string(t.newID())
	t.entra.refresh[refresh] = s
	body := t.grantBody(t.issueUser(s.User, s.Scopes, aud))
	name := s.User
	if u := t.find(s.User); u != nil {
		name = u.UPN
	}
	now := time.Now()
	identity, _ := json.Marshal(map[string]any{ // texts and numbers always marshal
		"iss": "https://" + host + "/" + t.opts.TenantID + "/v2.0", "aud": t.opts.ClientID, "tid": t.opts.TenantID,
		"oid": s.User, "sub": s.User, "preferred_username": name, "ver": "2.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	info, _ := json.Marshal(map[string]string{"uid": s.User, "utid": t.opts.TenantID})
	encode := base64.RawURLEncoding.EncodeToString
	body["scope"] = form.Get("scope")
	body["refresh_token"] = refresh
	body["client_info"] = encode(info)
	body["id_token"] = encode([]byte(`{"alg":"none"}`)) + "." + encode(identity) + "." + encode([]byte("graphsim"))
	return body
}

// IdentityHandler is the endpoint that a managed identity has on its machine, in
// the form that App Service gives it: IDENTITY_ENDPOINT names its URL and
// IDENTITY_HEADER holds header.
// Source: learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
func (t *Tenant) IdentityHandler(header string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		status, body := 200, map[string]any(nil)
		t.mu.Lock()
		switch client := q.Get("client_id"); {
		case r.Header.Get("X-IDENTITY-HEADER") != header:
			status, body = 401, map[string]any{"statusCode": 401, "message": "The header X-IDENTITY-HEADER is not right."}
		case client != "" && client != t.opts.ClientID, t.entra.disabled:
			status, body = 400, map[string]any{"statusCode": 400, "message": "No managed identity was found for the client id."}
		default:
			t.stats.Tokens++
			aud := strings.TrimSuffix(strings.TrimSuffix(q.Get("resource"), "/.default"), "/")
			body = map[string]any{
				"access_token": t.issue(appCaller(t.opts.Roles), aud, map[string]any{"roles": t.opts.Roles, "xms_mirid": managedID}),
				"expires_on":   strconv.FormatInt(time.Now().Add(t.opts.TokenLife).Unix(), 10),
				"resource":     aud, "token_type": "Bearer", "client_id": t.opts.ClientID,
			}
		}
		t.mu.Unlock()
		answer := plain(status, body)
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(answer.status)
		w.Write(answer.body)
	})
}

// managedID is the xms_mirid of tokens of the managed identity.
const managedID = "/subscriptions/3f6f1d5a-0c8b-4f0e-9a55-2b7f6f2f8f10/resourcegroups/jobs/providers/Microsoft.Web/sites/tapsweep"
