package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/cmd/tapsweep/internal/status"
)

// installed is where the examples of the manual expect tapsweep.
const installed = "/usr/local/bin/tapsweep"

// checkSchedule checks the five fields of cron(5): numbers within bounds, with
// steps, ranges and lists.
func checkSchedule(fields []string) error {
	bounds := [][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}}
	if len(fields) != len(bounds) {
		return fmt.Errorf("%d time fields in %q, want 5", len(fields), fields)
	}
	for i, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			span, step, stepped := strings.Cut(part, "/")
			numbers := strings.SplitN(span, "-", 2)
			if span == "*" {
				numbers = nil
			}
			if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
				return fmt.Errorf("time field %d: step %q", i+1, step)
			}
			for _, text := range numbers {
				if n, err := strconv.Atoi(text); err != nil || n < bounds[i][0] || n > bounds[i][1] {
					return fmt.Errorf("time field %d: %q is not within %v", i+1, text, bounds[i])
				}
			}
		}
	}
	return nil
}

func TestCheckSchedule(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"17 3 * * *": true, "*/5 0-6/2 1,15 * 7": true, "60 3 * * *": false, "17 3 * *": false, "17 3 0 * *": false,
		"*/0 3 * * *": false, "x 3 * * *": false,
	} {
		if err := checkSchedule(strings.Fields(text)); (err == nil) != ok {
			t.Errorf("checkSchedule(%q) = %v", text, err)
		}
	}
}

// crontab takes a crontab apart: the variables and the one command.
func crontab(t *testing.T) (env []string, command string) {
	t.Helper()
	for line := range strings.Lines(codeOf(t, "nightly", "crontab")[0]) {
		line = strings.TrimSpace(line)
		if name, _, ok := strings.Cut(line, "="); ok && !strings.Contains(name, " ") {
			env = append(env, line)
			continue
		}
		fields := strings.Fields(line)
		if command != "" || len(fields) < 6 {
			t.Fatalf("not a variable and not the one command: %s", line)
		}
		if err := checkSchedule(fields[:5]); err != nil {
			t.Error(err)
		}
		command = strings.Join(fields[5:], " ")
	}
	if !strings.HasPrefix(command, installed+" sweep ") {
		t.Fatalf("the command is %q", command)
	}
	if strings.Contains(strings.ReplaceAll(command, `\%`, ""), "%") {
		t.Errorf("cron ends the command at the %% in %q", command)
	}
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "MAILTO=") }) {
		t.Error("nobody gets the mail")
	}
	return env, command
}

// metricsUnit adds a metrics file to the service.
const metricsUnit = "tapsweep.service.d/metrics.conf"

// units returns the manual's units by file name: their texts, and their options as
// "Section.Key" with all values of the key. systemd-analyze checks whether systemd knows the keys.
func units(t *testing.T) (texts map[string]string, options map[string]map[string][]string) {
	t.Helper()
	texts, options = make(map[string]string), make(map[string]map[string][]string)
	for _, text := range codeOf(t, "nightly", "ini") {
		first, _, _ := strings.Cut(text, "\n")
		name, ok := strings.CutPrefix(first, "# /etc/systemd/system/")
		if !ok {
			t.Fatalf("a unit begins with %q and not with its path", first)
		}
		texts[name], options[name] = text, unitOptions(t, text)
	}
	for _, name := range []string{"tapsweep.service", "tapsweep.timer", metricsUnit} {
		if texts[name] == "" {
			t.Fatalf("the manual has no %s", name)
		}
	}
	return texts, options
}

// unitOptions reads a unit file: sections, keys, and values that a backslash continues.
// Source: systemd.syntax(7).
func unitOptions(t *testing.T, text string) map[string][]string {
	t.Helper()
	options, section := make(map[string][]string), ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			t.Fatalf("not a key of a section: %s", line)
		}
		options[section+"."+key] = append(options[section+"."+key], value)
	}
	return options
}

