package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// The name of a file cannot change the terminal or add lines to a message.
func TestNamesOfFilesAreVisible(t *testing.T) {
	t.Parallel()
	const bad, shown = "a\x1b[2J\n0 rows left\u202e", `a\x1b[2J`
	tenant := graphsim.New(graphsim.Options{Audit: true, Roles: simulation.Roles})
	env, root := serve(t, tenant)
	dir := t.TempDir()
	list := filepath.Join(dir, bad+".csv")
	if err := os.WriteFile(list, []byte(listOf(tenant.AddUsers(2))), 0o600); err != nil {
		t.Skip("the file system takes no such name: ", err)
	}
	tenant.AddUsers(2) // for the sweep
	broken := filepath.Join(dir, bad+"broken.csv")
	if err := os.WriteFile(broken, []byte("user,method\nno name,no pass\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, none := filepath.Join(dir, bad+".jsonl"), filepath.Join(dir, bad+".none")
	evidence := filepath.Join(dir, bad)
	revoke := []string{"revoke", "--yes", "--graph-url", root}
	with := func(args ...string) []string { return append(revoke[:len(revoke):len(revoke)], args...) }
	for _, tt := range []struct {
		name string
		args []string
		code int
	}{
		{"summary", with("--results", log, list), 0},
		{"log that already exists", with("--results", log, list), status.Usage},
		{"bad rows", with(broken), status.Usage},
		{"list that is not there", with(none), status.Usage},
		{"protected users", with("--protect", none, list), status.Usage},
		{"secret", with("--secret-file", none, list), status.Usage},
		{"token", with("--token-file", none, list), 3},
		{"certificate", with("--certificate", none, list), status.Usage},
		{"metrics file", with("--metrics-file", none, list), status.Usage},
		{"evidence", with("--evidence", evidence, list), 0},
		{"evidence that already exists", with("--evidence", evidence, list), status.Usage},
		{"evidence of a sweep", []string{"sweep", "--yes", "--all-users", "--reason", "usable", "--include-usable",
			"--graph-url", root, "--evidence", evidence + "2"}, 0},
		{"users", []string{"scan", "--graph-url", root, "--users", none}, status.Usage},
		{"output of a scan", []string{"scan", "--graph-url", root, "--all-users", "--output", none}, 0},
		{"log to verify", []string{"verify", "--graph-url", root, none}, status.Usage},
		{"report", []string{"report", log}, 0},
		{"report that is written", []string{"report", "--html", none + ".html", log}, 0},
		{"log to report on", []string{"report", none + ".jsonl"}, status.Usage},
		{"list of a simulation", []string{"simulate", "--write-list", broken, "--overwrite"}, status.Usage},
		{"seed of a simulation", []string{"simulate", "--seed", none + ".csv"}, status.Usage},
		{"argument that is no command", []string{bad}, status.Usage},
		{"check", []string{"check", "--graph-url", root, "--token-file", none + ".token"}, 3},
	} {
		p := tapsweep(t, env, tt.args...)
		said := p.stderr + p.stdout
		if p.code != tt.code {
			t.Errorf("%s: exit %d, want %d\n%q", tt.name, p.code, tt.code, said)
		}
		if strings.ContainsAny(said, "\x1b\u202e") {
			t.Errorf("%s: a control character reaches the terminal: %q", tt.name, said)
		}
		if strings.Contains(said, "\n0 rows left") || strings.Contains(said, "\n  0 rows left") {
			t.Errorf("%s: a name adds a line: %q", tt.name, said)
		}
		if !strings.Contains(said, shown) && tt.name != "argument that is no command" { // which is quoted once more
			t.Errorf("%s: the name is not shown: %q", tt.name, said)
		}
	}
}
