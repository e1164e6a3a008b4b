package main

import (
	"os"
	"runtime"
	"strings"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"testing"
)

// Where the system's certificates are all that Go asks for, those of the environment
// count in their place.
func TestCertFilesCount(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		t.Skip("Go sees to it itself")
	}
	env, root := serve(t, graphsim.New(graphsim.Options{Roles: simulation.Roles}))
	if p := tapsweep(t, env, "check", "--graph-url", root); p.code != 0 {
		t.Errorf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
	}
	env = append(without(env, "SSL_CERT_FILE"), "SSL_CERT_FILE="+os.DevNull)
	if p := tapsweep(t, env, "check", "--graph-url", root); p.code != 3 || !strings.Contains(p.stderr, "no certificate in ") {
		t.Errorf("exit %d\n%s%s", p.code, p.stdout, p.stderr)
	}
}
