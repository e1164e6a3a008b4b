package batch_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// of returns the result of the request with a tag.
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

// A user or mailbox may have its own limit. A request that this limit refuses delays the others only a
// little.
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
			runner := newRunner(t, tenant, batch.Options{})
			err := runner.Run(t.Context(), deletes(users), func(res batch.Result) []batch.Request {
				results = append(results, res)
				if res.Err == nil {
					lastDone = time.Now()
				}
				return nil
			})
			one := of(t, results, bad)
			checkErr(t, "Run", err, batch.ErrStalled)
			checkStatus(t, results, 204, 1999)
			checkNotSent(t, &one)
			checkBetween(t, "times the one was throttled", one.Throttled, 10, 2000)
			checkBetween(t, "time of the others", lastDone.Sub(start), 0, 2*time.Minute)
		})
	}
}

// When a long time of refusals is over, all requests are carried out.
func TestAllRequestsAreRefusedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
		until := time.Now().Add(20 * time.Minute)
		early := func(string, string) bool { return time.Now().Before(until) }
		tenant.AddFaults(fault.Fault{Do: fault.ItemStatus(429, "Retry-After", "10"), Match: early})
		results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(2000)))
		checkStatus(t, results, 204, 2000)
		checkBetween(t, "time after the refusals", time.Since(until), 0, 6*time.Minute)
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
		renew := func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}
		results := runAll(t, tenant, batch.Options{Reauthorize: renew}, deletes(users))
		one := of(t, results, bad)
		checkStatus(t, results, 204, 1999)
		checkErr(t, "the one", one.Err, nil)
		check(t, "status of the one", one.Response.Status, 401)
		check(t, "attempts of the one", one.Attempts, 1)
		checkBetween(t, "tokens renewed", renewed, 1, 2)
	})
}

// If the new token is accepted only for a moment, a 401 is not the final answer of the requests that
// were refused with both tokens.
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
		renew := func(context.Context, *batch.StatusError) error {
			if renewed.IsZero() {
				renewed = time.Now()
			}
			return nil
		}
		results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: renew}, deletes(users))
		checkErr(t, "Run", err, batch.ErrUnauthorized)
		for _, r := range results {
			if r.Response.Status == 401 {
				checkErr(t, fmt.Sprint("result of ", r.Request.Tag), r.Err, batch.ErrNotSent)
			}
		}
	})
}

// StallTimeout also counts the time in which refused requests wait.
func TestStallWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(503)}}})
		start := time.Now()
		_, err := run(t.Context(), t, tenant, batch.Options{MaxAttempts: 500}, deletes(tenant.AddUsers(1)))
		checkErr(t, "Run", err, batch.ErrStalled)
		checkBetween(t, "time", time.Since(start), 30*time.Minute, 32*time.Minute)
	})
}

// A run whose last request waits for its Delay does not stall.
func TestDelayIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := fault.Fault{Path: "user0001@", Do: fault.OuterStatus(503)}
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{broken}})
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
		checkErr(t, "the delayed one", of(t, results, users[1].UPN).Err, nil)
	})
}

// MaxRate holds after a time without requests.
func TestMaxRateAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		users := tenant.AddUsers(300)
		var at []time.Time
		err := newRunner(t, tenant, batch.Options{MaxRate: 100}).Run(t.Context(), func(yield func(batch.Request) bool) {
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
		checkErr(t, "Run", err, nil)
		for i := range at[:len(at)-141] {
			checkBetween(t, "time of 141 requests at 100/s", at[i+141].Sub(at[i]), time.Second, 2*time.Hour)
		}
	})
}

// A panic in settle leaves no goroutine behind.
func TestPanicLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		defer func() { _ = recover() }()
		broken := fault.Fault{Path: "user0001@", Do: fault.ItemStatus(401)}
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{broken}})
		never := func(context.Context, *batch.StatusError) error { return batch.ErrNotSent }
		runner := newRunner(t, tenant, batch.Options{Reauthorize: never})
		fail := func(batch.Result) []batch.Request { panic("a fault of the caller") }
		_ = runner.Run(t.Context(), deletes(tenant.AddUsers(20)), fail)
	})
}
