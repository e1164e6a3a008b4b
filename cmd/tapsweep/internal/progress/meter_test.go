package progress

import (
	"fmt"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

var epoch = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

func after(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

func TestTimeLeft(t *testing.T) {
	for _, tt := range []struct {
		name        string
		total, done int
		at          float64 // seconds after the start
		closed      float64 // until when the tenant asks to wait
		want        time.Duration
		known       bool
	}{
		{"at the start", 1000, 0, 0, 0, 0, false},
		{"too early", 1000, 20, 1, 0, 0, false},
		{"10 rows a second", 1000, 600, 60, 0, 40 * time.Second, true},
		{"done", 1000, 1000, 60, 0, 0, false},
		{"without a total", 0, 600, 60, 0, 0, false},
		// The tenant accepts 3,000 requests at once, and then asks to wait. After the wait, the other 9,000 rows take
		// 450 s, because the tenant accepts 3,000 in 150 s.
		{"after a burst", 12_000, 3000, 3, 150, (147 + 450) * time.Second, true},
		{"in the wait", 12_000, 3000, 103, 150, (47 + 450) * time.Second, true},
		{"too long to show", 1e9, 1, 60, 0, 0, false},
	} {
		m := newMeter(epoch, Options{Total: tt.total})
		m.done, m.closed["writes"] = tt.done, after(tt.closed)
		left, known := m.timeLeft(after(tt.at))
		assert.Same(t, tt.name+": the time left is known", known, tt.known)
		if tt.known {
			assert.Same(t, tt.name+": time left", left, tt.want)
		}
	}
}

// If a tenant accepts three requests in ten seconds, the time left decreases evenly, although the requests are sent in
// bursts.
func TestTimeLeftIsSteady(t *testing.T) {
	m := newMeter(epoch, Options{Total: 60})
	for s := 0; s <= 180; s++ {
		if s%10 == 0 {
			m.done += 3
			m.closed["writes"] = after(float64(s + 10))
		}
		left, known := m.timeLeft(after(float64(s)))
		truth := time.Duration(190-s) * time.Second
		if s > 60 && known {
			slack := truth*3/10 + 10*time.Second
			assert.That(t, (left-truth).Abs() <= slack, "after %d s: %v left, want about %v", s, left, truth)
		}
	}
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		name          string
		writes, reads float64 // until when each is closed
		at            float64
		want          time.Duration
	}{
		{"none", 0, 0, 0, 0},
		{"counts down", 37, 0, 10, 27 * time.Second},
		{"too short to show", 1, 0, 0, 0},
		{"is over", 37, 0, 37, 0},
		{"the longest", 7, 9, 1, 8 * time.Second},
	} {
		m := newMeter(epoch, Options{})
		m.closed["writes"], m.closed["reads"] = after(tt.writes), after(tt.reads)
		assert.Same(t, tt.name, m.wait(after(tt.at)), tt.want)
	}
}

// With --verify, a pass counts when it is deleted, and counts as verified later. Sessions are counted separately.
func TestRow(t *testing.T) {
	m := newMeter(epoch, Options{})
	for _, o := range results.Outcomes {
		if o != results.Guest { // it is only about sessions
			m.row(&results.Row{Outcome: o})
		}
	}
	for _, row := range []results.Row{
		{Outcome: results.Found, Provisional: true}, // about to be deleted
		{Outcome: results.Revoked, Provisional: true}, {Outcome: results.Revoked, Provisional: true},
		{Outcome: results.Revoked, Provisional: true},
		{Outcome: results.Remains, SupersedesPending: true},
		{Outcome: results.Revoked, SupersedesPending: true, Verified: true},
		{Outcome: results.Revoked, Beside: true},
		{Outcome: results.Revoked, Action: results.RevokeSessions},
		{Outcome: results.Denied, Action: results.RevokeSessions},
		{Outcome: results.Revoked, Action: results.RevokeSessions, Provisional: true},
		{Outcome: results.Guest, Action: results.RevokeSessions, SupersedesPending: true},
	} {
		m.row(&row)
	}
	// Rows that repeat another one, that are invalid, or that were not sent do not count.
	assert.Same(t, "done", m.done, 15)
	assert.Same(t, "found", m.outcomes[results.Found], 1)
	assert.Same(t, "left", m.left, 8)
	assert.Same(t, "verifying", m.verifying, 1)
	assert.Same(t, "verified", m.verified, 1)
	assert.Same(t, "sessions", m.sessions, 1)
}

// The time left and the bar are about all work: a pass that is deleted and not verified is half done.
func TestTimeLeftWithVerify(t *testing.T) {
	m := newMeter(epoch, Options{Phase: "revoking", Total: 600, Noun: "passes"})
	for range 300 {
		m.row(&results.Row{Outcome: results.Revoked, Provisional: true})
	}
	m.closed["writes"] = after(20) // the tenant accepts 300 requests in 20 seconds
	assert.Same(t, "the line", m.line(after(4), 79),
		"revoking  [===---------]  300/600 passes  wait 16s  1m20s left  0 verified")
	left, _ := m.timeLeft(after(20))
	assert.Same(t, "after the wait", left, 60*time.Second)
}

// The line leaves out the parts that do not fit, the least important first. At 80 columns it never lacks the wait.
func TestLine(t *testing.T) {
	m := newMeter(epoch, Options{Phase: "revoking", Noun: "passes", Total: 5000})
	m.done, m.left, m.verifying, m.sessions, m.accepted, m.refused = 1234, 14, 3, 5, 95, 5
	m.outcomes[results.Revoked], m.outcomes[results.Absent] = 1200, 20
	m.closed["writes"] = after(97)
	const all = "1234/5000 passes  wait 37s  5m30s left  14 not done  0 verified"
	for width, want := range map[int]string{
		200: "revoking  [==----------]  " + all + "  20.6/s  1200 revoked  20 absent  sessions of 5 users  " +
			"5.0 % throttled",
		79: "revoking  " + all,
		45: "revoking  1234/5000 passes  wait 37s  20.6/s",
		12: "revoking",
		0:  "r",
	} {
		assert.Same(t, fmt.Sprintf("at %d columns", width), m.line(after(60), width), want)
	}
	m.outage, m.ReadOnly = after(40), true
	const offline = "tapsweep: revoking: 1234/5000 passes, no connection for 1m20s, 14 not done, 0.0/s, " +
		"sessions of 5 users, 5.0 % throttled\n"
	assert.Same(t, "sentence", m.sentence(after(120)), offline)
}

// The pace is the current one, not the one since the start.
func TestPace(t *testing.T) {
	m := newMeter(epoch, Options{})
	for s := 1; s <= 60; s++ {
		m.done += 10
		if s > 50 {
			m.done -= 8
		}
		m.pace(after(float64(s)))
	}
	assert.Same(t, "rows a second", m.pace(after(60)), 2)
}
