package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// installed is the path where the examples of the manual expect tapsweep.
const installed = "/usr/local/bin/tapsweep"

// crontab returns the variables and the only command of a crontab.
func crontab(t *testing.T) (env []string, command string) {
	t.Helper()
	text := codeOf(t, "nightly", "crontab")[0]
	nightly := regexp.MustCompile(`^((?:\w+=.*\n)+)\d+ \d+ \* \* \* (` + installed + ` sweep .*)\n$`)
	parts := nightly.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("the crontab is not variables and one command a night:\n%s", text)
	}
	holds(t, "the crontab", text, "MAILTO=")
	lacks(t, "the command, which cron ends at a percent sign", parts[2], "%")
	return strings.Fields(parts[1]), parts[2]
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

// The units are valid for systemd, and agree with the text around them.
func TestUnits(t *testing.T) {
	t.Parallel()
	_, options := units(t)
	service := options["tapsweep.service"]
	for key, want := range map[string]string{
		"Service.Type": "oneshot", "Service.DynamicUser": "yes", "Service.ProtectSystem": "strict",
		"Service.NoNewPrivileges": "yes", "Service.PrivateTmp": "yes", "Service.StateDirectory": "tapsweep",
		"Unit.Wants": "network-online.target", "Unit.After": "network-online.target",
	} {
		same(t, key, strings.Join(service[key], " "), want)
	}
	endsAfterTheDeadline(t, strings.Fields(service["Service.ExecStart"][0]), service["Service.TimeoutStartSec"][0])
	timer := options["tapsweep.timer"]
	same(t, "OnCalendar lines of the timer", len(timer["Timer.OnCalendar"]), 1)
	same(t, "WantedBy of the timer", strings.Join(timer["Install.WantedBy"], " "), "timers.target")
}

// If systemd is installed, its own check finds no error. On Debian, apt-get install systemd installs it.
// It does not need to run. It exits with 0 for unknown keys, so the test reads its messages.
func TestUnitsVerify(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	texts, _ := units(t)
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for name, text := range texts {
		path := filepath.Join(dir, name)
		// The program has to be there. systemd-analyze finds metrics.conf by itself.
		write(t, path, strings.ReplaceAll(text, installed, assert.Must(os.Executable())))
		if filepath.Dir(path) == dir {
			args = append(args, path)
		}
	}
	out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "tapsweep") {
		t.Skipf("systemd-analyze does not work here: %v\n%s", err, out)
	}
	lacks(t, "the output of systemd-analyze", string(out), "tapsweep")
}

// machine is the environment of an example: a tenant, and directories in place of those
// in the example.
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

// run starts a command as a scheduler does: with the given environment only. It cannot
// write to its home or temporary directory.
func (m *machine) run(t *testing.T, env []string, name string, args ...string) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "/"
	cmd.Env = slices.Concat([]string{asMain + "=1", "GORACE=atexit_sleep_ms=0", "HOME=/nonexistent",
		"TMPDIR=/nonexistent"}, m.simulated, env)
	return finish(t, cmd)
}

// nights runs an example on two nights. The first night deletes the passes that are over and keeps all
// others, and the run reports this. The second night has nothing to do or to report. Standard output stays
// empty, because cron would mail it.
func (m *machine) nights(t *testing.T, night func() process) {
	t.Helper()
	log := filepath.Join(m.log, "last.jsonl")
	p := night()
	p.ends(t, 0, "All 20 passes are gone.")
	readEnd(t, readText(t, log), 0)
	for _, row := range hasRows(t, readText(t, log), "revoked 20") {
		holds(t, "reasons of the night", "expired used", row.Reason)
	}
	same(t, "standard output", p.stdout, "")
	leaves(t, m.tenant, 20)
	p = night()
	p.ends(t, 0)
	same(t, "standard error", p.stderr, "")
	readEnd(t, readText(t, log), 0)
	hasRows(t, readText(t, log), "")
	leaves(t, m.tenant, 20)
}

