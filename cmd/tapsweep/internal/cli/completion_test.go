package cli

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// complete asks what a shell would offer for the last word of a command line.
func complete(t *testing.T, line ...string) (offered []string, directive cobra.ShellCompDirective) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), append([]string{"__complete"}, line...), nil, &stdout, &stderr)
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last := len(lines) - 1
	n, err := strconv.Atoi(strings.TrimPrefix(lines[last], ":"))
	if code != 0 || err != nil || cobra.ShellCompDirective(n)&cobra.ShellCompDirectiveError != 0 {
		t.Fatalf("%q: exit %d\n%s%s", line, code, stdout.String(), stderr.String())
	}
	return lines[:last], cobra.ShellCompDirective(n)
}

// It is decided for every flag of every command how its value is completed, and for
// every command how its arguments are. What is offered is taken, and nothing is
// touched for it, whatever the environment says.
func TestCompletion(t *testing.T) {
	takesArguments := make(map[string]bool)
	root := new(program).rootCommand()
	for _, cmd := range root.Commands() {
		takesArguments[cmd.Name()] = slices.Contains([]string{"revoke", "verify", "report", "man"}, cmd.Name())
	}
	tenant := graphsim.New(graphsim.Options{})
	env, graph := serve(t, tenant)
	for _, v := range append(env, "TAPSWEEP_RATE=nonsense", "TAPSWEEP_METRICS_FILE=x.prom",
		"TAPSWEEP_GRAPH_URL="+graph) {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())

	for _, cmd := range root.Commands() {
		if _, directive := complete(t, cmd.Name(),
			""); (directive&cobra.ShellCompDirectiveNoFileComp == 0) != takesArguments[cmd.Name()] {
			t.Errorf("%s: arguments are completed as %d", cmd.Name(), directive)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			offered, directive := complete(t, cmd.Name(), "--"+f.Name+"=")
			isWords := false
			if filled, ok := f.Value.(*filledFlag); ok {
				switch filled.Value.(type) {
				case *enumFlag, *reasons:
					isWords = true
				}
			}
			if isWords != (len(offered) > 0 && directive&cobra.ShellCompDirectiveNoFileComp != 0) {
				t.Errorf("%s --%s: %q and %d are offered", cmd.Name(), f.Name, offered, directive)
			}
			if !isWords {
				return
			}
			for _, word := range offered {
				if err := f.Value.Set(wordOnly(word)); err != nil {
					t.Errorf("%s --%s: %q is offered, and refused: %v", cmd.Name(), f.Name, word, err)
				}
				if f.Value.Set(wordOnly(word)+"x") == nil {
					t.Errorf("%s --%s takes %q", cmd.Name(), f.Name, wordOnly(word)+"x")
				}
			}
		})
	}
	complete(t, "sweep", "--all-users", "--graph-url", graph, "--metrics-file", "y.prom", "--results", "log.jsonl",
		"--priority=")
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 || tenant.Stats().Requests > 0 {
		t.Errorf("%v, %v, %d requests", files, err, tenant.Stats().Requests)
	}
}

