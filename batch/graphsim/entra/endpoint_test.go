package entra

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/testdata/assert"
)

func newAuthority() *Authority {
	return New(Options{}, []string{"User.Read.All"}, func(string) (SignInUser, bool) { return SignInUser{}, false })
}

// secretForm returns a valid request for a token, with changes.
func secretForm(changes url.Values) url.Values {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {DefaultClientID},
		"client_secret": {DefaultSecret}, "scope": {wire.PublicRoot + "/.default"},
	}
	maps.Copy(form, changes)
	return form
}

// ask sends a form to the token endpoint of a tenant.
func ask(a *Authority, tenant string, form url.Values) (status int, body map[string]any) {
	r := a.Serve(HTTPRequest{Method: "POST", Host: "login.example", Path: "/" + tenant + "/oauth2/v2.0/token",
		Body: []byte(form.Encode())})
	_ = json.Unmarshal(r.Body, &body) // else it is empty
	return r.Status, body
}

func TestToken(t *testing.T) {
	for _, tt := range []struct {
		name, tenant string
		changes      url.Values
	}{
		{"by id", DefaultTenantID, nil},
		{"by domain", DefaultDomain, nil},
		{"scopes as a library sends them", DefaultTenantID,
			url.Values{"scope": {wire.PublicRoot + "/.default openid offline_access profile"}}},
	} {
		a := newAuthority()
		status, body := ask(a, tt.tenant, secretForm(tt.changes))
		assert.Same(t, tt.name+": status", status, 200)
		token, _ := body["access_token"].(string)
		_, problem, _ := a.Check("Bearer "+token, "graph.microsoft.com")
		assert.Same(t, tt.name+": problem of the token", problem, "")
		tokens, _ := a.Issued()
		assert.Same(t, tt.name+": tokens issued", tokens, 1)
	}
}

func TestTokenRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, tenant string
		changes      url.Values
		status       int
		number       float64
	}{
		{"wrong secret", DefaultTenantID, url.Values{"client_secret": {"x"}}, 401, 7000215},
		{"no secret", DefaultTenantID, url.Values{"client_secret": nil}, 401, 7000216},
		{"wrong app", DefaultTenantID, url.Values{"client_id": {"x"}}, 400, 700016},
		{"wrong tenant", "x", nil, 400, 90002},
		{"wrong grant", DefaultTenantID, url.Values{"grant_type": {"password"}}, 400, 70003},
		{"no grant", DefaultTenantID, url.Values{"grant_type": nil}, 400, 900144},
		{"wrong scope", DefaultTenantID, url.Values{"scope": {"User.Read"}}, 400, 1002012},
		{"unknown device code", DefaultTenantID, url.Values{"grant_type": {"device_code"}}, 400, 7000218},
		{"unknown refresh token", DefaultTenantID, url.Values{"grant_type": {"refresh_token"}}, 400, 700082},
		{"unknown authorization code", DefaultTenantID, url.Values{"grant_type": {"authorization_code"}}, 400, 501481},
		{"no assertion", DefaultTenantID, url.Values{"client_assertion": {"x"}}, 401, 50027},
	} {
		a := newAuthority()
		status, body := ask(a, tt.tenant, secretForm(tt.changes))
		assert.Same(t, tt.name+": status", status, tt.status)
		assert.Equal(t, tt.name+": error_codes", body["error_codes"], any([]any{tt.number}))
		for _, name := range []string{"error", "error_description", "trace_id", "correlation_id"} {
			assert.That(t, body[name] != nil, "%s: no %s in %v", tt.name, name, body)
		}
		tokens, _ := a.Issued()
		assert.Same(t, tt.name+": tokens issued", tokens, 0)
	}
}

// A change that a test makes while a program runs takes effect at once.
func TestChanges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Authority)
		number float64 // of the error, 0 for none
	}{
		{"secret expired", (*Authority).ExpireSecret, 7000222},
		{"secret replaced", func(a *Authority) { a.ReplaceSecret("another") }, 7000215},
		{"expired secret replaced", func(a *Authority) { a.ExpireSecret(); a.ReplaceSecret(DefaultSecret) }, 0},
		{"app disabled", (*Authority).DisableApp, 7000112},
	} {
		a := newAuthority()
		tt.change(a)
		_, body := ask(a, DefaultTenantID, secretForm(nil))
		var number any = 0.0
		if numbers, ok := body["error_codes"].([]any); ok {
			number = numbers[0]
		}
		assert.Same[any](t, tt.name+": error", number, tt.number)
	}
}

func TestExpireTokens(t *testing.T) {
	for challenges, want := range map[bool]string{false: challenge, true: ClaimsChallenge} {
		a := New(Options{Challenge: challenges}, nil, func(string) (SignInUser, bool) { return SignInUser{}, false })
		token := a.Token()
		a.ExpireTokens()
		_, problem, header := a.Check("Bearer "+token, "x")
		assert.That(t, problem != "", "Check with Challenge %v: no problem", challenges)
		assert.Same(t, "header", header, want)
		_, problem, _ = a.Check("Bearer "+a.Token(), "x")
		assert.Same(t, "problem of a new token", problem, "")
	}
}

func TestDiscovery(t *testing.T) {
	a := newAuthority()
	path := "/" + DefaultDomain + "/v2.0/.well-known/openid-configuration"
	r := a.Serve(HTTPRequest{Method: "GET", Host: "login.example", Path: path})
	var got struct {
		Issuer string
		Token  string `json:"token_endpoint"`
	}
	assert.OK(t, json.Unmarshal(r.Body, &got))
	base := "https://login.example/" + DefaultTenantID
	assert.Same(t, "issuer", got.Issuer, base+"/v2.0")
	assert.Same(t, "token endpoint", got.Token, base+"/oauth2/v2.0/token")
}

// An app's token has the claims that a client reads.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := jwt.MapClaims{}
		_, _, err := jwt.NewParser().ParseUnverified(newAuthority().Token(), claims)
		assert.OK(t, err)
		now := float64(time.Now().Unix())
		for name, want := range map[string]any{
			"aud": graphAppID, "tid": DefaultTenantID, "appid": DefaultClientID, "idtyp": "app",
			"oid": ServicePrincipal(DefaultClientID), "iat": now, "nbf": now, "exp": now + 3600,
		} {
			assert.Same(t, "claim "+name, claims[name], want)
		}
		assert.Equal(t, "roles", claims["roles"], any([]any{"User.Read.All"}))
	})
}

// Graph refuses a token for another audience, such as another cloud.
func TestAudience(t *testing.T) {
	for scope, isGood := range map[string]bool{
		"https://graph.microsoft.us/.default": false, "https://here.example/.default": true,
		graphAppID + "/.default": true,
	} {
		a := newAuthority()
		_, body := ask(a, DefaultTenantID, secretForm(url.Values{"scope": {scope}}))
		_, problem, _ := a.Check("Bearer "+body["access_token"].(string), "here.example")
		assert.That(t, strings.Contains(problem, "audience") != isGood, "token for %s: problem %q", scope, problem)
	}
}
