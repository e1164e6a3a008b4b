package graph_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
)

// fakeCredential hands out tokens of the simulated tenant, or the ones given.
type fakeCredential struct {
	mu     sync.Mutex
	asked  []policy.TokenRequestOptions
	issue  func(n int) (string, error)
	expiry time.Duration
}

func (c *fakeCredential) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, opts)
	token, err := c.issue(len(c.asked))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(c.expiry)}, err
}

func credentialOf(tenant *graphsim.Tenant, life time.Duration) *fakeCredential {
	return &fakeCredential{expiry: life, issue: func(int) (string, error) { return tenant.Entra.Token(), nil }}
}

func deletes(users []graphsim.User) func(func(batch.Request) bool) {
	return func(yield func(batch.Request) bool) {
		for _, u := range users {
			if !yield(batch.Request{Method: "DELETE", Key: u.ID,
				URL: "/users/" + u.ID + "/authentication/temporaryAccessPassMethods/" + u.Passes[0].ID}) {
				return
			}
		}
	}
}

// The whole path: azidentity, the token endpoint, batches, all over TLS, with
// nothing replaced but the address of the cloud.
func TestAzidentityToBatchOverTLS(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(95)
	server, err := tenant.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CAPEM)
	transport := graph.NewTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	credential, err := azidentity.NewClientSecretCredential(entra.DefaultTenantID, entra.DefaultClientID, entra.DefaultSecret,
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions:            azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL}, Transport: &http.Client{Transport: transport}},
			DisableInstanceDiscovery: true,
		})
	if err != nil {
		t.Fatal(err)
	}
	client, err := graph.New(credential, graph.Options{Root: server.URL, Transport: transport, UserAgent: "tapsweep/test"})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := client.Token(t.Context()); err != nil || token == "" {
		t.Errorf("Token = %q, %v", token, err)
	}
	runner, err := batch.NewRunner(client, batch.Options{Reauthorize: client.Reauthorize})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	// Every token that was issued is refused in the middle of the run.
	err = runner.Run(t.Context(), deletes(users), func(r batch.Result) []batch.Request {
		if n++; n == 20 {
			tenant.Entra.ExpireTokens()
		}
		if r.Err != nil || r.Response.Status != 204 || r.RequestID == "" {
			t.Errorf("%v %d, request-id %q", r.Err, r.Response.Status, r.RequestID)
		}
		return nil
	})
	stats := tenant.Stats()
	if err != nil || n != 95 || len(tenant.Remaining()) != 0 {
		t.Errorf("Run = %v, %d results, %d passes left", err, n, len(tenant.Remaining()))
	}
	if stats.Connections > 2 {
		t.Errorf("%d connections, want one for tokens and Graph, HTTP/2 shares it", stats.Connections)
	}
}

// A run that outlives many tokens loses nothing and gets each token once.
func TestTokensAreRenewedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Minute, Entra: entra.Options{TokenLife: 10 * time.Minute}})
		credential := credentialOf(tenant, 10*time.Minute)
		client, err := graph.New(credential, graph.Options{Transport: tenant})
		if err != nil {
			t.Fatal(err)
		}
		runner, _ := batch.NewRunner(client, batch.Options{Concurrency: 1, Reauthorize: client.Reauthorize})
		n := 0
		start := time.Now()
		err = runner.Run(t.Context(), deletes(tenant.AddUsers(2400)), func(r batch.Result) []batch.Request {
			if r.Response.Status == 204 && r.Attempts == 1 {
				n++
			}
			return nil
		})
		if err != nil || n != 2400 || tenant.Stats().Unauthorized != 0 {
			t.Errorf("Run = %v, %d deleted at the first attempt, %d refused tokens", err, n, tenant.Stats().Unauthorized)
		}
		if d := time.Since(start); d != 2*time.Hour {
			t.Errorf("the run took %v, want 2h", d)
		}
		// Renewed with five of its ten minutes left.
		if got := len(credential.asked); got < 20 || got > 25 {
			t.Errorf("%d tokens for two hours, want 20 to 25", got)
		}
	})
}

