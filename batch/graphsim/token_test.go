package graphsim

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"
	"testing/synctest"
	"time"
)

func askToken(t *testing.T, client *http.Client, root, tenantID string, form url.Values) got {
	t.Helper()
	resp, err := client.PostForm(root+"/"+tenantID+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return got{resp.StatusCode, resp.Header, string(body)}
}

func secretForm() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {entra.DefaultClientID},
		"client_secret": {entra.DefaultSecret}, "scope": {wire.PublicRoot + "/.default"},
	}
}

func TestTokenEndpoint(t *testing.T) {
	tests := []struct {
		name, tenant string
		form         url.Values // over a good one
		status       int
		holds        string
	}{
		{"good", entra.DefaultTenantID, nil, 200, `"token_type":"Bearer"`},
		{"good, as a library asks", entra.DefaultTenantID, url.Values{"scope": {wire.PublicRoot + "/.default openid offline_access profile"}}, 200, "access_token"},
		{"good, by domain", entra.DefaultDomain, nil, 200, "access_token"},
		{"wrong secret", entra.DefaultTenantID, url.Values{"client_secret": {"x"}}, 401, "AADSTS7000215"},
		{"no secret", entra.DefaultTenantID, url.Values{"client_secret": nil}, 401, "AADSTS7000216"},
		{"wrong app", entra.DefaultTenantID, url.Values{"client_id": {"x"}}, 400, "AADSTS700016"},
		{"wrong tenant", "x", nil, 400, "AADSTS90002"},
		{"wrong grant", entra.DefaultTenantID, url.Values{"grant_type": {"password"}}, 400, "AADSTS70003"},
		{"no grant", entra.DefaultTenantID, url.Values{"grant_type": nil}, 400, "AADSTS900144"},
		{"wrong scope", entra.DefaultTenantID, url.Values{"scope": {"User.Read"}}, 400, "AADSTS1002012"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tenant := New(Options{})
			form := secretForm()
			maps.Copy(form, tt.form)
			g := askToken(t, &http.Client{Transport: tenant}, "https://login.example", tt.tenant, form)
			if g.Status != tt.status || !strings.Contains(g.Body, tt.holds) {
				t.Errorf("got %d %s, want %d %s", g.Status, g.Body, tt.status, tt.holds)
			}
			if g.Status != 200 {
				var e map[string]any
				json.Unmarshal([]byte(g.Body), &e)
				for _, name := range []string{"error", "error_description", "error_codes", "trace_id", "correlation_id"} {
					if e[name] == nil {
						t.Errorf("no %s in %s", name, g.Body)
					}
				}
			}
			if s := tenant.Stats(); (s.Tokens == 1) != (tt.status == 200) {
				t.Errorf("Stats = %+v", s)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	tenant := New(Options{})
	server := start(t, tenant)
	client := server.Client()
	defer client.CloseIdleConnections()
	var conf struct {
		Issuer string
		Token  string `json:"token_endpoint"`
	}
	g := send(t, client, "", "GET", server.URL+"/"+entra.DefaultTenantID+"/v2.0/.well-known/openid-configuration", "")
	json.Unmarshal([]byte(g.Body), &conf)
	if g.Status != 200 || conf.Issuer != server.URL+"/"+entra.DefaultTenantID+"/v2.0" || conf.Token != server.URL+"/"+entra.DefaultTenantID+"/oauth2/v2.0/token" {
		t.Errorf("%d %s", g.Status, g.Body)
	}
	if g := send(t, client, "", "GET", server.URL+"/common/discovery/instance", ""); g.Status != 200 || !strings.Contains(g.Body, "tenant_discovery_endpoint") {
		t.Errorf("%d %s", g.Status, g.Body)
	}
	if g := send(t, client, "", "GET", server.URL+"/", ""); g.Status != 404 {
		t.Errorf("%d %s", g.Status, g.Body)
	}
	env := tenant.Environment(server.URL, server.CAFile)
	if !slices.Contains(env, "AZURE_AUTHORITY_HOST="+server.URL) || !slices.Contains(env, "SSL_CERT_FILE="+server.CAFile) || len(env) != 5 {
		t.Errorf("Environment = %q", env)
	}
	server.Close()
	if _, err := os.Stat(server.CAFile); !os.IsNotExist(err) {
		t.Errorf("CAFile after Close: %v", err)
	}
}

func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{})
		parts := strings.Split(tenant.Entra.Token(), ".")
		if len(parts) != 3 {
			t.Fatalf("%d parts", len(parts))
		}
		body, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Aud, Iss, Tid, Appid, Idtyp, Oid string
			Roles                            []string
			Iat, Nbf, Exp                    int64
		}
		if err := json.Unmarshal(body, &claims); err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		if claims.Aud != "00000003-0000-0000-c000-000000000000" || claims.Tid != entra.DefaultTenantID || claims.Appid != entra.DefaultClientID || claims.Idtyp != "app" ||
			claims.Oid == "" || len(claims.Roles) != 2 || claims.Iat != now || claims.Nbf != now || claims.Exp != now+3600 {
			t.Errorf("claims %s", body)
		}
	})
}

