package main

import (
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
	"tapsweep/cmd/tapsweep/internal/status"
)

// The file tells of every run that got as far as its flags, and of what a sweep left.
func TestMetricsFile(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(423)}}})
	now := time.Now()
	for i, name := range []string{"dana", "eli"} {
		tenant.AddUser(graphsim.User{UPN: name + "@contoso.com", Passes: []graphsim.Pass{
			{Created: now.Add(-time.Duration(48+24*i) * time.Hour), LifetimeMinutes: 60}}})
	}
	env, root := serve(t, tenant)
	dir := t.TempDir()
	path := filepath.Join(dir, "tapsweep.prom")
	file := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sweep := []string{"sweep", "--all-users", "--yes", "--graph-url", root, "--results", "-", "--metrics-file", path}
	has := func(p process, code int, want ...string) {
		t.Helper()
		if p.code != code {
			t.Errorf("exit %d, want %d\n%s", p.code, code, p.stderr)
		}
		for _, w := range want {
			if !strings.Contains(file(), "\ntapsweep_"+w+"\n") {
				t.Errorf("no %s in\n%s", w, file())
			}
		}
	}
	// A dry run, or a simulation, says nothing of how the nights go.
	if p := tapsweep(t, env, append(sweep, "--dry-run")...); p.code != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	list := writeFile(t, "list.csv", "user\ndana@contoso.com\n")
	if p := tapsweep(t, nil, "revoke", "--simulate", "--yes", "--results", "-", "--metrics-file", path, list); p.code != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("written by a dry run or a simulation:\n%s", file())
	}
	has(tapsweep(t, env, sweep...), 1, `last_run_exit_code{command="sweep",file="tapsweep"} 1`, `expired_passes_left{command="sweep",file="tapsweep"} 2`, `last_run_rows{command="sweep",file="tapsweep",outcome="rejected"} 2`)
	// One that did not look at everybody does not know what is left.
	has(tapsweep(t, env, append(sweep, "--max-items", "1")...), status.Usage, `last_run_exit_code{command="sweep",file="tapsweep"} 64`)
	if strings.Contains(file(), "expired_passes_left") {
		t.Errorf("%s", file())
	}
	has(tapsweep(t, env, append(sweep, "--max-items", "0")...), 0, `last_run_exit_code{command="sweep",file="tapsweep"} 0`, `expired_passes_left{command="sweep",file="tapsweep"} 0`,
		`oldest_expired_pass_age_seconds{command="sweep",file="tapsweep"} 0`, `last_run_rows{command="sweep",file="tapsweep",outcome="revoked"} 2`, `last_run_users{command="sweep",file="tapsweep"} 2`)
	has(tapsweep(t, env, append(sweep, "--reason", "usable")...), status.Usage, `last_run_exit_code{command="sweep",file="tapsweep"} 64`)
	if strings.Contains(file(), "rows") {
		t.Errorf("a run that never began has rows:\n%s", file())
	}
	has(tapsweep(t, env, append(sweep, "--help")...), 0, `last_run_exit_code{command="sweep",file="tapsweep"} 64`) // is no run
	has(tapsweep(t, append(env, "AZURE_CLIENT_SECRET=wrong"), sweep...), 3, `last_run_exit_code{command="sweep",file="tapsweep"} 3`)
	for name, want := range map[string]string{dir + "/list.csv": ".prom", dir + "/none/x.prom": "/none does not exist", "/proc/self/x.prom": "nothing can be written to /proc/self"} {
		p := tapsweep(t, env, "sweep", "--all-users", "--yes", "--graph-url", root, "--results", "-", "--metrics-file", name)
		if p.code != status.Usage || !strings.Contains(p.stderr, want) {
			t.Errorf("%s: exit %d\n%s", name, p.code, p.stderr)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v beside it", files)
	}
	// What is there and something else stays, be it the log of the very run.
	list = writeFile(t, "list.prom", "user\ndana@contoso.com\n")
	before := file()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"sweep", "--yes", "--users", list, "--metrics-file", list, "--results", "-"}, "not of tapsweep's metrics"},
		{[]string{"sweep", "--yes", "--all-users", "--overwrite", "--metrics-file", path, "--results", path}, "name the same file"},
		{[]string{"scan", "--all-users", "--overwrite", "--metrics-file", dir + "/new.prom", "--output", dir + "/./new.prom"}, "name the same file"},
		{[]string{"scan", "--all-users", "--metrics-file", path}, "of another command"},
	} {
		p := tapsweep(t, env, append(tt.args, "--graph-url", root)...)
		if p.code != status.Usage || !strings.Contains(p.stderr, tt.want) {
			t.Errorf("%q: exit %d, want 64 with %q\n%s", tt.args, p.code, tt.want, p.stderr)
		}
	}
	if after := file(); !strings.HasPrefix(string(mustRead(t, list)), "user") || after == before || !strings.Contains(after, `exit_code{command="sweep",file="tapsweep"} 64`) {
		t.Errorf("a file is lost, or tells of the wrong run:\n%s", after)
	}
	// A link stays one.
	link := dir + "/link.prom"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	has(tapsweep(t, env, append(sweep, "--metrics-file", link)...), 0, `last_run_exit_code{command="sweep",file="tapsweep"} 0`)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("%v, %v", info, err)
	}
}

