package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/jwt"
	"tapsweep/testdata/assert"
)

// clean removes the variables for signing in from the environment, and gives the test its own
// home directory.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
		"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
		"AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST", "AZURE_USERNAME", "AZURE_PASSWORD",
		"AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"} {
		t.Setenv(name, "") // so that it comes back afterwards
		os.Unsetenv(name)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
}

// entraOptions returns options for a simulated tenant.
func entraOptions(tenant *graphsim.Tenant, method string) Options {
	return Options{Method: method, Tenant: entra.DefaultTenantID, ClientID: entra.DefaultClientID,
		Authority: "https://login.example", HTTP: &http.Client{Transport: tenant},
		Prompt: func(string) {}, Getenv: os.Getenv}
}

const (
	scope   = "https://graph.microsoft.com/.default"
	another = "0f6a1c52-0000-4000-8000-d5c27be0f913" // id of no app or tenant
)

// fresh is a request for a token that is not in the cache.
var fresh = policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true,
	Claims: `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`}

// signIn makes the credential and gets a token, like package graph.
func signIn(t *testing.T, o Options) (jwt.Claims, error) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		return jwt.Claims{}, err
	}
	return ask(t, c, scope)
}

// ask returns the claims of a token.
func ask(t *testing.T, c azcore.TokenCredential, scope string) (jwt.Claims, error) {
	t.Helper()
	token, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true})
	if err != nil {
		return jwt.Claims{}, &graph.TokenError{Err: err}
	}
	return assert.Must(jwt.Parse(token.Token)), nil
}

// mustNew returns the credential of options that are right.
func mustNew(t *testing.T, o Options) *Credential {
	t.Helper()
	o.Getenv = os.Getenv
	return assert.Must(New(o))
}

// withSecret returns a credential for the app of a simulated tenant, whose requests a transport sends.
func withSecret(secret string, transport http.RoundTripper) *Credential {
	return assert.Must(New(Options{Method: "secret", Tenant: entra.DefaultTenantID, ClientID: entra.DefaultClientID,
		Authority: "https://login.example", HTTP: &http.Client{Transport: transport},
		Getenv: func(name string) string { return map[string]string{"AZURE_CLIENT_SECRET": secret}[name] }}))
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.OK(t, os.WriteFile(path, data, 0o600))
	return path
}

// makeCertificate returns a certificate of a new RSA key.
func makeCertificate(t *testing.T) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key := assert.Must(rsa.GenerateKey(rand.Reader, 2048))
	return certificateOf(t, key), key
}

// certificateOf returns a certificate that a key has signed for itself.
func certificateOf(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tapsweep"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der := assert.Must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return assert.Must(x509.ParseCertificate(der))
}

func pemOf(t *testing.T, cert *x509.Certificate, key any) []byte {
	t.Helper()
	der := assert.Must(x509.MarshalPKCS8PrivateKey(key))
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
}

