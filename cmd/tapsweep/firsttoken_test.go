package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/status"
	"testing"
)

// entraError returns an error answer of Entra.
func entraError(code string, number int) string {
	return fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: It is so.\r\nTrace ID: x","error_codes":[%d]}`,
		code, number, number)
}

// The lookup of a tenant's domain can also meet an outage, which says nothing about the
// token either.
func TestTenantLookupOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer http.Handler
		exit   int
	}{
		{"outage", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
		}), status.Stopped},
		{"redirect", http.RedirectHandler("https://thief.example/", http.StatusFound), status.NoAccess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // it is tried again
			tenant := graphsim.New(graphsim.Options{})
			env := serveRudely(t, tenant, "/openid-configuration", tt.answer)
			p := tapsweep(t, env, "revoke", "--yes", "--tenant", entra.DefaultDomain,
				"--token-file", writeFile(t, "t", tenant.Entra.Token()), listFile(t, tenant.AddUsers(1)))
			p.ends(t, tt.exit, "cannot be found out")
		})
	}
}

// End to end: during an outage of Entra the message does not blame the credential.
func TestSignInOutage(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serveRudely(t, tenant, "/token", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, entraError("server_error", 90033))
	}))
	p := tapsweep(t, env, "revoke", "--yes", "--stall-timeout", "1s",
		listFile(t, tenant.AddUsers(1)))
	p.ends(t, status.Stopped, "answers 503 Service Unavailable: AADSTS90033",
		"this is an outage, not a problem with the credential")
	if strings.Contains(p.stderr, "AZURE_CLIENT_SECRET") {
		t.Errorf("the credential is blamed:\n%s", p.stderr)
	}
}
