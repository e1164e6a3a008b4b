package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A flag counts before its variable, and a variable before the default.
func TestVariables(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	users := tenant.AddUsers(3)
	list := writeFile(t, "l.csv", listOf(users))
	protected := writeFile(t, "p.csv", "user\n"+users[0].UPN+"\n")
	another := writeFile(t, "q.csv", "user\n"+users[1].UPN+"\n")
	dryRun := []string{"--dry-run"}
	const unknown = " is not a variable of tapsweep"
	for _, tt := range []struct {
		name string
		vars []string
		args []string
		code int
		want string // on standard error
	}{
		{"a variable", []string{"TAPSWEEP_MAX_ITEMS=2"}, nil, status.Usage, "more than 2"},
		{"a flag before it", []string{"TAPSWEEP_MAX_ITEMS=2"}, []string{"--max-items", "3", "--dry-run"}, 0, "planned"},
		{"an empty one", []string{"TAPSWEEP_MAX_ITEMS="}, dryRun, status.Usage,
			"tapsweep: TAPSWEEP_MAX_ITEMS is empty: give it a value, or leave it out\n"},
		{"an empty one that means none", []string{"TAPSWEEP_METRICS_FILE="}, dryRun, 0, "planned"},
		{"a switch", []string{"TAPSWEEP_QUIET=true"}, dryRun, 0, ""},
		{"a list", []string{"TAPSWEEP_PROTECT=" + protected}, dryRun, 0, "protected       1"},
		{"lists of protected users add up", []string{"TAPSWEEP_PROTECT=" + protected},
			[]string{"--protect", another, "--dry-run"}, 0, "protected       2"},
		{"out of bounds", []string{"TAPSWEEP_BATCH_SIZE=99"}, dryRun, status.Usage,
			"TAPSWEEP_BATCH_SIZE: 99 is not between 1 and 20"},
		{"not a number", []string{"TAPSWEEP_MAX_ITEMS=many"}, dryRun, status.Usage,
			"TAPSWEEP_MAX_ITEMS: \"many\" is not a whole number of up to 18 digits\n"},
		{"not a word", []string{"TAPSWEEP_PRIORITY=top"}, dryRun, status.Usage,
			"TAPSWEEP_PRIORITY: \"top\" is not low, normal or high\n"},
		{"a misspelt one", []string{"TAPSWEEP_MAXITEMS=1"}, dryRun, status.Usage,
			"tapsweep: TAPSWEEP_MAXITEMS" + unknown + ": did you mean TAPSWEEP_MAX_ITEMS?\n"},
		{"a misspelt one that is empty", []string{"TAPSWEEP_MAXITEMS="}, dryRun, status.Usage, "TAPSWEEP_MAXITEMS" + unknown},
		{"one in lower case", []string{"tapsweep_protect=x"}, dryRun, status.Usage,
			"tapsweep_protect" + unknown + ": did you mean TAPSWEEP_PROTECT?\n"},
		{"several wrong ones", []string{"TAPSWEEP_PROTECTED=a", "TAPSWEEP_MAXITEMS=1"}, dryRun, status.Usage,
			"did you mean TAPSWEEP_MAX_ITEMS?\n  TAPSWEEP_PROTECTED" + unknown + ": did you mean TAPSWEEP_PROTECT?\n"},
		{"one like no other", []string{"TAPSWEEP_XYZZY=1"}, dryRun, status.Usage, "tapsweep: TAPSWEEP_XYZZY" + unknown + "\n"},
		{"those of Kubernetes", []string{"TAPSWEEP_SERVICE_HOST=10.0.0.7", "TAPSWEEP_SERVICE_PORT=443",
			"TAPSWEEP_SERVICE_PORT_HTTPS=443", "TAPSWEEP_PORT=tcp://10.0.0.7:443", "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443",
			"TAPSWEEP_PORT_443_TCP_PROTO=tcp", "TAPSWEEP_PORT_443_TCP_PORT=443", "TAPSWEEP_PORT_443_TCP_ADDR=10.0.0.7",
			"TAPSWEEP_METRICS_SERVICE_HOST=10.0.0.8"}, dryRun, 0, "planned"},
		{"a refusal", []string{"TAPSWEEP_MAX_ITEMS=1"}, nil, status.Usage,
			"hint: flags are given by the environment, too: TAPSWEEP_MAX_ITEMS\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := t.TempDir() + "/log.jsonl"
			args := slices.Concat([]string{"revoke", "--yes", "--graph-url", root, "--results", log}, tt.args, []string{list})
			p := tapsweep(t, slices.Concat(env, tt.vars), args...)
			if p.code != tt.code {
				t.Errorf("exit %d, want %d\n%s", p.code, tt.code, p.stderr)
			}
			if !strings.Contains(p.stderr, tt.want) {
				t.Errorf("standard error does not say %q\n%s", tt.want, p.stderr)
			}
			if len(tenant.Remaining()) != 3 {
				t.Fatal("a pass was deleted")
			}
		})
	}
}

