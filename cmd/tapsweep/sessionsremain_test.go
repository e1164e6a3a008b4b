package main

import (
	"path/filepath"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// If verify finds that sessions remain, it and the report give the command that sends the calls again:
// the log of verify is the list.
func TestVerifyFindsSessionsThatRemain(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, SessionLag: time.Hour})
	users := tenant.AddUsers(2)
	env, root := serveAt(t, tenant)
	log, proof := newLog(t), filepath.Join(t.TempDir(), "proof.jsonl")
	p := tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users))
	same(t, "exit of revoke", p.code, status.Done)
	again := "tapsweep revoke --graph-url=" + root + " --revoke-sessions " + proof
	p = tapsweep(t, env, "verify", "--verify-wait", "1s", "--results", proof, log)
	p.ends(t, status.Incomplete, "To revoke what remains: "+again)
	for _, logs := range [][]string{{log, proof}, {proof}} {
		p = tapsweep(t, env, append([]string{"report"}, logs...)...)
		holds(t, "the report", p.stdout, "to send what is missing: "+again+"\n")
	}
	before := tenant.Stats().Revoked
	p = tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", newLog(t), proof)
	p.ends(t, status.Done, "The sessions of 2 users are revoked.")
	same(t, "calls with the log of verify as the list", tenant.Stats().Revoked-before, 2)
}
