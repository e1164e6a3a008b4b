package auth

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
)

// A network leads to the simulated tenant until it is broken.
type network struct {
	mu     sync.Mutex
	tenant http.RoundTripper
	broken func(*http.Request) (*http.Response, error) // nil if it works
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	broken := n.broken
	n.mu.Unlock()
	if broken != nil {
		return broken(r)
	}
	return n.tenant.RoundTrip(r)
}

func (n *network) breakBy(answer func(*http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = answer
}

// down is a network without a connection.
func down(*http.Request) (*http.Response, error) { return nil, errors.New("network is unreachable") }

// answering answers each request with a status, a body and perhaps a redirect.
func answering(status int, body, location string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(body))}
		if location != "" {
			resp.Header.Set("Location", location)
		}
		return resp, nil
	}
}

// In the middle of a run, an authority that cannot be reached or has an outage counts as a missing
// connection, so the run waits. An authority that refuses the credential does not.
func TestRenewal(t *testing.T) {
	const entraError = `{"error":"invalid_client","error_description":"AADSTS7000222: The secret is expired."}`
	for _, tt := range []struct {
		name    string
		answer  func(*http.Request) (*http.Response, error)
		offline bool
		want    string
	}{
		{"no network", down, true, "no connection to login.example: network is unreachable"},
		{"503", answering(503, "<html>", ""), true, "login.example answers 503 Service Unavailable"},
		{"429", answering(429, "{}", ""), true, "login.example answers 429 Too Many Requests"},
		{"expired secret", answering(401, entraError, ""), false, "AADSTS7000222"},
		{"forbidden", answering(403, "<html>", ""), false, "403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // azidentity tries again
				net := &network{tenant: graphsim.New(graphsim.Options{})}
				c, err := Secret("https://login.example", entra.DefaultTenantID, entra.DefaultClientID,
					entra.DefaultSecret, &http.Client{Transport: net})
				if err != nil {
					t.Fatal(err)
				}
				pinned := Pin(c)
				if _, err := ask(t, pinned, scope); err != nil {
					t.Fatal(err)
				}
				net.breakBy(tt.answer)
				_, err = pinned.GetToken(t.Context(), fresh)
				checkError(t, "GetToken", err, tt.want)
				if offline := errors.Is(err, batch.ErrNotSent); offline != tt.offline {
					t.Errorf("GetToken = %v, offline %v, want %v", err, offline, tt.offline)
				}
			})
		})
	}
}

// A redirect is not followed: the credential stays with the authority, and the header of a managed
// identity with its endpoint.
func TestRedirectIsNotFollowed(t *testing.T) {
	clean(t)
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen = true }))
	defer thief.Close()
	server := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	t.Setenv("IDENTITY_ENDPOINT", server.URL)
	t.Setenv("IDENTITY_HEADER", "h")
	t.Setenv("AZURE_CLIENT_SECRET", entra.DefaultSecret)
	identity := Options{Method: "managed-identity", Authority: "https://login.example"}
	secret := entraOptions(graphsim.New(graphsim.Options{}), "secret")
	secret.HTTP = &http.Client{Transport: &network{broken: answering(307, "", thief.URL)}}
	for _, o := range []Options{identity, secret} {
		if _, err := ask(t, mustNew(t, o), "https://redirected.example/.default"); err == nil {
			t.Errorf("%s: a token out of a redirect", o.Method)
		}
	}
	if stolen {
		t.Error("a redirect was followed")
	}
}

// The token of a managed identity is not requested through a proxy. Its addresses use http.
func TestManagedIdentityPastTheProxy(t *testing.T) {
	proxy := exceptHTTP(http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example"}))
	for address, want := range map[string]bool{"http://169.254.169.254/metadata/identity/oauth2/token": false,
		"https://login.microsoftonline.com/": true} {
		if got, err := proxy(httptest.NewRequest("GET", address, nil)); (got != nil) != want || err != nil {
			t.Errorf("%s goes through %v, %v, want a proxy: %v", address, got, err, want)
		}
	}
}