// What to revoke, where to look and what to write is said on the command line only, whichever
// command runs. Every other flag has a variable.
func TestFlagsWithoutVariable(t *testing.T) {
	typed := []string{"HELP", "VERSION", "USER", "USERS", "ALL_USERS", "FILTER", "GROUP", "CREATED_SINCE", "CREATED_BY",
		"REASON", "MIN_AGE", "EXPIRED_FOR", "MEMBERS_ONLY", "ENABLED_ONLY", "INCLUDE_USABLE", "SELF", "ANY_PASS", "SKIP_INVALID",
		"FORMAT", "YES", "DRY_RUN", "SIMULATE", "OVERWRITE", "RESUME", "EVIDENCE", "RESULTS", "OUTPUT", "HTML", "CSV", "JSON",
		"ORDER", "VERIFY", "VERIFY_WAIT", "ABORT_AFTER", "LATENCY", "LIMIT", "LISTEN", "MIXED", "SEED", "WRITE_LIST", "CA_FILE"}
	for _, name := range typed {
		flag := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		_, err := environment([]string{"TAPSWEEP_" + name + "=true"})
		want := "TAPSWEEP_" + name + " is not a variable of tapsweep: give --" + flag + " on the command line"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	for _, cmd := range (&app{}).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, settable := f.Annotations["environment"]
			if name := strings.TrimPrefix(variable(f.Name), prefix); settable == slices.Contains(typed, name) {
				t.Errorf("%s: --%s has a variable: %v", cmd.Name(), f.Name, settable)
			}
		})
	}
}

// A log keeps the flags of its run, so that another environment can resume it.
func TestVariablesAreLogged(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(403)}}})
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(2)))
	log := t.TempDir() + "/log.jsonl"
	p := tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root, "TAPSWEEP_RATE=50"), "revoke", "--yes", "--results", log, list)
	want := "to go on: tapsweep revoke --resume --results " + log + " --graph-url=" + root + " --rate=50 --yes " + list
	if !strings.Contains(p.stderr, want) {
		t.Fatalf("standard error does not say %q\n%s", want, p.stderr)
	}
	p = tapsweep(t, env, "revoke", "--resume", "--results", log, "--yes=true", "--graph-url="+root, list)
	if p.code != status.Done {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// The check lists the variables that count, also those of flags that only other commands have.
func TestCheckListsVariables(t *testing.T) {
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	p := tapsweep(t, append(env, "TAPSWEEP_MAX_ITEMS=7", "TAPSWEEP_LOG_LEVEL=error", "TAPSWEEP_GRAPH_URL=https://nowhere.example",
		"TAPSWEEP_METRICS_FILE=", "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443"), "check", "--graph-url", root, "--output", "json")
	var c checkup
	if err := json.Unmarshal([]byte(p.stdout), &c); err != nil {
		t.Fatalf("%v\n%s", err, p.stdout)
	}
	want := []setting{{Variable: "TAPSWEEP_LOG_LEVEL", Value: "error"}, {Variable: "TAPSWEEP_MAX_ITEMS", Value: "7"}}
	if !slices.Equal(c.Variables, want) {
		t.Errorf("variables %+v, want %+v", c.Variables, want)
	}
	p = tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root), "check")
	if !strings.Contains(p.stdout, "\nTAPSWEEP_GRAPH_URL  "+root+"\n") {
		t.Errorf("the table does not name the variable\n%s", p.stdout)
	}
	if p := tapsweep(t, []string{"TAPSWEEP_DRYRUN=true"}, "version"); p.code != status.Done {
		t.Errorf("version, which no variable concerns: exit %d\n%s", p.code, p.stderr)
	}
}

