package progress

import (
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

var epoch = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// run runs a meter for d, settling perSecond rows a second, and looks four times a
// second as a bar does.
func (m *meter) run(now *time.Time, d time.Duration, perSecond int) (v view) {
	for end := now.Add(d); now.Before(end); {
		*now = now.Add(drawEvery)
		if now.Sub(epoch)%time.Second == 0 {
			for range perSecond {
				m.row(results.Revoked)
			}
		}
		v = m.look(*now)
	}
	return v
}

func TestRate(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 10_000})
	for _, step := range []struct {
		perSecond int
		d         time.Duration
		want      float64
	}{
		{20, 3 * time.Second, 20},
		{20, time.Minute, 20},
		{100, 5 * time.Second, 100}, // what was before is forgotten
		{0, 5 * time.Second, 0},
	} {
		if v := m.run(&now, step.d, step.perSecond); v.rate != step.want {
			t.Errorf("rate after %v at %d/s = %v, want %v", step.d, step.perSecond, v.rate, step.want)
		}
	}
	m.run(&now, time.Hour, 1)
	if most := int(maxWindow/sampleEvery) + 2; len(m.samples) > most {
		t.Errorf("%d samples are kept, want %d at most", len(m.samples), most)
	}
}

func TestTimeLeft(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 1000})
	if v := m.look(now); v.known {
		t.Errorf("time left is known at the start: %v", v.left)
	}
	if v := m.run(&now, time.Second, 10); v.known {
		t.Errorf("time left is known after 1s: %v", v.left)
	}
	if v := m.run(&now, 59*time.Second, 10); !v.known || v.left != 40*time.Second {
		t.Errorf("time left with 400 rows at 10/s = %v, %v, want 40s", v.left, v.known)
	}
	// Half as fast for 30 s: the window knows nothing else.
	if v := m.run(&now, 30*time.Second, 5); v.left != 50*time.Second {
		t.Errorf("time left with 250 rows at 5/s = %v, want 50s", v.left)
	}
	if v := m.run(&now, 40*time.Second, 0); v.known {
		t.Errorf("time left is known when nothing moved for 40s: %v", v.left)
	}
	m.run(&now, 25*time.Second, 10)
	if v := m.look(now); !v.known || v.left != 0 {
		t.Errorf("time left of a run that is done = %v, %v, want 0", v.left, v.known)
	}

	m = newMeter(epoch, Options{Mode: Bar}) // a scan that does not know its total yet
	now = epoch
	if v := m.run(&now, 10*time.Second, 10); v.known {
		t.Errorf("time left without a total is known: %v", v.left)
	}
	m.total = 200
	if v := m.look(now); v.left != 10*time.Second {
		t.Errorf("time left with 100 rows at 10/s = %v, want 10s", v.left)
	}
}

// A tenant that takes 3,000 at once and then asks for 147 s: what remains of a wait
// is added, it counts down evenly, and the bursts do not pass for the pace.
func TestTimeLeftAcrossWaits(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 12_000})
	m.run(&now, 3*time.Second, 1000)
	until := now.Add(147 * time.Second)
	m.observe(now, 3000, 20, "writes", until)
	v := m.look(now)
	if want := (147 + 450) * time.Second; v.left != want { // 9,000 rows at 3,000 in 150 s
		t.Errorf("time left = %v, want %v", v.left, want)
	}
	before := v.left
	if v = m.run(&now, 100*time.Second, 0); before-v.left != 100*time.Second {
		t.Errorf("time left went from %v to %v in 100s of a wait", before, v.left)
	}
	m.run(&now, 47*time.Second, 0)
	m.observe(now, 0, 0, "writes", time.Time{})
	m.run(&now, 3*time.Second, 1000)
	m.observe(now, 3000, 20, "writes", now.Add(147*time.Second))
	// 5 min remain in truth; the guess takes the last burst to be followed by a wait.
	if v = m.look(now); v.left < 5*time.Minute || v.left > 7*time.Minute+30*time.Second {
		t.Errorf("time left with 6,000 rows = %v, want 5m to 7m30s", v.left)
	}
}

