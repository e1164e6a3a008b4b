package batch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/testdata/assert"
)

// If the service asks for a wait that ends after the deadline, and nothing else can be sent,
// the run stops at once.
func TestWaitPastTheDeadline(t *testing.T) {
	all := func(do fault.Effect) []fault.Fault { return []fault.Fault{{Attempt: 1, Do: do}} }
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		rows   int
		want   error
		took   time.Duration
		more   time.Duration // that it may take
	}{
		{"429 of each item", all(fault.ItemStatus(429, "Retry-After", "600")), 100, batch.ErrMaxWait,
			100 * time.Millisecond, 0},
		{"429 of the batch", all(fault.OuterStatus(429, "Retry-After", "600")), 100, batch.ErrMaxWait,
			100 * time.Millisecond, 0},
		{"429 of one item, the last", []fault.Fault{{Path: "user0001@", Attempt: 1,
			Do: fault.ItemStatus(429, "Retry-After", "600")}}, 1, batch.ErrMaxWait, 100 * time.Millisecond, 0},
		{"503 of the item", all(fault.ItemStatus(503, "Retry-After", "600")), 20, batch.ErrMaxWait,
			100 * time.Millisecond, 0},
		{"a wait that ends before", all(fault.ItemStatus(429, "Retry-After", "5")), 1, nil,
			5200 * time.Millisecond, 0},
		{"a wait of our own", []fault.Fault{{Do: fault.OuterBody(404, "")}}, 20, context.DeadlineExceeded,
			25 * time.Second, 100 * time.Millisecond},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond, Faults: tt.faults})
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			defer cancel()
			start := time.Now()
			results, err := run(ctx, t, tenant, batch.Options{Concurrency: 2}, deletes(tenant.AddUsers(tt.rows)))
			checkErr(t, "Run", err, tt.want)
			// The run waits for the reply to a batch that is in flight at the deadline.
			checkBetween(t, "time", time.Since(start), tt.took, tt.took+tt.more)
			if tt.want == batch.ErrMaxWait {
				assert.Holds(t, "the error", err.Error(), "10m0s", "the deadline at 2000-01-01T00:00:25Z")
			}
			check(t, "results", len(results), tt.rows)
			for _, r := range results {
				check(t, "stopped", r.Stopped(), tt.want != nil)
				check(t, "uncertain", r.Uncertain, tt.name == "503 of the item")
			}
		}))
	}
}

// While another quota can send, or an answer is still expected, the run continues.
func TestWaitPastTheDeadlineOfOneQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second,
			Faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(429, "Retry-After", "600")}}})
		users := tenant.AddUsers(200)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{Concurrency: 2}, deletesAndLists(users))
		checkErr(t, "Run", err, batch.ErrMaxWait)
		assert.Says(t, "Run", err, "of quota write")
		checkStatus(t, results, 200, 200)
		checkBetween(t, "time", time.Since(start), 0, 29*time.Second)
	})
}