func TestAuthentication(t *testing.T) {
	const list = wire.PublicRoot + "/v1.0/users/" + dana + methods
	const me = wire.PublicRoot + "/v1.0/me" + methods
	tests := []struct {
		name   string
		opts   Options
		token  func(*Tenant) string
		url    string
		status int
		code   string
		claims bool // a claims challenge comes with it
	}{
		{name: "good", token: func(t *Tenant) string { return t.Entra.Token() }, url: list, status: 200},
		{name: "none", token: func(t *Tenant) string { return "" }, url: list, status: 401, code: "InvalidAuthenticationToken"},
		{name: "of another tenant", token: func(*Tenant) string { return New(Options{}).Entra.Token() }, url: list, status: 401},
		{name: "expired", token: func(t *Tenant) string {
			text := t.Entra.Token()
			time.Sleep(time.Hour)
			return text
		}, url: list, status: 401},
		{name: "revoked", token: func(t *Tenant) string {
			text := t.Entra.Token()
			t.Entra.ExpireTokens()
			return text
		}, url: list, status: 401},
		{name: "revoked with a challenge", opts: Options{Entra: entra.Options{Challenge: true}}, token: func(t *Tenant) string {
			text := t.Entra.Token()
			t.Entra.ExpireTokens()
			return text
		}, url: list, status: 401, claims: true},
		{name: "new after revoked", token: func(t *Tenant) string {
			t.Entra.ExpireTokens()
			return t.Entra.Token()
		}, url: list, status: 200},
		{name: "no roles", opts: Options{Roles: []string{}}, token: func(t *Tenant) string { return t.Entra.Token() }, url: list, status: 403, code: "accessDenied"},
		{name: "other role", token: func(t *Tenant) string { return t.Entra.Token("User.Read.All") }, url: list, status: 403, code: "accessDenied"},
		{name: "app as me", token: func(t *Tenant) string { return t.Entra.Token() }, url: me, status: 400},
		{name: "signed in as me", token: func(t *Tenant) string { return t.Entra.UserToken(dana, "UserAuthMethod-TAP.ReadWrite") }, url: me, status: 200},
		{name: "signed in as somebody else", token: func(t *Tenant) string { return t.Entra.UserToken(absent, "UserAuthMethod-TAP.ReadWrite") }, url: list, status: 403},
		{name: "signed in with consent for all", token: func(t *Tenant) string { return t.Entra.UserToken(absent, "UserAuthMethod-TAP.ReadWrite.All") }, url: list, status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(tt.opts)
				tenant.AddUser(User{ID: dana, Passes: []Pass{{ID: pass}}})
				g := send(t, &http.Client{Transport: tenant}, tt.token(tenant), "GET", tt.url, "")
				if g.Status != tt.status || tt.code != "" && g.code() != tt.code {
					t.Errorf("got %d %s, want %d %s", g.Status, g.Body, tt.status, tt.code)
				}
				challenge := g.Header.Get("WWW-Authenticate")
				if (challenge != "") != (tt.status == 401) || strings.Contains(challenge, "claims=") != tt.claims {
					t.Errorf("WWW-Authenticate: %s", challenge)
				}
			})
		})
	}
}

// A token for another audience is no use, as between clouds.
func TestAudience(t *testing.T) {
	tenant := New(Options{})
	client := &http.Client{Transport: tenant}
	for scope, status := range map[string]int{
		"https://graph.microsoft.us/.default": 401, "https://here.example/.default": 200, "00000003-0000-0000-c000-000000000000" + "/.default": 200,
	} {
		form := secretForm()
		form.Set("scope", scope)
		var in struct {
			Token string `json:"access_token"`
		}
		json.Unmarshal([]byte(askToken(t, client, "https://here.example", entra.DefaultTenantID, form).Body), &in)
		if g := send(t, client, in.Token, "GET", "https://here.example/v1.0/users", ""); g.Status != status {
			t.Errorf("%s: %d, want %d", scope, g.Status, status)
		}
	}
}
