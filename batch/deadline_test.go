package batch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// If the service asks for a wait that ends after the deadline, and nothing else can be sent,
// the run ends at once. Earlier it was idle until the deadline.
func TestWaitPastTheDeadline(t *testing.T) {
	all := func(do fault.Effect) []fault.Fault { return []fault.Fault{{Attempt: 1, Do: do}} }
	tests := []struct {
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond, Faults: tt.faults})
				ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
				defer cancel()
				start := time.Now()
				results, err := run(ctx, t, tenant, batch.Options{Concurrency: 2}, deletes(tenant.AddUsers(tt.rows)))
				if !errors.Is(err, tt.want) {
					t.Errorf("Run = %v, want %v", err, tt.want)
				}
				// The run waits for the answer to a batch that is under way at the deadline.
				if took := time.Since(start); took < tt.took || took > tt.took+tt.more {
					t.Errorf("the run took %v, want %v", took, tt.took)
				}
				if tt.want == batch.ErrMaxWait && !strings.Contains(err.Error(),
					"asks to wait 10m0s before the next request, which ends after the deadline at 2000-01-01T00:00:25Z") {
					t.Errorf("Run = %v, which does not name the wait and the deadline", err)
				}
				for _, r := range results {
					if tt.want != nil && (!r.Stopped() || r.Uncertain && tt.name != "503 of the item") {
						t.Errorf("%v: %v", r.Request.Tag, r.Err)
					}
				}
				if len(results) != tt.rows {
					t.Errorf("%d results, want %d", len(results), tt.rows)
				}
			})
		})
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
		if !errors.Is(err, batch.ErrMaxWait) || !strings.Contains(err.Error(), "of quota write") {
			t.Errorf("Run = %v, want ErrMaxWait of quota write", err)
		}
		if got := statuses(results); got[200] != 200 {
			t.Errorf("statuses %v, want all 200 lists", got)
		}
		if took := time.Since(start); took >= 30*time.Second {
			t.Errorf("the run took %v, want less than the deadline", took)
		}
	})
}
