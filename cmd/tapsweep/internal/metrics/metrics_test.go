package metrics

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
)

func write(t *testing.T, r *Run) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tapsweep.prom")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v in\n%s", err, problems, text)
	}
	if !strings.HasPrefix(string(text), Begin) {
		t.Errorf("it begins otherwise:\n%s", text)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%v beside it", files)
	}
	return string(text)
}

func TestWrite(t *testing.T) {
	end := time.Unix(1_780_000_000, 0)
	found := func(id string, age time.Duration, why pass.Reason) *scan.Found {
		return &scan.Found{Why: why, Pass: pass.Pass{ID: id, Start: end.Add(-age - time.Hour), Lifetime: time.Hour}}
	}
	expired := NewExpired()
	for _, f := range []*scan.Found{found("a", 9*time.Hour, pass.Expired), found("b", 3*time.Hour, pass.Expired),
		found("c", 5*time.Hour, pass.Expired), found("d", 20*time.Hour, pass.Used)} {
		expired.Found(f)
	}
	expired.Found(&scan.Found{Why: pass.Expired, Pass: pass.Pass{ID: "no dates"}})
	expired.Row(&results.Row{Method: "a", Outcome: results.Revoked})
	expired.Row(&results.Row{Method: "b", Outcome: results.Absent})
	expired.Row(&results.Row{Method: "c", Outcome: results.Revoked, Provisional: true})
	expired.Row(&results.Row{Method: "c", Outcome: results.Remains})
	text := write(t, &Run{Command: "sweep", End: end, Took: 90 * time.Second, Exit: 1, Refused: 7, Users: 400,
		Expired:  expired,
		Outcomes: map[results.Outcome]int{results.Revoked: 1, results.Denied: 1}})
	for _, want := range []string{
		`tapsweep_last_run_timestamp_seconds{command="sweep",file="tapsweep"} 1.78e+09`,
		`tapsweep_last_run_exit_code{command="sweep",file="tapsweep"} 1`,
		`tapsweep_last_run_duration_seconds{command="sweep",file="tapsweep"} 90`,
		`tapsweep_last_run_rows{command="sweep",file="tapsweep",outcome="denied"} 1`,
		`tapsweep_last_run_rows{command="sweep",file="tapsweep",outcome="failed"} 0`,
		`tapsweep_log_rows{command="sweep",file="tapsweep",outcome="denied"} 1`, // it resumed no other run
		`tapsweep_log_users{command="sweep",file="tapsweep"} 400`,
		`tapsweep_last_run_refused_requests{command="sweep",file="tapsweep"} 7`,
		`tapsweep_last_run_users{command="sweep",file="tapsweep"} 400`,
		`tapsweep_expired_passes_left{command="sweep",file="tapsweep"} 2`,
		`tapsweep_oldest_expired_pass_age_seconds{command="sweep",file="tapsweep"} 18000`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// The file counts a run's own rows and users separately from those of the runs that it resumed.
func TestWriteOfAResumedRun(t *testing.T) {
	text := write(t, &Run{Command: "sweep", Users: 40, Before: 360,
		Outcomes: map[results.Outcome]int{results.Revoked: 2},
		Log:      map[results.Outcome]int{results.Revoked: 18, results.Rejected: 1}})
	for _, want := range []string{
		`tapsweep_last_run_rows{command="sweep",file="tapsweep",outcome="revoked"} 2`,
		`tapsweep_log_rows{command="sweep",file="tapsweep",outcome="revoked"} 18`,
		`tapsweep_last_run_rows{command="sweep",file="tapsweep",outcome="rejected"} 0`,
		`tapsweep_log_rows{command="sweep",file="tapsweep",outcome="rejected"} 1`,
		`tapsweep_last_run_users{command="sweep",file="tapsweep"} 40`,
		`tapsweep_log_users{command="sweep",file="tapsweep"} 400`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// The file of a run that never began says when and how it ended, and nothing else.
func TestWriteWithoutARun(t *testing.T) {
	text := write(t, &Run{Command: "revoke", End: time.Unix(1_780_000_000, 0), Exit: 3, Expired: NewExpired()})
	if want := `exit_code{command="revoke",file="tapsweep"} 3`; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	for _, unknown := range []string{"rows", "expired"} {
		if strings.Contains(text, unknown) {
			t.Errorf("%s in\n%s", unknown, text)
		}
	}
}

// A pass that no longer exists is not left, whatever the reason. A pass that an earlier run has
// settled, and that still exists, is left.
func TestExpiredLeft(t *testing.T) {
	expired := NewExpired()
	now := time.Now()
	for _, o := range results.Outcomes {
		expired.Found(&scan.Found{Why: pass.Expired, Pass: pass.Pass{ID: string(o),
			Start: now.Add(-2 * time.Hour), Lifetime: time.Hour}})
		expired.Row(&results.Row{Method: string(o), Outcome: o})
		expired.Earlier(&results.Row{Method: "earlier " + string(o), Outcome: o, Reason: "expired",
			Expires: now.Add(-2 * time.Hour)})
	}
	expired.Earlier(&results.Row{Method: "used", Outcome: results.Found, Reason: "used"})
	expired.Earlier(&results.Row{User: "dana@contoso.com", Outcome: results.Denied, Reason: "expired"})
	for _, o := range []results.Outcome{results.Revoked, results.Absent, results.Replaced, results.UnknownUser} {
		for _, id := range []string{string(o), "earlier " + string(o)} {
			if _, left := expired.at[id]; left {
				t.Errorf("%s is left", id)
			}
		}
	}
	for _, id := range []string{"rejected", "earlier rejected", "failed", "earlier found"} {
		if _, left := expired.at[id]; !left {
			t.Errorf("%s is not left", id)
		}
	}
	n, oldest := expired.left(now)
	if want := 2*(len(results.Outcomes)-4) - 1; n != want {
		t.Errorf("%d left, want %d", n, want)
	}
	if oldest != 2*time.Hour {
		t.Errorf("the oldest expired %v ago, want 2h", oldest)
	}
	var none *Expired
	none.Found(nil)
	none.Row(nil)
	none.Earlier(nil)
}
