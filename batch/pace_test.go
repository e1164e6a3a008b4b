package batch_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// A shape is a limit, and how long a client that knew it would take.
type shape struct {
	name  string
	limit func() *quota.Limit
	ideal func(n float64) float64 // seconds for n requests, without the last latency
}

func bucketShape(rate, burst float64) shape {
	return shape{
		name:  fmt.Sprintf("bucket %g/s, burst %g", rate, burst),
		limit: func() *quota.Limit { return quota.Bucket(rate, burst) },
		ideal: func(n float64) float64 { return max(0, (n-burst)/rate) },
	}
}

func windowShape(size int, per time.Duration) shape {
	return shape{
		name:  fmt.Sprintf("window %d in %v", size, per),
		limit: func() *quota.Limit { return quota.Window(size, per) },
		ideal: func(n float64) float64 { return math.Ceil(n/float64(size)-1) * per.Seconds() },
	}
}

type measured struct {
	took, ideal, refused float64
	early                int
}

// measure runs n deletes against a limit in virtual time.
func measure(t *testing.T, s shape, form quota.RetryAfter, counted bool, latency time.Duration, n int) measured {
	var m measured
	synctest.Test(t, func(t *testing.T) {
		limit := s.limit()
		limit.RetryAfter, limit.CountRefused = form, counted
		tenant := graphsim.New(graphsim.Options{Latency: latency, Limits: []*quota.Limit{limit}})
		start := time.Now()
		results := runAll(t, tenant, batch.Options{RequestTimeout: time.Hour}, deletes(tenant.AddUsers(n)))
		m.took = time.Since(start).Seconds()
		check(t, "results", len(results), n)
		checkLeft(t, tenant, 0)
		stats := tenant.Stats()
		m.ideal = s.ideal(float64(n)) + latency.Seconds()
		m.refused = float64(stats.Refused) / float64(stats.Requests)
		m.early = stats.SentTooEarly
	})
	return m
}

// The pace of a bucket that holds no more than the requests of a second is found, although the bucket
// runs over in each wait. The order of the answers changes the result: of 46 runs of the second bucket
// one was too slow, by a hundredth. So the median counts.
func TestPaceOfSmallBuckets(t *testing.T) {
	for _, tt := range []struct {
		shape
		least float64
	}{
		{bucketShape(60, 60), 0.96},
		{bucketShape(100, 50), 0.7},
	} {
		holds(t, tt.shape, quota.Seconds, false, 12_000, 5, tt.least)
	}
}

// If the limit is a window, a run uses up each window and begins the next one in time, whether the
// service asks for waits of seconds or of milliseconds. If the window is short, it need not ask at all.
// With -short it asks for seconds.
func TestPaceOfWindows(t *testing.T) {
	for _, tt := range []struct {
		shape
		form    quota.RetryAfter
		counted bool // refused requests
		least   float64
		long    bool // not with -short
	}{
		{windowShape(60, time.Second), quota.Seconds, false, 0.95, false},
		{windowShape(60, time.Second), quota.Decimal, false, 0.95, true},
		{windowShape(60, time.Second), quota.NoHeader, false, 0.95, true},
		{windowShape(60, time.Second), quota.Date, false, 0.9, true},
		{windowShape(60, time.Second), quota.Seconds, true, 0.85, false},
		{windowShape(200, time.Second), quota.Seconds, false, 0.92, true},
		{windowShape(300, 5*time.Second), quota.Seconds, false, 0.95, true},
		{windowShape(300, 5*time.Second), quota.Seconds, true, 0.95, false},
		{windowShape(5, 10*time.Second), quota.Seconds, true, 0.95, false},
	} {
		if testing.Short() && tt.long {
			continue
		}
		holds(t, tt.shape, tt.form, tt.counted, 12_000, 3, tt.least)
	}
}

// holds runs n deletes against a limit, up to so many times. The middle one must reach so much of
// the ideal pace, which is certain as soon as more than half of the runs did, or did not. In each
// run few requests are refused and none is sent early.
func holds(t *testing.T, s shape, form quota.RetryAfter, counted bool, n, runs int, least float64) {
	t.Helper()
	fast, slow := 0, 0
	for max(fast, slow) <= runs/2 {
		m := measure(t, s, form, counted, 50*time.Millisecond, n)
		checkBetween(t, "share refused: "+s.name, m.refused, 0, 0.03)
		check(t, "requests sent before a wait was over: "+s.name, m.early, 0)
		t.Logf("%s: %.3f of the ideal pace, %.1f %% refused", s.name, m.ideal/m.took, 100*m.refused)
		if m.ideal/m.took >= least {
			fast++
		} else {
			slow++
		}
	}
	assert.That(t, slow <= fast,
		"%s: %d of %d runs are slower than %.2f of the ideal pace", s.name, slow, slow+fast, least)
}
