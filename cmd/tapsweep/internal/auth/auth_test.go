package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/jwt"
)

// clean removes the variables for signing in from the environment, and gives the test its own
// home directory.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH",
		"AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
		"AZURE_USERNAME", "AZURE_PASSWORD", "AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"} {
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
		Authority: "https://login.example", HTTP: &http.Client{Transport: tenant}, Prompt: func(string) {}}
}

const scope = "https://graph.microsoft.com/.default"

// signIn makes the credential and gets a token, like package graph.
func signIn(t *testing.T, o Options) (jwt.Claims, error) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		return jwt.Claims{}, err
	}
	return ask(t, c)
}

func ask(t *testing.T, c *Credential, scopes ...string) (jwt.Claims, error) {
	t.Helper()
	token, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: append(scopes, scope)[:1], EnableCAE: true})
	if err != nil {
		return jwt.Claims{}, &graph.TokenError{Err: err}
	}
	claims, err := jwt.Parse(token.Token)
	if err != nil {
		t.Fatal(err)
	}
	return claims, nil
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func makeCertificate(t *testing.T) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tapsweep"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func pemOf(t *testing.T, cert *x509.Certificate, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
}

func TestSecret(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*testing.T, *graphsim.Tenant, *Options)
		want    string // in the error
	}{
		{"from the environment", func(t *testing.T, _ *graphsim.Tenant, _ *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
		}, ""},
		{"from a file, with a line end", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			o.Method, o.SecretFile = "", file(t, "secret", []byte(entra.DefaultSecret+"\r\n"))
		}, ""},
		{"all from the environment", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_TENANT_ID", o.Tenant)
			t.Setenv("AZURE_CLIENT_ID", o.ClientID)
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			o.Method, o.Tenant, o.ClientID = "environment", "", ""
		}, ""},
		{"environment, ids from flags", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_TENANT_ID", "")
			t.Setenv("AZURE_CLIENT_ID", "")
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			o.Method = "environment"
		}, ""},
		{"default", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_TENANT_ID", "")
			t.Setenv("AZURE_CLIENT_ID", "")
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			o.Method = "default"
		}, ""},
		{"wrong", func(t *testing.T, _ *graphsim.Tenant, _ *Options) { t.Setenv("AZURE_CLIENT_SECRET", "s3cr3t") }, "AADSTS7000215"},
		{"expired", func(t *testing.T, s *graphsim.Tenant, _ *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			s.Entra.ExpireSecret()
		}, "AADSTS7000222"},
		{"revoked", func(t *testing.T, s *graphsim.Tenant, _ *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			s.Entra.ReplaceSecret("another")
		}, "AADSTS7000215"},
		{"app disabled", func(t *testing.T, s *graphsim.Tenant, _ *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			s.Entra.DisableApp()
		}, "AADSTS7000112"},
		{"wrong app", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			o.ClientID = "0f6a1c52-0000-4000-8000-d5c27be0f913"
		}, "AADSTS700016"},
		{"wrong tenant", func(t *testing.T, _ *graphsim.Tenant, o *Options) {
			t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
			o.Tenant = "0f6a1c52-0000-4000-8000-d5c27be0f913"
		}, "AADSTS90002"},
		{"none", func(*testing.T, *graphsim.Tenant, *Options) {}, "set AZURE_CLIENT_SECRET"},
		{"empty file", func(t *testing.T, _ *graphsim.Tenant, o *Options) { o.SecretFile = file(t, "secret", []byte("\n")) }, "is empty"},
		{"no such file", func(_ *testing.T, _ *graphsim.Tenant, o *Options) { o.SecretFile = "nosuch" }, "nosuch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{})
			o := entraOptions(tenant, "secret")
			tt.prepare(t, tenant, &o)
			claims, err := signIn(t, o)
			checkSignIn(t, claims, err, tt.want)
		})
	}
}

