package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// If the temporary directory is missing, the error names it and not --listen. The test needs a process,
// because Go reads TMPDIR by itself.
func TestSimulateWithoutTemp(t *testing.T) {
	t.Parallel()
	p := spawn(t, []string{"TMPDIR=/nonexistent"}, "simulate", "--users", "1")
	p.ends(t, status.Usage, "hint: let TMPDIR name a directory")
	lacks(t, "standard error", p.stderr, "--listen")
	tapsweep(t, nil, "simulate", "--listen", "nowhere").ends(t, status.Usage, `--listen "nowhere" is not an address`)
}

// simulate starts a simulated tenant in a separate process. It returns the environment to use the tenant,
// and a function that ends it as Ctrl-C does in a terminal.
func simulate(t *testing.T, args ...string) (env []string, stop func()) {
	t.Helper()
	cmd := command(t, nil, append([]string{"simulate"}, args...)...)
	out := assert.Must(cmd.StdoutPipe())
	assert.OK(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "# then: tapsweep revoke …") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "export "); ok {
			env = append(env, v)
		}
	}
	return env, func() {
		t.Helper()
		_ = cmd.Process.Signal(os.Interrupt) // if it has ended already, Wait says why
		assert.Is(t, "tapsweep simulate", cmd.Wait(), nil)
	}
}

// tapsweep simulate serves a tenant. Runs with the printed environment use it.
func TestSimulateServes(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "simulated.csv")
	env, stop := simulate(t, "--users", "50", "--limit", "1000/s:2000", "--latency", "1ms", "--write-list", list)
	log, proof := newLog(t), newLog(t)
	tapsweep(t, env, "revoke", "--yes", "--results", log, list).ends(t, 0, "revoked")
	const reader = "--client-id=2b8e61f7-9d04-4c3a-b5e8-6a17d2c0f946" // as the manual says
	tapsweep(t, env, "verify", reader, "--results", proof, log).ends(t, 0)
	tapsweep(t, env, "revoke", reader, "--yes", list).ends(t, status.NoAccess)
	holds(t, "the report", tapsweep(t, env, "report", log, proof).stdout,
		"deleted by   app 7c2e94d1-58af-4b06-8d3e-1f90a6c4b725\n"+
			"verified by  app 2b8e61f7-9d04-4c3a-b5e8-6a17d2c0f946\n")
	stop()
}

// make demo ends with the summary and the path of a report. It exits with 0 although passes are left. It
// shows the outcomes that the README promises.
func TestMakeDemo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	// In place of a build: this binary, as tapsweep.
	build := "#!/bin/sh\nprintf '#!/bin/sh\\n" + asMain + `=1 exec %s "$@"\n' ` + assert.Must(os.Executable()) +
		" >\"$3\"\nchmod +x \"$3\"\n"
	for name, text := range map[string]string{"Makefile": readText(t, "../../Makefile"), "go": build,
		"testdata/incident.csv": readText(t, "../../testdata/incident.csv")} {
		writeProgram(t, filepath.Join(dir, name), text)
	}
	cmd := command(t, nil)
	cmd.Args, cmd.Path, cmd.Dir = []string{"make", "demo", "GO=./go"}, assert.Must(exec.LookPath("make")), dir
	cmd.Env = without(cmd.Env, asMain)
	p := finish(t, cmd)
	p.ends(t, 0)
	report := filepath.Join(dir, "dist", "demo", "report.html")
	holds(t, "standard output", p.stdout, "The report of this run: "+report+"\n")
	lacks(t, "standard output", p.stdout, `{"type":`)
	lacks(t, "standard error", p.stderr, "ignored")
	holds(t, "the report", readText(t, report), "<html")
	holds(t, "standard error", p.stderr, "throttled")
	rows, _ := readLog(t, readText(t, filepath.Join(dir, "dist", "demo", "results.jsonl")))
	for _, o := range []results.Outcome{results.Revoked, results.Absent, results.Denied, results.UnknownUser,
		results.Replaced, results.Duplicate} {
		differs(t, "rows that are "+string(o), outcomes(rows)[o], 0)
	}
}

// makeCases have values that make gets from a tag, the environment or its command line.
var makeCases = []struct {
	name, tag, env string
	args           []string
	want           string // in the output
	refused        bool
}{
	{name: "tag", tag: "v1';touch${IFS}ran;'", args: []string{"man"}, want: `VERSION is "v1';touch`, refused: true},
	{name: "tag that make expands", tag: "v1$(shell)", args: []string{"man"},
		want: `VERSION is "v1$(shell)"`, refused: true},
	{name: "version of the environment", env: "VERSION=$(shell touch ran)", args: []string{"man"},
		want: "VERSION is", refused: true},
	{name: "version of the command line", args: []string{"man", "VERSION=$(shell touch ran)"},
		want: "VERSION is", refused: true},
	{name: "version with a flag of the linker", args: []string{"man", "VERSION=v1 -extld=./ran"},
		want: "VERSION is", refused: true},
	{name: "version with a quote", args: []string{"man", "VERSION=v1';touch ran;'"},
		want: "VERSION is", refused: true},
	{name: "release", tag: "v1`touch${IFS}ran`", args: []string{"release"}, want: "VERSION is", refused: true},
	{name: "good tag", tag: "v1.2.3-rc.1+x_y", args: []string{"man"}, want: "main.version=v1.2.3-rc.1+x_y'"},
	{name: "good version", args: []string{"man", "VERSION=v1.2~dev"}, want: "main.version=v1.2~dev'"},
	{name: "fuzz time", env: "FUZZTIME=1s; touch ran", args: []string{"fuzz"}, want: ""},
	{name: "fuzz time that make expands", env: "FUZZTIME=$(shell touch ran)", args: []string{"fuzz"}, want: ""},
}

// make and its shell do not execute a git tag, or VERSION or FUZZTIME from the environment.
func TestMakeRunsNoValue(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"make", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	for _, tt := range makeCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "Makefile"), readText(t, "../../Makefile"))
			in := func(name string, args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), name, args...)
				cmd.Dir = dir
				// "go list" and the like print a word, and build nothing.
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1",
					"GO=echo Fuzz", tt.env}
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if tt.tag != "" {
				for _, args := range []string{"init -q", "add Makefile",
					"-c user.name=t -c user.email=t@contoso.example commit -q -m first", "tag " + tt.tag} {
					if out, err := in("git", strings.Fields(args)...); err != nil {
						t.Fatalf("git %s: %v\n%s", args, err, out)
					}
				}
			}
			out, err := in("make", tt.args...)
			same(t, "make refuses", err != nil, tt.refused)
			holds(t, "the output", out, tt.want)
			exists(t, filepath.Join(dir, "ran"), false)
		})
	}
}
