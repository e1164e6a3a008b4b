//go:build !race

// Package kube reads the README's Kubernetes manifests as Kubernetes does. It
// stands alone because Kubernetes' types take 20 s to compile, and it is left out
// of race runs because they would take them again.
package kube

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"tapsweep/cmd/tapsweep/internal/readme"
)

// manifests returns the README's, read as the API server reads them under strict
// field validation: no field that it does not know, none twice, none of another
// type. Reading YAML right into the types would take true for "true".
func manifests(t *testing.T) (*corev1.ServiceAccount, *corev1.PersistentVolumeClaim, *batchv1.CronJob) {
	t.Helper()
	text, err := os.ReadFile("../../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := readme.Blocks(string(text), "yaml")
	if len(blocks) != 2 {
		t.Fatalf("%d yaml blocks in the README, want 2", len(blocks))
	}
	account, claim, job := new(corev1.ServiceAccount), new(corev1.PersistentVolumeClaim), new(batchv1.CronJob)
	documents := strings.Split(blocks[0], "\n---\n")
	if len(documents) != 3 {
		t.Fatalf("%d manifests, want 3", len(documents))
	}
	for i, into := range []any{account, claim, job} {
		data, err := yaml.YAMLToJSONStrict([]byte(documents[i]))
		if err != nil {
			t.Fatalf("manifest %d: %v", i+1, err)
		}
		if strict, err := kubejson.UnmarshalStrict(data, into); err != nil || len(strict) > 0 {
			t.Fatalf("manifest %d: %v %v", i+1, err, strict)
		}
	}
	return account, claim, job
}

func TestManifests(t *testing.T) {
	account, _, job := manifests(t)
	if account.APIVersion != "v1" || account.Kind != "ServiceAccount" || job.APIVersion != "batch/v1" || job.Kind != "CronJob" {
		t.Errorf("%s %s, %s %s", account.APIVersion, account.Kind, job.APIVersion, job.Kind)
	}
	pod := job.Spec.JobTemplate.Spec.Template
	if pod.Spec.ServiceAccountName != account.Name || job.Namespace != account.Namespace || account.Name == "" || account.Namespace == "" {
		t.Errorf("the pod runs as %s/%s, the account is %s/%s", job.Namespace, pod.Spec.ServiceAccountName, account.Namespace, account.Name)
	}
	// What the webhook goes by.
	// Source: azure.github.io/azure-workload-identity, service account labels and annotations.
	if pod.Labels["azure.workload.identity/use"] != "true" || account.Annotations["azure.workload.identity/client-id"] == "" {
		t.Errorf("pod labels %v, account annotations %v", pod.Labels, account.Annotations)
	}
	if job.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("concurrencyPolicy %s, restartPolicy %s", job.Spec.ConcurrencyPolicy, pod.Spec.RestartPolicy)
	}
	if n := job.Spec.JobTemplate.Spec.BackoffLimit; n == nil || *n != 0 {
		t.Error("backoffLimit is not 0")
	}
	if zone := job.Spec.TimeZone; zone == nil {
		t.Error("no time zone: the night is the controller's")
	} else if _, err := time.LoadLocation(*zone); err != nil {
		t.Errorf("timeZone: %v", err)
	}
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers, want 1", len(pod.Spec.Containers))
	}
	c := pod.Spec.Containers[0]
	i := slices.Index(c.Args, "--deadline")
	if i < 0 || i+1 == len(c.Args) {
		t.Fatalf("no --deadline in %q", c.Args)
	}
	deadline, err := time.ParseDuration(c.Args[i+1])
	if err != nil {
		t.Fatal(err)
	}
	// tapsweep takes up to 10 s to end in good order, and the image has to be pulled.
	if active := job.Spec.JobTemplate.Spec.ActiveDeadlineSeconds; active == nil {
		t.Error("no activeDeadlineSeconds")
	} else if d := time.Duration(*active) * time.Second; d < deadline+5*time.Minute {
		t.Errorf("activeDeadlineSeconds is %v, --deadline %v: the deadline ends a run better", d, deadline)
	}
	if limit := c.Resources.Limits.Memory().Value(); limit < 200<<20 || c.Resources.Requests.Memory().Value() < 100<<20 {
		t.Errorf("memory %v: a million users take 98 MB", c.Resources)
	}
}

// The pod asks for nothing that the restricted Pod Security Standard forbids, and
// there is no secret in it.
// Source: kubernetes.io/docs/concepts/security/pod-security-standards.
func TestManifestsAreRestricted(t *testing.T) {
	_, _, job := manifests(t)
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod's security context is %+v", s)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod gets a token for the cluster, which it has no use for")
	}
	for _, c := range pod.Containers {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil ||
			!*s.ReadOnlyRootFilesystem || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
			len(s.Capabilities.Add) != 0 {
			t.Errorf("the security context of %s is %+v", c.Name, s)
		}
		if len(c.Env) != 0 || len(c.EnvFrom) != 0 {
			t.Errorf("%s has an environment: %v %v", c.Name, c.Env, c.EnvFrom)
		}
	}
	if text, err := json.Marshal(job); err != nil || strings.Contains(strings.ToLower(string(text)), "secret") {
		t.Errorf("a secret: %s, %v", text, err)
	}
}

// The results log is on the volume of the claim, so it is not mixed with standard error as in
// the output of kubectl logs. Mounting does not change its mode.
// Source: kubernetes.io/docs/tasks/configure-pod-container/security-context, fsGroupChangePolicy.
func TestLogIsOnAVolume(t *testing.T) {
	_, claim, job := manifests(t)
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	if len(pod.Volumes) != 1 || pod.Volumes[0].PersistentVolumeClaim == nil {
		t.Fatalf("the volumes are %+v, want one of a claim", pod.Volumes)
	}
	if name := pod.Volumes[0].PersistentVolumeClaim.ClaimName; name != claim.Name || claim.Namespace != job.Namespace {
		t.Errorf("the volume is of %s/%s, and the claim is %s/%s", job.Namespace, name, claim.Namespace, claim.Name)
	}
	if size := claim.Spec.Resources.Requests.Storage().Value(); size < 100<<20 {
		t.Errorf("the claim asks for %d bytes, and the ids of a million users alone take 40 MB", size)
	}
	c := pod.Containers[0]
	if len(c.VolumeMounts) != 1 || c.VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Fatalf("the mounts are %+v, want that of %s", c.VolumeMounts, pod.Volumes[0].Name)
	}
	i := slices.Index(c.Args, "--results")
	if i < 0 || i+1 == len(c.Args) || !strings.HasPrefix(c.Args[i+1], c.VolumeMounts[0].MountPath+"/") {
		t.Errorf("the results log of %q is not on %s", c.Args, c.VolumeMounts[0].MountPath)
	}
	if !slices.Contains(c.Args, "--overwrite") {
		t.Error("the second night finds the log of the first")
	}
	s := pod.SecurityContext
	if s.FSGroup == nil || *s.FSGroup == 0 {
		t.Error("no fsGroup: only root can write to the volume")
	}
	if s.FSGroupChangePolicy == nil || *s.FSGroupChangePolicy != corev1.FSGroupChangeOnRootMismatch {
		t.Error("each mount opens the log to the group, and tapsweep refuses it then")
	}
}