func TestSecret(t *testing.T) {
	fromFile := func(text string) func(*testing.T, *graphsim.Tenant, *Options) {
		return func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			o.Method, o.SecretFile = "", file(t, "secret", []byte(text))
		}
	}
	for _, tt := range []struct {
		name, secret string // in the environment
		prepare      func(*testing.T, *graphsim.Tenant, *Options)
		want         string // in the error
	}{
		{"from the environment", entra.DefaultSecret, nil, ""},
		{"from a file, with a line end", "", fromFile(entra.DefaultSecret + "\r\n"), ""},
		{"all from the environment", entra.DefaultSecret, func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_TENANT_ID", o.Tenant)
			t.Setenv("AZURE_CLIENT_ID", o.ClientID)
			o.Method, o.Tenant, o.ClientID = "environment", "", ""
		}, ""},
		{"environment, ids from flags", entra.DefaultSecret, func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_TENANT_ID", "")
			t.Setenv("AZURE_CLIENT_ID", "")
			o.Method = "environment"
		}, ""},
		{"in the environment, with a line end", entra.DefaultSecret + "\n", nil, ""},
		{"from a file of Windows PowerShell", "", fromFile(string(utf16LE(entra.DefaultSecret + "\r\n"))), ""},
		{"of a longer file", "", fromFile(strings.Repeat("s", maxFile+1)), "longer than 1 MiB"},
		{"default", entra.DefaultSecret,
			func(_ *testing.T, _ *graphsim.Tenant, o *Options) { o.Method = "default" }, ""},
		{"wrong", "s3cr3t", nil, "AADSTS7000215"},
		{"expired", entra.DefaultSecret, func(_ *testing.T, s *graphsim.Tenant, _ *Options) { s.Entra.ExpireSecret() },
			"AADSTS7000222"},
		{"wrong app", entra.DefaultSecret,
			func(_ *testing.T, _ *graphsim.Tenant, o *Options) { o.ClientID = another }, "AADSTS700016"},
		{"wrong tenant", entra.DefaultSecret,
			func(_ *testing.T, _ *graphsim.Tenant, o *Options) { o.Tenant = another }, "AADSTS90002"},
		{"none", "", nil, "set AZURE_CLIENT_SECRET"},
		{"no such file", "", func(_ *testing.T, _ *graphsim.Tenant, o *Options) { o.SecretFile = "nosuch" }, "nosuch"},
		{"empty file", "", fromFile("\n"), "is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{})
			o := entraOptions(tenant, "secret")
			if tt.secret != "" {
				t.Setenv("AZURE_CLIENT_SECRET", tt.secret)
			}
			if tt.prepare != nil {
				tt.prepare(t, tenant, &o)
			}
			claims, err := signIn(t, o)
			checkSignIn(t, claims, err, tt.want)
		})
	}
}

// checkSignIn checks that the app signed in, or that the error contains a text and no secret.
func checkSignIn(t *testing.T, claims jwt.Claims, err error, want string) {
	t.Helper()
	assert.Says(t, "signing in", err, want)
	if err != nil {
		assert.Lacks(t, "the error", err.Error(), "s3cr3t", entra.DefaultSecret)
		return
	}
	assert.Same(t, "the app that signed in", claims.ClientID(), entra.DefaultClientID)
}

func TestWorkloadIdentity(t *testing.T) {
	federated := func(subject string, life time.Duration) func(*graphsim.Tenant) string {
		return func(s *graphsim.Tenant) string { return s.Entra.FederatedToken(subject, life) }
	}
	for _, tt := range []struct {
		name  string
		token func(*graphsim.Tenant) string
		want  string
	}{
		{"trusted", federated(entra.FederatedSubject, time.Hour), ""},
		{"another service account", federated("system:serviceaccount:x:y", time.Hour), "AADSTS700213"},
		{"expired", federated(entra.FederatedSubject, -time.Hour), "AADSTS700024"},
		{"another cluster", func(s *graphsim.Tenant) string {
			s.Entra.FederatedToken("", time.Hour)
			return graphsim.New(graphsim.Options{}).Entra.FederatedToken(entra.FederatedSubject, time.Hour)
		}, "AADSTS700027"},
		{"no token", func(*graphsim.Tenant) string { return "nonsense" }, "AADSTS50027"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{})
			t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file(t, "token", []byte(tt.token(tenant))))
			claims, err := signIn(t, entraOptions(tenant, "workload-identity"))
			checkSignIn(t, claims, err, tt.want)
		})
	}
}

func TestManagedIdentity(t *testing.T) {
	for _, tt := range []struct {
		name, client, header string
		disabled             bool
		want                 string
	}{
		{"of the machine", "", "h", false, ""},
		{"assigned by a user", entra.DefaultClientID, "h", false, ""},
		{"gone", "", "h", true, "No managed identity was found"},
		{"wrong header", "", "x", false, "X-IDENTITY-HEADER"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{})
			if tt.disabled {
				tenant.Entra.DisableApp()
			}
			server := httptest.NewServer(tenant.Entra.IdentityHandler("h"))
			defer server.Close()
			t.Setenv("IDENTITY_ENDPOINT", server.URL)
			t.Setenv("IDENTITY_HEADER", tt.header)
			c := mustNew(t, Options{Method: "managed-identity", ClientID: tt.client,
				Authority: "https://login.example"})
			// azidentity keeps these tokens for the whole process, by scope.
			claims, err := ask(t, c, "https://"+strings.ReplaceAll(tt.name, " ", "-")+".example/.default")
			checkSignIn(t, claims, err, tt.want)
			assert.That(t, claims.ManagedIdentityID != "" == (err == nil),
				"the ID of the managed identity in the token is %q", claims.ManagedIdentityID)
		})
	}
}

