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
)

// A flag counts before its variable, and that before the default.
func TestVariables(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	users := tenant.AddUsers(3)
	list := writeFile(t, "l.csv", listOf(users))
	protected := writeFile(t, "p.csv", "user\n"+users[0].UPN+"\n")
	another := writeFile(t, "q.csv", "user\n"+users[1].UPN+"\n")
	for _, tt := range []struct {
		name string
		vars []string
		args []string
		code int
		want string // on standard error
	}{
		{"a variable", []string{"TAPSWEEP_MAX_ITEMS=2"}, nil, exitRefused, "more than 2"},
		{"a flag before it", []string{"TAPSWEEP_MAX_ITEMS=2"}, []string{"--max-items", "3", "--dry-run"}, 0, "planned"},
		{"an empty one", []string{"TAPSWEEP_MAX_ITEMS="}, []string{"--dry-run"}, exitRefused, "tapsweep: TAPSWEEP_MAX_ITEMS is empty: give it a value, or leave it out\n"},
		{"an empty switch that guards", []string{"TAPSWEEP_DRY_RUN="}, nil, exitRefused, "tapsweep: TAPSWEEP_DRY_RUN is empty"},
		{"an empty one beside a list", []string{"TAPSWEEP_PROTECT="}, []string{"--protect", another, "--dry-run"}, exitRefused, "tapsweep: TAPSWEEP_PROTECT is empty"},
		{"an empty one behind a flag", []string{"TAPSWEEP_MAX_ITEMS="}, []string{"--max-items", "3", "--dry-run"}, 0, "planned"},
		{"an empty one that means none", []string{"TAPSWEEP_METRICS_FILE="}, []string{"--dry-run"}, 0, "planned"},
		{"a misspelt one", []string{"TAPSWEEP_DRYRUN=true"}, nil, exitRefused, "tapsweep: TAPSWEEP_DRYRUN is not a variable of tapsweep: did you mean TAPSWEEP_DRY_RUN?\n"},
		{"a misspelt one that is empty", []string{"TAPSWEEP_DRYRUN="}, nil, exitRefused, "tapsweep: TAPSWEEP_DRYRUN is not a variable"},
		{"one in lower case", []string{"tapsweep_dry_run=true"}, nil, exitRefused, "tapsweep: tapsweep_dry_run is not a variable of tapsweep: did you mean TAPSWEEP_DRY_RUN?\n"},
		{"several misspelt ones", []string{"TAPSWEEP_PROTECTED=a", "TAPSWEEP_MAXITEMS=1"}, nil, exitRefused, "did you mean TAPSWEEP_MAX_ITEMS?\n  TAPSWEEP_PROTECTED is not a variable of tapsweep: did you mean TAPSWEEP_PROTECT?\n"},
		{"that of help", []string{"TAPSWEEP_HELP=true"}, nil, exitRefused,
			"tapsweep: TAPSWEEP_HELP is not a variable of tapsweep: give --help on the command line\n"},
		{"that of the version", []string{"TAPSWEEP_VERSION=1"}, nil, exitRefused,
			"TAPSWEEP_VERSION is not a variable of tapsweep: give --version on the command line\n"},
		{"one like no other", []string{"TAPSWEEP_XYZZY=1"}, nil, exitRefused, "tapsweep: TAPSWEEP_XYZZY is not a variable of tapsweep\n"},
		{"those of Kubernetes", []string{"TAPSWEEP_SERVICE_HOST=10.0.0.7", "TAPSWEEP_SERVICE_PORT=443", "TAPSWEEP_SERVICE_PORT_HTTPS=443",
			"TAPSWEEP_PORT=tcp://10.0.0.7:443", "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443", "TAPSWEEP_PORT_443_TCP_PROTO=tcp",
			"TAPSWEEP_PORT_443_TCP_PORT=443", "TAPSWEEP_PORT_443_TCP_ADDR=10.0.0.7", "TAPSWEEP_METRICS_SERVICE_HOST=10.0.0.8"}, []string{"--dry-run"}, 0, "planned"},
		{"a switch", []string{"TAPSWEEP_DRY_RUN=true"}, nil, 0, "planned"},
		{"a list", []string{"TAPSWEEP_DRY_RUN=1", "TAPSWEEP_PROTECT=" + protected}, nil, 0, "protected       1"},
		{"lists of protected users add up", []string{"TAPSWEEP_DRY_RUN=1", "TAPSWEEP_PROTECT=" + protected}, []string{"--protect", another}, 0, "protected       2"},
		{"out of bounds", []string{"TAPSWEEP_BATCH_SIZE=99"}, nil, exitRefused, "TAPSWEEP_BATCH_SIZE: 99 is not between 1 and 20"},
		{"a switch that may have a value, off", []string{"TAPSWEEP_RESUME=false"}, []string{"--dry-run"}, 0, "planned"},
		{"a switch that may have a value, on", []string{"TAPSWEEP_RESUME=true", "TAPSWEEP_OVERWRITE=true"}, []string{"--dry-run"}, exitRefused, "exclude each other"},
		{"the typed one of two that exclude each other", []string{"TAPSWEEP_RESUME=true"}, []string{"--overwrite", "--dry-run"}, 0, "planned"},
		{"refused for a variable", []string{"TAPSWEEP_VERIFY=true"}, []string{"--dry-run"}, exitRefused, "hint: flags are given by the environment, too: TAPSWEEP_VERIFY\n"},
		{"not a number", []string{"TAPSWEEP_MAX_ITEMS=many"}, nil, exitRefused, "TAPSWEEP_MAX_ITEMS: \"many\" is not a whole number of up to 18 digits\n"},
		{"not a word", []string{"TAPSWEEP_ORDER=random"}, nil, exitRefused, "TAPSWEEP_ORDER: \"random\" is not list or privileged\n"},
		{"of another command", []string{"TAPSWEEP_ALL_USERS=maybe"}, []string{"--dry-run"}, 0, "planned"},
		{"flags that exclude each other", []string{"TAPSWEEP_SELF=true"}, nil, exitRefused, "--self takes no list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := t.TempDir() + "/log.jsonl"
			args := slices.Concat([]string{"revoke", "--yes", "--graph-url", root, "--results", log}, tt.args, []string{list})
			p := tapsweep(t, slices.Concat(env, tt.vars), args...)
			if p.code != tt.code || !strings.Contains(p.stderr, tt.want) {
				t.Errorf("exit %d, want %d with %q\n%s", p.code, tt.code, tt.want, p.stderr)
			}
			if len(tenant.Remaining()) != 3 {
				t.Fatal("a pass was deleted")
			}
		})
	}
}