// No two flags share a variable, and none has one that the tests, or a Kubernetes
// Service of this name, would set.
func TestVariableNames(t *testing.T) {
	for _, cmd := range (&app{}).rootCommand().Commands() {
		seen := make(map[string]string)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name := variable(f.Name)
			if other, twice := seen[name]; twice || serviceVariable.MatchString(name) || os.Getenv(name) != "" {
				t.Errorf("%s: %s is %s's too, or somebody else's", cmd.Name(), name, other)
			}
			seen[name] = f.Name
		})
	}
}

// An empty value of a filter or guard is refused. Earlier it was ignored, and the run did more
// than the user or the script had meant.
func TestEmptyValuesAreRefused(t *testing.T) {
	for _, cmd := range (&app{}).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			for _, empty := range []string{"", " "} {
				var out strings.Builder
				code := run(t.Context(), []string{cmd.Name(), "--" + f.Name + "=" + empty, "x"}, strings.NewReader(""), &out, &out)
				refused := strings.HasPrefix(out.String(), "tapsweep: --"+f.Name+" is empty: ")
				if want := f.Name != "metrics-file"; refused != want {
					t.Errorf("%s --%s=%q: refused for it: %v, want %v\n%s", cmd.Name(), f.Name, empty, refused, want, out.String())
				}
				if code != status.Usage { // the list is not there
					t.Errorf("%s --%s=%q: exit %d, want %d", cmd.Name(), f.Name, empty, code, status.Usage)
				}
			}
		})
	}
}

// What is said about a wrong value names no function of Go.
func TestWrongValuesInOurWords(t *testing.T) {
	for _, cmd := range (&app{}).rootCommand().Commands() {
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			err := cmd.Flags().Set(f.Name, `"x`)
			if err == nil {
				return // it takes any text
			}
			text := flagError(cmd, err).Error()
			if !strings.HasPrefix(text, "--"+f.Name+` "\"x" is not `) {
				t.Errorf("%s says %s", cmd.Name(), text)
			}
		})
	}
	for args, want := range map[string]string{
		"revoke --yes=maybe l.csv":       `tapsweep: --yes "maybe" is not true or false` + "\n",
		"revoke -y=maybe l.csv":          `tapsweep: --yes "maybe" is not true or false` + "\n",
		"revoke --help=maybe":            `tapsweep: --help "maybe" is not true or false` + "\n",
		"revoke --max-items 1e3 l.csv":   `tapsweep: --max-items "1e3" is not a whole number of up to 18 digits` + "\n",
		"revoke --rate fast l.csv":       `tapsweep: --rate "fast" is not a number` + "\n",
		"revoke --deadline 5 l.csv":      `tapsweep: --deadline "5" is not a time such as 90s, 15m or 24h` + "\n",
		"scan --all-users --min-age old": `tapsweep: --min-age "old" is not a time such as 90m, 24h or 7d` + "\n",
	} {
		var out strings.Builder
		if code := run(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &out); code != status.Usage {
			t.Errorf("tapsweep %s: exit %d, want %d", args, code, status.Usage)
		}
		if out.String() != want {
			t.Errorf("tapsweep %s says %q, want %q", args, out.String(), want)
		}
	}
}

// A password or a key in the root of Graph is printed nowhere.
func TestGraphURLIsNotQuoted(t *testing.T) {
	env, _ := serve(t, graphsim.New(graphsim.Options{}))
	for _, secret := range []string{"https://bob:hunter2@graph.example", "https://graph.example?sig=hunter2",
		"https://bob:hunter2%zz@graph.example"} {
		for _, tt := range []struct {
			name string
			vars []string
			args []string
			code int
		}{
			{"typed", nil, []string{"check", "--graph-url", secret}, status.Usage},
			{"a variable", []string{"TAPSWEEP_GRAPH_URL=" + secret}, []string{"scan", "--all-users"}, status.Usage},
		} {
			p := tapsweep(t, slices.Concat(env, tt.vars), tt.args...)
			if p.code != tt.code {
				t.Errorf("%s, %s: exit %d, want %d", secret, tt.name, p.code, tt.code)
			}
			if want := "the Graph root must not hold a user name"; !strings.Contains(p.stdout+p.stderr, want) {
				t.Errorf("%s, %s: the output does not say %q\n%s%s", secret, tt.name, want, p.stdout, p.stderr)
			}
			if strings.Contains(p.stdout+p.stderr, "hunter2") {
				t.Errorf("%s, %s: the password is printed\n%s%s", secret, tt.name, p.stdout, p.stderr)
			}
		}
	}
}
