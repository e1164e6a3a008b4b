package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A file is replaced only if it begins like one that the command writes, whatever --overwrite and
// --resume say. Without this, a results log once replaced a list of protected users.
func TestNothingReadIsReplaced(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(3))
	dir := t.TempDir()
	evidence := filepath.Join(dir, "evidence")
	tapsweep(t, env, "revoke", "--yes", "--dry-run", "--evidence", evidence, list).ends(t, 0)
	log := filepath.Join(dir, "log.jsonl")
	tapsweep(t, env, "revoke", "--yes", "--dry-run", "--results", log, list).ends(t, 0)
	keep := filepath.Join(dir, "keep.prom") // a list may have any name
	write(t, keep, "user0001@contoso.example\n")
	link := filepath.Join(dir, "link.jsonl")
	if err := os.Symlink(keep, link); err != nil {
		t.Skip(err)
	}
	token := filepath.Join(dir, "token")
	write(t, token, tenant.Entra.Token())
	files := strings.NewReplacer("LIST", list, "KEEP", keep, "LINK", link, "LOG", log, "TOKEN", token,
		"EVIDENCE", evidence)
	const noLog = "does not begin like a results log of tapsweep"
	for _, tt := range []struct{ line, want string }{
		{"revoke --yes LIST --protect KEEP --results KEEP --overwrite", noLog},
		{"revoke --yes LIST --protect KEEP --results LINK --overwrite", noLog},
		{"revoke --yes LIST --protect KEEP --results KEEP --resume", ""},
		{"revoke --yes LIST --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"revoke --yes LIST --token-file TOKEN --results TOKEN --overwrite", noLog},
		{"sweep --all-users --yes --protect KEEP --results KEEP --overwrite", noLog},
		{"scan --users KEEP --results KEEP --overwrite", noLog},
		{"scan --users KEEP --output LINK --overwrite", "does not look like a file that this command writes"},
		{"scan --users KEEP --metrics-file KEEP", "not of tapsweep's metrics"},
		{"scan --all-users --token-file TOKEN --output TOKEN --overwrite", "does not look like"},
		{"scan --all-users --output EVIDENCE/report.csv --overwrite", "is evidence, which is sealed"},
		{"verify --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"report --html LOG --overwrite LOG", "is one of the logs"},
		{"report --json LOG --overwrite LOG", "is one of the logs"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			before := make(map[string]string)
			for _, path := range []string{keep, token, log, evidence + "/report.csv"} {
				before[path] = readText(t, path)
			}
			tapsweep(t, env, words(tt.line, files)...).ends(t, status.Usage, tt.want)
			for path, text := range before {
				same(t, path, readText(t, path), text)
			}
		})
	}
}

// An existing log is resumed more often than replaced, and that of a simulation never.
func TestHintOfALogThatIsThere(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(1))
	log := newLog(t)
	tapsweep(t, env, "revoke", "--yes", "--dry-run", "--results", log, list).ends(t, 0)
	const resume = "hint: resume the run that it is of: --resume\nhint: choose another --results file, or replace " +
		"it with --overwrite\n"
	for _, tt := range []struct {
		path  string
		args  []string
		hints string
	}{
		{log, []string{"revoke", "--yes", list}, resume},
		{log, []string{"sweep", "--yes", "--all-users"}, resume},
		{log, []string{"revoke", "--yes", "--simulate", list}, "already exists\nhint: choose another"},
		{writeFile(t, "notes.jsonl", "{}\n"), []string{"revoke", "--yes", list},
			"already exists\nhint: choose another"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			env := env
			if slices.Contains(tt.args, "--simulate") {
				env = without(env, graphURL)
			}
			p := tapsweep(t, env, append(tt.args, "--results", tt.path)...)
			p.ends(t, status.Usage, tt.hints, tt.path+" already exists\n")
		})
	}
}