// The units are what systemd takes, and say what the text around them says.
func TestUnits(t *testing.T) {
	t.Parallel()
	_, options := units(t)
	service := options["tapsweep.service"]
	for key, want := range map[string]string{
		"Service.Type": "oneshot", "Service.DynamicUser": "yes", "Service.ProtectSystem": "strict",
		"Service.NoNewPrivileges": "yes",
		"Service.PrivateTmp":      "yes", "Service.StateDirectory": "tapsweep", "Unit.Wants": "network-online.target",
		"Unit.After": "network-online.target",
	} {
		if got := service[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	words := strings.Fields(service["Service.ExecStart"][0])
	deadline, err := time.ParseDuration(words[slices.Index(words, "--deadline")+1])
	if err != nil {
		t.Fatal(err)
	}
	limit, err := time.ParseDuration(strings.NewReplacer(" ", "", "min",
		"m").Replace(service["Service.TimeoutStartSec"][0]))
	if err != nil || limit < deadline+5*time.Minute {
		t.Errorf("TimeoutStartSec is %v, --deadline %v: the deadline ends a run better", limit, deadline)
	}
	same(t, "OnCalendar lines of the timer", len(options["tapsweep.timer"]["Timer.OnCalendar"]), 1)
	same(t, "WantedBy lines of the timer", len(options["tapsweep.timer"]["Install.WantedBy"]), 1)
	same(t, "WantedBy of the timer", options["tapsweep.timer"]["Install.WantedBy"][0], "timers.target")
}

// systemd's own check, where it is installed: on Debian and its kin by
// apt-get install systemd. It does not need to run.
func TestUnitsVerify(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	texts, _ := units(t)
	dir := t.TempDir()
	verify := func() string {
		args := []string{"verify", "--man=no"}
		for name, text := range texts {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			// The program has to be there.
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, installed, must(os.Executable()))),
				0o600); err != nil {
				t.Fatal(err)
			}
			if filepath.Dir(path) == dir { // it reads the files that add to a unit itself
				args = append(args, path)
			}
		}
		// What it says is what counts: for keys it does not know it exits 0. Older
		// ones tell of this machine's other units too.
		out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
		var ours strings.Builder
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "tapsweep") {
				ours.WriteString(line)
			}
		}
		if err != nil && ours.Len() == 0 {
			t.Skipf("systemd-analyze does not work here: %v\n%s", err, out)
		}
		return ours.String()
	}
	if said := verify(); said != "" {
		t.Errorf("%s", said)
	}
	for name, wrong := range map[string][2]string{"tapsweep.service": {"NoNewPrivileges", "NoMorePrivileges"},
		"tapsweep.timer": {"03:00:00", "33:00:00"}, metricsUnit: {"ReadWritePaths", "ReadWriteFolders"}} {
		right := texts[name]
		texts[name] = strings.Replace(right, wrong[0], wrong[1], 1)
		if said := verify(); said == "" {
			t.Errorf("%s in place of %s is not found", wrong[1], wrong[0])
		}
		texts[name] = right
	}
}

// machine is where an example runs: a tenant, and directories in place of the
// example's.
type machine struct {
	tenant    *graphsim.Tenant
	root      string
	simulated []string // environment that leads to the tenant, without who signs in
	etc, log  string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	tenant := leftovers(400, graphsim.Options{})
	env, root := serveAt(t, tenant)
	return &machine{tenant: tenant, root: root,
		simulated: without(env, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
		etc:       filepath.Dir(certificate(t, tenant)), log: t.TempDir()}
}

// run starts a command as a scheduler does: with its own environment and nothing
// else, and no home or temporary directory that anything can be written to.
func (m *machine) run(t *testing.T, env []string, name string, args ...string) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "/"
	cmd.Env = slices.Concat([]string{asMain + "=1", "GORACE=atexit_sleep_ms=0", "HOME=/nonexistent",
		"TMPDIR=/nonexistent"}, m.simulated, env)
	return finish(t, cmd)
}

// nights runs an example on two nights: what is over goes, everything else stays,
// one line tells; then there is nothing to do and nothing to say. wroteLog returns
// the results log of the night.
func (m *machine) nights(t *testing.T, night func() process, wroteLog func(process) string) {
	t.Helper()
	p := night()
	p.ends(t, 0)
	rows, end := readLog(t, wroteLog(p))
	if len(rows) != 20 || end == nil || end.Exit != 0 {
		t.Fatalf("%v, the end is %v\n%s", outcomes(rows), end, p.stderr)
	}
	for _, row := range rows {
		if row.Reason != "expired" && row.Reason != "used" {
			t.Errorf("%+v", row)
		}
	}
	holds(t, "standard error", p.stderr, "All 20 passes are gone.")
	if left := len(m.tenant.Remaining()); left != 20 || m.tenant.Stats().Deleted != 20 {
		t.Errorf("%d left, %d deleted, want 20 and 20", left, m.tenant.Stats().Deleted)
	}
	p = night()
	rows, end = readLog(t, wroteLog(p))
	p.ends(t, 0)
	same(t, "standard error", p.stderr, "")
	hasRows(t, rows, 0)
	if end == nil {
		t.Fatal("the log has no last line")
	}
	leaves(t, m.tenant, 20)
}

