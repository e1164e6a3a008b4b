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

// Graph takes the tokens of Tenant.Entra, and does what their permissions allow.
func TestAuthentication(t *testing.T) {
	revoked := func(a *entra.Authority) string {
		token := a.Token()
		a.ExpireTokens()
		return token
	}
	const own, all = "UserAuthMethod-TAP.ReadWrite", "UserAuthMethod-TAP.ReadWrite.All"
	challenging := Options{Entra: entra.Options{Challenge: true}}
	tests := []struct {
		name   string
		opts   Options
		token  func(*entra.Authority) string
		path   string
		status int
		code   string
		header string // WWW-Authenticate, a part of it
	}{
		{"good", Options{}, func(a *entra.Authority) string { return a.Token() }, danaPasses, 200, "", ""},
		{"none", Options{}, func(*entra.Authority) string { return "" }, danaPasses, 401, "InvalidAuthenticationToken", "Bearer"},
		{"of another tenant", Options{}, func(*entra.Authority) string { return New(Options{}).Entra.Token() }, danaPasses,
			401, "InvalidAuthenticationToken", "Bearer"},
		{"expired", Options{}, func(a *entra.Authority) string {
			defer time.Sleep(time.Hour)
			return a.Token()
		}, danaPasses, 401, "InvalidAuthenticationToken", "Bearer"},
		{"revoked", Options{}, revoked, danaPasses, 401, "InvalidAuthenticationToken", "Bearer"},
		{"revoked with a challenge", challenging, revoked, danaPasses, 401, "InvalidAuthenticationToken", "claims="},
		{"new after revoked", Options{}, func(a *entra.Authority) string { revoked(a); return a.Token() }, danaPasses, 200, "", ""},
		{"no roles", Options{Roles: []string{}}, func(a *entra.Authority) string { return a.Token() }, danaPasses,
			403, "accessDenied", ""},
		{"other role", Options{}, func(a *entra.Authority) string { return a.Token("User.Read.All") }, danaPasses,
			403, "accessDenied", ""},
		{"app as me", Options{}, func(a *entra.Authority) string { return a.Token() }, "/me" + passesPath, 400, "BadRequest", ""},
		{"signed in as me", Options{}, func(a *entra.Authority) string { return a.UserToken(danaID, own) }, "/me" + passesPath,
			200, "", ""},
		{"signed in as another", Options{}, func(a *entra.Authority) string { return a.UserToken(otherID, own) }, danaPasses,
			403, "accessDenied", ""},
		{"signed in with consent for all", Options{}, func(a *entra.Authority) string { return a.UserToken(otherID, all) },
			danaPasses, 200, "", ""},
	}
	for _, tt := range tests {
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
