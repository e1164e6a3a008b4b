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
	"tapsweep/testdata/assert"
)

// fakeCredential issues tokens as its function says, and keeps what it was asked for.
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

// Everything together over TLS: azidentity, the token endpoint and batches. Only the addresses
// differ from Microsoft's.
func TestAzidentityToBatchOverTLS(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(95)
	server := assert.Must(tenant.Start())
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CAPEM)
	transport := graph.NewTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	credential, err := azidentity.NewClientSecretCredential(
		entra.DefaultTenantID, entra.DefaultClientID, entra.DefaultSecret,
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions: azcore.ClientOptions{
				Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL},
				Transport: &http.Client{Transport: transport},
			},
			DisableInstanceDiscovery: true,
		})
	assert.OK(t, err)
	client := newClient(t, credential, graph.Options{Root: server.URL, Transport: transport,
		UserAgent: "tapsweep/test"})
	_, err = client.Token(t.Context())
	assert.Is(t, "Token", err, nil)
	runner := newRunner(t, client, batch.Options{Reauthorize: client.Reauthorize})
	n := 0
	// Every token that was issued is refused in the middle of the run.
	err = runner.Run(t.Context(), deletes(users), func(r batch.Result) []batch.Request {
		if n++; n == 20 {
			tenant.Entra.ExpireTokens()
		}
		assert.Same(t, "status", r.Response.Status, 204)
		assert.Same(t, "a request-id", r.RequestID != "", true)
		return nil
	})
	assert.Is(t, "Run", err, nil)
	assert.Same(t, "results", n, 95)
	assert.Same(t, "passes left", len(tenant.Remaining()), 0)
	assert.That(t, tenant.Stats().Connections <= 2,
		"%d connections, want at most 2, which HTTP/2 shares", tenant.Stats().Connections)
}

// In a run that is longer than many tokens are valid, no token is refused, and each is requested once.
func TestTokensAreRenewedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Minute,
			Entra: entra.Options{TokenLife: 10 * time.Minute}})
		credential := credentialOf(tenant, 10*time.Minute)
		client := newClient(t, credential, graph.Options{Transport: tenant})
		runner := newRunner(t, client, batch.Options{Concurrency: 1, Reauthorize: client.Reauthorize})
		n := 0
		start := time.Now()
		err := runner.Run(t.Context(), deletes(tenant.AddUsers(2400)), func(r batch.Result) []batch.Request {
			if r.Response.Status == 204 && r.Attempts == 1 {
				n++
			}
			return nil
		})
		assert.Is(t, "Run", err, nil)
		assert.Same(t, "passes deleted at the first attempt", n, 2400)
		assert.Same(t, "tokens refused", tenant.Stats().Unauthorized, 0)
		assert.Same(t, "time", time.Since(start), 2*time.Hour)
		// Renewed with five of its ten minutes left.
		tokens := len(credential.asked)
		assert.That(t, tokens >= 20, "%d tokens for two hours, want at least 20", tokens)
		assert.That(t, tokens <= 25, "%d tokens for two hours, want at most 25", tokens)
	})
}