// A run with a wrong flag leaves metrics if the file is named before it.
func TestMetricsFileOfBadFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		vars string
		args string
		want string // the file that is written
	}{
		{"behind the file", "", "--metrics-file x.prom --order random", "x.prom"},
		{"before the file", "", "--max-items many --metrics-file x.prom", ""},
		{"bad variables", "TAPSWEEP_METRICS_FILE=x.prom TAPSWEEP_MAX_ITEMS=many", "--all-users", "x.prom"},
		{"a bad variable, and the flag", "TAPSWEEP_PRIORITY=top", "--metrics-file x.prom", "x.prom"},
		{"a dry run", "", "--metrics-file x.prom --dry-run --max-items many", ""},
		{"help", "", "--metrics-file x.prom --help --max-items many", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(text string) []string {
				return strings.Fields(strings.ReplaceAll(text, "x.prom", filepath.Join(dir, "x.prom")))
			}
			p := tapsweep(t, in(tt.vars), append([]string{"sweep"}, in(tt.args)...)...)
			if p.code != status.Usage {
				t.Errorf("exit %d\n%s", p.code, p.stderr)
			}
			var got string
			files, err := os.ReadDir(dir)
			if err != nil || len(files) > 1 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				got = f.Name()
				if text := string(mustRead(t, filepath.Join(dir, got))); !strings.Contains(text, "\ntapsweep_last_run_exit_code{command=\"sweep\",file=\"x\"} 64\n") {
					t.Errorf("it says\n%s", text)
				}
			}
			if got != tt.want {
				t.Errorf("%q is written, want %q\n%s", got, tt.want, p.stderr)
			}
		})
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "x.prom")
	for _, args := range [][]string{{"swep", "--metrics-file", file}, {"report", "--nosuch", "--metrics-file", file}} {
		p := tapsweep(t, []string{"TAPSWEEP_METRICS_FILE=" + file}, args...)
		if files, err := os.ReadDir(dir); p.code != status.Usage || err != nil || len(files) > 0 {
			t.Errorf("%q: exit %d, %v, %v", args, p.code, files, err)
		}
	}
}

// The manual's alerts, and its table, name metrics that are there, and no others.
func TestAlerts(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env, root := serve(t, tenant)
	path := filepath.Join(t.TempDir(), "tapsweep.prom")
	if p := tapsweep(t, env, "sweep", "--all-users", "--yes", "--graph-url", root, "--results", "-", "--metrics-file", path); p.code != 0 {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	there := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tapsweep_\w+) gauge$`).FindAllStringSubmatch(string(mustRead(t, path)), -1) {
		there[m[1]] = true
		if !strings.Contains(pageText(t, "nightly"), "| `"+strings.TrimPrefix(m[1], "tapsweep_")+"` |") {
			t.Errorf("%s is not in the manual", m[1])
		}
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
	if err := yaml.UnmarshalStrict([]byte(codeOf(t, "nightly", "yaml")[0]), &rules); err != nil || len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != 3 {
		t.Fatalf("%v, %+v", err, rules)
	}
	for _, r := range rules.Groups[0].Rules {
		name := regexp.MustCompile(`tapsweep_\w+`).FindString(r.Expr)
		if !there[name] || !strings.Contains(r.Expr, `{command="sweep"}`) || r.Alert == "" || r.Annotations["summary"] == "" {
			t.Errorf("%+v: %v", r, there)
		}
		bound := r.For
		if m := regexp.MustCompile(`> (\d+) \* 3600`).FindStringSubmatch(r.Expr); m != nil {
			bound = m[1] + "h"
		}
		if r.Alert == "TapsweepFailed" {
			continue // by the exit code alone
		}
		// Above what two good nights are apart, and below what it takes for one between two to
		// be missed: 26 h paged during a good run.
		if d, err := time.ParseDuration(bound); err != nil || d < nightsApart(t) || d > 42*time.Hour {
			t.Errorf("%s: %v is not between %v and 42h", r.Alert, bound, nightsApart(t))
		}
	}
}

// nightsApart is how long after the end of a night the next one may end, by the manual's
// schedulers.
func nightsApart(t *testing.T) (most time.Duration) {
	t.Helper()
	_, options := units(t)
	span := func(unit, key string) time.Duration {
		d, err := time.ParseDuration(strings.NewReplacer(" ", "", "min", "m").Replace(options[unit][key][0]))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const accuracy, summerTime = time.Minute, time.Hour // AccuracySec, which is not set
	systemd := 24*time.Hour + summerTime + span("tapsweep.timer", "Timer.RandomizedDelaySec") + accuracy + span("tapsweep.service", "Service.TimeoutStartSec")
	_, line := crontab(t)
	words := strings.Fields(line)
	deadline, err := time.ParseDuration(words[slices.Index(words, "--deadline")+1])
	if err != nil {
		t.Fatal(err)
	}
	cron := 24*time.Hour + summerTime + deadline + time.Minute
	_, _, job := manifests(t)
	kubernetes := 24*time.Hour + time.Duration(job.Spec.StartingDeadlineSeconds+job.Spec.JobTemplate.Spec.ActiveDeadlineSeconds)*time.Second
	if job.Spec.TimeZone != "Etc/UTC" {
		kubernetes += summerTime
	}
	return max(systemd, cron, kubernetes)
}
