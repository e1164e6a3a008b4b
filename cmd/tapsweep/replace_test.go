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
	if err := os.WriteFile(keep, []byte("user0001@contoso.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.jsonl")
	if err := os.Symlink(keep, link); err != nil {
		t.Skip(err)
	}
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte(tenant.Entra.Token()), 0o600); err != nil {
		t.Fatal(err)
	}
	files := strings.NewReplacer("LIST", list, "KEEP", keep, "LINK", link, "LOG", log, "TOKEN", token,
		"EVIDENCE", evidence)
	const noLog = "does not look like a file that this command writes"
	for _, tt := range []struct{ line, want string }{
		{"revoke --yes LIST --protect KEEP --results KEEP --overwrite", noLog},
		{"revoke --yes LIST --protect KEEP --results LINK --overwrite", noLog},
		{"revoke --yes LIST --protect KEEP --results KEEP --resume", ""},
		{"revoke --yes LIST --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"revoke --yes LIST --token-file TOKEN --results TOKEN --overwrite", noLog},
		{"sweep --all-users --yes --protect KEEP --results KEEP --overwrite", noLog},
		{"scan --users KEEP --results KEEP --overwrite", noLog},
		{"scan --users KEEP --output LINK --overwrite", "does not look like a file that this command writes"},
		{"scan --users KEEP --metrics-file KEEP", "is not the metrics of tapsweep scan"},
		{"scan --all-users --token-file TOKEN --output TOKEN --overwrite", "does not look like"},
		{"scan --all-users --output EVIDENCE/report.csv --overwrite", "is evidence, which is sealed"},
		{"verify --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"report --html LOG --overwrite LOG", "is one of the logs"},
		{"report --json LOG --overwrite LOG", "is one of the logs"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			before := make(map[string]string)
			for _, path := range []string{keep, token, log, evidence + "/report.csv"} {
				before[path] = string(mustRead(t, path))
			}
			tapsweep(t, env, words(tt.line, files)...).ends(t, status.Usage, tt.want)
			for path, text := range before {
				same(t, path, string(mustRead(t, path)), text)
			}
		})
	}
}

// An existing log is resumed more often than replaced.
func TestHintOfALogThatIsThere(t *testing.T) {
	t.Parallel()
	list := listFile(t, graphsim.New(graphsim.Options{}).AddUsers(1))
	log := writeFile(t, "log.jsonl", "")
	tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", log, list).ends(t, status.Usage,
		log+" already exists\nhint: to resume the run that the log is of, use --resume\n"+
			"hint: choose another --results file, or replace it with --overwrite\n")
}
