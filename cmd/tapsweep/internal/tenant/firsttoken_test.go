package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// outOfOrder is a tenant whose authority gives a different answer for a while.
type outOfOrder struct {
	tenant http.RoundTripper
	until  time.Time
	suffix string // of the paths that it gives the answer to
	answer func(r *http.Request) (*http.Response, error)
}

func (o *outOfOrder) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Now().Before(o.until) && strings.HasSuffix(r.URL.Path, o.suffix) {
		return o.answer(r)
	}
	return o.tenant.RoundTrip(r)
}

// answering returns a handler that answers with a status, a body and a header.
func answering(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
			Request: r}
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// entraError returns an error answer of Entra.
func entraError(code string, number int) string {
	return fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: It is so.\r\nTrace ID: x","error_codes":[%d]}`,
		code, number, number)
}

const tokenPath, metadataPath = "/oauth2/v2.0/token", "/v2.0/.well-known/openid-configuration"

// A run waits during an outage of the authority, as it does if Graph cannot be reached; in the
// end it stops with 4. A wrong credential ends the run at once with 3.
func TestFirstTokenSitsOutAnOutage(t *testing.T) {
	refused := func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }
	busy := answering(429, `{}`, "Retry-After", "45")
	for _, tt := range []struct {
		name     string
		path     string
		answer   func(*http.Request) (*http.Response, error)
		lasts    time.Duration // how long the authority is out of order
		stall    time.Duration
		deadline time.Duration
		secret   string
		exit     int           // 0 for a token
		least    time.Duration // that it takes
		most     time.Duration // the last request of azidentity's may end after the stall
		want     string        // in the error
		hint     string
	}{
		{name: "503", path: tokenPath, answer: answering(503, "<html>"), lasts: 10 * time.Minute,
			least: 10 * time.Minute, most: 11 * time.Minute},
		{name: "503 for too long", path: tokenPath, answer: answering(503, "<html>"), lasts: time.Hour,
			stall: 5 * time.Minute, exit: status.Stopped,
			least: 4 * time.Minute, most: 5*time.Minute + 10*time.Second,
			want: "login.example answers 503 Service Unavailable", hint: "not a problem with the credential"},
		{name: "the number of an error that passes", path: tokenPath,
			answer: answering(400, entraError("server_error", 90033)),
			lasts:  time.Minute, least: time.Minute, most: 2 * time.Minute},
		{name: "the same, for too long", path: tokenPath,
			answer: answering(400, entraError("invalid_request", 90033)), lasts: time.Hour,
			stall: time.Minute, exit: status.Stopped, most: time.Minute + 10*time.Second,
			want: "login.example answers 400 Bad Request: AADSTS90033: It is so."},
		{name: "temporarily unavailable", path: tokenPath,
			answer: answering(400, entraError("temporarily_unavailable", 1)),
			lasts:  time.Minute, least: time.Minute, most: 2 * time.Minute},
		{name: "too many requests", path: tokenPath, answer: busy, lasts: time.Minute, least: time.Minute,
			most: 3 * time.Minute},
		{name: "metadata", path: metadataPath, answer: answering(500, ""), lasts: time.Minute, least: time.Minute,
			most: 2 * time.Minute},
		{name: "metadata, for too long", path: metadataPath, answer: answering(500, ""), lasts: time.Hour,
			stall: time.Minute, exit: status.Stopped,
			most: time.Minute + 10*time.Second, want: "login.example answers 500 Internal Server Error"},
		{name: "no waiting", path: tokenPath, answer: answering(503, ""), lasts: time.Hour, stall: -1,
			exit: status.Stopped,
			most: 15 * time.Second, want: "answers 503"},
		{name: "a wait beyond the deadline", path: tokenPath, answer: answering(429, "", "Retry-After", "600"),
			lasts: time.Hour, deadline: 30 * time.Second,
			exit: status.Stopped, most: time.Second, want: "login.example answers 429 Too Many Requests"},
		{name: "never reached", path: metadataPath, answer: refused, lasts: time.Hour, exit: status.Stopped,
			most: 15 * time.Second,
			want: "no connection to login.example: connection refused", hint: unreached[auth.NoConnection].hint},
		{name: "wrong secret", secret: "some-other-secret", exit: status.NoAccess, most: time.Second,
			want: "AADSTS7000215"},
		{name: "redirect", path: tokenPath, answer: answering(307, "", "Location", "https://thief.example/"),
			lasts: time.Hour, exit: status.NoAccess,
			most: time.Second, want: "login.example answers 307 with a redirect to https://thief.example, which is not",
			hint: unreached[auth.Misled].hint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				tenant := &outOfOrder{graphsim.New(graphsim.Options{}), start.Add(tt.lasts), tt.path, tt.answer}
				if tt.secret == "" {
					tt.secret = entra.DefaultSecret
				}
				credential := assert.Must(auth.New(auth.Options{Method: "secret", Tenant: entra.DefaultTenantID,
					ClientID: entra.DefaultClientID, Authority: "https://login.example",
					HTTP: &http.Client{Transport: tenant}, Getenv: environment("AZURE_CLIENT_SECRET", tt.secret)}))
				said := 0
				c := &Target{credential: credential, Stall: 30 * time.Minute,
					opts: Options{SignIn: auth.Options{Getenv: environment()}, Say: func(string, ...any) { said++ }}}
				if tt.stall != 0 {
					c.Stall = max(tt.stall, 0)
				}
				client := assert.Must(graph.New(auth.Pin(credential), graph.Options{Transport: tenant}))
				ctx := context.WithoutCancel(t.Context())
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				token, err := c.firstToken(ctx, client)
				took := time.Since(start)
				assert.That(t, took >= tt.least, "it took %v, want at least %v", took, tt.least)
				assert.That(t, took <= tt.most, "it took %v, want at most %v", took, tt.most)
				if tt.exit == 0 {
					assert.OK(t, err, "firstToken")
					assert.That(t, token != "", "the token is empty")
					assert.Same(t, "reports of the wait", said, 1)
					return
				}
				if err == nil {
					t.Fatal("firstToken has a token, want an error")
				}
				exit := c.noToken(err)
				assert.Same(t, "exit", exit.Code, tt.exit)
				assert.Holds(t, "the error", exit.Error(), tt.want)
				assert.Holds(t, "hints", strings.Join(exit.Hints, "\n"), tt.hint)
			})
		})
	}
}

// hanging never answers, and heeds the context or does not.
type hanging struct{ deaf chan struct{} }

func (h hanging) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if h.deaf != nil {
		<-h.deaf
	}
	<-ctx.Done()
	return azcore.AccessToken{}, ctx.Err()
}

// An identity endpoint that hangs holds nobody up for good.
func TestFirstTokenIsBounded(t *testing.T) {
	for method, want := range map[string]time.Duration{"managed-identity": machinePatience,
		"device-code": personPatience} {
		for _, deaf := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				var h hanging
				if deaf {
					h.deaf = make(chan struct{})
					defer close(h.deaf)
				}
				c := &Target{opts: Options{SignIn: auth.Options{Getenv: environment()}},
					credential: &auth.Credential{TokenCredential: h, Method: method}}
				client, err := graph.New(h, graph.Options{})
				assert.OK(t, err)
				start := time.Now()
				_, err = c.firstToken(t.Context(), client)
				assert.As[*graph.TokenError](t, method, err)
				assert.Says(t, method, err, "no answer within")
				assert.Same(t, method+": time", time.Since(start), want)
			})
		}
	}
}
