package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The signed-in user has one row, with the object ID, even if the list has other names. A run that
// resumes finds this row.
func TestSignedInUserUnderBothNames(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example",
		Passes: []graphsim.Pass{{ID: selfPass}, {ID: otherPass}}})
	env := serve(t, tenant)
	log := newLog(t)
	args := []string{"revoke", "--revoke-sessions", "--yes", "--results", log, "--resume",
		"--token-file", writeFile(t, "token", tenant.Entra.UserToken(selfID, simulation.Roles...)),
		writeFile(t, "list.csv", "user,method\n"+selfID+","+selfPass+"\ndana@contoso.example,"+otherPass+"\n")}
	for range 2 {
		tapsweep(t, env, args...).ends(t, 0)
		same(t, "calls", tenant.Stats().Revoked, 1)
		same(t, "users in the log", sessionOutcomes(t, log)[results.Revoked], 1)
	}
}

// serveExpired starts a tenant of n users, each with a pass that has expired, and returns its environment.
func serveExpired(t *testing.T, n int, opts graphsim.Options) (*graphsim.Tenant, []string) {
	t.Helper()
	tenant := graphsim.New(opts)
	tenant.AddMany(n, func(i int) graphsim.User {
		return graphsim.User{UPN: fmt.Sprintf("user%02d@contoso.example", i),
			Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}}
	})
	return tenant, serve(t, tenant)
}

// A sweep whose deletes are denied sends no call, and neither does a run that resumes it.
func TestSweepDeniedIsResumed(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 3, graphsim.Options{Roles: simulation.Roles,
		Faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(403)}}})
	log := newLog(t)
	for range 3 {
		tapsweep(t, env, "sweep", "--all-users", "--revoke-sessions", "--yes",
			"--results", log, "--resume", "--abort-after", "0").ends(t, 1)
		same(t, "calls", tenant.Stats().Revoked, 0)
		same(t, "users whose sessions are left", sessionOutcomes(t, log)[results.NotSent], 3)
	}
}

// A sweep that was stopped, and is resumed with --revoke-sessions, revokes the sessions of all users
// whose passes are gone.
func TestStoppedSweepIsResumedWithSessions(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 5, graphsim.Options{Roles: simulation.Roles,
		Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Times: 1,
			Do: fault.ItemStatus(429, "Retry-After", "600")}}})
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--yes", "--results", log, "--resume"}
	tapsweep(t, env, append(args, "--max-wait", "1s")...).ends(t, status.Stopped)
	leaves(t, tenant, 1)
	tapsweep(t, env, append(args, "--revoke-sessions")...).ends(t, 0)
	same(t, "users who are signed out", tenant.Stats().Revoked, 5)
}

// A guest does not change the exit code 0 of a nightly sweep, and is not verified again each night.
func TestGuestIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Record: true})
	tenant.AddUser(graphsim.User{UPN: "guest@contoso.example", Guest: true,
		Passes: []graphsim.Pass{{Created: time.Now().Add(-48 * time.Hour)}}})
	env := serve(t, tenant)
	log := newLog(t)
	for range 2 {
		tapsweep(t, env, "sweep", "--all-users", "--revoke-sessions", "--verify", "--yes",
			"--results", log, "--resume").ends(t, 0)
	}
	proofs := 0
	for _, e := range tenant.Log() {
		if strings.Contains(e.Path, "signInSessions") {
			proofs++
		}
	}
	same(t, "proofs", proofs, 1)
	tapsweep(t, env, "verify", log).ends(t, 0)
	lacks(t, "the report", tapsweep(t, env, "report", log).stdout, "not verified")
}

// A verify that resumes its log proves each user once.
func TestVerifyIsResumed(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5, graphsim.Options{Roles: simulation.Roles})
	dir := t.TempDir()
	log, proof := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "proof.jsonl")
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users)).ends(t, 0)
	for i := range 2 {
		requests := tenant.Stats().Requests
		tapsweep(t, env, "verify", "--results", proof, "--resume", log).ends(t, 0,
			"Verified: the sessions of 5 users are revoked.")
		same(t, "requests of verify", tenant.Stats().Requests-requests, 10*(1-i))
	}
}

// If verify may not read signInSessionsValidFromDateTime, it says that it could not check the sessions, not
// that they are not revoked. A run with only sessions left does not say that passes are left.
func TestWordsAboutSessions(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "GET", Path: "signInSessions", Do: fault.ItemStatus(403)}}})
	users := tenant.AddUsers(3)
	users[0].KeepsSessions = true
	tenant.AddUser(users[0])
	env := serve(t, tenant)
	log := newLog(t)
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users)).ends(t, 1)
	holds(t, "the report", tapsweep(t, env, "report", log).stdout, "The sessions of 2 of 3 users are revoked.")
	tapsweep(t, env, "verify", log).ends(t, 1, "Verified: the sessions of 0 of 3 users are revoked.")
}

// If verify finds that sessions remain, it and the report give the command that sends the calls again:
// the log of verify is the list.
func TestVerifyFindsSessionsThatRemain(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, SessionLag: time.Hour})
	users := tenant.AddUsers(2)
	env, root := serveAt(t, tenant)
	log, proof := newLog(t), filepath.Join(t.TempDir(), "proof.jsonl")
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", log, listFile(t, users)).ends(t, status.Done)
	again := "tapsweep revoke --graph-url=" + root + " --revoke-sessions " + proof
	p := tapsweep(t, env, "verify", "--verify-wait", "1s", "--results", proof, log)
	p.ends(t, status.Incomplete, "To revoke what remains: "+again)
	for _, logs := range [][]string{{log, proof}, {proof}} {
		p = tapsweep(t, env, append([]string{"report"}, logs...)...)
		holds(t, "the report", p.stdout, "to send what is missing: "+again+"\n")
	}
	before := tenant.Stats().Revoked
	tapsweep(t, env, "revoke", "--revoke-sessions", "--yes", "--results", newLog(t), proof).ends(t, status.Done,
		"The sessions of 2 users are revoked.")
	same(t, "calls with the log of verify as the list", tenant.Stats().Revoked-before, 2)
}