// A log tells what its run went by, and goes on without the variables.
func TestVariablesAreLogged(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(403)}}})
	env, root := serve(t, tenant)
	list := writeFile(t, "l.csv", listOf(tenant.AddUsers(2)))
	log := t.TempDir() + "/log.jsonl"
	p := tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root, "TAPSWEEP_YES=true", "TAPSWEEP_RESULTS="+log), "revoke", list)
	if p.code == 0 || !strings.Contains(p.stderr, "to go on: tapsweep revoke --resume --results "+log+" --yes=true --graph-url="+root+" "+list) {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	if p = tapsweep(t, env, "revoke", "--resume", "--results", log, "--yes=true", "--graph-url="+root, list); p.code != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if p = tapsweep(t, append(env, "TAPSWEEP_OUTPUT=json", "TAPSWEEP_MAX_ITEMS=many", "TAPSWEEP_MAX_ITEM=s3cret", "TAPSWEEP_ORDER=random", "TAPSWEEP_GRAPH_URL=https://nowhere.example"), "check", "--graph-url", root); p.code != 1 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	var c checkup
	if err := json.Unmarshal([]byte(p.stdout), &c); err != nil {
		t.Fatalf("%v\n%s", err, p.stdout)
	}
	of := make(map[string]setting)
	for _, s := range c.Variables {
		of[s.Variable] = s
	}
	if s := of["TAPSWEEP_MAX_ITEMS"]; s.Value != "many" || !slices.Equal(s.Commands, []string{"revoke", "sweep"}) || s.Problem == "" {
		t.Errorf("%+v", s)
	}
	if s := of["TAPSWEEP_ORDER"]; !slices.Equal(s.Commands, []string{"revoke", "sweep"}) || s.Problem != `"random" is not list or privileged` {
		t.Errorf("%+v", s)
	}
	if s := of["TAPSWEEP_MAX_ITEM"]; s.Value != "" || s.Problem != "not a variable of tapsweep: did you mean TAPSWEEP_MAX_ITEMS?" {
		t.Errorf("%+v", s)
	}
	if s := of["TAPSWEEP_GRAPH_URL"]; s.Flag != "--graph-url" {
		t.Errorf("%+v", s)
	}
	// Of the commands that have a flag of the name, the value is for those that take it.
	p = tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root, "TAPSWEEP_USERS=l.csv", "TAPSWEEP_SIGN_IN_AGAIN=0"), "check")
	if !strings.Contains(p.stdout, "TAPSWEEP_USERS          l.csv") || !strings.Contains(p.stdout, "  scan, sweep\n") || strings.Contains(p.stdout, "counts") || strings.Contains(p.stdout, "simulate") {
		t.Errorf("%s", p.stdout)
	}
	if p.code != 0 || !strings.Contains(p.stdout, "TAPSWEEP_GRAPH_URL      "+root+"  ") {
		t.Errorf("exit %d\n%s", p.code, p.stdout)
	}
}