func TestWait(t *testing.T) {
	sec := func(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }
	type told struct {
		at    float64
		quota string
		until time.Time
	}
	tests := []struct {
		name  string
		told  []told
		at    float64
		quota string
		want  time.Duration
	}{
		{"none", nil, 0, "", 0},
		{"counts down", []told{{0, "writes", sec(37)}}, 10, "writes", 27 * time.Second},
		{"to its end", []told{{0, "writes", sec(37)}}, 36.8, "writes", 200 * time.Millisecond},
		{"is over", []told{{0, "writes", sec(37)}}, 37, "", 0},
		{"is called off", []told{{0, "writes", sec(37)}, {3, "writes", time.Time{}}}, 3, "", 0},
		{"too short to show", []told{{0, "writes", sec(1)}}, 0, "", 0},
		{"grew long", []told{{0, "writes", sec(1)}, {0.9, "writes", sec(2)}}, 1, "writes", time.Second},
		{"the longest", []told{{0, "writes", sec(7)}, {0, "reads", sec(9)}}, 1, "reads", 8 * time.Second},
		{"heard of too late", []told{{5, "writes", sec(3)}}, 5, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMeter(epoch, Options{Mode: Bar, Total: 100})
			for _, o := range tt.told {
				m.observe(sec(o.at), 1, 1, o.quota, o.until)
			}
			if quota, _, left := m.wait(sec(tt.at)); quota != tt.quota || left != tt.want {
				t.Errorf("wait() = %q, %v, want %q, %v", quota, left, tt.quota, tt.want)
			}
		})
	}
}

// Without a connection there is a countdown to the next try, and no guess at the time left.
func TestOutageIsShown(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 1000})
	m.run(&now, 10*time.Second, 10)
	m.outage, m.next = now, now.Add(5*time.Second)
	if v := m.run(&now, 2*time.Second, 0); v.outage != 2*time.Second || v.wait != 3*time.Second || v.known {
		t.Errorf("%+v", v)
	}
	if v := m.run(&now, 4*time.Second, 0); v.outage != 6*time.Second || v.wait != 0 {
		t.Errorf("%+v", v)
	}
	m.outage, m.next = time.Time{}, time.Time{}
	if v := m.run(&now, 2*time.Second, 10); v.outage != 0 || !v.known {
		t.Errorf("%+v", v)
	}
}

func TestRow(t *testing.T) {
	m := newMeter(epoch, Options{})
	for _, o := range results.Outcomes {
		m.row(o)
	}
	v := m.look(epoch)
	// Done are revoked, planned, found, absent and a duplicate; protected is neither done nor
	// left; not_sent is nothing yet.
	if v.done != 14 || v.revoked != 3 || v.absent != 1 || v.notRevoked != 8 {
		t.Errorf("done %d, revoked %d, absent %d, not revoked %d", v.done, v.revoked, v.absent, v.notRevoked)
	}
}

func BenchmarkRow(b *testing.B) {
	d := Start(Options{Mode: None})
	defer d.Stop()
	for b.Loop() {
		d.Row(results.Revoked)
	}
}

// A pair that is being verified shows as deleted at once, and is done when that is
// known.
func TestVerifying(t *testing.T) {
	m := newMeter(epoch, Options{Total: 3})
	d := &Display{meter: m}
	for range 3 {
		d.Pending(results.Revoked)
	}
	if v := d.meter.look(epoch); v.revoked != 3 || v.verifying != 3 || v.done != 0 {
		t.Errorf("pending: %+v", v)
	}
	d.Verified(results.Revoked, results.Revoked)
	d.Verified(results.Revoked, results.Remains) // once it was counted as both
	if v := d.meter.look(epoch); v.revoked != 2 || v.verifying != 1 || v.done != 2 || v.notRevoked != 1 {
		t.Errorf("verified: %+v", v)
	}
	d.Pending(results.Absent)
	d.Verified(results.Absent, results.Remains)
	if v := d.meter.look(epoch); v.revoked != 2 || v.absent != 0 || v.notRevoked != 2 || v.done != 3 {
		t.Errorf("absent, and there after all: %+v", v)
	}
	if v := d.meter.look(epoch); !strings.Contains(v.sentence(), "1 verifying") {
		t.Errorf("%s", v.sentence())
	}
}

// Bursts between waits make no guess jump: with a tenant that lets three through in
// ten seconds the time left goes down as time passes.
func TestLeftIsSteady(t *testing.T) {
	m := newMeter(epoch, Options{Mode: Bar, Total: 60})
	for s := 0; s <= 180; s++ {
		now := epoch.Add(time.Duration(s) * time.Second)
		if s%10 == 0 {
			for range 3 {
				m.row(results.Revoked)
			}
			m.observe(now, 3, 1, "write", now.Add(10*time.Second))
		}
		v := m.look(now)
		if truth := time.Duration(190-s) * time.Second; s > 60 && v.known && (v.left < truth*7/10-10*time.Second || v.left > truth*13/10+10*time.Second) {
			t.Errorf("after %d s: %v left, in truth %v", s, v.left, truth)
		}
	}
}
