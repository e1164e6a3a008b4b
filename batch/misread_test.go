package batch_test

import (
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// A batch response is accepted with any success status, and after a byte order mark.
func TestOddBatchResponse(t *testing.T) {
	for _, do := range []fault.Effect{fault.OuterAs(201), fault.OuterAs(203), fault.OuterAs(207), fault.OuterMark()} {
		t.Run(do.String(), inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: do}}})
			results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(20)))
			checkStatus(t, results, 204, 20)
			for _, r := range results {
				check(t, "attempts", r.Attempts, 1)
				check(t, "uncertain", r.Uncertain, false)
			}
		}))
	}
}

// The longest of several waits is used, whether one header has them or two, and whether
// they are in the answer to the request or in the batch response.
func TestLongestWaitCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   []fault.Effect
	}{
		{"array", []fault.Effect{fault.ItemChange(func(r *fault.Item) {
			r.Status, r.Headers = 429, map[string][]string{"Retry-After": {"1", "4"}}
		})}},
		{"list", []fault.Effect{fault.ItemStatus(429, "Retry-After", "4, 1")}},
		{"list of the batch", []fault.Effect{fault.OuterStatus(429, "Retry-After", "1, 4")}},
		{"the batch asks for a longer one", []fault.Effect{fault.ItemStatus(429, "Retry-After", "1"),
			fault.OuterHeaders("Retry-After", "4")}},
		{"the batch asks for a shorter one", []fault.Effect{fault.ItemStatus(429, "Retry-After", "4"),
			fault.OuterHeaders("Retry-After", "1")}},
		{"only the batch asks for one", []fault.Effect{fault.ItemStatus(429), fault.OuterHeaders("Retry-After", "4")}},
		{"503 with a list", []fault.Effect{fault.ItemStatus(503, "Retry-After", "2, 4")}},
		{"503, and the batch asks for a longer one", []fault.Effect{fault.ItemStatus(503, "Retry-After", "2"),
			fault.OuterHeaders("Retry-After", "4")}},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			var faults []fault.Fault
			for _, do := range tt.do {
				faults = append(faults, fault.Fault{Attempt: 1, Do: do})
			}
			tenant := graphsim.New(graphsim.Options{Faults: faults})
			start := time.Now()
			results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(1)))
			check(t, "time", time.Since(start), 4*time.Second)
			checkStatus(t, results, 204, 1)
		}))
	}
}
