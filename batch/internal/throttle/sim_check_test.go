package throttle_test

import (
	"math"
	"testing"
	"time"

	"tapsweep/batch/internal/throttle"
)

// knowing is the client that knows the limit: it sends size requests at once, and then rate per second, or
// size in each window of length per. It sends them a little late, because batches overtake each other.
type knowing struct {
	size, rate float64
	per        time.Duration

	free  float64
	start time.Time
	at    time.Time
}

const late = 20 * time.Millisecond

func (k *knowing) Take(now time.Time, want int) (int, time.Time) {
	if k.at.IsZero() {
		k.free, k.start, k.at = k.size, now, now.Add(late)
	}
	if k.per > 0 && !now.Before(k.start.Add(k.per)) {
		k.free, k.start = k.size, now
	}
	if k.per == 0 && now.After(k.at) {
		k.free, k.at = min(k.size, k.free+k.rate*now.Sub(k.at).Seconds()), now
	}
	if n := min(float64(want), math.Floor(k.free+forgiven)); n >= 1 {
		k.free -= n
		return int(n), time.Time{}
	}
	if k.per > 0 {
		return 0, k.start.Add(k.per + late)
	}
	return 0, k.at.Add(time.Duration(math.Ceil((1 - k.free) / k.rate * 1e9)))
}

func (k *knowing) Done(time.Time, throttle.Feedback) {}

// A client that knows the limit takes the ideal time, and no request of it is refused.
func TestIdealIsAttained(t *testing.T) {
	for _, tt := range []struct {
		shape shape
		knowing
	}{
		{bucketShape(0.5, 5), knowing{size: 5, rate: 0.5}},
		{bucketShape(40, 80), knowing{size: 80, rate: 40}},
		{bucketShape(40, 80, charge), knowing{size: 80, rate: 40}},
		{bucketShape(800, 8000), knowing{size: 8000, rate: 800}},
		{windowShape(60, 10*time.Second), knowing{size: 60, per: 10 * time.Second}},
		{windowShape(300, 5*time.Second, chargeNext), knowing{size: 300, per: 5 * time.Second}},
		{slidingShape(300, 5*time.Second, true), knowing{size: 300, per: 5 * time.Second}},
	} {
		for _, n := range []int{40, 1000, 20_000} {
			m := tt.shape.measure(rival{made: func(uint64) pacer { k := tt.knowing; return &k }}, n)
			if m.ratio < 0.92 || m.ratio > 1.03 { // the slowest of many batches counts
				t.Errorf("%s, %d requests: ratio %.3f, want about 1", tt.shape.name, n, m.ratio)
			}
			if m.refused > 0 {
				t.Errorf("%s, %d requests: %.1f refused, want none", tt.shape.name, n, m.refused)
			}
		}
	}
}

// The greedy client sends while it knows that a limit asks for a wait. Such requests count as early.
func TestEarlySendsCount(t *testing.T) {
	m := bucketShape(40, 80).measure(rival{made: func(uint64) pacer { return greedy{} }}, 1000)
	if m.early == 0 {
		t.Error("none of the greedy client's requests was sent early")
	}
	if m := itemsShape(0.05, 0).measure(rival{made: func(uint64) pacer { return greedy{} }}, 1000); m.early > 0 {
		t.Errorf("%s of requests sent early where each sits out its own wait", percent(m.early))
	}
}

// The same seed gives the same run, and another seed gives another one.
func TestRunsAreRepeatable(t *testing.T) {
	s := itemsShape(0.05, 0).on(bucketShape(40, 80))
	run := func(seed uint64) outcome {
		w := world{n: 1000, server: s.server(seed), latency: usual, seed: seed, bound: time.Hour}
		return w.run(ours.made(seed))
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("two runs with one seed: %+v and %+v", first, again)
	}
	if other := run(2); other == first {
		t.Errorf("runs with two seeds are the same: %+v", first)
	}
}
