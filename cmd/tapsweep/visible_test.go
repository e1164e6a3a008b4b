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
	const bad, shown = "a\x1b[2J 0 rows left\u202e", `a\x1b[2J`
	tenant := graphsim.New(graphsim.Options{Audit: true, Roles: simulation.Roles})
	env := serve(t, tenant)
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
	files := strings.NewReplacer("LIST", list, "BROKEN", broken, "LOG", log, "NONE", none, "EVIDENCE", evidence,
		"BAD", bad)
	for _, tt := range []struct {
		name, line string // words in capitals stand for files
		code       int
	}{
		{"summary", "revoke --yes --results LOG LIST", 0},
		{"log that already exists", "revoke --yes --results LOG LIST", status.Usage},
		{"bad rows", "revoke --yes BROKEN", status.Usage},
		{"list that is not there", "revoke --yes NONE", status.Usage},
		{"protected users", "revoke --yes --protect NONE LIST", status.Usage},
		{"secret", "revoke --yes --secret-file NONE LIST", status.Usage},
		{"token", "revoke --yes --token-file NONE LIST", 3},
		{"certificate", "revoke --yes --certificate NONE LIST", status.Usage},
		{"metrics file", "revoke --yes --metrics-file NONE LIST", status.Usage},
		{"evidence", "revoke --yes --evidence EVIDENCE LIST", 0},
		{"evidence that already exists", "revoke --yes --evidence EVIDENCE LIST", status.Usage},
		{"evidence of a sweep", "sweep --yes --all-users --reason usable --include-usable --evidence EVIDENCE2", 0},
		{"users", "scan --users NONE", status.Usage},
		{"output of a scan", "scan --all-users --output NONE", 0},
		{"log to verify", "verify NONE", status.Usage},
		{"report", "report LOG", 0},
		{"report that is written", "report --html NONE.html LOG", 0},
		{"log to report on", "report NONE.jsonl", status.Usage},
		{"list of a simulation", "simulate --write-list BROKEN", status.Usage},
		{"seed of a simulation", "simulate --seed NONE.csv", status.Usage},
		{"argument that is no command", "BAD", status.Usage},
		{"check", "check --token-file NONE.token", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tapsweep(t, env, words(tt.line, files)...)
			same(t, "exit code", p.code, tt.code)
			said := p.stderr + p.stdout
			lacks(t, "the output", said, "\x1b", "\u202e")
			if tt.name != "argument that is no command" { // which is quoted once more
				holds(t, "the output", said, shown)
			}
		})
	}
}

// words splits a command line at its spaces, and then puts files in their places.
func words(line string, files *strings.Replacer) []string {
	args := strings.Fields(line)
	for i, arg := range args {
		args[i] = files.Replace(arg)
	}
	return args
}