// The manual's crontab sweeps a simulated tenant with the command and the credential that it shows.
func TestNightsOfCron(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	env, line := crontab(t)
	metrics := t.TempDir()
	line = strings.NewReplacer(installed, assert.Must(os.Executable()), "/etc/tapsweep", m.etc, "/var/lib/tapsweep",
		m.log, "/var/lib/node_exporter/textfile", metrics).Replace(line) + " --graph-url " + m.root
	env = append(env, "SHELL=/bin/sh", "PATH=/usr/bin:/bin")
	m.nights(t, func() process { return m.run(t, env, "/bin/sh", "-c", line) })
	holds(t, "the metrics file", readText(t, filepath.Join(metrics, "tapsweep.prom")), "exit_code")
}

// So does the manual's systemd service.
func TestNightsOfSystemd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, options := units(t)
	service := options["tapsweep.service"]
	name, path, _ := strings.Cut(service["Service.LoadCredential"][0], ":")
	credentials, written := t.TempDir(), t.TempDir()
	write(t, filepath.Join(credentials, name), readText(t, strings.Replace(path, "/etc/tapsweep", m.etc, 1)))
	metrics := options[metricsUnit]
	variable, allowed := metrics["Service.Environment"][0], metrics["Service.ReadWritePaths"][0]
	holds(t, "the path of the metrics", variable, "="+allowed+"/")
	// As systemd makes them of LoadCredential= and StateDirectory=.
	env := append(slices.Clone(service["Service.Environment"]), "CREDENTIALS_DIRECTORY="+credentials,
		"STATE_DIRECTORY="+m.log, strings.Replace(variable, allowed, written, 1))
	line := strings.NewReplacer("${CREDENTIALS_DIRECTORY}", credentials, "${STATE_DIRECTORY}",
		m.log).Replace(service["Service.ExecStart"][0])
	words := strings.Fields(line)
	same(t, "the program", words[0], installed)
	lacks(t, "ExecStart", line, "$", "%", `"`, "'")
	m.nights(t, func() process {
		return m.run(t, env, assert.Must(os.Executable()), append(words[1:], "--graph-url", m.root)...)
	})
	holds(t, "the metrics file", readText(t, filepath.Join(written, "tapsweep.prom")), "exit_code")
}

// So does the manual's CronJob.
func TestNightsOfKubernetes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	fields := manifests(t)
	account := fields["ServiceAccount metadata namespace"] + ":" + fields["ServiceAccount metadata name"]
	subject := "system:serviceaccount:" + account
	holds(t, "the trust of the app", strings.Join(codeOf(t, "kubernetes", "bash"), ""), `"subject": "`+subject+`"`)
	// What the webhook sets, by the account's annotation and its own tenant.
	env := []string{"AZURE_TENANT_ID=" + entra.DefaultTenantID,
		"AZURE_CLIENT_ID=" + fields["ServiceAccount metadata annotations azure.workload.identity/client-id"],
		"AZURE_FEDERATED_TOKEN_FILE=" + writeFile(t, "azure-identity-token",
			m.tenant.Entra.FederatedToken(subject, time.Hour))}
	line := strings.ReplaceAll(strings.Join(containerArgs(fields), " "), "/var/lib/tapsweep", m.log)
	m.nights(t, func() process {
		return m.run(t, env, assert.Must(os.Executable()), strings.Fields(line+" --graph-url "+m.root)...)
	})
}

// pod is the path of the pod in the manual's CronJob.
const pod = "CronJob spec jobTemplate spec template spec "

// manifests returns the fields of the manual's manifests. A field is named by its kind and its path, in
// words. An element of a list is named by its number.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	for _, document := range codeOf(t, "kubernetes", "yaml") {
		var tree map[string]any
		assert.OK(t, yaml.UnmarshalStrict([]byte(document), &tree), document)
		flatten(fields, fmt.Sprint(tree["kind"]), tree)
	}
	return fields
}

func flatten(fields map[string]string, path string, node any) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			flatten(fields, path+" "+key, value)
		}
	case []any:
		for i, value := range node {
			flatten(fields, path+" "+strconv.Itoa(i), value)
		}
	default:
		fields[path] = fmt.Sprint(node)
	}
}

// containerArgs returns the arguments of the only container of the job.
func containerArgs(fields map[string]string) (args []string) {
	for i := 0; ; i++ {
		arg, ok := fields[pod+"containers 0 args "+strconv.Itoa(i)]
		if !ok {
			return args
		}
		args = append(args, arg)
	}
}