func checkSignIn(t *testing.T, claims jwt.Claims, err error, want string) {
	t.Helper()
	switch {
	case want == "" && (err != nil || claims.ClientID() != entra.DefaultClientID):
		t.Errorf("signed in as %+v, %v", claims, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want %q", err, want)
	case err != nil && strings.Contains(err.Error(), "s3cr3t"):
		t.Errorf("the secret is in the error: %v", err)
	}
}

func TestCertificate(t *testing.T) {
	cert, key := makeCertificate(t)
	stranger, strangerKey := makeCertificate(t)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modern := func(password string) []byte {
		data, err := pkcs12.Modern.Encode(key, cert, []*x509.Certificate{stranger}, password)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	legacy, err := pkcs12.LegacyRC2.Encode(key, cert, nil, "pw")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file, password string
		data                 []byte
		want                 string
	}{
		{"PEM", "a.pem", "", pemOf(t, cert, key), ""},
		{"PEM, certificate first", "a.pem", "", append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), pemOf(t, cert, key)...), ""},
		{"PFX as OpenSSL 3 writes it", "a.pfx", "pw", modern("pw"), ""},
		{"PFX as Windows wrote it", "a.pfx", "pw", legacy, ""},
		{"PFX without a password", "a.pfx", "", modern(""), ""},
		{"PFX, wrong password", "a.pfx", "other", modern("pw"),
			"cannot be opened with the password in AZURE_CLIENT_CERTIFICATE_PASSWORD"},
		{"no certificate", "a.pem", "", []byte("user,method\n"), "is neither PEM nor PFX"},
		{"PEM without a key", "a.pem", "", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), "key"},
		{"encrypted PEM", "a.pem", "pw", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY",
			Bytes: []byte{1}}), "holds an encrypted key"},
		{"not registered", "a.pem", "", pemOf(t, stranger, strangerKey), "AADSTS700027"},
		// Whoever has the certificate, which is public, has not the key.
		{"registered, signed by another key", "a.pem", "", pemOf(t, cert, strangerKey), "key"},
		{"elliptic key", "a.pem", "", pemOf(t, cert, elliptic), "RSA"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			tenant := graphsim.New(graphsim.Options{})
			tenant.Entra.TrustCertificate(cert)
			t.Setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", tt.password)
			o := entraOptions(tenant, "certificate")
			o.Certificate = file(t, tt.file, tt.data)
			claims, err := signIn(t, o)
			checkSignIn(t, claims, err, tt.want)
			o.Certificate, o.Method = "", "certificate"
			t.Setenv("AZURE_CLIENT_CERTIFICATE_PATH", file(t, tt.file, tt.data))
			claims, err = signIn(t, o)
			checkSignIn(t, claims, err, tt.want)
		})
	}
}

func TestWorkloadIdentity(t *testing.T) {
	tests := []struct {
		name  string
		token func(*graphsim.Tenant) string
		want  string
	}{
		{"trusted", func(s *graphsim.Tenant) string { return s.Entra.FederatedToken(entra.FederatedSubject, time.Hour) }, ""},
		{"another service account", func(s *graphsim.Tenant) string { return s.Entra.FederatedToken("system:serviceaccount:x:y", time.Hour) }, "AADSTS700213"},
		{"expired", func(s *graphsim.Tenant) string { return s.Entra.FederatedToken(entra.FederatedSubject, -time.Hour) }, "AADSTS700024"},
		{"another cluster", func(s *graphsim.Tenant) string {
			s.Entra.FederatedToken("", time.Hour)
			return graphsim.New(graphsim.Options{}).Entra.FederatedToken(entra.FederatedSubject, time.Hour)
		}, "AADSTS700027"},
		{"no token", func(*graphsim.Tenant) string { return "nonsense" }, "AADSTS50027"},
	}
	for _, tt := range tests {
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
	tests := []struct {
		name, client, header string
		disabled             bool
		want                 string
	}{
		{"of the machine", "", "h", false, ""},
		{"assigned by a user", entra.DefaultClientID, "h", false, ""},
		{"another", "0f6a1c52-0000-4000-8000-d5c27be0f913", "h", false, "No managed identity was found"},
		{"gone", "", "h", true, "No managed identity was found"},
		{"wrong header", "", "x", false, "X-IDENTITY-HEADER"},
	}
	for _, tt := range tests {
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
			c, err := New(Options{Method: "managed-identity", ClientID: tt.client, Authority: "https://login.example"})
			if err != nil {
				t.Fatal(err)
			}
			// azidentity keeps these tokens for the whole process, by scope.
			claims, err := ask(t, c, "https://"+strings.ReplaceAll(tt.name, " ", "-")+".example/.default")
			checkSignIn(t, claims, err, tt.want)
			if err == nil && claims.ManagedIdentityID == "" {
				t.Error("the token does not tell that it is a managed identity's")
			}
		})
	}
}

