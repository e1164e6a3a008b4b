package main

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// End to end: a run sends nothing, and a simulation does not need the proxy.
func TestProxyIsNotBypassed(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	env = append(env, "HTTPS_PROXY=http://dana:pr0xy-Passw0rd@pro xy.example:8080")
	list := listFile(t, tenant.AddUsers(1))
	p := tapsweep(t, env, "revoke", "--yes", list)
	p.ends(t, status.Usage, "HTTPS_PROXY is not a valid proxy")
	if strings.Contains(p.stderr, "Passw0rd") {
		t.Errorf("the password is shown:\n%s", p.stderr)
	}
	if n := tenant.Stats().Tokens; n != 0 {
		t.Errorf("%d tokens were requested without the proxy", n)
	}
	runRevoke(t, without(env, graphURL), "--simulate", list).ends(t, status.Done)
}