// A flag may mean something else to another command, so a value that does not fit this
// one is refused, and whoever has set it is told for which it is.
func TestVariablesOfOthers(t *testing.T) {
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	for _, tt := range []struct {
		variable string
		args     []string
		code     int
		hint     string
	}{
		{"TAPSWEEP_FORMAT=table", []string{"revoke", "--simulate", "--yes", list}, exitRefused, "hint: it is for scan; here give --format, or clear the variable\n"},
		{"TAPSWEEP_FORMAT=table", []string{"revoke", "--simulate", "--yes", "--format", "csv", list}, 0, ""},
		{"TAPSWEEP_FORMAT=", []string{"revoke", "--simulate", "--yes", "--format", "csv", list}, 0, ""},
		{"TAPSWEEP_FORMAT=tabel", []string{"revoke", "--simulate", "--yes", list}, exitRefused, ""},
		{"TAPSWEEP_USERS=l.csv", []string{"simulate"}, exitRefused, "hint: it is for scan, sweep; here give --users, or clear the variable\n"},
		{"TAPSWEEP_OUTPUT=found.csv", []string{"check"}, 3, ""}, // which is there to list them
	} {
		p := tapsweep(t, []string{tt.variable}, tt.args...)
		_, hint, _ := strings.Cut(p.stderr, "hint: ")
		hint, _, _ = strings.Cut(hint, "hint: flags are given")
		if p.code != tt.code || tt.code == exitRefused && hint != strings.TrimPrefix(tt.hint, "hint: ") {
			t.Errorf("%s %q: exit %d, want %d with %q\n%s", tt.variable, tt.args, p.code, tt.code, tt.hint, p.stderr)
		}
	}
}

// A scope variable counts beside typed scope flags, unless it would add users to those that
// are typed. It is never dropped without a warning.
func TestScopeVariables(t *testing.T) {
	env, root := serve(t, incident(simulatedRoles...))
	one := writeFile(t, "one.csv", "user\nuser00010@contoso.example\n")
	const filter = "startswith(userPrincipalName,'user00020@')"
	warning := func(name, flag string) string {
		return "tapsweep: warning: TAPSWEEP_" + name + " does not count beside --" + flag + "\n"
	}
	for _, tt := range []struct {
		name     string
		variable string
		args     []string
		want     int // passes
		warning  string
	}{
		{"alone", "ALL_USERS=true", nil, 10, ""},
		{"a list alone", "USERS=" + one, nil, 1, ""},
		{"all users beside a list", "ALL_USERS=true", []string{"--users", one}, 1, warning("ALL_USERS", "users")},
		{"a list beside all users", "USERS=" + one, []string{"--all-users"}, 10, warning("USERS", "all-users")},
		{"a user beside a list", "USER=user00030@contoso.example", []string{"--users", one}, 1, warning("USER", "users")},
		{"a filter beside a list", "FILTER=" + filter, []string{"--users", one}, 1, warning("FILTER", "users")},
		{"a list beside a filter", "USERS=" + one, []string{"--filter", filter}, 1, warning("USERS", "filter")},
		{"a filter beside all users", "FILTER=" + filter, []string{"--all-users"}, 1, ""},
		{"a list beside a date", "USERS=" + one, []string{"--created-since", "24h"}, 1,
			"tapsweep: TAPSWEEP_USERS counts beside --created-since: the audit log is not searched\n"},
		{"a date beside all users", "CREATED_SINCE=24h", []string{"--all-users"}, 7, ""},
		{"a date beside a creator", "CREATED_SINCE=30m", []string{"--created-by", mallory.UPN}, 2, ""},
		{"a creator beside a date", "CREATED_BY=" + mallory.UPN, []string{"--created-since", "24h"}, 3, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"scan", "--graph-url", root, "--format", "csv"}, tt.args...)
			p := tapsweep(t, slices.Concat(env, []string{"TAPSWEEP_" + tt.variable}), args...)
			if p.code != exitDone {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			if passes := strings.Count(p.stdout, "\n") - 1; passes != tt.want {
				t.Errorf("%d passes, want %d\n%s", passes, tt.want, p.stderr)
			}
			if !strings.Contains(p.stderr, tt.warning) {
				t.Errorf("standard error does not say %q\n%s", tt.warning, p.stderr)
			}
			if tt.warning == "" && strings.Contains(p.stderr, "does not count") {
				t.Errorf("a warning is printed for a variable that counts\n%s", p.stderr)
			}
		})
	}
	p := tapsweep(t, append(env, "TAPSWEEP_CREATED_BY="+mallory.UPN),
		"sweep", "--graph-url", root, "--dry-run", "--all-users")
	if p.code != exitRefused {
		t.Errorf("TAPSWEEP_CREATED_BY beside --all-users: exit %d, want %d\n%s", p.code, exitRefused, p.stderr)
	}
	if want := "the environment, too: TAPSWEEP_CREATED_BY\n"; !strings.Contains(p.stderr, want) {
		t.Errorf("TAPSWEEP_CREATED_BY beside --all-users: standard error does not say %q\n%s", want, p.stderr)
	}
}

