package main

import (
	"os"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Input typed before the question does not answer it.
func TestConfirmHearsNothingTypedAhead(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(2))
	args := []string{"revoke", list}
	no := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }
	p := typed(t, env, "y\ny\ny", no, args...)
	leaves(t, tenant, 2)
	p.ends(t, status.Usage, "not confirmed")
	yes := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("y\n") }
	typed(t, env, "n\n", yes, args...).ends(t, status.Done)
	leaves(t, tenant, 0)
}
