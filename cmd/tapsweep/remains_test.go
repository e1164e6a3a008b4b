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
	env, root := serve(t, tenant)
	path, glass := writeFile(t, "list.csv", list.String()), writeFile(t, "glass.txt", "glass@contoso.com\n")
	log := strings.TrimSuffix(path, "list.csv") + "log.jsonl"
	args := []string{"revoke", "--yes", "--verify", "--verify-wait", "3s", "--protect", glass, "--graph-url", root, "--results", log, path}
	p := tapsweep(t, env, args...)
	if p.code != status.Incomplete || strings.Contains(p.stderr, "Resume: ") {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	command := regexp.MustCompile(`(?m)^To revoke what remains: tapsweep (.*)$`).FindStringSubmatch(p.stderr)
	if command == nil {
		t.Fatalf("no command:\n%s", p.stderr)
	}

	// A run that resumes all the same sends nothing, and changes nothing.
	sent := tenant.Stats().Deleted
	p = tapsweep(t, env, append(args, "--resume")...)
	_, resumed, _ := strings.Cut(string(mustRead(t, log)), `"type":"end"`)
	_, resumed, _ = strings.Cut(resumed, "\n")
	rows, end := readLog(t, resumed)
	if p.code != status.Incomplete || tenant.Stats().Deleted != sent || len(rows) != 0 || end.Counts[results.Remains] != 1 || end.Counts[results.Protected] != 1 {
		t.Errorf("exit %d, %v, at the end %v\n%s", p.code, rows, end.Counts, p.stderr)
	}

	p = tapsweep(t, env, append(strings.Fields(command[1]), "--yes", "--verify-wait", "1s", "--results", "-")...)
	if p.code != status.Incomplete {
		t.Fatalf("%s: exit %d\n%s", command[1], p.code, p.stderr)
	}
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