// TAPSWEEP_USER, which may be set for check, names nobody whose pass revoke deletes, and
// revoke says so.
func TestUserVariableOfRevoke(t *testing.T) {
	list := writeFile(t, "l.csv", "user\ndana@contoso.com\n")
	p := tapsweep(t, []string{"TAPSWEEP_USER=lee@contoso.com"}, "revoke", "--simulate", "--yes", "--results", "-", list)
	if p.code != exitDone {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	want := "tapsweep: warning: TAPSWEEP_USER does not count for revoke: give --user on the command line\n"
	if !strings.Contains(p.stderr, want) {
		t.Errorf("standard error does not say %q\n%s", want, p.stderr)
	}
	if strings.Contains(p.stdout, "lee@") {
		t.Errorf("the log names the user of the variable\n%s", p.stdout)
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
				if code != exitRefused { // the list is not there
					t.Errorf("%s --%s=%q: exit %d, want %d", cmd.Name(), f.Name, empty, code, exitRefused)
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
		if code := run(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &out); code != exitRefused {
			t.Errorf("tapsweep %s: exit %d, want %d", args, code, exitRefused)
		}
		if out.String() != want {
			t.Errorf("tapsweep %s says %q, want %q", args, out.String(), want)
		}
	}
}

// A password or a key in the root of Graph is printed nowhere.
func TestGraphURLIsNotQuoted(t *testing.T) {
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	for _, secret := range []string{"https://bob:hunter2@graph.example", "https://graph.example?sig=hunter2",
		"https://bob:hunter2%zz@graph.example"} {
		for _, tt := range []struct {
			name string
			vars []string
			args []string
			code int
		}{
			{"typed", nil, []string{"check", "--graph-url", secret}, exitRefused},
			{"a variable", []string{"TAPSWEEP_GRAPH_URL=" + secret}, []string{"scan", "--all-users"}, exitRefused},
			{"a variable that the check lists", []string{"TAPSWEEP_GRAPH_URL=" + secret},
				[]string{"check", "--graph-url", root}, exitLeft},
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

// A misspelt or empty variable fails the check, which lists it with what is wrong.
func TestCheckNamesMisspeltVariables(t *testing.T) {
	env, root := serve(t, graphsim.New(graphsim.Options{}))
	for _, tt := range []struct{ variable, want string }{
		{"TAPSWEEP_DRYRUN=true", "flags   failed  TAPSWEEP_DRYRUN: not a variable of tapsweep: did you mean TAPSWEEP_DRY_RUN?\n"},
		{"TAPSWEEP_FILTER=", "flags   failed  TAPSWEEP_FILTER: empty: give it a value, or leave it out\n"},
	} {
		p := tapsweep(t, append(env, tt.variable), "check", "--graph-url", root)
		if p.code != exitLeft {
			t.Errorf("%s: exit %d, want %d\n%s", tt.variable, p.code, exitLeft, p.stderr)
		}
		if !strings.Contains(p.stdout, tt.want) {
			t.Errorf("%s: the check does not say %q\n%s", tt.variable, tt.want, p.stdout)
		}
	}
	p := tapsweep(t, append(env, "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443", "TAPSWEEP_METRICS_FILE="), "check", "--graph-url", root)
	if p.code != exitDone || strings.Contains(p.stdout, "TAPSWEEP_") {
		t.Errorf("variables of others, and none: exit %d\n%s%s", p.code, p.stdout, p.stderr)
	}
	if p := tapsweep(t, []string{"TAPSWEEP_DRYRUN=true"}, "version"); p.code != exitDone {
		t.Errorf("version, which goes by no variable: exit %d\n%s", p.code, p.stderr)
	}
}
