package batch_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// of gives the results of one of the requests that deletes makes.
func of(t *testing.T, results []batch.Result, user string) batch.Result {
	t.Helper()
	for _, r := range results {
		if r.Request.Tag == user {
			return r
		}
	}
	t.Fatalf("no result of %s", user)
	return batch.Result{}
}

// A user or mailbox may have a limit of its own. A request that is refused for that
// holds up the others a little, and for ever only itself.
func TestOneRequestIsAlwaysRefused(t *testing.T) {
	for _, after := range []string{"5", ""} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
			users := tenant.AddUsers(2000)
			bad := users[30].UPN
			refusal := fault.ItemStatus(429, "Retry-After", after)
			if after == "" {
				refusal = fault.ItemStatus(429)
			}
			tenant.AddFaults(fault.Fault{Path: bad, Do: refusal})
			start, lastDone := time.Now(), time.Time{}
			var results []batch.Result
			r, err := batch.NewRunner(tenant, batch.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = r.Run(t.Context(), deletes(users), func(res batch.Result) []batch.Request {
				results = append(results, res)
				if res.Err == nil {
					lastDone = time.Now()
				}
				return nil
			})
			one := of(t, results, bad)
			if !errors.Is(err, batch.ErrStalled) || statuses(results)[204] != 1999 || !one.Stopped() || one.Throttled < 10 {
				t.Errorf("Run = %v, statuses %v, and of the one %v", err, statuses(results), one.Err)
			}
			if d := lastDone.Sub(start); d > 2*time.Minute {
				t.Errorf("the others took %v", d)
			}
		})
	}
}

// What is refused again and again for the pace goes on once it is not, all of it.
func TestAllRequestsAreRefusedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
		until := time.Now().Add(20 * time.Minute)
		tenant.AddFaults(fault.Fault{Do: fault.ItemStatus(429, "Retry-After", "10"), Match: func(string, string) bool {
			return time.Now().Before(until)
		}})
		results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(2000)))
		if late := time.Since(until); statuses(results)[204] != 2000 || late > 6*time.Minute {
			t.Errorf("statuses %v, %v later than it was possible", statuses(results), late)
		}
	})
}

// One resource that answers 401 whatever the token is does not end the run.
func TestOneRequestIsAlwaysUnauthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
		users := tenant.AddUsers(2000)
		bad := users[30].UPN
		tenant.AddFaults(fault.Fault{Path: bad, Do: fault.ItemStatus(401)})
		renewed := 0
		results := runAll(t, tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}}, deletes(users))
		one := of(t, results, bad)
		if got := statuses(results); got[204] != 1999 || one.Err != nil || one.Response.Status != 401 || one.Attempts != 1 || renewed > 2 {
			t.Errorf("statuses %v, the one %+v, %d tokens", got, one, renewed)
		}
	})
}

// A token that was good for a moment, and then none is: that is no final answer to the
// requests that had met the token before it, too.
func TestTokenIsGoodForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 200 * time.Millisecond})
		users := tenant.AddUsers(4000)
		start, renewed := time.Now(), time.Time{}
		tenant.AddFaults(fault.Fault{Do: fault.ItemStatus(401), Match: func(string, string) bool {
			if renewed.IsZero() {
				return time.Since(start) >= 900*time.Millisecond
			}
			return time.Since(renewed) >= 150*time.Millisecond
		}})
		results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
			if renewed.IsZero() {
				renewed = time.Now()
			}
			return nil
		}}, deletes(users))
		if !errors.Is(err, batch.ErrUnauthorized) {
			t.Errorf("Run = %v", err)
		}
		for _, r := range results {
			if r.Err == nil && r.Response.Status == 401 {
				t.Fatalf("%v: 401 is final, beside none that was answered", r.Request.Tag)
			}
		}
	})
}

// What waits because it was refused is refused still: StallTimeout counts on.
func TestStallWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(503)}}})
		start := time.Now()
		_, err := run(t.Context(), t, tenant, batch.Options{MaxAttempts: 500}, deletes(tenant.AddUsers(1)))
		if d := time.Since(start); !errors.Is(err, batch.ErrStalled) || d > 32*time.Minute {
			t.Errorf("Run = %v after %v, want 30 minutes", err, d)
		}
	})
}

// A run whose last request waits for its time is not one in which all are refused.
func TestDelayIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0001@", Do: fault.OuterStatus(503)}}})
		users := tenant.AddUsers(2)
		results := runAll(t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
			for req := range deletes(users) {
				if req.Tag == users[1].UPN {
					req.Delay = 2 * time.Hour
				}
				if !yield(req) {
					return
				}
			}
		})
		if r := of(t, results, users[1].UPN); r.Err != nil {
			t.Errorf("the delayed one: %v", r.Err)
		}
	})
}

// An answer that is none of $batch settles nothing at once, and a 2xx may have done it.
func TestOuterStatusOfSomethingElse(t *testing.T) {
	for _, status := range []int{202, 204} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Batch: 1, Do: fault.OuterStatus(status)}}})
			for _, r := range runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(20))) {
				if r.Response.Status != 204 || r.Attempts != 2 || !r.Uncertain {
					t.Errorf("after %d: status %d, %d attempts, uncertain %v", status, r.Response.Status, r.Attempts, r.Uncertain)
				}
			}
		})
	}
}

// MaxRate is kept where it is less than a request in minutes, and after a rest.
func TestMaxRateAtTheEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		tenant := graphsim.New(graphsim.Options{})
		runAll(t, tenant, batch.Options{MaxRate: 0.001}, deletes(tenant.AddUsers(4)))
		if d := time.Since(start); d < 2999*time.Second || d > 3001*time.Second {
			t.Errorf("4 requests at 0.001/s took %v", d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		users := tenant.AddUsers(300)
		var at []time.Time
		r, err := batch.NewRunner(tenant, batch.Options{MaxRate: 100})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Run(t.Context(), func(yield func(batch.Request) bool) {
			for req := range deletes(users) {
				if req.Tag != users[0].UPN {
					req.Delay = time.Hour
				}
				if !yield(req) {
					return
				}
			}
		}, func(batch.Result) []batch.Request {
			at = append(at, time.Now())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range at[:len(at)-141] {
			if d := at[i+141].Sub(at[i]); d < time.Second {
				t.Fatalf("141 requests within %v at 100/s", d)
			}
		}
	})
}

// A panic in settle is the caller's; what runs beside it ends all the same.
func TestPanicLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		func() {
			defer func() { _ = recover() }()
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0001@", Do: fault.ItemStatus(401)}}})
			r, err := batch.NewRunner(tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
				return batch.ErrNotSent
			}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = r.Run(t.Context(), deletes(tenant.AddUsers(20)), func(batch.Result) []batch.Request { panic("a fault of the caller") })
		}()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
