package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// pod is where the CronJob of the manual describes its pod.
const pod = "CronJob spec jobTemplate spec template spec "

// manifests returns the fields of the manual's manifests. A field is named by its kind and its path, in
// words. An element of a list is named by its number.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	for _, document := range codeOf(t, "kubernetes", "yaml") {
		var tree map[string]any
		if err := yaml.UnmarshalStrict([]byte(document), &tree); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
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

// containerArgs returns the arguments of the job's one container.
func containerArgs(fields map[string]string) (args []string) {
	for i := 0; ; i++ {
		arg, ok := fields[pod+"containers 0 args "+strconv.Itoa(i)]
		if !ok {
			return args
		}
		args = append(args, arg)
	}
}

// The manifests say what the restricted Pod Security Standard and the webhook of workload identity need,
// and what tapsweep needs: a volume for its log, and room for a million users.
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
	differs(t, "annotation with the client id",
		fields["ServiceAccount metadata annotations azure.workload.identity/client-id"], "")
	for path, value := range fields {
		lacks(t, path, strings.ToLower(path+" "+value), "secret", "capabilities add")
	}
}

// The results log is on the volume, the second night replaces that of the first, and tapsweep has the time
// to end in good order, even if the image has to be pulled.
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
	deadline, err := time.ParseDuration(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	end, err := time.ParseDuration(strings.NewReplacer(" ", "", "min", "m").Replace(limit))
	if err != nil {
		t.Fatal(err)
	}
	atLeast(t, "limit of the scheduler", end, deadline+5*time.Minute)
}
