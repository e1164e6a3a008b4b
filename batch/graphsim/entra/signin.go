package entra

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tapsweep/batch/graphsim/internal/wire"
)

// A SignIn is what a person does who is asked to sign in, with a device code or in a
// browser.
type SignIn struct {
	User   string   // the object ID of a user of the tenant
	Scopes []string // what the token permits

	Polls   int  // how often a client asks about a device code before the person acts
	Decline bool // the person says no
}

// WillSignIn says who signs in from now on. Until it is called, nobody does.
func (a *Authority) WillSignIn(s SignIn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.signIn = s
}

// deviceCode is a code that a person may sign in with.
type deviceCode struct {
	polls   int
	expires time.Time
}

// deviceCodeLife is how long a device code lasts.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
const deviceCodeLife = 15 * time.Minute

// startDeviceCode begins a sign-in on another device.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
func (a *Authority) startDeviceCode(r HTTPRequest) wire.HTTPResponse {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("client_id") != a.opts.ClientID {
		return a.refuse(a.unknownApp(form.Get("client_id")))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	code := a.variety.NewID()
	a.deviceCodes[code] = &deviceCode{expires: time.Now().Add(deviceCodeLife)}
	userCode := strings.ToUpper(code[:9])
	const page = "https://login.example/device"
	return respond(200, map[string]any{
		"user_code": userCode, "device_code": code, "verification_uri": page,
		"expires_in": int(deviceCodeLife / time.Second), "interval": 1,
		"message": "To sign in, use a web browser to open the page " + page + " and enter the code " +
			userCode + " to authenticate.",
	})
}

// grantDeviceCode answers a client that asks whether the person has signed in. Called
// with mu held.
func (a *Authority) grantDeviceCode(r tokenRequest) (tokenBody, *refusal) {
	code := a.deviceCodes[r.Get("device_code")]
	if code == nil {
		return nil, &refusal{400, "bad_verification_code", 7000218, "The device code is not known."}
	}
	code.polls++
	switch {
	case !time.Now().Before(code.expires):
		return nil, &refusal{400, "expired_token", 70020,
			"The provided value for the input parameter 'device_code' is not valid: the code has expired."}
	case a.signIn.User == "" || code.polls <= a.signIn.Polls:
		return nil, &refusal{400, "authorization_pending", 70016,
			"OAuth 2.0 device flow error. Authorization is pending. Continue polling."}
	case a.signIn.Decline:
		return nil, &refusal{400, "authorization_declined", 70018,
			"OAuth 2.0 device flow error: the user declined to sign in."}
	}
	delete(a.deviceCodes, r.Get("device_code"))
	return a.grantUser(a.signIn, r), nil
}

// authorize is the page in a browser where a person signs in. It sends the browser back
// to the client with a code.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
func (a *Authority) authorize(r HTTPRequest) wire.HTTPResponse {
	q, err := url.ParseQuery(r.Query)
	back, backErr := url.Parse(q.Get("redirect_uri"))
	wanted := url.Values{"client_id": {a.opts.ClientID}, "response_type": {"code"}, "response_mode": {"form_post"},
		"code_challenge_method": {"S256"}}
	valid := err == nil && backErr == nil && back.Hostname() == "localhost"
	for name := range wanted {
		valid = valid && q.Get(name) == wanted.Get(name)
	}
	if !valid {
		return respond(400, map[string]string{"error": "invalid_request"})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	form := url.Values{"state": {q.Get("state")}}
	switch {
	case a.signIn.User == "":
		return respond(200, map[string]string{"page": "nobody is there to sign in"})
	case a.signIn.Decline:
		form.Set("error", "access_denied")
		form.Set("error_description", "AADSTS65004: User declined to consent to access the app.")
	default:
		code := "graphsim-code-" + a.variety.NewID()
		a.challenges[code] = q.Get("code_challenge")
		form.Set("code", code)
	}
	return formPage(back.String(), form)
}

// formPage is a page that makes the browser post a form at once, so that the code is in
// no address.
func formPage(action string, form url.Values) wire.HTTPResponse {
	var page strings.Builder
	fmt.Fprintf(&page, `<html><body onload="document.forms[0].submit()"><form method="POST" action="%s">`,
		html.EscapeString(action))
	for name := range form {
		fmt.Fprintf(&page, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(form.Get(name)))
	}
	page.WriteString("</form></body></html>")
	return wire.HTTPResponse{Status: 200, Header: http.Header{"Content-Type": {"text/html"}},
		Body: []byte(page.String())}
}

// grantAuthorized redeems the code that the browser brought back. Called with mu held.
func (a *Authority) grantAuthorized(r tokenRequest) (tokenBody, *refusal) {
	challenge, ok := a.challenges[r.Get("code")]
	sum := sha256.Sum256([]byte(r.Get("code_verifier")))
	if !ok || challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return nil, &refusal{400, "invalid_grant", 501481,
			"The Code_Verifier does not match the code_challenge supplied in the authorization request."}
	}
	delete(a.challenges, r.Get("code"))
	return a.grantUser(a.signIn, r), nil
}

// grantRefresh issues a new token without the person. Called with mu held.
func (a *Authority) grantRefresh(r tokenRequest) (tokenBody, *refusal) {
	s, ok := a.refreshTokens[r.Get("refresh_token")]
	if !ok {
		return nil, &refusal{400, "invalid_grant", 700082, "The refresh token has expired due to inactivity."}
	}
	return a.grantUser(s, r), nil
}

// grantUser makes the tokens of a person. Called with mu held.
func (a *Authority) grantUser(s SignIn, r tokenRequest) tokenBody {
	resource, ok := audience(r.Get("scope"))
	if !ok {
		resource = wire.PublicRoot
	}
	body, refresh := a.tokenBody(a.issueUser(s.User, s.Scopes, resource)), "graphsim-refresh-"+a.variety.NewID()
	a.refreshTokens[refresh] = s
	info := wire.Marshal(map[string]string{"uid": s.User, "utid": a.opts.TenantID})
	body["scope"], body["refresh_token"] = r.Get("scope"), refresh
	body["client_info"] = base64.RawURLEncoding.EncodeToString(info)

	name, now := s.User, time.Now()
	if u, ok := a.find(s.User); ok {
		name = u.UPN
	}
	body["id_token"] = a.sign(jwt.MapClaims{
		"iss": "https://" + r.host + "/" + a.opts.TenantID + "/v2.0", "aud": a.opts.ClientID, "tid": a.opts.TenantID,
		"oid": s.User, "sub": s.User, "preferred_username": name, "ver": "2.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	return body
}
