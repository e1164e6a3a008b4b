package auth

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// network sends requests to test servers by host name, and records requests to other hosts.
type network struct {
	mu     sync.Mutex
	hosts  map[string]http.RoundTripper
	astray []string // method and URL of what went to a host that is none of them
	trap   func(*http.Request) *http.Response
	down   error // of every request, nil if there is a connection
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	if n.down != nil {
		n.mu.Unlock()
		return nil, n.down
	}
	trap := n.trap
	to := n.hosts[r.URL.Host]
	if to == nil || r.URL.Scheme != "https" {
		n.astray = append(n.astray, r.Method+" "+r.URL.String())
	}
	n.mu.Unlock()
	if to == nil || r.URL.Scheme != "https" {
		return answer(r, 200, `{}`), nil
	}
	if trap != nil {
		if resp := trap(r); resp != nil {
			return resp, nil
		}
	}
	return to.RoundTrip(r)
}

func (n *network) set(trap func(*http.Request) *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trap = trap
}

func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		Request: r}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

// redirect makes every path with the suffix redirect to another host.
func redirect(status int, suffix, to string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		return answer(r, status, "", "Location", to)
	}
}

// metadata makes the authority name an endpoint on another host.
func metadata(name, to string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if !strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			return nil
		}
		base := "https://login.example/" + entra.DefaultTenantID
		all := map[string]string{"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token",
			"authorization_endpoint": base + "/oauth2/v2.0/authorize", "device_authorization_endpoint": base +
				"/oauth2/v2.0/devicecode"}
		all[name] = to
		body, err := json.Marshal(all)
		if err != nil {
			panic(err)
		}
		return answer(r, 200, string(body))
	}
}

// traps are answers that would lead a credential away from the authority.
var traps = []struct {
	name string
	trap func(*http.Request) *http.Response
	want string // in the error
}{
	{"redirect of the token request", redirect(307, "/token", "https://thief.example/token"),
		"redirect to https://thief.example, which is not followed"},
	{"permanent redirect to plain http", redirect(308, "/token", "http://login.example/token"),
		"redirect to http://login.example, which"},
	{"redirect to another path", redirect(307, "/token", "/other/token"), "redirect to https://login.example, which"},
	{"redirect of the metadata", redirect(302, "/openid-configuration",
		"https://thief.example/openid-configuration"), "redirect to https://thief.example"},
	{"token endpoint elsewhere", metadata("token_endpoint", "https://thief.example/token"),
		"token_endpoint at https://thief.example, which is not the authority"},
	{"token endpoint at a lookalike", metadata("token_endpoint", "https://login.example.thief.example/token"),
		"which is not the authority"},
	{"token endpoint at another port", metadata("token_endpoint", "https://login.example:444/token"),
		"token_endpoint at https://login.example:444"},
	{"token endpoint by plain http", metadata("token_endpoint", "http://login.example/token"),
		"token_endpoint at http://login.example"},
	{"token endpoint with a user", metadata("token_endpoint", "https://login.example@thief.example/token"),
		"which is not the authority"},
	{"page to sign in at elsewhere", metadata("authorization_endpoint", "https://thief.example/authorize"),
		"authorization_endpoint at https://thief.example"},
	{"device endpoint elsewhere", metadata("device_authorization_endpoint", "https://thief.example/devicecode"),
		"device_authorization_endpoint at https://thief.example"},
	{"endpoint that is no address", metadata("token_endpoint", "::"),
		"token_endpoint at an address that cannot be read"},
	{"issuer elsewhere", metadata("issuer", "https://thief.example/v2.0"), "issuer"},
}

// Every kind of credential is sent only to the authority, whatever it answers.
func TestCredentialStaysWithTheAuthority(t *testing.T) {
	cert, key := makeCertificate(t)
	pemFile := pemOf(t, cert, key)
	for _, kind := range []string{"secret", "certificate", "workload-identity", "device-code", "default"} {
		for _, tt := range traps {
			t.Run(kind+", "+tt.name, func(t *testing.T) {
				o, net, sim := trapped(t, kind)
				sim.Entra.TrustCertificate(cert)
				if kind == "certificate" {
					o.Certificate = file(t, "a.pem", pemFile)
				}
				t.Setenv("AZURE_FEDERATED_TOKEN_FILE",
					file(t, "token", []byte(sim.Entra.FederatedToken(entra.FederatedSubject, time.Hour))))
				net.set(tt.trap)
				_, err := mustNew(t, o).GetToken(t.Context(),
					policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true})
				assert.Says(t, "GetToken", err, tt.want)
				net.checkAstray(t)
			})
		}
	}
}

// trapped returns options whose requests go through a network, on which a trap can be set. The
// secret is in the environment, and a person will sign in.
func trapped(t *testing.T, method string) (Options, *network, *graphsim.Tenant) {
	clean(t)
	t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
	sim := graphsim.New(graphsim.Options{})
	sim.Entra.WillSignIn(entra.SignIn{User: sim.AddUsers(1)[0].ID, Scopes: []string{"x"}})
	net := &network{hosts: map[string]http.RoundTripper{"login.example": sim}}
	o := entraOptions(sim, method)
	o.HTTP = &http.Client{Transport: net}
	return o, net, sim
}

func (n *network) checkAstray(t *testing.T) {
	t.Helper()
	assert.That(t, len(n.astray) == 0, "requests were sent to other hosts: %q", n.astray)
}

