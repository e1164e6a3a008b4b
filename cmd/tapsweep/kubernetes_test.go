package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// The manifests have the fields that the manual's examples use. They are read strictly, so
// that a field that is misspelled or of another type is found.
// Source: kubernetes.io/docs/reference/kubernetes-api.
type (
	objectMeta struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	}

	serviceAccount struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Metadata   objectMeta `json:"metadata"`
	}

	volumeClaim struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Metadata   objectMeta `json:"metadata"`
		Spec       struct {
			AccessModes []string  `json:"accessModes"`
			Resources   resources `json:"resources"`
		} `json:"spec"`
	}

	cronJob struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Metadata   objectMeta `json:"metadata"`
		Spec       struct {
			Schedule                string `json:"schedule"`
			TimeZone                string `json:"timeZone"`
			ConcurrencyPolicy       string `json:"concurrencyPolicy"`
			StartingDeadlineSeconds int    `json:"startingDeadlineSeconds"`
			FailedJobsHistoryLimit  int    `json:"failedJobsHistoryLimit"`
			JobTemplate             struct {
				Spec struct {
					BackoffLimit          *int `json:"backoffLimit"`
					ActiveDeadlineSeconds int  `json:"activeDeadlineSeconds"`
					Template              struct {
						Metadata objectMeta `json:"metadata"`
						Spec     podSpec    `json:"spec"`
					} `json:"template"`
				} `json:"spec"`
			} `json:"jobTemplate"`
		} `json:"spec"`
	}

	podSpec struct {
		ServiceAccountName           string      `json:"serviceAccountName"`
		AutomountServiceAccountToken *bool       `json:"automountServiceAccountToken"`
		RestartPolicy                string      `json:"restartPolicy"`
		SecurityContext              podSecurity `json:"securityContext"`
		Volumes                      []struct {
			Name                  string `json:"name"`
			PersistentVolumeClaim struct {
				ClaimName string `json:"claimName"`
			} `json:"persistentVolumeClaim"`
		} `json:"volumes"`
		Containers []container `json:"containers"`
	}

	podSecurity struct {
		RunAsNonRoot        bool              `json:"runAsNonRoot"`
		RunAsUser           int               `json:"runAsUser"`
		RunAsGroup          int               `json:"runAsGroup"`
		FSGroup             int               `json:"fsGroup"`
		FSGroupChangePolicy string            `json:"fsGroupChangePolicy"`
		SeccompProfile      map[string]string `json:"seccompProfile"`
	}

	container struct {
		Name         string   `json:"name"`
		Image        string   `json:"image"`
		Args         []string `json:"args"`
		VolumeMounts []struct {
			Name      string `json:"name"`
			MountPath string `json:"mountPath"`
		} `json:"volumeMounts"`
		SecurityContext struct {
			AllowPrivilegeEscalation *bool               `json:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool                `json:"readOnlyRootFilesystem"`
			Capabilities             map[string][]string `json:"capabilities"`
		} `json:"securityContext"`
		Resources resources `json:"resources"`
	}

	resources struct {
		Requests map[string]string `json:"requests"`
		Limits   map[string]string `json:"limits"`
	}
)

func (j *cronJob) pod() *podSpec { return &j.Spec.JobTemplate.Spec.Template.Spec }

// manifests returns the manual's manifests. Each is a block of its own: tapsweep help indents blocks, and
// an indented "---" does not separate documents.
func manifests(t *testing.T) (account serviceAccount, claim volumeClaim, job cronJob) {
	t.Helper()
	documents := codeOf(t, "kubernetes", "yaml")
	if len(documents) != 3 {
		t.Fatalf("%d manifests, want 3", len(documents))
	}
	for i, into := range []any{&account, &claim, &job} {
		if err := yaml.UnmarshalStrict([]byte(documents[i]), into); err != nil {
			t.Fatalf("manifest %d: %v", i+1, err)
		}
	}
	if n := len(job.pod().Containers); n != 1 {
		t.Fatalf("%d containers, want 1", n)
	}
	return account, claim, job
}

func TestManifests(t *testing.T) {
	t.Parallel()
	account, claim, job := manifests(t)
	same(t, "the account's apiVersion", account.APIVersion, "v1")
	same(t, "the account's kind", account.Kind, "ServiceAccount")
	same(t, "the claim's apiVersion", claim.APIVersion, "v1")
	same(t, "the claim's kind", claim.Kind, "PersistentVolumeClaim")
	same(t, "the job's apiVersion", job.APIVersion, "batch/v1")
	same(t, "the job's kind", job.Kind, "CronJob")
	same(t, "the account's namespace", account.Metadata.Namespace, "tapsweep")
	same(t, "the claim's namespace", claim.Metadata.Namespace, "tapsweep")
	same(t, "the job's namespace", job.Metadata.Namespace, "tapsweep")
	same(t, "serviceAccountName", job.pod().ServiceAccountName, account.Metadata.Name)
	same(t, "concurrencyPolicy", job.Spec.ConcurrencyPolicy, "Forbid")
	same(t, "restartPolicy", job.pod().RestartPolicy, "Never")
	if n := job.Spec.JobTemplate.Spec.BackoffLimit; n == nil || *n != 0 {
		t.Error("backoffLimit is not 0")
	}
	if _, err := time.LoadLocation(job.Spec.TimeZone); err != nil || job.Spec.TimeZone == "" {
		t.Errorf("timeZone %q: %v", job.Spec.TimeZone, err)
	}
}

// The webhook of workload identity needs a label and an annotation.
// Source: azure.github.io/azure-workload-identity, service account labels and annotations.
func TestManifestsOfWorkloadIdentity(t *testing.T) {
	t.Parallel()
	account, _, job := manifests(t)
	labels := job.Spec.JobTemplate.Spec.Template.Metadata.Labels
	same(t, "the pod's label", labels["azure.workload.identity/use"], "true")
	if account.Metadata.Annotations["azure.workload.identity/client-id"] == "" {
		t.Error("the account has no annotation with the client id")
	}
}

// tapsweep takes up to 10 s to end in good order, and the image has to be pulled.
func TestManifestsEndAfterTheDeadline(t *testing.T) {
	t.Parallel()
	_, _, job := manifests(t)
	deadline, err := time.ParseDuration(argument(t, job.pod().Containers[0].Args, "--deadline"))
	if err != nil {
		t.Fatal(err)
	}
	active := time.Duration(job.Spec.JobTemplate.Spec.ActiveDeadlineSeconds) * time.Second
	if active < deadline+5*time.Minute {
		t.Errorf("activeDeadlineSeconds is %v, --deadline %v: the deadline ends a run better", active, deadline)
	}
}

// argument returns the argument that follows a flag.
func argument(t *testing.T, args []string, flag string) string {
	t.Helper()
	i := slices.Index(args, flag)
	if i < 0 || i+1 == len(args) {
		t.Fatalf("no %s in %q", flag, args)
	}
	return args[i+1]
}

// A million users take 98 MB.
func TestManifestsLeaveRoom(t *testing.T) {
	t.Parallel()
	_, claim, job := manifests(t)
	r := job.pod().Containers[0].Resources
	same(t, "the memory request", r.Requests["memory"], "128Mi")
	same(t, "the memory limit", r.Limits["memory"], "256Mi")
	same(t, "the claim's storage", claim.Spec.Resources.Requests["storage"], "1Gi")
}

// The pod asks for nothing that the restricted Pod Security Standard forbids.
// Source: kubernetes.io/docs/concepts/security/pod-security-standards.
func TestManifestsAreRestricted(t *testing.T) {
	t.Parallel()
	_, _, job := manifests(t)
	pod := job.pod()
	same(t, "runAsNonRoot", pod.SecurityContext.RunAsNonRoot, true)
	if pod.SecurityContext.RunAsUser == 0 {
		t.Error("the pod runs as root")
	}
	same(t, "the seccomp profile", pod.SecurityContext.SeccompProfile["type"], "RuntimeDefault")
	if a := pod.AutomountServiceAccountToken; a == nil || *a {
		t.Error("the pod gets a token for the cluster, and has no use for it")
	}
	s := pod.Containers[0].SecurityContext
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		t.Error("allowPrivilegeEscalation is not false")
	}
	same(t, "readOnlyRootFilesystem", s.ReadOnlyRootFilesystem, true)
	if drop := s.Capabilities["drop"]; !slices.Equal(drop, []string{"ALL"}) {
		t.Errorf("capabilities dropped are %q, want ALL", drop)
	}
	if add := s.Capabilities["add"]; len(add) != 0 {
		t.Errorf("capabilities added are %q, want none", add)
	}
}

func TestManifestsHoldNoSecret(t *testing.T) {
	t.Parallel()
	_, _, job := manifests(t)
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(text)), "secret") {
		t.Errorf("the job names a secret: %s", text)
	}
}

// The results log is on the volume of the claim, so that it is not mixed with standard error
// in the output of kubectl logs. Mounting does not change its mode.
// Source: kubernetes.io/docs/tasks/configure-pod-container/security-context, fsGroupChangePolicy.
func TestManifestsKeepTheLog(t *testing.T) {
	t.Parallel()
	_, claim, job := manifests(t)
	pod, c := job.pod(), job.pod().Containers[0]
	if len(pod.Volumes) != 1 || len(c.VolumeMounts) != 1 {
		t.Fatalf("%d volumes and %d mounts, want one of each", len(pod.Volumes), len(c.VolumeMounts))
	}
	same(t, "the volume's claim", pod.Volumes[0].PersistentVolumeClaim.ClaimName, claim.Metadata.Name)
	same(t, "the mounted volume", c.VolumeMounts[0].Name, pod.Volumes[0].Name)
	if log := argument(t, c.Args, "--results"); !strings.HasPrefix(log, c.VolumeMounts[0].MountPath+"/") {
		t.Errorf("the results log %s is not on the volume", log)
	}
	if !slices.Contains(c.Args, "--overwrite") {
		t.Error("the second night finds the log of the first")
	}
	if pod.SecurityContext.FSGroup == 0 {
		t.Error("no fsGroup: only root can write to the volume")
	}
	same(t, "fsGroupChangePolicy", pod.SecurityContext.FSGroupChangePolicy, "OnRootMismatch")
}
