package progress

import (
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

var epoch = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// run runs a meter for d with perSecond rows a second, and views it four times a second, as a bar
// does.
func (m *meter) run(now *time.Time, d time.Duration, perSecond int) (v view) {
	for end := now.Add(d); now.Before(end); {
		*now = now.Add(drawEvery)
		if now.Sub(epoch)%time.Second == 0 {
			for range perSecond {
				m.row(results.Revoked)
			}
		}
		v = m.view(*now)
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
	for _, step := range []struct {
		name      string
		d         time.Duration
		perSecond int
		left      time.Duration
		known     bool
	}{
		{"at the start", 0, 0, 0, false},
		{"after 1s", time.Second, 10, 0, false},
		{"400 rows at 10/s", 59 * time.Second, 10, 40 * time.Second, true},
		{"250 rows, half as fast for the whole window", 30 * time.Second, 5, 50 * time.Second, true},
		{"nothing moved for 40s", 40 * time.Second, 0, 0, false},
		{"done", 25 * time.Second, 10, 0, true},
	} {
		m.run(&now, step.d, step.perSecond)
		if v := m.view(now); v.left != step.left || v.known != step.known {
			t.Errorf("%s: the time left is %v, known %v, want %v, %v", step.name, v.left, v.known, step.left,
				step.known)
		}
	}

	m = newMeter(epoch, Options{Mode: Bar}) // a scan that does not know its total yet
	now = epoch
	if v := m.run(&now, 10*time.Second, 10); v.known {
		t.Errorf("time left without a total is known: %v", v.left)
	}
	m.Total = 200
	if v := m.view(now); v.left != 10*time.Second {
		t.Errorf("time left with 100 rows at 10/s = %v, want 10s", v.left)
	}
}

// The tenant accepts 3,000 requests at once and then asks for 147 s. The rest of a wait is added, the
// time left goes down evenly, and a burst is not the pace.
func TestTimeLeftAcrossWaits(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 12_000})
	m.run(&now, 3*time.Second, 1000)
	until := now.Add(147 * time.Second)
	m.observe(now, 3000, 20, "writes", until)
	v := m.view(now)
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
	// In truth 5 min remain. The estimate expects a wait after the last burst.
	if v = m.view(now); v.left < 5*time.Minute || v.left > 7*time.Minute+30*time.Second {
		t.Errorf("time left with 6,000 rows = %v, want 5m to 7m30s", v.left)
	}
}

func TestWait(t *testing.T) {
	sec := func(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }
	type answer struct {
		at    float64
		quota string
		until time.Time
	}
	tests := []struct {
		name    string
		answers []answer
		at      float64
		quota   string
		want    time.Duration
	}{
		{"none", nil, 0, "", 0},
		{"counts down", []answer{{0, "writes", sec(37)}}, 10, "writes", 27 * time.Second},
		{"to its end", []answer{{0, "writes", sec(37)}}, 36.8, "writes", 200 * time.Millisecond},
		{"is over", []answer{{0, "writes", sec(37)}}, 37, "", 0},
		{"is called off", []answer{{0, "writes", sec(37)}, {3, "writes", time.Time{}}}, 3, "", 0},
		{"too short to show", []answer{{0, "writes", sec(1)}}, 0, "", 0},
		{"grew long", []answer{{0, "writes", sec(1)}, {0.9, "writes", sec(2)}}, 1, "writes", time.Second},
		{"the longest", []answer{{0, "writes", sec(7)}, {0, "reads", sec(9)}}, 1, "reads", 8 * time.Second},
		{"heard of too late", []answer{{5, "writes", sec(3)}}, 5, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMeter(epoch, Options{Mode: Bar, Total: 100})
			for _, o := range tt.answers {
				m.observe(sec(o.at), 1, 1, o.quota, o.until)
			}
			if quota, left := m.closed(sec(tt.at)); quota != tt.quota || left != tt.want {
				t.Errorf("closed() = %q, %v, want %q, %v", quota, left, tt.quota, tt.want)
			}
		})
	}
}

// Without a connection the display counts down to the next try, and shows no time left.
func TestOutageIsShown(t *testing.T) {
	now, m := epoch, newMeter(epoch, Options{Mode: Bar, Total: 1000})
	m.run(&now, 10*time.Second, 10)
	m.outage, m.next = now, now.Add(5*time.Second)
	type shown struct {
		outage, wait time.Duration
		known        bool
	}
	check := func(v view, want shown) {
		t.Helper()
		if got := (shown{v.outage, v.wait, v.known}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	check(m.run(&now, 2*time.Second, 0), shown{2 * time.Second, 3 * time.Second, false})
	check(m.run(&now, 4*time.Second, 0), shown{6 * time.Second, 0, false})
	m.outage, m.next = time.Time{}, time.Time{}
	check(m.run(&now, 2*time.Second, 10), shown{0, 0, true})
}

func TestRow(t *testing.T) {
	m := newMeter(epoch, Options{})
	for _, o := range results.Outcomes {
		m.row(o)
	}
	// Revoked, planned and found went well. Duplicate and protected rows are neither done nor left.
	// A row that was not sent counts as nothing.
	if want := (counts{done: 14, revoked: 3, absent: 1, notRevoked: 8}); m.counts != want {
		t.Errorf("%+v, want %+v", m.counts, want)
	}
}

// A pair that is being verified shows as revoked at once, and as done when it is verified.
func TestVerifying(t *testing.T) {
	m := newMeter(epoch, Options{Total: 3})
	d := &Display{meter: m}
	check := func(step string, want counts) {
		t.Helper()
		if d.meter.counts != want {
			t.Errorf("%s: %+v, want %+v", step, d.meter.counts, want)
		}
	}
	for range 3 {
		d.Pending(results.Revoked)
	}
	check("pending", counts{revoked: 3, verifying: 3})
	d.Verified(results.Revoked, results.Revoked)
	d.Verified(results.Revoked, results.Remains) // once it was counted as both
	check("verified", counts{revoked: 2, verifying: 1, done: 2, notRevoked: 1})
	d.Pending(results.Absent)
	d.Verified(results.Absent, results.Remains)
	check("absent, and still listed", counts{revoked: 2, verifying: 1, done: 3, notRevoked: 2})
	if v := d.meter.view(epoch); !strings.Contains(v.sentence(), "1 verifying") {
		t.Errorf("%s", v.sentence())
	}
}

// Bursts between waits do not make the time left jump: if a tenant accepts three requests in ten
// seconds, the time left goes down steadily.
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
		v, truth := m.view(now), time.Duration(190-s)*time.Second
		if s <= 60 || !v.known {
			continue
		}
		if slack := truth*3/10 + 10*time.Second; (v.left - truth).Abs() > slack {
			t.Errorf("after %d s: %v left, want %v, give or take %v", s, v.left, truth, slack)
		}
	}
}
