package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A run that goes on with --verify takes no credit for what the one before had deleted.
func TestVerifiedLater(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Method: "DELETE", Path: "user0001@", Attempt: 1, Do: fault.ItemStatus(403)},
		{Method: "GET", Path: "user0002@", Times: 1, Do: fault.ItemStatus(403)},
	}})
	users := tenant.AddUsers(30)
	env := serve(t, tenant)
	dir := t.TempDir()
	args := []string{"revoke", "--yes", "--results", filepath.Join(dir, "log.jsonl"), "--metrics-file",
		filepath.Join(dir, "m.prom"), "--resume", listFile(t, users)}
	tapsweep(t, env, args...).ends(t, 1)
	p := tapsweep(t, env, append(args, "--verify")...)
	text := strings.Join(strings.Fields(p.stderr), " ")
	for _, want := range []string{"tapsweep: 1 row in ", "this run whole log revoked 1 30 ",
		"Verified: the users of 29 rows hold no pass", "All 30 passes are gone; for 1 it is not proven"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, p.stderr)
		}
	}
	metrics := readText(t, filepath.Join(dir, "m.prom"))
	for name, n := range map[string]int{"last_run": 1, "log": 30} {
		if want := fmt.Sprintf("tapsweep_%s_rows{command=\"revoke\",file=\"m\",outcome=\"revoked\"} %d\n", name,
			n); !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	log := func() string { return lastRun(readText(t, filepath.Join(dir, "log.jsonl"))) }
	p.ends(t, 1)
	same(t, "rows that are not verified", strings.Count(log(), "not verified"), 1)
	p = tapsweep(t, env, append(args, "--verify")...)
	if _, end := readLog(t, log()); p.code != 0 || end == nil || end.Counts[results.Revoked] != 30 ||
		!strings.Contains(log(), `"verified":true`) || strings.Contains(log(), "not verified") {
		t.Errorf("exit %d: %s", p.code, log())
	}
}
