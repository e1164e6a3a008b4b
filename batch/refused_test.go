package batch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
)

// While everything is refused, a run probes with a few requests, however small its batches
// are, however few of them are in flight, and whatever wait is named.
func TestRefusalsOfEverythingAreProbed(t *testing.T) {
	for _, size := range []int{1, 2, 5, 20} {
		for _, concurrency := range []int{0, 1, 2, 20} {
			for _, wait := range []string{"0", "1", "5"} {
				name := fmt.Sprintf("batches of %d, %d in flight, Retry-After %s", size, concurrency, wait)
				t.Run(name, inBubble(func(t *testing.T) {
					limit := quota.First(1_000_000, time.Second)
					limit.RetryAfter = quota.Constant(wait)
					tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond,
						Limits: []*quota.Limit{limit}})
					opts := batch.Options{BatchSize: size, Concurrency: concurrency, StallTimeout: time.Minute}
					_, err := run(t.Context(), t, tenant, opts, deletes(tenant.AddUsers(1000)))
					checkErr(t, "Run", err, batch.ErrStalled)
					checkBetween(t, "requests in a minute of refusals", tenant.Stats().Requests, 1, 150)
				}))
			}
		}
	}
}

// A limit is found although there is never a second batch in flight, which would be the
// evidence for it.
func TestLimitIsFoundByOneBatchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.Window(20, 10*time.Second)
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Limits: []*quota.Limit{limit}})
		start := time.Now()
		runAll(t, tenant, batch.Options{Concurrency: 1}, deletes(tenant.AddUsers(300)))
		checkBetween(t, "time", time.Since(start), 140*time.Second, 150*time.Second)
		checkBetween(t, "requests refused in 15 windows", tenant.Stats().Refused, 0, 100)
		check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
	})
}
