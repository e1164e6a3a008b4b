package batch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// A success status with an error in the body means that the request was not carried out, or
// only in part. The request is sent again; until then its effect is unknown.
func TestSuccessWithAnErrorIsNone(t *testing.T) {
	for _, status := range []int{200, 202, 204} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(status, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					do := fault.ItemErrorIn(status)
					if after {
						do = do.AfterWork()
					}
					tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0003@",
						Attempt: 1, Do: do}}})
					users := tenant.AddUsers(5)
					r := of(t, runAll(t, tenant, batch.Options{}, deletes(users)), users[2].UPN)
					want := 204
					if after {
						want = 404
					}
					if r.Response.Status != want || r.Attempts != 2 || !r.Uncertain {
						t.Errorf("status %d after %d attempts, uncertain %v, want %d after 2, uncertain",
							r.Response.Status, r.Attempts, r.Uncertain, want)
					}
					if left := len(tenant.Remaining()); left != 0 {
						t.Errorf("%d passes left", left)
					}
				})
			})
		}
	}
}

// If every answer is like that, the request fails with the text of the error.
func TestSuccessWithAnErrorEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.ItemErrorIn(200)}}})
		r := runAll(t, tenant, batch.Options{MaxAttempts: 3}, deletes(tenant.AddUsers(1)))[0]
		if !errors.Is(r.Err, batch.ErrAttempts) || !r.Uncertain || r.Attempts != 3 {
			t.Errorf("%v after %d attempts, uncertain %v", r.Err, r.Attempts, r.Uncertain)
		}
		if !strings.Contains(fmt.Sprint(r.Err), "ServiceUnavailable") {
			t.Errorf("the error does not name the code: %v", r.Err)
		}
	})
}

// A batch response is accepted with any success status, and after a byte order mark.
func TestOddBatchResponse(t *testing.T) {
	for _, do := range []fault.Effect{fault.OuterAs(201), fault.OuterAs(203), fault.OuterAs(207),
		fault.OuterMark()} {
		t.Run(do.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: do}}})
				for _, r := range runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(20))) {
					if r.Response.Status != 204 || r.Attempts != 1 || r.Uncertain {
						t.Errorf("status %d after %d attempts, uncertain %v: %v", r.Response.Status, r.Attempts,
							r.Uncertain, r.Err)
					}
				}
			})
		})
	}
}

// The longest of several waits is used, whether one header has them or two, and whether
// they are in the answer to the request or in the batch response.
func TestLongestWaitCounts(t *testing.T) {
	tests := []struct {
		name string
		do   []fault.Effect
		want time.Duration
	}{
		{"array", []fault.Effect{fault.ItemHeaderArray("1", "4")}, 4 * time.Second},
		{"list", []fault.Effect{fault.ItemStatus(429, "Retry-After", "4, 1")}, 4 * time.Second},
		{"list of the batch", []fault.Effect{fault.OuterStatus(429, "Retry-After", "1, 4")}, 4 * time.Second},
		{"longer beside the batch", []fault.Effect{fault.ItemStatus(429, "Retry-After", "1"),
			fault.OuterHeaders("Retry-After", "4")}, 4 * time.Second},
		{"shorter beside the batch", []fault.Effect{fault.ItemStatus(429, "Retry-After", "4"),
			fault.OuterHeaders("Retry-After", "1")}, 4 * time.Second},
		{"beside the batch only", []fault.Effect{fault.ItemStatus(429),
			fault.OuterHeaders("Retry-After", "4")}, 4 * time.Second},
		{"503 with a list", []fault.Effect{fault.ItemStatus(503, "Retry-After", "2, 4")}, 4 * time.Second},
		{"503, longer beside the batch", []fault.Effect{fault.ItemStatus(503, "Retry-After", "2"),
			fault.OuterHeaders("Retry-After", "4")}, 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var faults []fault.Fault
				for _, do := range tt.do {
					faults = append(faults, fault.Fault{Attempt: 1, Do: do})
				}
				tenant := graphsim.New(graphsim.Options{Faults: faults})
				start := time.Now()
				results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(1)))
				if took := time.Since(start); took != tt.want {
					t.Errorf("the run took %v, want %v", took, tt.want)
				}
				if results[0].Response.Status != 204 {
					t.Errorf("status %d: %v", results[0].Response.Status, results[0].Err)
				}
			})
		})
	}
}