// The manifests meet the restricted Pod Security Standard, and have the label and annotations of the webhook of
// workload identity. tapsweep gets a volume for its log, and memory for a million users.
// Sources: kubernetes.io/docs/concepts/security/pod-security-standards,
// azure.github.io/azure-workload-identity (label, annotation),
// kubernetes.io/docs/tasks/configure-pod-container/security-context (fsGroupChangePolicy).
func TestManifests(t *testing.T) {
	t.Parallel()
	fields := manifests(t)
	for path, want := range map[string]string{
		"ServiceAccount apiVersion":                                   "v1",
		"ServiceAccount metadata namespace":                           "tapsweep",
		"PersistentVolumeClaim apiVersion":                            "v1",
		"PersistentVolumeClaim metadata namespace":                    "tapsweep",
		"PersistentVolumeClaim spec accessModes 0":                    "ReadWriteOnce",
		"PersistentVolumeClaim spec resources requests storage":       "1Gi",
		"CronJob apiVersion":                                          "batch/v1",
		"CronJob metadata namespace":                                  "tapsweep",
		"CronJob spec schedule":                                       "17 3 * * *",
		"CronJob spec timeZone":                                       "Etc/UTC",
		"CronJob spec concurrencyPolicy":                              "Forbid",
		"CronJob spec startingDeadlineSeconds":                        "3600",
		"CronJob spec jobTemplate spec backoffLimit":                  "0",
		pod + "serviceAccountName":                                    fields["ServiceAccount metadata name"],
		pod + "automountServiceAccountToken":                          "false",
		pod + "restartPolicy":                                         "Never",
		pod + "securityContext runAsNonRoot":                          "true",
		pod + "securityContext runAsUser":                             "65532",
		pod + "securityContext fsGroup":                               "65532",
		pod + "securityContext fsGroupChangePolicy":                   "OnRootMismatch",
		pod + "securityContext seccompProfile type":                   "RuntimeDefault",
		pod + "containers 0 volumeMounts 0 name":                      fields[pod+"volumes 0 name"],
		pod + "containers 0 securityContext allowPrivilegeEscalation": "false",
		pod + "containers 0 securityContext readOnlyRootFilesystem":   "true",
		pod + "containers 0 securityContext capabilities drop 0":      "ALL",
		pod + "containers 0 resources requests memory":                "128Mi",
		pod + "containers 0 resources limits memory":                  "256Mi",
	} {
		same(t, path, fields[path], want)
	}
	same(t, "claim of the volume", fields[pod+"volumes 0 persistentVolumeClaim claimName"],
		fields["PersistentVolumeClaim metadata name"])
	label := "CronJob spec jobTemplate spec template metadata labels azure.workload.identity/use"
	same(t, label, fields[label], "true")
	differs(t, "annotation with the client ID",
		fields["ServiceAccount metadata annotations azure.workload.identity/client-id"], "")
	for path, value := range fields {
		lacks(t, path, strings.ToLower(path+" "+value), "secret", "capabilities add")
	}
}

// The results log is on the volume, and each night replaces the log of the night before. tapsweep has enough
// time to end in order, even if the image must be pulled.
func TestManifestsOfTheRun(t *testing.T) {
	t.Parallel()
	fields := manifests(t)
	line := strings.Join(containerArgs(fields), " ")
	holds(t, "the command", line, "--results "+fields[pod+"containers 0 volumeMounts 0 mountPath"]+"/", " --overwrite")
	endsAfterTheDeadline(t, strings.Fields(line), fields["CronJob spec jobTemplate spec activeDeadlineSeconds"]+"s")
}

// endsAfterTheDeadline fails the test unless the limit of a scheduler leaves five minutes after --deadline.
func endsAfterTheDeadline(t *testing.T, args []string, limit string) {
	t.Helper()
	_, rest, _ := strings.Cut(strings.Join(args, " "), "--deadline ")
	deadline := assert.Must(time.ParseDuration(strings.Fields(rest)[0]))
	end := assert.Must(time.ParseDuration(strings.NewReplacer(" ", "", "min", "m").Replace(limit)))
	atLeast(t, "limit of the scheduler", end, deadline+5*time.Minute)
}
