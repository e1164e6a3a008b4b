package main

import (
	"maps"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// lastLine returns the last line of a log. Its counts must be those of the report.
func lastLine(t *testing.T, env []string, log string) *results.End {
	t.Helper()
	_, end := readSessions(t, log)
	var r report.Report
	decode(t, tapsweep(t, env, "report", "--json", "-", log).stdout, &r)
	same(t, "passes in the last line and in the report", tally(end.Counts), tally(r.Counts))
	if r.Sessions == nil {
		same(t, "sessions in the last line", len(end.Sessions), 0)
		return end
	}
	sessions := maps.Clone(r.Sessions.Counts)
	if r.Sessions.WithoutRow > 0 {
		sessions[results.NotSent] += r.Sessions.WithoutRow
	}
	same(t, "sessions in the last line and in the report", tally(end.Sessions), tally(sessions))
	return end
}

// hung returns the options of a tenant that does not answer the first batch with a DELETE, and that lets the scan
// of the second run wait.
func hung() graphsim.Options {
	return graphsim.Options{Roles: simulation.Roles, Faults: []fault.Fault{
		{Method: "DELETE", Times: 1, Do: fault.Hang()},
		{Path: "/users?", Attempt: 2, Do: fault.ItemStatus(429, "Retry-After", "200")},
	}}
}

// A sweep is killed, and the run that resumes it is stopped while it scans. What it says covers the whole log: also the
// passes that it did not find again, and the sessions that it did not revoke.
func TestInterruptedResumeOfAKilledSweep(t *testing.T) {
	t.Parallel()
	tenant, env := serveExpired(t, 40, hung())
	log := newLog(t)
	args := []string{"sweep", "--all-users", "--revoke-sessions", "--yes", "--results", log, "--resume"}
	killAt(t, env, args, func() bool { return countIn(log, `"status":204`) >= 20 })
	faults := tenant.Stats().Faults
	p := stopped(t, env, args, func() bool { return tenant.Stats().Faults > faults })
	p.ends(t, status.Stopped, "20 of the 40 passes found so far are gone", " of 40 users are revoked.")
	end := lastLine(t, env, log)
	same(t, "passes", tally(end.Counts), "revoked 20, unknown 20")
	same(t, "users", end.Sessions[results.Revoked]+end.Sessions[results.NotSent], 40)
	tapsweep(t, env, args...).ends(t, 0)
	end = lastLine(t, env, log)
	same(t, "passes at the end", tally(end.Counts), "revoked 40")
	same(t, "sessions at the end", tally(end.Sessions), "revoked 40")
}