func TestCompletionOffers(t *testing.T) {
	const noFiles, noSpace = cobra.ShellCompDirectiveNoFileComp, cobra.ShellCompDirectiveNoSpace
	const extensions = cobra.ShellCompDirectiveFilterFileExt
	for _, tt := range []struct {
		line      string
		directive cobra.ShellCompDirective
		want      []string
	}{
		{"revoke --priority ", noFiles, []string{"low", "normal", "high"}},
		{"scan --format ", noFiles, []string{"csv", "jsonl", "table"}},
		{"revoke --format ", noFiles, []string{"csv", "json", "jsonl"}},
		{"sweep --resume=", noFiles, []string{"all\tcompleted rows are left out"}},
		{"sweep --reason ", noFiles | noSpace, []string{"expired", "used", "disabled", "scheduled", "usable"}},
		{"sweep --reason used,disabled,us", noFiles | noSpace,
			[]string{"used,disabled,expired", "used,disabled,scheduled", "used,disabled,usable"}},
		{"sweep --reason=used,disabled,scheduled,", noFiles, []string{"used,disabled,scheduled,expired",
			"used,disabled,scheduled,usable"}},
		{"check --output=", noFiles, []string{"text", "json"}},
		{"scan --output=", cobra.ShellCompDirectiveDefault, nil},
		{"scan --users ", cobra.ShellCompDirectiveDefault, nil},
		{"simulate --users ", noFiles, nil},
		{"check --certificate ", extensions, []string{"pem", "pfx", "p12"}},
		{"revoke --evidence ", cobra.ShellCompDirectiveFilterDirs, nil},
		{"sweep --metrics-file ", extensions, []string{"prom"}},
		{"revoke --yes ", cobra.ShellCompDirectiveDefault, nil},
		{"report a.jsonl ", extensions, []string{"jsonl"}},
		{"completion ", noFiles, []string{"bash\t", "zsh\t", "fish\t", "powershell\t"}},
	} {
		offered, directive := complete(t, strings.Split(tt.line, " ")...)
		same := func(got, want string) bool {
			return got == want || strings.HasSuffix(want, "\t") && strings.HasPrefix(got, want)
		}
		if directive != tt.directive || !slices.EqualFunc(offered, tt.want, same) {
			t.Errorf("%q: %q and %d, want %q and %d", tt.line, offered, directive, tt.want, tt.directive)
		}
	}
}

// The README has a line for each shell that there is a script for.
func TestCompletionScripts(t *testing.T) {
	readme := string(mustRead(t, "../../../../README.md"))
	shells := make(map[string]bool)
	for _, m := range regexp.MustCompile(`tapsweep completion (\w+)`).FindAllStringSubmatch(readme, -1) {
		shells[m[1]] = true
	}
	offered, _ := complete(t, "completion", "")
	if len(offered) != len(shells) {
		t.Errorf("%q are offered, and %v in the README", offered, shells)
	}
	for shell := range shells {
		p := tapsweep(t, []string{"TAPSWEEP_RATE=nonsense", "TAPSWEEP_METRICS_FILE=x.prom"}, "completion", shell)
		if p.code != 0 || p.stderr != "" || !strings.Contains(p.stdout, "__complete") || !strings.Contains(p.stdout,
			"tapsweep") {
			t.Errorf("%s: exit %d\n%s", shell, p.code, p.stderr)
		}
	}
}

// A shell for which there is no script is no reason to run a help text, and a word that
// is misspelled is refused behind help as anywhere.
func TestDefaultCommandsRefuse(t *testing.T) {
	for _, tt := range []struct {
		line, want string
	}{
		{"completion tcsh", `unknown command "tcsh" for "tapsweep completion"`},
		{"completion foo bar", `unknown command "foo" for "tapsweep completion"`},
		{"completion bash foo", `unknown command "foo" for "tapsweep completion bash"`},
		{"help foo", `unknown command or page "foo"`},
		{"help revoke foo", `unknown command "foo" for "tapsweep revoke"`},
		{"help completion tcsh", `unknown command "tcsh" for "tapsweep completion"`},
		{"foo", `unknown command "foo" for "tapsweep"`},
	} {
		p := tapsweep(t, nil, strings.Fields(tt.line)...)
		if p.code != status.Usage || p.stdout != "" || !strings.HasPrefix(p.stderr,
			"tapsweep: "+tt.want) || !strings.Contains(p.stderr, "hint: see 'tapsweep") {
			t.Errorf("%s: exit %d\n%s%s", tt.line, p.code, p.stdout, p.stderr)
		}
	}
	for _, line := range []string{"", "help", "help revoke", "help completion fish", "completion",
		"completion --help"} {
		if p := tapsweep(t, nil,
			strings.Fields(line)...); p.code != 0 || p.stderr != "" || !strings.Contains(p.stdout, "Usage:") {
			t.Errorf("%s: exit %d\n%s%s", line, p.code, p.stdout, p.stderr)
		}
	}
}
