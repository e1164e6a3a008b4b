package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// readTable returns the rows of a CSV file by the names of their columns.
func readTable(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	table := assert.Must(csv.NewReader(strings.NewReader(readText(t, path))).ReadAll())
	for _, cells := range table[1:] {
		row := make(map[string]string)
		for i, cell := range cells {
			row[table[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// The summary, the metrics, the report and the tenant count the same refused requests. A batch that is
// refused as a whole counts each of its requests.
func TestRefusedIsOneNumber(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 5, failing(
		fault.Fault{Do: fault.OuterStatus(503, "Retry-After", "1"), Times: 1},
		fault.Fault{Do: fault.ItemStatus(429, "Retry-After", "1"), Times: 2}))
	dir := t.TempDir()
	p := tapsweep(t, env, "revoke", "--yes", "--results", dir+"/log.jsonl", "--metrics-file", dir+"/m.prom",
		listFile(t, users))
	var r report.Report
	decode(t, tapsweep(t, env, "report", "--json", "-", dir+"/log.jsonl").stdout, &r)
	n := r.Waits.Refused
	same(t, "refused requests in the report", n, tenant.Stats().Requests-len(users))
	same(t, "refused requests of the quota write", r.Waits.Quotas["write"].Refused, n)
	p.ends(t, status.Done, fmt.Sprintf("%d requests throttled", n))
	holds(t, "the metrics", readText(t, dir+"/m.prom"),
		fmt.Sprintf(`tapsweep_last_run_refused_requests{command="revoke",file="m"} %d`, n))
}

// The command that a run prints to resume has an effect: it deletes the pass that is left. It never
// writes another row about a protected user.
func TestWhatIsPrintedLeadsOn(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	for name, again := range map[string]time.Duration{"ann": 0, "bo": time.Second, "glass": 0} {
		tenant.AddUser(graphsim.User{UPN: name + "@contoso.com", Reissue: again, Passes: []graphsim.Pass{{}}})
	}
	held := tenant.Remaining()
	bo := held[slices.IndexFunc(held, func(h graphsim.HeldPass) bool { return h.UPN == "bo@contoso.com" })].PassID
	env := serve(t, tenant)
	log, glass := newLog(t), writeFile(t, "glass.txt", "glass@contoso.com\n")
	args := []string{"revoke", "--yes", "--verify", "--verify-wait", "3s", "--protect", glass, "--results", log,
		writeFile(t, "list.csv", listOfHeld(held))}
	p := tapsweep(t, env, args...)
	p.ends(t, status.Incomplete)
	lacks(t, "standard error", p.stderr, "Resume: ")
	const remains = "To revoke what remains, "
	const again = remains + "including 1 pass that no list names: tapsweep "
	command := regexp.MustCompile(`(?m)^` + again + `(.*)$`).FindStringSubmatch(p.stderr)
	if command == nil {
		t.Fatalf("no command:\n%s", p.stderr)
	}
	proof := tapsweep(t, env, "verify", "--verify-wait", "1s", "--results", filepath.Join(t.TempDir(), "v.jsonl"), log)
	proof.ends(t, status.Incomplete, remains+"which may include passes that no list names "+
		"(the command keeps the users on --protect): tapsweep ")

	// Resuming the run anyway sends nothing, and changes nothing.
	sent := tenant.Stats().Deleted
	tapsweep(t, env, append(args, "--resume")...).ends(t, status.Incomplete, again)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, sent)
	hasRows(t, lastRun(readText(t, log)), "")
	end := readEnd(t, lastRun(readText(t, log)), status.Incomplete)
	same(t, "remains in the last line", end.Counts[results.Remains], 1)
	same(t, "protected in the last line", end.Counts[results.Protected], 1)

	p = tapsweep(t, env, append(strings.Fields(command[1]), "--yes", "--verify-wait", "1s", "--results", "-")...)
	p.ends(t, status.Incomplete)
	same(t, "passes that the second run deleted", tenant.Stats().Deleted, sent+1)
	rows, _ := readLog(t, p.stdout)
	for _, r := range rows {
		if r.User == "bo@contoso.com" && !r.Provisional {
			differs(t, "pass in the new row of bo", r.Method, bo)
			differs(t, "outcome of the new row of bo", r.Outcome, results.Replaced)
		}
	}
}

// A metricsTest sweeps a tenant with two users with expired passes, and writes metrics.
type metricsTest struct {
	*testing.T
	env       []string
	dir, path string
	sweep     []string
}

const metricLabels = `command="sweep",file="tapsweep"`

func newMetricsTest(t *testing.T, faults ...fault.Fault) *metricsTest {
	t.Helper()
	tenant := graphsim.New(failing(faults...))
	for i, name := range []string{"dana", "eli"} {
		created := time.Now().Add(-time.Duration(48+24*i) * time.Hour)
		tenant.AddUser(graphsim.User{UPN: name + "@contoso.com",
			Passes: []graphsim.Pass{{Created: created, LifetimeMinutes: 60}}})
	}
	m := &metricsTest{T: t, env: serve(t, tenant), dir: t.TempDir()}
	m.path = filepath.Join(m.dir, "tapsweep.prom")
	m.sweep = []string{"sweep", "--all-users", "--yes", "--results", "-", "--metrics-file", m.path}
	return m
}

func (m *metricsTest) file() string { return readText(m.T, m.path) }

// run sweeps with more flags, and checks the exit code and the metrics. want has no labels.
func (m *metricsTest) run(flags []string, code int, want ...string) {
	m.Helper()
	tapsweep(m.T, m.env, append(m.sweep, flags...)...).ends(m.T, code)
	for _, w := range want {
		w = strings.NewReplacer("{}", "{"+metricLabels+"}", "{o", "{"+metricLabels+",o").Replace(w)
		holds(m.T, "the metrics", m.file(), "\ntapsweep_"+w+"\n")
	}
}

// The file has the result of every run whose flags are valid, and the number of passes that a sweep left.
func TestMetricsFile(t *testing.T) {
	t.Parallel()
	m := newMetricsTest(t, fault.Fault{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(423)})
	// A dry run, or a simulation, says nothing of how the nights go.
	m.run([]string{"--dry-run"}, 0)
	runRevoke(t, nil, "--simulate", "--metrics-file", m.path,
		writeFile(t, "list.csv", "user\ndana@contoso.com\n")).ends(t, 0)
	exists(t, m.path, false)
	m.run(nil, 1, `last_run_exit_code{} 1`, `log_rows{outcome="rejected"} 2`, `expired_passes_left{} 2`)
	m.run([]string{"--max-items", "1"}, status.Usage, `last_run_exit_code{} 64`)
	lacks(t, "the metrics", m.file(), "expired_passes_left")
	m.run([]string{"--max-items", "0"}, 0, `last_run_exit_code{} 0`, `log_rows{outcome="revoked"} 2`, `log_users{} 2`,
		`expired_passes_left{} 0`, `oldest_expired_pass_age_seconds{} 0`)
	m.run([]string{"--reason", "usable"}, status.Usage, `last_run_exit_code{} 64`)
	lacks(t, "the metrics of a run that never began", m.file(), "rows")
	m.run([]string{"--help"}, 0, `last_run_exit_code{} 64`) // is no run
	m.env = append(m.env, "AZURE_CLIENT_SECRET=wrong")
	m.run(nil, 3, `last_run_exit_code{} 3`)
	hasFiles(t, m.dir, 1)
}

// A file that is not a metrics file is not replaced, even if it is the log of this run. A link stays a link.
func TestMetricsFileReplacesItsOwn(t *testing.T) {
	t.Parallel()
	m := newMetricsTest(t)
	m.run(nil, 0)
	list := writeFile(t, "list.prom", "user\ndana@contoso.com\n")
	before := m.file()
	for _, tt := range []struct{ line, want string }{
		{"sweep --yes --all-users --results - --metrics-file DIR/list.csv", ".prom"},
		{"sweep --yes --all-users --results - --metrics-file DIR/none/x.prom", "/none does not exist"},
		{"sweep --yes --all-users --results - --metrics-file /proc/self/x.prom", "write to /proc/self"},
		{"sweep --yes --users LIST --metrics-file LIST --results -", "is not the metrics of tapsweep sweep"},
		{"sweep --yes --all-users --overwrite --metrics-file PATH --results PATH", "name the same file"},
		{"scan --all-users --overwrite --metrics-file DIR/new.prom --output DIR/./new.prom", "name the same file"},
		{"scan --all-users --metrics-file PATH", "is not the metrics of tapsweep scan"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			line := strings.NewReplacer("LIST", list, "PATH", m.path, "DIR", m.dir).Replace(tt.line)
			tapsweep(t, m.env, strings.Fields(line)...).ends(t, status.Usage, tt.want)
		})
	}
	same(t, "the list", readText(t, list), "user\ndana@contoso.com\n")
	differs(t, "the metrics", m.file(), before)
	holds(t, "the metrics", m.file(), "exit_code{"+metricLabels+"} 64")
	link := m.dir + "/link.prom"
	assert.OK(t, os.Symlink(m.path, link))
	m.run([]string{"--metrics-file", link}, 0, `last_run_exit_code{} 0`)
	_, err := os.Readlink(link) // an error if it is no link any more
	same(t, "error of reading the link", err, nil)
}

// A command line with a wrong flag or variable is not a run, so the metrics of the last run stay.
func TestMetricsFileOfBadFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := strings.NewReplacer("x.prom", filepath.Join(dir, "x.prom"))
	for _, tt := range []struct{ vars, line string }{
		{"", "sweep --metrics-file x.prom --progress random"},
		{"TAPSWEEP_METRICS_FILE=x.prom TAPSWEEP_MAX_ITEMS=many", "sweep --all-users"},
		{"", "sweep --metrics-file x.prom --help"},
		{"TAPSWEEP_METRICS_FILE=x.prom", "swep"},
	} {
		tapsweep(t, words(tt.vars, files), words(tt.line, files)...)
		hasFiles(t, dir, 0)
	}
}

// The alerts and the table in the manual name only metrics that exist.
func TestAlerts(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	path := filepath.Join(t.TempDir(), "tapsweep.prom")
	runSweep(t, env, "--metrics-file", path).ends(t, 0)
	there := make(map[string]bool)
	gauge := regexp.MustCompile(`(?m)^# TYPE (tapsweep_\w+) gauge$`)
	for _, m := range gauge.FindAllStringSubmatch(readText(t, path), -1) {
		there[m[1]] = true
		holds(t, "the manual", pageText(t, "nightly"), "| `"+strings.TrimPrefix(m[1], "tapsweep_")+"` |")
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	assert.OK(t, yaml.UnmarshalStrict([]byte(codeOf(t, "nightly", "yaml")[0]), &rules))
	same(t, "groups of rules", len(rules.Groups), 1)
	same(t, "alert rules", len(rules.Groups[0].Rules), 3)
	for _, r := range rules.Groups[0].Rules {
		name := regexp.MustCompile(`tapsweep_\w+`).FindString(r.Expr)
		same(t, name+" is a metric", there[name], true)
		holds(t, "the expression", r.Expr, `{command="sweep"}`)
		differs(t, "summary of "+r.Alert, r.Annotations["summary"], "")
		limit := r.For
		if m := regexp.MustCompile(`> (\d+) \* 3600`).FindStringSubmatch(r.Expr); m != nil {
			limit = m[1] + "h"
		}
		if r.Alert == "TapsweepFailed" {
			continue // by the exit code alone
		}
		// Two good nights end up to 31 h apart: a day, an hour of summer time, half an hour of random delay,
		// and the 5 h of --deadline. If one night between two is missed, they end at least 42 h apart.
		d, err := time.ParseDuration(limit)
		same(t, "error of the limit", err, nil)
		atLeast(t, r.Alert, d, 31*time.Hour)
		atMost(t, r.Alert, d, 42*time.Hour)
	}
}