func TestDeviceCode(t *testing.T) {
	for _, tt := range []struct {
		name string
		who  entra.SignIn
		want string
	}{
		{"at once", entra.SignIn{Scopes: []string{"UserAuthMethod-TAP.ReadWrite"}}, ""},
		{"after a while", entra.SignIn{Polls: 2}, ""},
		{"the person says no", entra.SignIn{Polls: 1, Decline: true}, "400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{Entra: entra.Options{TokenLife: 20 * time.Minute}})
			user := tenant.AddUsers(1)[0]
			tt.who.User = user.ID
			tenant.Entra.WillSignIn(tt.who)
			prompts := 0
			o := entraOptions(tenant, "device-code")
			o.Prompt = func(text string) {
				prompts++
				assert.Holds(t, "the person is told", text, "https://login.example/device")
			}
			c := mustNew(t, o)
			claims, err := ask(t, c, scope)
			checkSignIn(t, claims, err, tt.want)
			if err != nil {
				return
			}
			assert.Same(t, "user principal name", claims.UserPrincipalName(), user.UPN)
			assert.Same(t, "object ID", strings.ToLower(claims.ObjectID), strings.ToLower(user.ID))
			// What follows needs no person: neither the cached token nor a new one.
			for range 2 {
				assert.Must(ask(t, c, scope))
			}
			assert.Must(c.GetToken(t.Context(), fresh))
			assert.Same(t, "prompts", prompts, 1)
			assert.Same(t, "tokens by claims", tenant.Stats().TokensByClaims, 1)
		})
	}
}

// A run must not wait for a person who has gone home: a request with an early deadline fails,
// and the run keeps the old token.
func TestDeviceCodeDoesNotAskInAHurry(t *testing.T) {
	clean(t)
	tenant := graphsim.New(graphsim.Options{})
	o := entraOptions(tenant, "device-code")
	o.Prompt = func(string) { t.Error("the person was asked") }
	c := mustNew(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	assert.That(t, err != nil, "GetToken returns a token, and nobody signed in")
	assert.Is(t, "the context, as nobody waited", ctx.Err(), nil)
}

func TestDefaultWithoutAnything(t *testing.T) {
	clean(t)
	t.Setenv("PATH", t.TempDir()) // no az, no pwsh
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("IDENTITY_ENDPOINT", server.URL)
	t.Setenv("IDENTITY_HEADER", "x")
	c := mustNew(t, Options{Authority: "https://login.example"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://nothing.example/.default"}})
	if err == nil {
		t.Fatal("a token out of nothing")
	}
	text := (&graph.TokenError{Err: err}).Error()
	assert.Holds(t, "error", text, "no way to sign in works here", "\nenvironment: ")
	for line := range strings.Lines(text) {
		assert.That(t, len(line) <= 300, "a line of %d bytes: %s", len(line), line)
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts Options
		want string
	}{
		{"two files", Options{Certificate: "a", SecretFile: "b"},
			"--certificate and --secret-file cannot be used together"},
		{"a tenant that is none", Options{Tenant: "https://contoso.com"}, "is neither a tenant ID nor a domain"},
		{"file of another method", Options{Method: "azure-cli", TokenFile: "a"},
			"--auth azure-cli does not use --token-file"},
		{"secret without a tenant", Options{Method: "secret", ClientID: "a"}, "--auth secret needs --tenant"},
		{"secret without an app", Options{Method: "secret", Tenant: "a"}, "--auth secret needs --client-id"},
		{"certificate without a file", Options{Method: "certificate", Tenant: "a", ClientID: "b"},
			"--auth certificate needs --certificate"},
		{"device code without an app", Options{Method: "device-code", Tenant: "a"},
			"--auth device-code needs --client-id"},
		{"browser without an app", Options{Method: "browser"}, "--auth browser needs --client-id"},
		{"token file without a file", Options{Method: "token-file"}, "--auth token-file needs --token-file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			_, err := New(tt.opts)
			assert.As[*UsageError](t, "New", err)
			assert.Says(t, "New", err, tt.want)
		})
	}
}
