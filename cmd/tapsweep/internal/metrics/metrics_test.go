package metrics

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// checkFile writes the file for a sweep that ended with 1, and checks that it has the lines of want,
// without their prefix and labels, and none that begins with one of the names in lacks.
func checkFile(t *testing.T, r *Recorder, want string, lacks ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tapsweep.prom")
	if err := r.Write(path, "sweep", 1); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(bytes.NewReader(data)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v in\n%s", err, problems, data)
	}
	if !strings.HasPrefix(string(data), Begin) {
		t.Errorf("it begins otherwise:\n%s", data)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%v beside it", files)
	}
	text := strings.NewReplacer("tapsweep_", "", `{command="sweep",file="tapsweep"}`, "",
		`command="sweep",file="tapsweep",`, "").Replace(string(data))
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, data)
		}
	}
	for _, name := range lacks {
		if strings.Contains(text, "\n"+name) {
			t.Errorf("%s in\n%s", name, data)
		}
	}
}

// expiredPass is a pass that a scan found, some time after it expired.
func expiredPass(id string, age time.Duration) *scan.Found {
	return &scan.Found{Why: pass.Expired,
		Pass: pass.Pass{ID: id, Start: time.Now().Add(-age - time.Hour), Lifetime: time.Hour}}
}

func TestWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder()
		r.Scans()
		time.Sleep(90 * time.Second)
		used := expiredPass("d", 20*time.Hour)
		used.Why = pass.Used
		for _, f := range []*scan.Found{expiredPass("a", 9*time.Hour), expiredPass("b", 3*time.Hour),
			expiredPass("c", 5*time.Hour), used, {Why: pass.Expired, Pass: pass.Pass{ID: "no dates"}}} {
			r.Found(f)
		}
		r.Row(&results.Row{Method: "a", Outcome: results.Revoked})
		r.Row(&results.Row{Method: "b", Outcome: results.Absent})
		r.Row(&results.Row{Method: "c", Outcome: results.Revoked, Provisional: true})
		r.Row(&results.Row{Method: "c", Outcome: results.Remains})
		r.Ended(Result{Refused: 7, Scan: &scan.Counts{Users: 400}, Complete: true,
			Outcomes: map[results.Outcome]int{results.Revoked: 1, results.Denied: 1}})
		checkFile(t, r, `last_run_timestamp_seconds 9.4668489e+08
			last_run_exit_code 1
			last_run_duration_seconds 90
			last_run_rows{outcome="denied"} 1
			last_run_rows{outcome="failed"} 0
			log_rows{outcome="denied"} 1
			log_users 400
			last_run_refused_requests 7
			last_run_users 400
			expired_passes_left 2
			oldest_expired_pass_age_seconds 18000`)
	})
}

// The file counts a run's own rows and users separately from those of the runs that it resumed. A
// run that stopped early does not know how many passes are left.
func TestWriteOfAResumedRun(t *testing.T) {
	r := NewRecorder()
	r.Scans()
	r.Ended(Result{Scan: &scan.Counts{Users: 40, Earlier: 360},
		Outcomes: map[results.Outcome]int{results.Revoked: 2},
		Log:      map[results.Outcome]int{results.Revoked: 18, results.Rejected: 1}})
	checkFile(t, r, `last_run_rows{outcome="revoked"} 2
		log_rows{outcome="revoked"} 18
		last_run_rows{outcome="rejected"} 0
		log_rows{outcome="rejected"} 1
		last_run_users 40
		log_users 400`, "expired", "oldest")
}

// The file of a run that never began says when and how it ended, and nothing else.
func TestWriteWithoutARun(t *testing.T) {
	r := NewRecorder()
	r.Scans()
	checkFile(t, r, "last_run_exit_code 1", "last_run_rows", "log", "last_run_users", "expired", "oldest")
}

// A pass that no longer exists is not left, whatever the reason. A pass that an earlier run has
// completed, and that still exists, is left.
func TestExpiredLeft(t *testing.T) {
	r := NewRecorder()
	r.Scans()
	for _, o := range results.Outcomes {
		r.Found(expiredPass(string(o), time.Hour))
		r.Row(&results.Row{Method: string(o), Outcome: o})
		r.Earlier(&results.Row{Method: "earlier " + string(o), Outcome: o, Reason: "expired"})
	}
	r.Earlier(&results.Row{Method: "used", Outcome: results.Found, Reason: "used"})
	r.Earlier(&results.Row{User: "dana@contoso.com", Outcome: results.Denied, Reason: "expired"})
	want := make(map[string]bool)
	for _, o := range results.Outcomes {
		want[string(o)], want["earlier "+string(o)] = true, o != results.Protected
	}
	for _, o := range []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser} {
		want[string(o)], want["earlier "+string(o)] = false, false
	}
	want["used"], want[""] = false, false
	for id, want := range want {
		if _, left := r.expired[id]; left != want {
			t.Errorf("whether the pass %q is left: %v, want %v", id, left, want)
		}
	}
	for _, r := range []*Recorder{nil, NewRecorder()} { // without a file, and without a scan
		r.Found(expiredPass("a", time.Hour))
		r.Row(&results.Row{Outcome: results.Revoked})
		r.Earlier(&results.Row{Method: "a", Outcome: results.Found, Reason: "expired"})
	}
}