func TestReauthorizeSendsClaims(t *testing.T) {
	challenge := `Bearer realm="", error="insufficient_claims", ` +
		`claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="`
	for _, tt := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"challenge", http.Header{"Www-Authenticate": {`Basic realm="x, y"`, challenge}},
			`{"access_token":{"nbf":{"essential":true}}}`},
		{"no challenge", nil, `"nbf"`},
		{"broken challenge", http.Header{"Www-Authenticate": {`Bearer claims="!!"`}}, `"nbf"`},
		{"claims without a value", http.Header{"Www-Authenticate": {`Bearer claims`}}, `"nbf"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			credential := &fakeCredential{expiry: time.Hour}
			credential.issue = func(n int) (string, error) { return fmt.Sprint("token", n), nil }
			client := newClient(t, credential, graph.Options{})
			first, _ := client.Token(t.Context())
			err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401, Header: tt.header})
			assert.Is(t, "Reauthorize", err, nil)
			second, _ := client.Token(t.Context())
			assert.Same(t, "the first token", first, "token1")
			assert.Same(t, "the second token", second, "token2")
			assert.Same(t, "tokens requested", len(credential.asked), 2)
			claims := credential.asked[1].Claims
			assert.Same(t, "claims are JSON", json.Valid([]byte(claims)), true)
			assert.Holds(t, "claims", claims, tt.want)
		})
	}
}

// Graph refuses a token while another is on its way, which was requested without the claims of the challenge. That one
// arrives last, and is not used.
func TestLateTokenIsNotUsed(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration // of the first token, which is valid for 10 minutes
		err  error         // in place of the late token
	}{
		{"the first token is valid", 6 * time.Minute, nil},
		{"the first token has expired", 11 * time.Minute, nil},
		{"the late answer is an error", 11 * time.Minute, errors.New("AADSTS90033: try again later")},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tokens := 0
			client := newClient(t, tokenFunc(func(_ context.Context, claims string) (string, error) {
				tokens++
				switch {
				case claims != "":
					time.Sleep(time.Second)
					return "with claims", nil
				case tokens == 1:
					return "first", nil
				}
				time.Sleep(10 * time.Second)
				return "late", tt.err
			}), graph.Options{})
			use := func(when string) {
				token, err := client.Token(t.Context())
				assert.Is(t, "Token "+when, err, nil)
				assert.Same(t, "the token "+when, token, "with claims")
			}
			_, err := client.Token(t.Context())
			assert.OK(t, err)
			time.Sleep(tt.age)
			var waiting sync.WaitGroup
			waiting.Go(func() { use("that waited for the late one") })
			synctest.Wait()
			assert.Is(t, "Reauthorize", client.Reauthorize(t.Context(), &batch.StatusError{Status: 401}), nil)
			use("after Reauthorize")
			waiting.Wait()
			use("after the late one")
			assert.Same(t, "tokens requested", tokens, 3)
		}))
	}
}

// Two runs may replace a refused token at once. None of them sends with the refused token after that.
func TestReauthorizeTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := 0
		client := newClient(t, tokenFunc(func(context.Context, string) (string, error) {
			n := tokens
			tokens++
			time.Sleep(time.Duration(n) * time.Second)
			return fmt.Sprint("token", n), nil
		}), graph.Options{})
		_, err := client.Token(t.Context())
		assert.OK(t, err)
		var runs sync.WaitGroup
		for _, want := range []string{"token1", "token2"} {
			runs.Go(func() {
				err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401})
				assert.Is(t, "Reauthorize", err, nil)
				token, _ := client.Token(t.Context())
				assert.Same(t, "the token after Reauthorize", token, want)
			})
			synctest.Wait()
		}
		runs.Wait()
	})
}

// tokenFunc is a credential that issues tokens for 10 minutes. Its calls run in parallel.
type tokenFunc func(ctx context.Context, claims string) (string, error)

func (f tokenFunc) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := f(ctx, opts.Claims)
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(10 * time.Minute)}, err
}

// A token endpoint that hangs does not delay the run while the old token is valid.
func TestSlowRenewalDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 10 * time.Second, Entra: entra.Options{TokenLife: time.Hour}})
		credential := &hangingCredential{tenant: tenant}
		client := newClient(t, credential, graph.Options{Transport: tenant})
		n := 0
		start := time.Now()
		src := deletes(tenant.AddUsers(20 * 4 * 80))
		runner := newRunner(t, client, batch.Options{Concurrency: 4})
		err := runner.Run(t.Context(), src, func(r batch.Result) []batch.Request {
			if r.Response.Status == 204 && !r.Uncertain {
				n++
			}
			return nil
		})
		// The token lasts 10 minutes; until a minute before, it is in use.
		assert.Is(t, "Run", err, batch.ErrUnauthorized)
		assert.Same(t, "it took nine minutes or more", time.Since(start) >= 9*time.Minute, true)
		assert.That(t, n >= 20*4*50, "%d passes deleted, want 4,000 or more", n)
	})
}

// An early renewal gives up after 15 s. Posts that wait for it, because the old token expires meanwhile, then wait for
// a renewal without this limit.
func TestSlowRenewalOfAnExpiringToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := 0
		client := newClient(t, tokenFunc(func(ctx context.Context, _ string) (string, error) {
			if tokens++; tokens == 1 {
				return "first", nil
			}
			select {
			case <-time.After(20 * time.Second):
				return "second", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}), graph.Options{})
		start := time.Now()
		var posts sync.WaitGroup
		for at, want := range map[time.Duration]string{ // the token is used until a minute before 10:00
			0:                              "first",
			8*time.Minute + 55*time.Second: "first",
			9*time.Minute + 5*time.Second:  "second",
			9*time.Minute + 6*time.Second:  "second",
		} {
			posts.Go(func() {
				time.Sleep(time.Until(start.Add(at)))
				token, err := client.Token(t.Context())
				assert.Is(t, fmt.Sprint("Token after ", at), err, nil)
				assert.Same(t, fmt.Sprint("token after ", at), token, want)
			})
		}
		posts.Wait()
		assert.Same(t, "tokens requested", tokens, 3)
	})
}

// hangingCredential issues one token for ten minutes, and then never answers.
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

// The command line tools refuse claims. A 401 without a challenge must not stop a run for that.
func TestReauthorizeWithoutClaims(t *testing.T) {
	credential := &fakeCredential{expiry: time.Hour}
	credential.issue = func(n int) (string, error) {
		if credential.asked[n-1].Claims != "" {
			return "", errors.New("run az login --claims-challenge")
		}
		return fmt.Sprint("token", n), nil
	}
	client := newClient(t, credential, graph.Options{})
	client.Token(t.Context())
	assert.Is(t, "Reauthorize", client.Reauthorize(t.Context(), &batch.StatusError{Status: 401}), nil)
	token, _ := client.Token(t.Context())
	assert.Same(t, "the token", token, "token3")
	challenge := http.Header{"Www-Authenticate": {`Bearer claims="e30="`}}
	err := client.Reauthorize(t.Context(), &batch.StatusError{Status: 401, Header: challenge})
	assert.That(t, err != nil, "a challenge was answered without its claims")
}

// Without a connection, or with one that is not trusted, the error is that nothing was sent.
func TestNotConnected(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	client := newClient(t, secretCredential(), graph.Options{Root: server.URL})
	_, err := client.PostBatch(t.Context(), []byte(`{}`))
	assert.Is(t, "PostBatch without a connection", err, batch.ErrNotSent)
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	client = newClient(t, secretCredential(), graph.Options{Root: untrusted.URL})
	_, err = client.PostBatch(t.Context(), []byte(`{}`))
	assert.Is(t, "PostBatch to a host that is not trusted", err, batch.ErrNotSent)
}

// If the authority cannot be reached, the run waits: this is no refusal.
func TestNoConnectionForAToken(t *testing.T) {
	offline := offlineError{errors.New("dial tcp: network is unreachable")}
	_, err := newClient(t, failing(offline), graph.Options{}).PostBatch(t.Context(), []byte(`{}`))
	assert.Is(t, "PostBatch", err, batch.ErrNotSent)
	assert.Same(t, "the run stops", errors.Is(err, batch.ErrUnauthorized), false)
	assert.Says(t, "PostBatch", err, "access token: "+offline.Error())
}

func TestNoToken(t *testing.T) {
	refusal := errors.New("AADSTS7000215: Invalid client secret provided")
	_, err := newClient(t, failing(refusal), graph.Options{}).PostBatch(t.Context(), []byte(`{}`))
	assert.Is(t, "PostBatch", err, batch.ErrUnauthorized)
	assert.Says(t, "PostBatch", err, "access token: "+refusal.Error())
}

// A redirect is not followed, so the token does not go elsewhere, and it is no batch response.
func TestRedirectIsNotFollowed(t *testing.T) {
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = true }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client := newClient(t, secretCredential(), graph.Options{Root: server.URL})
	_, err := client.PostBatch(t.Context(), []byte(`{}`))
	assert.Same(t, "PostBatch", fmt.Sprint(err), "the answer was 307")
	assert.Same(t, "redirect followed", stolen, false)
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
	client := newClient(t, secretCredential(), graph.Options{Root: server.URL + "/", UserAgent: "tapsweep/1.2"})
	reply, err := client.PostBatch(t.Context(), []byte(`{"requests":[]}`))
	assert.Is(t, "PostBatch", err, nil)
	assert.Same(t, "the reply", string(reply.Body), `{"responses":[]}`)
	assert.Same(t, "the reply's request-id", reply.Header.Get("Request-Id"), "7f2d")
	for name, want := range map[string]string{
		"Authorization": "Bearer secret", "Content-Type": "application/json", "Content-Encoding": "",
		"Accept": "application/json", "User-Agent": "tapsweep/1.2",
	} {
		assert.Same(t, name, got.Header.Get(name), want)
	}
	assert.Same(t, "method", got.Method, "POST")
	assert.Same(t, "path", got.URL.Path, "/v1.0/$batch")
	assert.Same(t, "body", string(body), `{"requests":[]}`)
	assert.Same(t, "Content-Length", got.ContentLength, int64(len(body)))
	assert.Same(t, "a Client-Request-Id", got.Header.Get("Client-Request-Id") != "", true)
	assert.Same(t, "the core's SdkVersion", strings.Contains(got.Header.Get("SdkVersion"), "graph-go-core/"), true)
}

// Only package batch sends a request twice: kiota's own retries are off.
func TestOneLayerRetries(t *testing.T) {
	posts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts++
		w.Header().Set("Retry-After", "1")
		w.Header().Set("WWW-Authenticate", `Bearer claims="e30="`)
		w.WriteHeader([]int{429, 503, 504, 401}[posts-1])
	}))
	defer server.Close()
	client := newClient(t, secretCredential(), graph.Options{Root: server.URL})
	for i, want := range []int{429, 503, 504, 401} {
		_, err := client.PostBatch(t.Context(), []byte(`{}`))
		assert.Same(t, "posts", posts, i+1)
		e, ok := errors.AsType[*batch.StatusError](err)
		if !ok {
			t.Fatalf("PostBatch = %v, want a StatusError", err)
		}
		assert.Same(t, "status", e.Status, want)
		assert.Same(t, "Retry-After", e.Header.Get("Retry-After"), "1")
	}
}

func TestParseRoot(t *testing.T) {
	for _, tt := range []struct {
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
	} {
		_, err := graph.ParseRoot(tt.root)
		assert.That(t, (err == nil) == tt.ok, "ParseRoot(%q) = %v, want ok %v", tt.root, err, tt.ok)
		assert.Lacks(t, "the error of ParseRoot", fmt.Sprint(err), "pw")
	}
}
