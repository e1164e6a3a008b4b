package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

const listCases = "../../testdata/cases/"

// The summary warns that rows without a pass ID mean any pass of the user, even if nobody was asked.
func TestSummaryCountsRowsWithoutPass(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--yes", "--dry-run"} {
		p := tapsweep(t, nil, "revoke", "--simulate", flag, listCases+"plain-upns.txt")
		holds(t, "standard error", p.stderr, "3 rows have no pass ID: any ")
	}
}

// A list without rows is not an error. A scan that finds nothing writes one.
func TestEmptyList(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{}))
	for name, text := range map[string]string{"h.csv": "user,method\n", "a.json": "[]", "v.json": `{"value":[]}`} {
		list := writeFile(t, name, text)
		dir := filepath.Dir(list)
		log, evidence := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "evidence")
		for _, more := range [][]string{{"--results", log}, {"--quiet", "--results", log, "--resume"},
			{"--evidence", evidence}, {"--dry-run", "--results", log}} {
			p := tapsweep(t, env, append([]string{"revoke", "--yes", list}, more...)...)
			p.ends(t, status.Done)
			same(t, "standard error", p.stderr, "tapsweep: "+list+" has no rows; nothing to do\n")
			hasFiles(t, dir, 1)
		}
	}
	tapsweep(t, env, "revoke", "--yes", writeFile(t, "z.csv", "")).ends(t, status.Usage)
}

// Beside a good list, a list without a header may be an export that failed: nothing is sent. One with a header is
// named in a warning.
func TestEmptyListBesideAnother(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 1, graphsim.Options{})
	good := writeFile(t, "good.txt", users[0].UPN)
	for name, text := range map[string]string{"zero.csv": "", "notes.txt": strings.Repeat("# note\n", 20_000)} {
		list := writeFile(t, name, text)
		p := tapsweep(t, env, "revoke", "--yes", good, list)
		p.ends(t, status.Usage, list+":1: the list is empty", "nothing was deleted")
		leaves(t, tenant, 1)
	}
	header := writeFile(t, "header.csv", "user,method\n")
	p := tapsweep(t, env, "revoke", "--yes", "--results", newLog(t), good, header)
	p.ends(t, status.Done, "warning: no row in "+header+"\n")
	leaves(t, tenant, 0)
}

// A warning names the list that has passes themselves, and does not show the passes.
func TestListWithPasses(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 1, graphsim.Options{})
	user := users[0].UPN
	const warning = "anybody can sign in with the passes in column temporaryAccessPass"
	for name, text := range map[string]string{
		"csv":   "user,Temporary Access Pass\n" + user + ",Xk7#pQ2m\n",
		"json":  `{"user":"` + user + `","temporaryAccessPass":"Xk7#pQ2m"}`,
		"empty": "user,temporaryAccessPass\n" + user + ",\n",
		"null":  `{"user":"` + user + `","temporaryAccessPass":null}`,
	} {
		list := writeFile(t, "list", text)
		p := tapsweep(t, env, "revoke", "--dry-run", "--results", "-", list)
		p.ends(t, status.Done)
		has := name == "csv" || name == "json"
		same(t, name+": there is a warning", strings.Contains(p.stderr, warning), has)
		same(t, name+": the warning names the list", strings.Contains(p.stderr, "protect "+list), has)
		assert.Lacks(t, name+": the output", p.stdout+p.stderr, "Xk7")
	}
}

// --user names users without a list, and only on the command line.
func TestNamedUser(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 4, graphsim.Options{Roles: simulation.Roles})

	p := tapsweep(t, env, "scan", "--user", users[0].UPN, "--user", users[1].ID,
		"--users", writeFile(t, "u.txt", users[2].UPN))
	for i, user := range users {
		same(t, "the pass of "+user.UPN+" is found", strings.Contains(p.stdout, user.Passes[0].ID), i < 3)
	}

	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log, "--user", users[0].UPN, "--user", users[1].ID}
	tapsweep(t, env, args...).ends(t, status.Done)
	leaves(t, tenant, 2)
	same(t, "source of a row", hasRows(t, readText(t, log), "revoked 2")[0].Source, "--user")
	tapsweep(t, env, append(args, "--resume")...).ends(t, status.Done)

	list := writeFile(t, "l.csv", "user\n"+users[2].UPN+"\n")
	tapsweep(t, env, "revoke", "--yes", "--results", log+"2", list).ends(t, status.Done)
	leaves(t, tenant, 1)
	same(t, "user with a pass left", tenant.Remaining()[0].UPN, users[3].UPN)
	for _, bad := range [][]string{{"revoke", "--yes", "--user", ""}, {"revoke", "--yes", "--user", "dana"},
		{"scan", "--user", ""}, {"revoke", "--self", "--user", users[3].UPN}, {"revoke", "--yes"},
		{"revoke", "--yes", "--user", users[3].UPN, list}} {
		tapsweep(t, env, bad...).ends(t, status.Usage)
	}
	const hint = "--user dana@contoso.com\n"
	for _, typo := range [][]string{{"revoke", "--yes", "dana@contoso.com"}, {"scan", "--users", "dana@contoso.com"}} {
		tapsweep(t, env, typo...).ends(t, status.Usage, hint)
	}
}

