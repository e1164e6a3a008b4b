package graphsim

import (
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
)

func TestServer(t *testing.T) {
	tenant := New(Options{})
	server := start(t, tenant)
	send := directly(server.Client().Transport, server.URL, "")
	check(t, "discovery", send.get(t, "/"+entra.DefaultTenantID+"/v2.0/.well-known/openid-configuration").Status, 200)
	check(t, "no page", send.get(t, "/").Status, 404)
	check(t, "environment", tenant.Environment(server.URL, server.CAFile), []string{
		"AZURE_AUTHORITY_HOST=" + server.URL, "AZURE_TENANT_ID=" + entra.DefaultTenantID,
		"AZURE_CLIENT_ID=" + entra.DefaultClientID, "AZURE_CLIENT_SECRET=" + entra.DefaultSecret,
		"SSL_CERT_FILE=" + server.CAFile,
	})
	server.Close()
	_, err := os.Stat(server.CAFile)
	check(t, "CAFile is gone after Close", os.IsNotExist(err), true)
}

// authority is the parameter of the functions that get a token in TestAuthentication.
type authority = *entra.Authority

func appToken(roles ...string) func(authority) string {
	return func(a authority) string { return a.Token(roles...) }
}

func userToken(id, scope string) func(authority) string {
	return func(a authority) string { return a.UserToken(id, scope) }
}

func revoked(a authority) string {
	defer a.ExpireTokens()
	return a.Token()
}

func expired(a authority) string {
	defer time.Sleep(time.Hour)
	return a.Token()
}

func renewed(a authority) string {
	a.ExpireTokens()
	return a.Token()
}

// Graph accepts the tokens of Tenant.Entra, and allows what their permissions allow.
func TestAuthentication(t *testing.T) {
	const (
		own, all  = "UserAuthMethod-TAP.ReadWrite", "UserAuthMethod-TAP.ReadWrite.All"
		badToken  = "InvalidAuthenticationToken"
		myPasses  = "/me" + passesPath
		denied    = "accessDenied"
		anyHeader = "Bearer"
	)
	for _, tt := range []struct {
		name   string
		opts   Options
		token  func(authority) string
		path   string
		status int
		code   string
		header string // WWW-Authenticate, a part of it
	}{
		{"good", Options{}, appToken(), danaPasses, 200, "", ""},
		{"none", Options{}, func(authority) string { return "" }, danaPasses, 401, badToken, anyHeader},
		{"of another tenant", Options{}, func(authority) string { return New(Options{}).Entra.Token() }, danaPasses,
			401, badToken, anyHeader},
		{"expired", Options{}, expired, danaPasses, 401, badToken, anyHeader},
		{"revoked", Options{}, revoked, danaPasses, 401, badToken, anyHeader},
		{"revoked with a challenge", Options{Entra: entra.Options{Challenge: true}}, revoked, danaPasses,
			401, badToken, "claims="},
		{"new after revoked", Options{}, renewed, danaPasses, 200, "", ""},
		{"no roles", Options{Roles: []string{}}, appToken(), danaPasses, 403, denied, ""},
		{"other role", Options{}, appToken("User.Read.All"), danaPasses, 403, denied, ""},
		{"app as me", Options{}, appToken(), myPasses, 400, "BadRequest", ""},
		{"signed in as me", Options{}, userToken(danaID, own), myPasses, 200, "", ""},
		{"signed in as another", Options{}, userToken(otherID, own), danaPasses, 403, denied, ""},
		{"signed in with consent for all", Options{}, userToken(otherID, all), danaPasses, 200, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(tt.opts)
				tenant.AddUser(User{ID: danaID, Passes: []Pass{{ID: passID}}})
				r := directly(tenant, wire.PublicRoot+"/v1.0", tt.token(tenant.Entra)).get(t, tt.path)
				check(t, "status", r.Status, tt.status)
				check(t, "code", r.code(), tt.code)
				checkHolds(t, "WWW-Authenticate", r.Header.Get("WWW-Authenticate"), tt.header)
				if tt.status == http.StatusUnauthorized {
					check(t, "refused for the token", tenant.Stats().Unauthorized, 1)
				}
			})
		})
	}
}
