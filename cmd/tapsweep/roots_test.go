package main

import (
	"os"
	"runtime"
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
	env := serve(t, graphsim.New(graphsim.Options{Roles: simulation.Roles}))
	tapsweep(t, env, "check").ends(t, 0)
	env = append(without(env, "SSL_CERT_FILE"), "SSL_CERT_FILE="+os.DevNull)
	tapsweep(t, env, "check").ends(t, 3, "no certificate in ")
}
