package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// A file is replaced only if it begins like a file that the command writes, even with --overwrite
// or --resume. Without this, a results log once replaced a list of protected users.
func TestNothingReadIsReplaced(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3, graphsim.Options{Roles: simulation.Roles})
	list := listFile(t, users)
	dir := t.TempDir()
	evidence := filepath.Join(dir, "evidence")
	tapsweep(t, env, "revoke", "--yes", "--dry-run", "--evidence", evidence, list).ends(t, 0)
	log := filepath.Join(dir, "log.jsonl")
	tapsweep(t, env, "revoke", "--yes", "--results", log, list).ends(t, 0)
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
	const notOurs = "does not look like a file that this command writes"
	for _, tt := range []struct{ line, want string }{
		{"revoke --yes LIST --protect KEEP --results KEEP --overwrite", "is also a list"},
		{"revoke --yes LIST --protect KEEP --results LINK --overwrite", "is also a list"},
		{"revoke --yes LIST --protect KEEP --results KEEP --resume", ""},
		{"report --html KEEP --overwrite LOG", notOurs},
		{"revoke --yes LIST --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"revoke --yes LIST --token-file TOKEN --results TOKEN --overwrite", notOurs},
		{"sweep --all-users --yes --protect KEEP --results KEEP --overwrite", "is also a list"},
		{"scan --users KEEP --results KEEP --overwrite", "is also a list"},
		{"scan --users KEEP --output LINK --overwrite", notOurs},
		{"scan --users KEEP --metrics-file KEEP", "is not the metrics of tapsweep scan"},
		{"scan --all-users --token-file TOKEN --output TOKEN --overwrite", notOurs},
		{"scan --all-users --output EVIDENCE/report.csv --overwrite", "is evidence, which must not change"},
		{"verify --results LOG --overwrite LOG", "--results: " + log + " is also a list"},
		{"revoke --yes LIST --protect LOG --results LOG --overwrite", "--results: " + log + " is also a list"},
		{"scan --users LOG --results LOG --overwrite", "--results: " + log + " is also a list"},
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

// If the log exists, the hint is to resume it, but never for the log of a simulation.
func TestHintOfALogThatIsThere(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 1, graphsim.Options{})
	log := writeFile(t, "log.jsonl", "")
	args := []string{"revoke", "--yes", "--results", log, listFile(t, users)}
	tapsweep(t, env, args...).ends(t, status.Usage, log+" already exists\nhint: ", "--resume\nhint: ", "--overwrite\n")
	p := tapsweep(t, nil, append(args, "--simulate")...)
	p.ends(t, status.Usage, log+" already exists\nhint: ", "--overwrite\n")
	lacks(t, "standard error", p.stderr, "--resume")
}

// If the log is removed during the run, the run ends. Earlier, the run continued and exited with 0. Evidence
// without its log is not sealed.
func TestLogIsRemovedInMidRun(t *testing.T) {
	t.Parallel()
	for flag, name := range map[string]string{"--results": "", "--evidence": "results.jsonl"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 400, graphsim.Options{})
			path := newLog(t)
			log := filepath.Join(path, name)
			p := tapsweepWhile(t, env, func() {
				waitWhile(t, func() bool { return len(tenant.Remaining()) == len(users) })
				assert.Is(t, "error of the removal", os.Remove(log), nil)
			}, "revoke", "--yes", "--rate", "20", flag, path, listFile(t, users))
			p.ends(t, status.Stopped, "stopped early", log+" was removed")
			atLeast(t, "passes that are left", len(tenant.Remaining()), len(users)/2)
			exists(t, filepath.Join(path, "SHA256SUMS"), false)
		})
	}
}

// Scans and reports replace files that they have written themselves.
func TestOutputsReplaceTheirOwn(t *testing.T) {
	t.Parallel()
	_, env := serveLeftovers(t, 40, graphsim.Options{})
	dir := t.TempDir()
	log := filepath.Join(dir, "log.jsonl")
	run := func(args ...string) { tapsweep(t, env, args...).ends(t, 0) }
	run("sweep", "--all-users", "--dry-run", "--results", log)
	scan := []string{"scan", "--all-users", "--overwrite", "--output"}
	for _, format := range []string{"csv", "jsonl", "table", "csv"} {
		run(append(scan, filepath.Join(dir, "out"), "--format", format)...)
	}
	for range 2 { // which finds none
		run(append(scan, filepath.Join(dir, "none"), "--format", "jsonl", "--reason", "disabled")...)
	}
	for range 2 {
		for _, form := range []string{"html", "csv", "json"} {
			run("report", "--"+form, filepath.Join(dir, "report."+form), "--overwrite", log)
		}
	}
}

// The name of a file cannot change the terminal or add lines to a message.
func TestNamesOfFilesAreVisible(t *testing.T) {
	t.Parallel()
	const bad, shown = "a\x1b[2J\n0 rows left\u202e", `a\x1b[2J`
	tenant := graphsim.New(graphsim.Options{Audit: true, Roles: simulation.Roles})
	env := serve(t, tenant)
	dir := t.TempDir()
	list := filepath.Join(dir, bad+".csv")
	if err := os.WriteFile(list, []byte(listOf(tenant.AddUsers(2))), 0o600); err != nil {
		t.Skip("the file system takes no such name: ", err)
	}
	tenant.AddUsers(2) // for the sweep
	broken := filepath.Join(dir, bad+"broken.csv")
	assert.OK(t, os.WriteFile(broken, []byte("user,method\nno name,no pass\n"), 0o600))
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
		{"users", "scan --users NONE", status.Usage},
		{"log to verify", "verify NONE", status.Usage},
		{"check", "check --token-file NONE.token", status.NoAccess},
		{"protected users", "revoke --yes --protect NONE LIST", status.Usage},
		{"secret", "revoke --yes --secret-file NONE LIST", status.Usage},
		{"metrics file", "revoke --yes --metrics-file NONE LIST", status.Usage},
		{"evidence", "revoke --yes --evidence EVIDENCE LIST", 0},
		{"evidence of a sweep", "sweep --yes --all-users --reason usable --include-usable --evidence EVIDENCE2", 0},
		{"output of a scan", "scan --all-users --output NONE", 0},
		{"report", "report LOG", 0},
		{"report that is written", "report --html NONE.html LOG", 0},
		{"list of a simulation", "simulate --write-list BROKEN", status.Usage},
		{"argument that is no command", "BAD", status.Usage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tapsweep(t, env, words(tt.line, files)...)
			same(t, "exit code", p.code, tt.code)
			said := p.stderr + p.stdout
			lacks(t, "the output", said, "\x1b", "\u202e", "\n0 rows left", "\n  0 rows left")
			if tt.name != "argument that is no command" { // which is quoted once more
				holds(t, "the output", said, shown)
			}
		})
	}
}

// words splits a command line at its spaces, and then fills in the names of files.
func words(line string, files *strings.Replacer) []string {
	args := strings.Fields(line)
	for i, arg := range args {
		args[i] = files.Replace(arg)
	}
	return args
}