// The manual's crontab, systemd service and CronJob each sweep a simulated tenant
// with the command and the credential that they show.
func TestEveryNight(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("none of them is for Windows")
	}
	t.Run("cron", testCron)
	t.Run("systemd", testSystemd)
	t.Run("Kubernetes", testKubernetes)
}

func testCron(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	env, line := crontab(t)
	line = strings.NewReplacer(installed, must(os.Executable()), "/etc/tapsweep", m.etc, "/var/lib/tapsweep",
		m.log).Replace(line) +
		" --graph-url " + m.root
	env = append(env, "SHELL=/bin/sh", "PATH=/usr/bin:/bin")
	log := filepath.Join(m.log, "last.jsonl")
	night := func() process { return m.run(t, env, "/bin/sh", "-c", line) }
	m.nights(t, night, func(p process) string {
		if p.stdout != "" {
			t.Errorf("cron would mail this: %s", p.stdout)
		}
		return string(mustRead(t, log))
	})
	// A run that is still going keeps the next one off.
	lock := flock.New(log)
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	before := string(mustRead(t, log))
	night().ends(t, status.Usage, "another run is writing")
	same(t, "the log", string(mustRead(t, log)), before)
}

func testSystemd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, options := units(t)
	service := options["tapsweep.service"]
	name, path, _ := strings.Cut(service["Service.LoadCredential"][0], ":")
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, name),
		mustRead(t, strings.Replace(path, "/etc/tapsweep", m.etc, 1)), 0o400); err != nil {
		t.Fatal(err)
	}
	metrics, written := options[metricsUnit], t.TempDir()
	variable := metrics["Service.Environment"][0]
	if _, path, _ := strings.Cut(variable, "="); filepath.Dir(path) != metrics["Service.ReadWritePaths"][0] {
		t.Errorf("%s is not in a directory that the unit may write to", path)
	}
	// As systemd makes them of LoadCredential= and StateDirectory=.
	env := append(slices.Clone(service["Service.Environment"]), "CREDENTIALS_DIRECTORY="+credentials,
		"STATE_DIRECTORY="+m.log, strings.Replace(variable, metrics["Service.ReadWritePaths"][0], written, 1))
	line := strings.NewReplacer("${CREDENTIALS_DIRECTORY}", credentials, "${STATE_DIRECTORY}",
		m.log).Replace(service["Service.ExecStart"][0])
	words := strings.Fields(line)
	if words[0] != installed || strings.ContainsAny(line, "$%\"'") {
		t.Fatalf("ExecStart is %q", words)
	}
	m.nights(t, func() process {
		return m.run(t, env, must(os.Executable()), append(words[1:], "--graph-url", m.root)...)
	},
		func(process) string { return string(mustRead(t, filepath.Join(m.log, "last.jsonl"))) })
	if text := string(mustRead(t, filepath.Join(written, "tapsweep.prom"))); !strings.Contains(text, "exit_code") {
		t.Errorf("the metrics file has\n%s", text)
	}
}

func testKubernetes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	account, _, job := manifests(t)
	if err := checkSchedule(strings.Fields(job.Spec.Schedule)); err != nil {
		t.Error(err)
	}
	subject := "system:serviceaccount:" + account.Metadata.Namespace + ":" + account.Metadata.Name
	if trust := strings.Join(codeOf(t, "kubernetes", "bash"), ""); !strings.Contains(trust,
		`"subject": "`+subject+`"`) {
		t.Errorf("the app trusts another subject than %s:\n%s", subject, trust)
	}
	// What the webhook sets, by the account's annotation and its own tenant.
	env := []string{"AZURE_CLIENT_ID=" + account.Metadata.Annotations["azure.workload.identity/client-id"],
		"AZURE_TENANT_ID=" + entra.DefaultTenantID,
		"AZURE_FEDERATED_TOKEN_FILE=" + writeFile(t, "azure-identity-token",
			m.tenant.Entra.FederatedToken(subject, time.Hour))}
	args := append(job.pod().Containers[0].Args, "--graph-url", m.root)
	for i, arg := range args {
		args[i] = strings.Replace(arg, "/var/lib/tapsweep", m.log, 1)
	}
	m.nights(t, func() process { return m.run(t, env, must(os.Executable()), args...) }, func(p process) string {
		if p.stdout != "" {
			t.Errorf("this is mixed with standard error in the pod's log: %s", p.stdout)
		}
		return string(mustRead(t, filepath.Join(m.log, "last.jsonl")))
	})
}
