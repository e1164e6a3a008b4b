package auth

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// In the middle of a run, an outage of the authority counts as a missing connection, so the
// run waits. An authority that refuses the credential does not.
func TestRenewalInAnOutage(t *testing.T) {
	entraError := func(code, said string) string {
		return `{"error":"` + code + `","error_description":"` + said + `"}`
	}
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		offline bool
	}{
		{"503", 503, "<html>", true},
		{"500 without a word", 500, "", true},
		{"429", 429, "{}", true},
		{"an error that passes", 400, entraError("invalid_request", "AADSTS90033: A transient error has occurred."),
			true},
		{"throttled", 400, entraError("invalid_request", "AADSTS90055: too many"), true},
		{"temporarily unavailable", 400, entraError("temporarily_unavailable", "busy"), true},
		{"a number that begins like one", 400, entraError("invalid_request", "AADSTS900331: no"), false},
		{"expired secret", 401, entraError("invalid_client",
			"AADSTS7000222: The provided client secret keys are expired."), false},
		{"forbidden", 403, "<html>", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // azidentity tries again
				sim := graphsim.New(graphsim.Options{})
				net := &network{hosts: map[string]http.RoundTripper{"login.example": sim}}
				pinned := Pin(withSecret(entra.DefaultSecret, net))
				assert.Must(ask(t, pinned, scope))
				net.set(func(r *http.Request) *http.Response { return answer(r, tt.status, tt.body) })
				_, err := pinned.GetToken(t.Context(), fresh)
				checkOffline(t, "GetToken", err, tt.offline)
				if tt.offline {
					assert.Says(t, "GetToken", err, "login.example answers ")
				}
			})
		})
	}
}

// checkOffline checks that there is an error, and whether it counts as a missing connection.
func checkOffline(t *testing.T, what string, err error, want bool) {
	t.Helper()
	assert.That(t, err != nil, "%s returns no error", what)
	assert.That(t, errors.Is(err, batch.ErrNotSent) == want, "%s = %v, want a missing connection: %v", what, err, want)
}

// The lookup of a domain distinguishes an outage from an answer.
func TestTenantIDInAnOutage(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		reached bool
	}{{503, "", false}, {429, "", false}, {400, `{"error":"invalid_tenant","error_description":"AADSTS90002: no"}`,
		true}, {307, "", false}} {
		synctest.Test(t, func(t *testing.T) {
			_, err := TenantID(t.Context(), authority{tt.status, tt.body, nil}, "https://login.example", nil,
				"a.example")
			_, away := errors.AsType[*AuthorityUnreachableError](err)
			assert.That(t, err != nil, "%d: TenantID returns no error", tt.status)
			assert.That(t, away != tt.reached, "%d: TenantID = %v, reached %v, want %v", tt.status, err, !away,
				tt.reached)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"": 0, "0": 0, "-1": 0, "x": 0, "7": 7 * time.Second, "99999999999999999": 24 * time.Hour,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):  0,
			"0.5": time.Second / 2, "30 ": 30 * time.Second, "1, 4": 4 * time.Second,
		} {
			assert.Same(t, fmt.Sprintf("retryAfter(%q)", value), retryAfter(http.Header{"Retry-After": {value}}), want)
		}
		two := http.Header{"Retry-After": {"1", "4"}}
		assert.Same(t, fmt.Sprintf("retryAfter(%v)", two), retryAfter(two), 4*time.Second)
	})
}
