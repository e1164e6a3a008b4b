package main

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/status"
)

// What the log of a simulation, of another tenant or of another Graph root says is done is not done
// here: revoke and verify refuse such a log. A simulation may have it as its list.
func TestLogOfAnotherTenant(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	list := listFile(t, tenant.AddUsers(3))
	env := serve(t, tenant)
	logOf := func(env []string, flags ...string) string {
		log := newLog(t)
		args := append([]string{"revoke", "--yes", "--results", log, list}, flags...)
		tapsweep(t, env, args...).ends(t, status.Done)
		return log
	}
	elsewhere := func(opts graphsim.Options) string {
		other := graphsim.New(opts)
		other.AddUsers(3)
		env := serve(t, other)
		return logOf(env)
	}
	simulated := logOf(nil, "--simulate")
	for _, tt := range []struct{ name, log, want string }{
		{"a simulation", simulated, "it is a log of https://127.0.0.1:"},
		{"another tenant", elsewhere(graphsim.Options{Entra: entra.Options{TenantID: foreignTenant}}),
			"it is the log of tenant " + foreignTenant},
		{"another Graph root", elsewhere(graphsim.Options{}), "it is a log of https://"},
	} {
		for _, command := range []string{"revoke --yes", "revoke --dry-run", "verify --verify-wait 1s"} {
			tapsweep(t, env, append(strings.Fields(command), "--results", "-", tt.log)...).ends(t, status.Usage, tt.want)
		}
	}
	same(t, "batches", tenant.Stats().Batches, 0)
	runRevoke(t, nil, "--simulate", simulated).ends(t, status.Done)
	own := logOf(env)
	tapsweep(t, env, "verify", "--results", "-", own, simulated).ends(t, status.Usage)
}

// A log in which lines are missing, such as what a rotation left, is refused by revoke and
// verify, although its last line is there.
func TestLogThatIsNotWhole(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Do: fault.ItemStatus(403)}))
	list := listFile(t, tenant.AddUsers(5))
	env := serve(t, tenant)
	log := newLog(t)
	for range 2 {
		tapsweep(t, env, "revoke", "--yes", "--results", log, "--resume", list).ends(t, status.Incomplete)
	}
	text := readText(t, log)
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	second := len(lines) - strings.Count(lastRun(text), "\n")
	sent := tenant.Stats().Batches
	for name, cut := range map[string][]string{
		"the last two lines": lines[len(lines)-2:],
		"the end":            lines[len(lines)-1:],
		"a row":              lines[1:2],
		"the second run":     lines[second:],
		"without row 1":      append([]string{lines[0]}, lines[2:]...),
		"without the last":   append(lines[:len(lines)-2:len(lines)-2], lines[len(lines)-1]),
	} {
		part := writeFile(t, "part.jsonl", strings.Join(cut, ""))
		for _, command := range []string{"revoke --yes", "verify --verify-wait 1s"} {
			tapsweep(t, env, append(strings.Fields(command), "--results", "-", part)...).ends(t, status.Usage, "whole")
		}
		if strings.HasPrefix(name, "without") {
			holds(t, "the report of a log "+name, tapsweep(t, nil, "report", part).stdout,
				"note: This report is not complete: "+part+" lacks 1 of its ")
		}
	}
	killed := writeFile(t, "killed.jsonl", strings.Join(lines[:len(lines)-1], ""))
	p := tapsweep(t, env, "verify", "--results", "-", killed)
	holds(t, "standard error", p.stderr, "with tapsweep revoke --resume --results "+killed)
	same(t, "batches", tenant.Stats().Batches, sent)
	args := []string{"verify", "--results", "-", "--verify-wait", "1s", log}
	tapsweep(t, env, args...).ends(t, status.Incomplete)
}
