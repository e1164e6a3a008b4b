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
	env, root := serve(t, tenant)
	list := writeFile(t, "list.csv", listOf(tenant.AddUsers(3)))
	dir := t.TempDir()
	evidence := filepath.Join(dir, "evidence")
	if p := tapsweep(t, env, "revoke", "--yes", "--dry-run", "--graph-url", root, "--evidence", evidence, list); p.code != 0 {
		t.Fatal(p.stderr)
	}
	log := filepath.Join(dir, "log.jsonl")
	if p := tapsweep(t, env, "revoke", "--yes", "--dry-run", "--graph-url", root, "--results", log, list); p.code != 0 {
		t.Fatal(p.stderr)
	}
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
	revoke, sweep := []string{"revoke", "--yes", "--graph-url", root, list}, []string{"sweep", "--all-users", "--yes", "--graph-url", root}
	scan := []string{"scan", "--graph-url", root}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{append(revoke, "--protect", keep, "--results", keep, "--overwrite"), "does not begin like a results log of tapsweep"},
		{append(revoke, "--protect", keep, "--results", link, "--overwrite"), "does not begin like a results log of tapsweep"},
		{append(revoke, "--protect", keep, "--results", keep, "--resume"), ""},
		{append(revoke, "--results", log, "--overwrite", log), "--results: " + log + " is also a list"},
		{append(revoke, "--token-file", token, "--results", token, "--overwrite"), "does not begin like a results log of tapsweep"},
		{append(sweep, "--protect", keep, "--results", keep, "--overwrite"), "does not begin like a results log of tapsweep"},
		{append(scan, "--users", keep, "--results", keep, "--overwrite"), "does not begin like a results log of tapsweep"},
		{append(scan, "--users", keep, "--output", link, "--overwrite"), "does not look like a file that this command writes"},
		{append(scan, "--users", keep, "--metrics-file", keep), "not of tapsweep's metrics"},
		{append(scan, "--all-users", "--token-file", token, "--output", token, "--overwrite"), "does not look like"},
		{append(scan, "--all-users", "--output", evidence+"/report.csv", "--overwrite"), "is evidence, which is sealed"},
		{[]string{"verify", "--graph-url", root, "--results", log, "--overwrite", log}, "--results: " + log + " is also a list"},
		{[]string{"report", "--html", log, "--overwrite", log}, "is one of the logs"},
		{[]string{"report", "--json", log, "--overwrite", log}, "is one of the logs"},
	} {
		before := make(map[string]string)
		for _, path := range []string{keep, token, log, evidence + "/report.csv"} {
			before[path] = string(mustRead(t, path))
		}
		p := tapsweep(t, env, tt.args...)
		if p.code != status.Usage || !strings.Contains(p.stderr, tt.want) {
			t.Errorf("%q: exit %d, want %q\n%s", tt.args, p.code, tt.want, p.stderr)
		}
		for path, text := range before {
			if string(mustRead(t, path)) != text {
				t.Fatalf("%q: %s is replaced", tt.args, path)
			}
		}
	}
	if n := tenant.Stats().Deleted; n != 0 {
		t.Errorf("%d passes were deleted", n)
	}
}

// An existing log is resumed more often than replaced, and that of a simulation never.
func TestHintOfALogThatIsThere(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	env, root := serve(t, tenant)
	list := writeFile(t, "list.csv", listOf(tenant.AddUsers(1)))
	log := filepath.Join(t.TempDir(), "log.jsonl")
	if p := tapsweep(t, env, "revoke", "--yes", "--dry-run", "--graph-url", root, "--results", log, list); p.code != 0 {
		t.Fatal(p.stderr)
	}
	const resume = "hint: resume the run that it is of: --resume\nhint: choose another --results file, or replace it with --overwrite\n"
	for _, tt := range []struct {
		path  string
		args  []string
		hints string
	}{
		{log, []string{"revoke", "--yes", "--graph-url", root, list}, resume},
		{log, []string{"sweep", "--yes", "--all-users", "--graph-url", root}, resume},
		{log, []string{"revoke", "--yes", "--simulate", list}, "already exists\nhint: choose another"},
		{writeFile(t, "notes.jsonl", "{}\n"), []string{"revoke", "--yes", "--graph-url", root, list}, "already exists\nhint: choose another"},
	} {
		p := tapsweep(t, env, append(tt.args, "--results", tt.path)...)
		if p.code != status.Usage || !strings.Contains(p.stderr, tt.hints) || !strings.Contains(p.stderr, tt.path+" already exists\n") {
			t.Errorf("%q: exit %d\n%s", tt.args, p.code, p.stderr)
		}
	}
}
