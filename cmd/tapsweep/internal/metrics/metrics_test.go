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

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/testdata/assert"
)

// checkFile writes the file for a sweep that ended with 1, and checks that it has the lines of want,
// without their prefix and labels, and no line that begins with one of the names in lacks.
func checkFile(t *testing.T, r *Recorder, want string, lacks ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tapsweep.prom")
	assert.OK(t, r.Write(path, "sweep", 1))
	data := assert.Must(os.ReadFile(path))
	problems := assert.Must(promlint.New(bytes.NewReader(data)).Lint())
	assert.Same(t, "problems in\n"+string(data), len(problems), 0)
	assert.Same(t, "begins with a help text", strings.HasPrefix(string(data), "# HELP tapsweep_"), true)
	assert.Same(t, "files in the directory", len(assert.Must(os.ReadDir(filepath.Dir(path)))), 1)
	text := strings.NewReplacer("tapsweep_", "", `{command="sweep",file="tapsweep"}`, "",
		`command="sweep",file="tapsweep",`, "").Replace(string(data))
	for line := range strings.Lines(want) {
		assert.Holds(t, "the file", text, "\n"+strings.TrimSpace(line)+"\n")
	}
	for _, name := range lacks {
		assert.Lacks(t, "the file", text, "\n"+name)
	}
}

func TestWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder()
		for id, age := range map[string]time.Duration{"a": 9 * time.Hour, "b": 5 * time.Hour, "c": 3 * time.Hour} {
			r.Row(&results.Row{Method: id, Outcome: results.Found, Provisional: true, Reason: "expired",
				Expires: time.Now().Add(-age)})
		}
		r.Row(&results.Row{Method: "no dates", Outcome: results.Found, Reason: "expired"})
		r.Row(&results.Row{Method: "used", Outcome: results.Found, Reason: "used"})
		r.Row(&results.Row{Method: "protected", Outcome: results.Protected, Reason: "expired"})
		r.Row(&results.Row{Method: "a", Outcome: results.Revoked, Reason: "expired"})
		r.Row(&results.Row{Method: "b", Outcome: results.Revoked, Provisional: true, Reason: "expired"}) // not verified
		r.Row(&results.Row{Method: "c", Outcome: results.Denied, Reason: "expired"})
		for _, gone := range []results.Outcome{results.Absent, results.Replaced, results.UnknownUser} {
			r.Row(&results.Row{Method: string(gone), Outcome: results.Found, Reason: "expired"})
			r.Row(&results.Row{Method: string(gone), Outcome: gone, Reason: "expired"})
		}
		time.Sleep(90 * time.Second)
		r.Ended(RunResult{Refused: 7, Scan: &scan.Totals{Users: 40, Earlier: 360},
			Complete: true, Outcomes: map[results.Outcome]int{results.Revoked: 1, results.Denied: 1},
			Sessions: map[results.Outcome]int{results.Revoked: 3}})
		checkFile(t, r, `last_run_timestamp_seconds 9.4668489e+08
			last_run_exit_code 1
			last_run_duration_seconds 90
			log_rows{outcome="denied"} 1
			log_rows{outcome="failed"} 0
			log_sessions{outcome="revoked"} 3
			log_users 400
			last_run_refused_requests 7
			expired_passes_left 3
			oldest_expired_pass_age_seconds 18090`)
	})
}

// A run that stopped early does not know how many passes are left.
func TestWriteOfAStoppedRun(t *testing.T) {
	r := NewRecorder()
	r.Ended(RunResult{Scan: new(scan.Totals), Outcomes: map[results.Outcome]int{}})
	checkFile(t, r, "log_users 0", "expired", "oldest")
}

// The file of a run that never began says when and how it ended, and nothing else.
func TestWriteWithoutARun(t *testing.T) {
	checkFile(t, NewRecorder(), "last_run_exit_code 1", "last_run_refused", "log", "expired", "oldest")
}

// Without a metrics file there is no Recorder.
func TestNoRecorder(t *testing.T) {
	var r *Recorder
	r.Row(&results.Row{Method: "a", Outcome: results.Revoked})
	r.Ended(RunResult{})
}