// A renewal is as strict as the first request. The run treats the error as a missing connection.
func TestRenewalStaysWithTheAuthority(t *testing.T) {
	for _, kind := range []string{"secret", "device-code"} {
		t.Run(kind, func(t *testing.T) {
			o, net, _ := trapped(t, kind)
			pinned := Pin(mustNew(t, o))
			assert.Must(ask(t, pinned, scope))
			net.set(redirect(307, "/token", "https://thief.example/token"))
			ctx, cancel := context.WithTimeout(t.Context(), minSignIn-time.Second) // nobody is asked
			defer cancel()
			_, err := pinned.GetToken(ctx, fresh)
			assert.Says(t, "GetToken", err, "redirect to https://thief.example")
			assert.Is(t, "GetToken", err, batch.ErrNotSent)
			net.checkAstray(t)
		})
	}
}

// An endless answer, or one that is small only while compressed, uses no more than 1 MiB of
// memory.
func TestAnswersAreBounded(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	assert.Must(w.Write(make([]byte, 64<<20)))
	w.Close()
	const most = 16 << 20 // far more than buffers between here and there take
	for name, serve := range map[string]func(w http.ResponseWriter) (sent int){
		"endless": func(w http.ResponseWriter) (sent int) {
			block := bytes.Repeat([]byte(" "), 64<<10)
			for sent < 4*most {
				n, err := w.Write(block)
				sent += n
				if err != nil {
					break
				}
			}
			return sent
		},
		"packed": func(w http.ResponseWriter) int {
			w.Header().Set("Content-Encoding", "gzip")
			n, _ := w.Write(packed.Bytes())
			return n
		},
	} {
		for _, suffix := range []string{"/openid-configuration", "/token"} {
			t.Run(name+suffix, func(t *testing.T) {
				clean(t)
				t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
				sim := graphsim.New(graphsim.Options{})
				sent := 0
				server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, suffix) {
						sent += serve(w)
						return
					}
					sim.ServeHTTP(w, r)
				}))
				o := entraOptions(sim, "secret")
				o.Authority, o.HTTP, o.Roots = server.URL, nil, x509.NewCertPool()
				o.Roots.AddCert(server.Certificate())
				_, err := signIn(t, o)
				server.Close() // waits for the handler
				assert.Says(t, "signing in", err, "an answer of more than 1 MiB")
				assert.That(t, sent <= most, "%d bytes were read", sent)
			})
		}
	}
}

// Plain http is only used for the addresses of a managed identity, without redirects, and by no
// other credential.
func TestManagedIdentityAddresses(t *testing.T) {
	clean(t)
	t.Setenv("IDENTITY_ENDPOINT", "http://169.254.130.3:8081/msi/token")
	t.Setenv("MSI_ENDPOINT", "http://identity.example/token")
	for _, tt := range []struct {
		method, url, region string
		want                bool
	}{
		{"managed-identity", "http://169.254.169.254/metadata/identity/oauth2/token?resource=x", "", true},
		{"default", "http://169.254.169.254/metadata/identity/oauth2/token", "", true},
		{"managed-identity", "http://127.0.0.1:40342/metadata/identity/oauth2/token", "", true},
		{"managed-identity", "http://169.254.130.3:8081/msi/token", "", true},
		{"managed-identity", "http://169.254.130.3/msi/token", "", false},
		{"managed-identity", "http://identity.example/token", "", false}, // its header would cross a network
		{"managed-identity", "http://thief.example/token", "", false},
		{"secret", "http://169.254.169.254/metadata/identity/oauth2/token", "", false},
		{"secret", "https://login.example/t/oauth2/v2.0/token", "", true},
		{"secret", "https://LOGIN.example:443/t/oauth2/v2.0/token", "", true},
		{"secret", "http://login.example/t/oauth2/v2.0/token", "", false},
		{"secret", "https://westus2.login.example/t/oauth2/v2.0/token", "", false},
		{"secret", "https://westus2.login.example/t", "westus2", true},
	} {
		t.Setenv("AZURE_REGIONAL_AUTHORITY_NAME", tt.region)
		asked := 0
		l := newIssuerTransport(Options{Method: tt.method, Authority: "https://login.example",
			HTTP: &http.Client{Transport: authority{200, "{}", &asked}}, Getenv: os.Getenv})
		req := assert.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil))
		_, err := l.Do(req)
		what := fmt.Sprintf("%s in region %q asks %s", tt.method, tt.region, tt.url)
		assert.That(t, (err == nil) == tt.want, "%s: %v, want %v", what, err, tt.want)
		assert.That(t, (asked == 1) == tt.want, "%s: %d requests were sent, want one: %v", what, asked, tt.want)
	}
}

// A redirect from a managed identity's endpoint is not followed, so its header stays there.
func TestManagedIdentityRedirect(t *testing.T) {
	clean(t)
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen = true }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	t.Setenv("IDENTITY_ENDPOINT", server.URL)
	t.Setenv("IDENTITY_HEADER", "h")
	c := mustNew(t, Options{Method: "managed-identity", Authority: "https://login.example"})
	_, err := ask(t, c, "https://redirected.example/.default")
	assert.Says(t, "GetToken", err, "which is not followed")
	assert.That(t, !stolen, "the redirect was followed")
}

// The token of a managed identity is not requested through a proxy. Its addresses use http.
func TestManagedIdentityPastTheProxy(t *testing.T) {
	proxy := exceptHTTP(http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example"}))
	for address, want := range map[string]bool{"http://169.254.169.254/metadata/identity/oauth2/token": false,
		"https://login.microsoftonline.com/": true} {
		got := assert.Must(proxy(httptest.NewRequest("GET", address, nil)))
		assert.That(t, (got != nil) == want, "%s goes through %v, want a proxy: %v", address, got, want)
	}
}
