package batch_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// refusedIn deletes 2,000 passes in so many runs of one Runner, with a pause after each, under
// a limit of 20/s and a burst of 60. It returns how many requests were refused.
func refusedIn(t *testing.T, runs int, pause time.Duration) (refused int) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 50 * time.Millisecond,
			Limits:  []*quota.Limit{quota.Bucket(20, 60)},
		})
		users := tenant.AddUsers(2000)
		runner := newRunner(t, tenant, batch.Options{})
		var results []batch.Result
		for part := range slices.Chunk(users, len(users)/runs) {
			assert.OK(t, runner.Run(t.Context(), deletes(part), collect(&results)))
			time.Sleep(pause)
		}
		check(t, "passes deleted", statuses(results)[204], len(users))
		refused = tenant.Stats().Refused
	})
	return refused
}

// A Runner keeps the pace of a quota from one run to the next. How many requests are refused depends on
// the order of what happens at one instant, so several trials are compared.
func TestRunsShareAPace(t *testing.T) {
	trials := func(runs int) (refused int) {
		for range 4 {
			refused += refusedIn(t, runs, 0)
		}
		return refused
	}
	one := trials(1)
	for _, runs := range []int{4, 20} {
		got := trials(runs)
		assert.That(t, got <= one+one/3, "%d requests refused in four trials of %d runs, %d in four of one",
			got, runs, one)
	}
}

// After a pause, a run costs no more refusals than one of a new Runner.
func TestRunsShareAPaceAfterAPause(t *testing.T) {
	one := refusedIn(t, 1, 0)
	for _, pause := range []time.Duration{2 * time.Second, 10 * time.Second, time.Minute} {
		got := refusedIn(t, 4, pause)
		assert.That(t, got <= 4*one, "%d requests refused in four runs with pauses of %v, %d in one run",
			got, pause, one)
	}
}

// A quota that has had nothing to send for a while continues at its pace: the pause is no
// reason to try a higher one.
func TestIdleQuotaKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 50 * time.Millisecond,
			Limits:  []*quota.Limit{quota.Bucket(20, 60)},
		})
		later := func(yield func(batch.Request) bool) {
			i := 0
			for req := range deletes(tenant.AddUsers(2000)) {
				if i++; i > 1000 {
					req.Delay = 2 * time.Minute // the first half takes one
				}
				if !yield(req) {
					return
				}
			}
		}
		runAll(t, tenant, batch.Options{}, later)
		checkBetween(t, "requests refused", tenant.Stats().Refused, 0, 200)
	})
}

// closedTenant has users whose first batch of deletes is accepted, but for one that asks to
// wait. Nothing else is accepted until then.
func closedTenant(wait time.Duration) (*graphsim.Tenant, []graphsim.User) {
	tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.Closed(wait).Of(quota.Writes)}})
	return tenant, tenant.AddUsers(100)
}

// A wait that is running when a run ends is kept by the next run.
func TestRunKeepsTheWaitOfTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, users := closedTenant(10 * time.Minute)
		runner := newRunner(t, tenant, batch.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var first, second []batch.Result
		err := runner.Run(ctx, deletes(users[:50]), collect(&first))
		checkErr(t, "the first run, whose wait ends after its deadline", err, context.DeadlineExceeded)
		start, sent := time.Now(), tenant.Stats().Requests
		time.AfterFunc(8*time.Minute, func() {
			check(t, "requests sent during the wait", tenant.Stats().Requests-sent, 0)
		})
		checkErr(t, "the second run", runner.Run(t.Context(), deletes(users[50:]), collect(&second)), nil)
		check(t, "passes that the second run deleted", statuses(second)[204], 50)
		checkBetween(t, "time of the second run", time.Since(start), 0, 10*time.Minute)
		check(t, "requests sent before the wait was over", tenant.Stats().SentTooEarly, 0)
	})
}

// A wait longer than MaxWait ends the next run, too, at once. When enough of it has passed, a
// run waits for the rest.
func TestMaxWaitOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, users := closedTenant(20 * time.Minute)
		runner := newRunner(t, tenant, batch.Options{MaxWait: 15 * time.Minute})
		var results []batch.Result
		checkErr(t, "the first run", runner.Run(t.Context(), deletes(users), collect(&results)), batch.ErrMaxWait)
		start, sent := time.Now(), tenant.Stats().Requests
		results = nil
		checkErr(t, "the second run", runner.Run(t.Context(), deletes(users[50:]), collect(&results)),
			batch.ErrMaxWait)
		check(t, "requests that the second run settled", len(results), 50)
		check(t, "requests that the second run sent", tenant.Stats().Requests-sent, 0)
		check(t, "time of the second run", time.Since(start), 0)
		time.Sleep(6 * time.Minute)
		checkErr(t, "the third run", runner.Run(t.Context(), deletes(users[50:]), collect(&results)), nil)
	})
}

// A wait of one quota does not keep a run from sending requests of another.
func TestRunOfAnotherQuotaIgnoresTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, users := closedTenant(20 * time.Minute)
		runner := newRunner(t, tenant, batch.Options{})
		var results []batch.Result
		writes := slices.Values([]batch.Request{writeOf(users[0]), writeOf(users[1])})
		checkErr(t, "the first run", runner.Run(t.Context(), writes, collect(&results)), batch.ErrMaxWait)
		_, err := runner.Do(t.Context(), listOf(users[0].UPN))
		checkErr(t, "a read", err, nil)
	})
}

// Attempts and refusals are counted for one run only.
func TestRunForgetsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Times: 4, Do: fault.ItemStatus(500)}}})
		req := listOf(tenant.AddUsers(1)[0].UPN)
		runner := newRunner(t, tenant, batch.Options{MaxAttempts: 3})
		_, err := runner.Do(t.Context(), req)
		checkErr(t, "the first run", err, batch.ErrAttempts)
		res, err := runner.Do(t.Context(), req)
		checkErr(t, "the second run", err, nil)
		check(t, "attempts", res.Attempts, 2)
	})
}

// A Runner has one run at a time: settle cannot start another, and neither can other goroutines.
func TestRunnerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		user := tenant.AddUsers(1)[0]
		runner := newRunner(t, tenant, batch.Options{})
		var inner error
		err := runner.Run(t.Context(), slices.Values([]batch.Request{listOf(user.UPN)}),
			func(batch.Result) []batch.Request {
				_, inner = runner.Do(t.Context(), listOf(user.UPN))
				return nil
			})
		checkErr(t, "the outer run", err, nil)
		checkErr(t, "the inner run", inner, batch.ErrBusy)
	})
}

// A Runner works after a run that ended in a panic of its caller.
func TestRunAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		users := tenant.AddUsers(100)
		runner := newRunner(t, tenant, batch.Options{})
		func() {
			defer func() { _ = recover() }()
			_ = runner.Run(t.Context(), deletes(users),
				func(batch.Result) []batch.Request { panic("a fault of the caller") })
		}()
		_, err := runner.Do(t.Context(), listOf(users[0].UPN))
		checkErr(t, "Do after a panic", err, nil)
	})
}