// The lines that were skipped in a log may have named users, so the warning is shown even with --quiet.
// A log with skipped lines is not resumed.
func TestMergedLog(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	here := strings.NewReplacer("11111111-2222-4333-8444-555555555555", entra.DefaultTenantID,
		"https://localhost:40187", root)
	log := writeFile(t, "log-pod-merged.log",
		here.Replace(readText(t, listCases+"log-pod-merged.log")))
	warning := log + ": skipped 1 line"
	for _, args := range [][]string{{"revoke", "--yes", "--quiet", log}, {"scan", "--users", log},
		{"sweep", "--yes", "--all-users", "--protect", log}, {"verify", log},
		{"revoke", "--yes", "--user", "dana@contoso.com", "--protect", log}} {
		holds(t, fmt.Sprintf("standard error of %q", args), tapsweep(t, env, args...).stderr, warning)
	}
	tapsweep(t, env, "sweep", "--yes", "--all-users", "--results", log, "--resume").ends(t, status.Usage, "line 36: ",
		"hint: nothing was deleted")
}

// ofKubernetes are the variables that Kubernetes sets for a service named tapsweep.
var ofKubernetes = []string{"TAPSWEEP_SERVICE_HOST=10.0.0.7", "TAPSWEEP_SERVICE_PORT=443",
	"TAPSWEEP_SERVICE_PORT_HTTPS=443", "TAPSWEEP_PORT=tcp://10.0.0.7:443",
	"TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443",
	"TAPSWEEP_PORT_443_TCP_PROTO=tcp", "TAPSWEEP_PORT_443_TCP_PORT=443", "TAPSWEEP_PORT_443_TCP_ADDR=10.0.0.7",
	"TAPSWEEP_METRICS_SERVICE_HOST=10.0.0.8"}

// A flag overrides its variable, and a variable overrides the default.
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
		{"a variable", []string{"TAPSWEEP_MAX_ITEMS=2"}, nil, status.Usage,
			"hint: --max-items is set by the environment variable TAPSWEEP_MAX_ITEMS"},
		{"a flag before it", []string{"TAPSWEEP_MAX_ITEMS=2"}, []string{"--max-items", "3", "--dry-run"}, 0, "planned"},
		{"an empty one that means none", []string{"TAPSWEEP_METRICS_FILE="}, dryRun, 0, "planned"},
		{"a switch", []string{"TAPSWEEP_QUIET=true"}, dryRun, 0, ""},
		{"a list", []string{"TAPSWEEP_PROTECT=" + protected}, dryRun, 0, "protected       1"},
		{"lists of protected users add up", []string{"TAPSWEEP_PROTECT=" + protected},
			[]string{"--protect", another, "--dry-run"}, 0, "protected       2"},
		{"an empty one", []string{"TAPSWEEP_MAX_ITEMS="}, dryRun, status.Usage,
			"tapsweep: TAPSWEEP_MAX_ITEMS is empty\n"},
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
			tapsweep(t, slices.Concat(env, tt.vars), args...).ends(t, tt.code, tt.want)
			leaves(t, tenant, 3)
		})
	}
	p := tapsweep(t, append(env, "TAPSWEEP_MAX_ITEMS=2"), "revoke", "--yes", "--metrics-file", "x.txt", list)
	lacks(t, "an error about another flag", p.stderr, "TAPSWEEP_MAX_ITEMS")
}

// A log keeps the flags of its run, so that another environment can resume it.
func TestVariablesAreLogged(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(403)}))
	env, root := serveAt(t, tenant)
	env = without(env, graphURL)
	list := listFile(t, tenant.AddUsers(2))
	log := t.TempDir() + "/log.jsonl"
	p := tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root, "TAPSWEEP_RATE=50"), "revoke", "--yes", "--results", log,
		list)
	want := "Resume: tapsweep revoke --resume --results " + log + " --graph-url=" + root + " --rate=50 --yes " + list
	p.ends(t, status.Incomplete, want)
	tapsweep(t, env, "revoke", "--resume", "--results", log, "--yes=true", "--graph-url="+root, list).ends(t,
		status.Done)
}

// The check lists the variables that are set, even those of flags that only other commands have.
func TestCheckListsVariables(t *testing.T) {
	t.Parallel()
	env, root := serveAt(t, graphsim.New(graphsim.Options{}))
	env = without(env, graphURL)
	p := tapsweep(t, append(env, "TAPSWEEP_MAX_ITEMS=7", "TAPSWEEP_LOG_LEVEL=error",
		"TAPSWEEP_GRAPH_URL=https://nowhere.example",
		"TAPSWEEP_METRICS_FILE=", "TAPSWEEP_PORT_443_TCP=tcp://10.0.0.7:443"), "check", "--graph-url", root, "--output",
		"json")
	var c checkup.Checkup
	decode(t, p.stdout, &c)
	want := []checkup.Variable{
		{Variable: "TAPSWEEP_LOG_LEVEL", Value: "error",
			Commands: []string{"check", "revoke", "scan", "sweep", "verify"}},
		{Variable: "TAPSWEEP_MAX_ITEMS", Value: "7", Commands: []string{"revoke", "sweep"}}}
	assert.Equal(t, "variables", c.Variables, want)
	p = tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+root), "check")
	holds(t, "standard output", p.stdout, "\nTAPSWEEP_GRAPH_URL  "+root+"  check, revoke, scan, sweep, verify\n")
	tapsweep(t, []string{"TAPSWEEP_DRYRUN=true"}, "--version").ends(t, status.Done)
}

// A password or a key in the Graph URL is never printed.
func TestGraphURLIsNotQuoted(t *testing.T) {
	t.Parallel()
	env := serve(t, graphsim.New(graphsim.Options{}))
	for _, secret := range []string{"https://bob:hunter2@graph.example", "https://graph.example?sig=hunter2",
		"https://bob:hunter2%zz@graph.example"} {
		for _, p := range []process{tapsweep(t, env, "check", "--graph-url", secret),
			tapsweep(t, append(env, "TAPSWEEP_GRAPH_URL="+secret), "scan", "--all-users")} {
			p.ends(t, status.Usage, "the Graph root must not hold a user name")
			lacks(t, "the output", p.stdout+p.stderr, "hunter2")
		}
	}
}
