package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/status"
)

// ofKubernetes are variables that Kubernetes sets for services named tapsweep.
var ofKubernetes = []string{"TAPSWEEP_SERVICE_HOST=10.0.0.7", "TAPSWEEP_SERVICE_PORT=443",
	"TAPSWEEP_SERVICE_PORT_HTTPS=443", "TAPSWEEP_PORT=tcp://10.0.0.7:443",
	"TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443",
	"TAPSWEEP_PORT_443_TCP_PROTO=tcp", "TAPSWEEP_PORT_443_TCP_PORT=443", "TAPSWEEP_PORT_443_TCP_ADDR=10.0.0.7",
	"TAPSWEEP_METRICS_SERVICE_HOST=10.0.0.8"}

// A flag counts before its variable, and a variable before the default.
func TestVariables(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serveAt(t, tenant)
	users := tenant.AddUsers(3)
	list := listFile(t, users)
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
		{"a variable", []string{"TAPSWEEP_MAX_ITEMS=2"}, nil, status.Usage, "more than the limit of 2"},
		{"a flag before it", []string{"TAPSWEEP_MAX_ITEMS=2"}, []string{"--max-items", "3", "--dry-run"}, 0, "planned"},
		{"an empty one", []string{"TAPSWEEP_MAX_ITEMS="}, dryRun, status.Usage,
			"tapsweep: TAPSWEEP_MAX_ITEMS is empty\n"},
		{"an empty one that means none", []string{"TAPSWEEP_METRICS_FILE="}, dryRun, 0, "planned"},
		{"a switch", []string{"TAPSWEEP_QUIET=true"}, dryRun, 0, ""},
		{"a list", []string{"TAPSWEEP_PROTECT=" + protected}, dryRun, 0, "protected       1"},
		{"lists of protected users add up", []string{"TAPSWEEP_PROTECT=" + protected},
			[]string{"--protect", another, "--dry-run"}, 0, "protected       2"},
		{"out of bounds", []string{"TAPSWEEP_BATCH_SIZE=99"}, dryRun, status.Usage,
			"TAPSWEEP_BATCH_SIZE: \"99\" is not a number between 1 and 20"},
		{"not a number", []string{"TAPSWEEP_MAX_ITEMS=many"}, dryRun, status.Usage,
			"TAPSWEEP_MAX_ITEMS: \"many\" is not a number of at least 0\n"},
		{"not a word", []string{"TAPSWEEP_PRIORITY=top"}, dryRun, status.Usage,
			"TAPSWEEP_PRIORITY: \"top\" is not low, normal or high\n"},
		{"a misspelt one", []string{"TAPSWEEP_MAXITEMS=1"}, dryRun, status.Usage, "tapsweep: TAPSWEEP_MAXITEMS" +
			unknown + "\nhint: did you mean TAPSWEEP_MAX_ITEMS?\n"},
		{"one in lower case", []string{"tapsweep_protect=x"}, dryRun, status.Usage, "tapsweep_protect" + unknown},
		{"those of Kubernetes", ofKubernetes, dryRun, 0, "planned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := t.TempDir() + "/log.jsonl"
			args := slices.Concat([]string{"revoke", "--yes", "--graph-url", root, "--results", log}, tt.args,
				[]string{list})
			p := tapsweep(t, slices.Concat(env, tt.vars), args...)
			p.ends(t, tt.code, tt.want)
			if len(tenant.Remaining()) != 3 {
				t.Fatal("a pass was deleted")
			}
		})
	}
}

// A log keeps the flags of its run, so that another environment can resume it.
func TestVariablesAreLogged(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Attempt: 1,
		Do: fault.ItemStatus(403)}))
	env, root := serveAt(t, tenant)
	env = without(env, graphURL)
	list := listFile(t, tenant.AddUsers(2))
	log := t.TempDir() + "/log.jsonl"
	p := tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root, "TAPSWEEP_RATE=50"), "revoke", "--yes", "--results", log,
		list)
	want := "Resume: tapsweep revoke --resume --results " + log + " --graph-url=" + root + " --rate=50 --yes " + list
	if !strings.Contains(p.stderr, want) {
		t.Fatalf("standard error does not say %q\n%s", want, p.stderr)
	}
	p = tapsweep(t, env, "revoke", "--resume", "--results", log, "--yes=true", "--graph-url="+root, list)
	p.ends(t, status.Done)
}

// The check lists the variables that count, also those of flags that only other commands have.
func TestCheckListsVariables(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	env = without(env, graphURL)
	p := tapsweep(t, append(env, "TAPSWEEP_MAX_ITEMS=7", "TAPSWEEP_LOG_LEVEL=error",
		"TAPSWEEP_GRAPH_URL=https://nowhere.example",
		"TAPSWEEP_METRICS_FILE=", "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443"), "check", "--graph-url", root, "--output",
		"json")
	var c checkup.Checkup
	if err := json.Unmarshal([]byte(p.stdout), &c); err != nil {
		t.Fatalf("%v\n%s", err, p.stdout)
	}
	want := []checkup.Variable{
		{Variable: "TAPSWEEP_LOG_LEVEL", Value: "error",
			Commands: []string{"check", "revoke", "scan", "sweep", "verify"}},
		{Variable: "TAPSWEEP_MAX_ITEMS", Value: "7", Commands: []string{"revoke", "sweep"}}}
	if !reflect.DeepEqual(c.Variables, want) {
		t.Errorf("variables %+v, want %+v", c.Variables, want)
	}
	p = tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root), "check")
	if !strings.Contains(p.stdout, "\nTAPSWEEP_GRAPH_URL  "+root+"  check, revoke, scan, sweep, verify\n") {
		t.Errorf("the table does not name the variable\n%s", p.stdout)
	}
	tapsweep(t, []string{"TAPSWEEP_DRYRUN=true"}, "--version").ends(t, status.Done)
}

// A password or a key in the root of Graph is printed nowhere.
func TestGraphURLIsNotQuoted(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{}))
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
