package main

import (
	"os"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Input typed before the question does not answer it.
func TestConfirmHearsNothingTypedAhead(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(2)))
	args := []string{"revoke", "--graph-url", root, list}
	no := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("n\n") }
	p := typed(t, env, "y\ny\ny", no, args...)
	if n := len(tenant.Remaining()); n != 2 {
		t.Errorf("%d passes were deleted by what was typed ahead\n%s", 2-n, p.stderr)
	}
	if p.code != status.Usage || !strings.Contains(p.stderr, "not confirmed") {
		t.Errorf("exit %d, want %d and to be told that nobody confirmed\n%s", p.code, status.Usage, p.stderr)
	}
	yes := func(keyboard *os.File, _ *os.Process) { keyboard.WriteString("y\n") }
	if p := typed(t, env, "n\n", yes, args...); p.code != status.Done || len(tenant.Remaining()) != 0 {
		t.Errorf("an answer after the question: exit %d, %d passes left, want 0 and 0\n%s", p.code, len(tenant.Remaining()), p.stderr)
	}
}