func TestReauthorizeSendsClaims(t *testing.T) {
	challenge := `Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="`
	tests := []struct {
		name   string
		header http.Header
		want   string
	}{
		{"challenge", http.Header{"Www-Authenticate": {`Basic realm="x, y"`, challenge}}, `{"access_token":{"nbf":{"essential":true}}}`},
		{"no challenge", nil, `"nbf"`},
		{"broken challenge", http.Header{"Www-Authenticate": {`Bearer claims="!!"`}}, `"nbf"`},
		{"claims without a value", http.Header{"Www-Authenticate": {`Bearer claims`}}, `"nbf"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			credential := &fakeCredential{expiry: time.Hour, issue: func(n int) (string, error) { return fmt.Sprint("token", n), nil }}
			client, err := graph.New(credential, graph.Options{})
			if err != nil {
				t.Fatal(err)
			}
			first, _ := client.Token(t.Context())
			if err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401, Header: tt.header}); err != nil {
				t.Fatal(err)
			}
			second, _ := client.Token(t.Context())
			if first != "token1" || second != "token2" || len(credential.asked) != 2 {
				t.Errorf("tokens %s, %s after %d requests", first, second, len(credential.asked))
			}
			if got := credential.asked[1].Claims; !strings.Contains(got, tt.want) || !json.Valid([]byte(got)) {
				t.Errorf("claims %s, want %s", got, tt.want)
			}
		})
	}
}

// A token endpoint that hangs holds up nobody while the old token is good.
func TestSlowRenewalHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 2 * time.Second, Entra: entra.Options{TokenLife: time.Hour}})
		credential := &hangingCredential{tenant: tenant}
		client, err := graph.New(credential, graph.Options{Transport: tenant})
		if err != nil {
			t.Fatal(err)
		}
		runner, _ := batch.NewRunner(client, batch.Options{Concurrency: 4})
		n := 0
		start := time.Now()
		err = runner.Run(t.Context(), deletes(tenant.AddUsers(20*4*400)), func(r batch.Result) []batch.Request {
			if r.Response.Status == 204 && !r.Uncertain {
				n++
			}
			return nil
		})
		// The token lasts 10 minutes; until a minute before, it is in use.
		if !errors.Is(err, batch.ErrUnauthorized) || time.Since(start) < 9*time.Minute || n < 20*4*250 {
			t.Errorf("Run = %v after %v with %d deleted", err, time.Since(start), n)
		}
	})
}

// hangingCredential issues one token for ten minutes and never answers again.
type hangingCredential struct {
	tenant *graphsim.Tenant
	once   sync.Once
}

func (c *hangingCredential) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token := ""
	c.once.Do(func() { token = c.tenant.Entra.Token() })
	if token == "" {
		<-ctx.Done()
		return azcore.AccessToken{}, ctx.Err()
	}
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(10 * time.Minute)}, nil
}

// The command line tools refuse claims; a plain 401 must not end a run for that.
func TestReauthorizeWithoutClaims(t *testing.T) {
	credential := &fakeCredential{expiry: time.Hour}
	credential.issue = func(n int) (string, error) {
		if credential.asked[n-1].Claims != "" {
			return "", errors.New("run az login --claims-challenge")
		}
		return fmt.Sprint("token", n), nil
	}
	client, err := graph.New(credential, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client.Token(t.Context())
	if err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401}); err != nil {
		t.Fatal(err)
	}
	if token, _ := client.Token(t.Context()); token != "token3" {
		t.Errorf("token %s, want the third", token)
	}
	challenge := http.Header{"Www-Authenticate": {`Bearer claims="e30="`}}
	if err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401, Header: challenge}); err == nil {
		t.Error("a challenge was answered without its claims")
	}
}

// Where there is no connection, nothing was sent, and that is said.
func TestNotConnected(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	client, err := graph.New(&fakeCredential{expiry: time.Hour, issue: func(int) (string, error) { return "secret", nil }}, graph.Options{Root: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PostBatch(t.Context(), []byte(`{}`)); !errors.Is(err, batch.ErrNotSent) {
		t.Errorf("PostBatch = %v, want batch.ErrNotSent", err)
	}
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	client, _ = graph.New(&fakeCredential{expiry: time.Hour, issue: func(int) (string, error) { return "secret", nil }}, graph.Options{Root: untrusted.URL})
	if _, err := client.PostBatch(t.Context(), []byte(`{}`)); !errors.Is(err, batch.ErrNotSent) {
		t.Errorf("PostBatch to a host without trust = %v, want batch.ErrNotSent", err)
	}
}

// An authority that cannot be reached is no refusal: the run waits for it.
func TestNoConnectionForAToken(t *testing.T) {
	client, err := graph.New(&fakeCredential{issue: func(int) (string, error) {
		return "", offlineError{errors.New("dial tcp: network is unreachable")}
	}}, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PostBatch(t.Context(), []byte(`{}`))
	if !errors.Is(err, batch.ErrNotSent) || errors.Is(err, batch.ErrUnauthorized) || !strings.Contains(err.Error(), "getting an access token: dial tcp") {
		t.Errorf("PostBatch = %v, want batch.ErrNotSent", err)
	}
}

func TestNoToken(t *testing.T) {
	client, err := graph.New(&fakeCredential{issue: func(int) (string, error) { return "", errors.New("AADSTS7000215: Invalid client secret provided") }}, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PostBatch(t.Context(), []byte(`{}`))
	if !errors.Is(err, batch.ErrUnauthorized) || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("PostBatch = %v, want batch.ErrUnauthorized with Entra's text", err)
	}
}

// A redirect must not carry the token away, nor be taken for an answer.
func TestRedirectIsNotFollowed(t *testing.T) {
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = true }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client, err := graph.New(credentialOf(graphsim.New(graphsim.Options{}), time.Hour), graph.Options{Root: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PostBatch(t.Context(), []byte(`{}`))
	if e, ok := errors.AsType[*batch.StatusError](err); !ok || e.Status != 307 || stolen {
		t.Errorf("PostBatch = %v, redirect followed %v; want a StatusError 307", err, stolen)
	}
}

func TestPostBatchSendsWhatGraphWants(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Request-Id", "7f2d")
		fmt.Fprint(w, `{"responses":[]}`)
	}))
	defer server.Close()
	client, err := graph.New(&fakeCredential{expiry: time.Hour, issue: func(int) (string, error) { return "secret", nil }}, graph.Options{Root: server.URL + "/", UserAgent: "tapsweep/1.2"})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.PostBatch(t.Context(), []byte(`{"requests":[]}`))
	if err != nil || string(reply.Body) != `{"responses":[]}` || reply.Header.Get("Request-Id") != "7f2d" {
		t.Errorf("PostBatch = %s, %v", reply.Body, err)
	}
	for name, want := range map[string]string{"Authorization": "Bearer secret", "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "tapsweep/1.2"} {
		if g := got.Header.Get(name); g != want {
			t.Errorf("%s is %q, want %q", name, g, want)
		}
	}
	if got.URL.Path != "/v1.0/$batch" || got.Method != "POST" || string(body) != `{"requests":[]}` || got.ContentLength != int64(len(body)) {
		t.Errorf("%s %s, %d bytes %s", got.Method, got.URL, got.ContentLength, body)
	}
	if !strings.Contains(got.Header.Get("SdkVersion"), "graph-go-core/") || got.Header.Get("Client-Request-Id") == "" || got.Header.Get("Content-Encoding") != "" {
		t.Errorf("headers %v", got.Header)
	}
}

// kiota's own retry would send the batch again behind the runner's back.
func TestOneLayerRetries(t *testing.T) {
	posts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts++
		w.Header().Set("Retry-After", "1")
		w.Header().Set("WWW-Authenticate", `Bearer claims="e30="`)
		w.WriteHeader([]int{429, 503, 504, 401}[posts-1])
	}))
	defer server.Close()
	client, err := graph.New(&fakeCredential{expiry: time.Hour, issue: func(int) (string, error) { return "secret", nil }}, graph.Options{Root: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{429, 503, 504, 401} {
		_, err := client.PostBatch(t.Context(), []byte(`{}`))
		e, ok := errors.AsType[*batch.StatusError](err)
		if !ok || e.Status != want || e.Header.Get("Retry-After") != "1" || posts != i+1 {
			t.Errorf("PostBatch = %v after %d posts, want status %d", err, posts, want)
		}
	}
}

func TestParseRoot(t *testing.T) {
	tests := []struct {
		root string
		ok   bool
	}{
		{"", true},
		{"https://graph.microsoft.us", true},
		{"https://graph.microsoft.com/", true},
		{"http://localhost:8080", true},
		{"http://127.0.0.1:1", true},
		{"http://[::1]:1", true},
		{"http://graph.microsoft.com", false},
		{"http://localhost.evil.example", false},
		{"http://127.0.0.2", false},
		{"https://graph.microsoft.com/v1.0", false},
		{"https://user:pw@graph.microsoft.com", false},
		{"https://user:pw%zz@graph.microsoft.com", false},
		{"https://user:pw/pw@graph.microsoft.com", false},
		{"https://user:pw?pw@graph.microsoft.com", false},
		{"https://graph.microsoft.com?sig=pw", false},
		{"https://graph.microsoft.com?", false},
		{"https://graph.microsoft.com#x", false},
		{"graph.microsoft.com", false},
		{"ftp://graph.microsoft.com", false},
		{"https://", false},
		{"https://a b", false},
	}
	for _, tt := range tests {
		_, err := graph.ParseRoot(tt.root)
		if (err == nil) != tt.ok {
			t.Errorf("ParseRoot(%q) = %v, want ok %v", tt.root, err, tt.ok)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("ParseRoot(%q) quotes the password: %v", tt.root, err)
		}
	}
}
