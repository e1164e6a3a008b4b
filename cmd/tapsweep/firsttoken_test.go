package main

import (
	"net/http"
	"strings"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
	"testing"
)

// End to end: during an outage of Entra the message does not blame the credential.
func TestSignInOutage(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serveRudely(t, tenant, "/token", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	p := tapsweep(t, env, "revoke", "--yes", "--stall-timeout", "1s",
		listFile(t, tenant.AddUsers(1)))
	p.ends(t, status.Stopped, "answers 503 Service Unavailable",
		"this is an outage, not a problem with the credential")
	if strings.Contains(p.stderr, "AZURE_CLIENT_SECRET") {
		t.Errorf("the credential is blamed:\n%s", p.stderr)
	}
}
