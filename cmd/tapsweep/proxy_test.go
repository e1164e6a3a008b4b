package main

import (
	"strings"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
	"testing"
)

// End to end: a run sends nothing, and a simulation does not need the proxy.
func TestProxyIsNotBypassed(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	env = append(env, "HTTPS_PROXY=http://dana:pr0xy-Passw0rd@pro xy.example:8080")
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(1)))
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, list)
	if p.code != status.Usage || !strings.Contains(p.stderr,
		`HTTPS_PROXY "http://***@pro xy.example:8080" is not a valid proxy: it is not an address`) {
		t.Errorf("exit %d, want %d\n%s", p.code, status.Usage, p.stderr)
	}
	if strings.Contains(p.stderr, "Passw0rd") {
		t.Errorf("the password is shown:\n%s", p.stderr)
	}
	if n := tenant.Stats().Tokens; n != 0 {
		t.Errorf("%d tokens were requested without the proxy", n)
	}
	if p := tapsweep(t, env, "revoke", "--simulate", "--yes", "--results", "-", list); p.code != status.Done {
		t.Errorf("simulation: exit %d\n%s", p.code, p.stderr)
	}
}