func TestDeviceCode(t *testing.T) {
	tests := []struct {
		name string
		who  entra.SignIn
		want string
	}{
		{"at once", entra.SignIn{Scopes: []string{"UserAuthMethod-TAP.ReadWrite"}}, ""},
		{"after a while", entra.SignIn{Polls: 2}, ""},
		{"the person says no", entra.SignIn{Polls: 1, Decline: true}, "400 Bad Request"},
	}
	for _, tt := range tests {
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
				if !strings.Contains(text, "https://login.example/device") {
					t.Errorf("the person is told %q", text)
				}
			}
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := ask(t, c)
			checkSignIn(t, claims, err, tt.want)
			if err != nil {
				return
			}
			if claims.UserPrincipalName() != user.UPN || !strings.EqualFold(claims.ObjectID, user.ID) {
				t.Errorf("claims %+v, want those of %s", claims, user.UPN)
			}
			// What follows needs no person: neither the cached token nor a new one.
			for range 2 {
				if _, err := ask(t, c); err != nil {
					t.Error(err)
				}
			}
			if _, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true,
				Claims: `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`}); err != nil {
				t.Error(err)
			}
			if prompts != 1 || tenant.Stats().TokensByClaims != 1 {
				t.Errorf("%d prompts, %d tokens by claims, want 1 and 1", prompts, tenant.Stats().TokensByClaims)
			}
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
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}}); err == nil || ctx.Err() != nil {
		t.Errorf("GetToken = %v, context %v", err, ctx.Err())
	}
}

func TestDefaultWithoutAnything(t *testing.T) {
	clean(t)
	t.Setenv("PATH", t.TempDir()) // no az, no pwsh
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("IDENTITY_ENDPOINT", server.URL)
	t.Setenv("IDENTITY_HEADER", "x")
	c, err := New(Options{Authority: "https://login.example"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://nothing.example/.default"}})
	if err == nil {
		t.Fatal("a token out of nothing")
	}
	text := (&graph.TokenError{Err: err}).Error()
	if !strings.Contains(text, "no way to sign in works here") || !strings.Contains(text, "\nenvironment: ") {
		t.Errorf("error %s", text)
	}
	for line := range strings.Lines(text) {
		if len(line) > 300 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"no such method", Options{Method: "password"}, `--auth "password" is not default, environment`},
		{"two files", Options{Certificate: "a", SecretFile: "b"}, "--certificate and --secret-file cannot be used together"},
		{"file of another method", Options{Method: "azure-cli", TokenFile: "a"}, "--auth azure-cli does not use --token-file"},
		{"secret without a tenant", Options{Method: "secret", ClientID: "a"}, "--auth secret needs --tenant"},
		{"secret without an app", Options{Method: "secret", Tenant: "a"}, "--auth secret needs --client-id"},
		{"certificate without a file", Options{Method: "certificate", Tenant: "a", ClientID: "b"}, "--auth certificate needs --certificate"},
		{"device code without an app", Options{Method: "device-code", Tenant: "a"}, "--auth device-code needs --client-id"},
		{"browser without an app", Options{Method: "browser"}, "--auth browser needs --client-id"},
		{"token file without a file", Options{Method: "token-file"}, "--auth token-file needs --token-file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			_, err := New(tt.opts)
			if _, ok := errors.AsType[*UsageError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want a UsageError with %q", err, tt.want)
			}
		})
	}
}
