package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The command that a run prints to resume has to lead somewhere: to the pass that is there, and
// never to one more row about a user who is protected.
func TestWhatIsPrintedLeadsOn(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	ids := make(map[string]string)
	for _, u := range []graphsim.User{
		{UPN: "ann@contoso.com", Passes: []graphsim.Pass{{}}},
		{UPN: "bo@contoso.com", Reissue: time.Second, Passes: []graphsim.Pass{{}}},
		{UPN: "glass@contoso.com", Passes: []graphsim.Pass{{}}},
	} {
		tenant.AddUser(u)
	}
	var list strings.Builder
	list.WriteString("user,method\n")
	for _, h := range tenant.Remaining() {
		ids[h.UPN] = h.PassID
		list.WriteString(h.UPN + "," + h.PassID + "\n")
	}
	env := serve(t, tenant)
	path, glass := writeFile(t, "list.csv", list.String()), writeFile(t, "glass.txt", "glass@contoso.com\n")
	log := strings.TrimSuffix(path, "list.csv") + "log.jsonl"
	args := []string{"revoke", "--yes", "--verify", "--verify-wait", "3s", "--protect", glass, "--results", log, path}
	p := tapsweep(t, env, args...)
	p.ends(t, status.Incomplete)
	lacks(t, "standard error", p.stderr, "Resume: ")
	command := regexp.MustCompile(`(?m)^To revoke what remains: tapsweep (.*)$`).FindStringSubmatch(p.stderr)
	if command == nil {
		t.Fatalf("no command:\n%s", p.stderr)
	}

	// Resuming the run anyway sends nothing, and changes nothing.
	sent := tenant.Stats().Deleted
	p = tapsweep(t, env, append(args, "--resume")...)
	_, resumed, _ := strings.Cut(readText(t, log), `"type":"end"`)
	_, resumed, _ = strings.Cut(resumed, "\n")
	rows, end := readLog(t, resumed)
	p.ends(t, status.Incomplete)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, sent)
	hasRows(t, rows, 0)
	same(t, "remains in the last line", end.Counts[results.Remains], 1)
	same(t, "protected in the last line", end.Counts[results.Protected], 1)

	p = tapsweep(t, env, append(strings.Fields(command[1]), "--yes", "--verify-wait", "1s", "--results", "-")...)
	p.ends(t, status.Incomplete)
	rows, _ = readLog(t, p.stdout)
	for _, r := range rows {
		if r.User == "bo@contoso.com" && !r.Provisional && (r.Method == ids[r.User] || r.Outcome == results.Replaced) {
			t.Errorf("the old pass again: %+v", r)
		}
	}
	if count := outcomes(rows); tenant.Stats().Deleted != sent+1 {
		t.Errorf("exit %d, %v, %d deleted\n%s", p.code, count, tenant.Stats().Deleted-sent, p.stderr)
	}
}
