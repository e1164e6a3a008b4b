package batch_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

func TestRunDeletesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Seed: 7})
		users := tenant.AddUsers(2000)
		start := time.Now()
		results := runAll(t, tenant, batch.Options{Concurrency: 10}, deletes(users))
		stats := tenant.Stats()
		check(t, "results", len(results), 2000)
		checkStatus(t, results, 204, 2000)
		checkLeft(t, tenant, 0)
		check(t, "passes deleted", stats.Deleted, 2000)
		check(t, "batches", stats.Batches, 100)
		check(t, "batches at once", stats.MaxConcurrent, 10)
		// 100 batches, ten at a time, of 50 ms each, after the first two.
		checkBetween(t, "time", time.Since(start), 500*time.Millisecond, 625*time.Millisecond)
	})
}

func TestRunKeepsListOrder(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Record: true})
	users := tenant.AddUsers(100)
	runAll(t, tenant, batch.Options{Concurrency: 1, BatchSize: 10}, deletes(users))
	seen := make(map[string]int) // batch by path
	for _, e := range tenant.Log() {
		seen[e.Path] = e.Batch
	}
	for i, u := range users {
		check(t, fmt.Sprintf("batch of request %d", i), seen[deleteOf(u.UPN, u.Passes[0].ID).URL], i/10+1)
	}
}

func TestRunWaitsAsTold(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait time.Duration
		form quota.RetryAfter
		want time.Duration
	}{
		{"whole seconds", 10 * time.Second, quota.Seconds, 10 * time.Second},
		{"decimal", 2249 * time.Millisecond, quota.Decimal, 2249 * time.Millisecond},
		{"date", 10 * time.Second, quota.Date, 10 * time.Second},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			limit := quota.First(20, tt.wait)
			limit.RetryAfter = tt.form
			tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
			users := tenant.AddUsers(45)
			start := time.Now()
			results := runAll(t, tenant, batch.Options{Concurrency: 1}, deletes(users))
			check(t, "time", time.Since(start), tt.want)
			checkStatus(t, results, 204, 45)
			check(t, "requests sent before the wait was over", tenant.Stats().SentTooEarly, 0)
			for _, r := range results {
				check(t, "attempts, of which being throttled is none", r.Attempts, 1)
			}
		}))
	}
}

// Whatever the form of Retry-After, a run neither floods the service nor sleeps for ever.
func TestRunSurvivesEveryRetryAfter(t *testing.T) {
	for _, value := range []string{"", "0", "-1", "1", "0.001", "nonsense", "Fri, 31 Dec 1999 15:04:05 GMT"} {
		t.Run(value, inBubble(func(t *testing.T) {
			limit := quota.First(30, time.Second)
			limit.RetryAfter = quota.Constant(value)
			tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
			results := runAll(t, tenant, batch.Options{Concurrency: 1, MaxAttempts: 1}, deletes(tenant.AddUsers(20)))
			checkStatus(t, results, 204, 20)
		}))
	}
}

// After a fault that does not say whether Graph carried out the delete, it is sent again, and
// the fault costs an attempt. A success with an error in it, or without an answer, is such a fault.
func TestRunRetries(t *testing.T) {
	for _, effect := range []fault.Effect{
		fault.ItemStatus(408), fault.ItemStatus(424), fault.ItemStatus(500), fault.ItemStatus(503).AfterWork(),
		fault.ItemStatus(507), fault.ItemMissing(), fault.ItemTwiceAs(500),
		fault.ItemErrorIn(200), fault.ItemErrorIn(202), fault.ItemErrorIn(204),
		fault.ItemErrorIn(200).AfterWork(), fault.ItemErrorIn(202).AfterWork(), fault.ItemErrorIn(204).AfterWork(),
		fault.ItemChange(func(r *fault.Item) { r.Status = nil }).AfterWork(),
		fault.OuterStatus(202), fault.OuterStatus(204), fault.OuterStatus(500), fault.OuterStatus(504),
		fault.OuterHTML(502), fault.OuterHTML(200), fault.Spliced("<html>"), fault.CutOff(), fault.Truncated(),
		fault.Reset(), fault.Reset().AfterWork(), fault.Hang(),
	} {
		t.Run(effect.String(), inBubble(func(t *testing.T) {
			broken := fault.Fault{Path: "user0003@", Attempt: 1, Do: effect}
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{broken}})
			users := tenant.AddUsers(5)
			results := runAll(t, tenant, batch.Options{}, deletes(users))
			check(t, "results", len(results), 5)
			checkLeft(t, tenant, 0)
			for _, r := range results {
				checkErr(t, fmt.Sprint("error of ", r.Request.Tag), r.Err, nil)
			}
			status := 204
			if effect.IsAfterWork() {
				status = 404
			}
			faulty := of(t, results, users[2].UPN)
			check(t, "attempts", faulty.Attempts, 2)
			check(t, "uncertain", faulty.Uncertain, true)
			check(t, "status", faulty.Response.Status, status)
		}))
	}
}

func TestRunGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
			{Path: "user0001@", Do: fault.ItemStatus(503)},
			{Path: "user0002@", Do: fault.ItemMissing()},
			{Path: "user0003@", Do: fault.ItemErrorIn(200)},
		}})
		users := tenant.AddUsers(3)
		start := time.Now()
		results := runAll(t, tenant, batch.Options{MaxAttempts: 3}, deletes(users))
		// Pauses of about 1 s and 2 s, less up to a quarter each.
		checkBetween(t, "time", time.Since(start), 2250*time.Millisecond, 3*time.Second)
		answered, unanswered := of(t, results, users[0].UPN), of(t, results, users[1].UPN)
		checkErr(t, "a 503", answered.Err, batch.ErrAttempts)
		check(t, "attempts", answered.Attempts, 3)
		check(t, "status", answered.Response.Status, 503)
		checkErr(t, "no answer", unanswered.Err, batch.ErrAttempts)
		checkErr(t, "no answer", unanswered.Err, batch.ErrNoResponse)
		broken := of(t, results, users[2].UPN)
		checkErr(t, "a success with an error in it", broken.Err, batch.ErrAttempts)
		assert.Says(t, "a success with an error in it", broken.Err, "ServiceUnavailable")
		check(t, "uncertain", broken.Uncertain, true)
	})
}

func TestRunFinalAnswersAreNotRepeated(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 409, 412, 413, 423} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.ItemStatus(status)}}})
			r := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(1)))[0]
			checkErr(t, "error", r.Err, nil)
			check(t, "status", r.Response.Status, status)
			check(t, "attempts", r.Attempts, 1)
		})
	}
}

func TestRunOneWritePerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		var src []batch.Request
		for i := range 5 {
			upn := fmt.Sprintf("u%d@contoso.example", i)
			u := graphsim.User{UPN: upn}
			for k := range 7 {
				id := fmt.Sprintf("00000000-0000-0000-%04d-%012d", i, k)
				u.Passes = append(u.Passes, graphsim.Pass{ID: id})
				src = append(src, deleteOf(upn, id))
			}
			tenant.AddUser(u)
		}
		start := time.Now()
		runAll(t, tenant, batch.Options{}, slices.Values(src))
		checkLeft(t, tenant, 0)
		checkWrites(t, tenant)
		// Seven rounds of one pass for each of the five users.
		check(t, "time", time.Since(start), 7*time.Second)
	})
}

func TestRunFollowUpsGoFirst(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Record: true})
	users := tenant.AddUsers(30)
	runner := newRunner(t, tenant, batch.Options{BatchSize: 10, Concurrency: 1})
	order := ""
	err := runner.Run(t.Context(), deletes(users), func(r batch.Result) []batch.Request {
		order += r.Request.Method
		if r.Request.Method == "GET" {
			return nil
		}
		list := listOf(r.Request.Key)
		list.Quota = ""
		return []batch.Request{list}
	})
	checkErr(t, "Run", err, nil)
	check(t, "order", order, strings.Repeat(strings.Repeat("DELETE", 10)+strings.Repeat("GET", 10), 3))
}

func TestRunDelaysFollowUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		start := time.Now()
		n := 0
		src := deletes(tenant.AddUsers(1))
		err := newRunner(t, tenant, batch.Options{}).Run(t.Context(), src, func(r batch.Result) []batch.Request {
			if n++; n == 3 {
				return nil
			}
			req := r.Request
			req.Delay = 7 * time.Second
			return []batch.Request{req}
		})
		checkErr(t, "Run", err, nil)
		check(t, "time", time.Since(start), 14*time.Second)
		check(t, "results", n, 3)
	})
}

func TestRunStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 3 * time.Second})
		users := tenant.AddUsers(100)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{Concurrency: 2}, deletes(users))
		checkErr(t, "Run", err, cause)
		check(t, "time, with the reply to what was in flight", time.Since(start), 3*time.Second)
		check(t, "results", len(results), 100)
		checkStatus(t, results, 204, 40)
		checkLeft(t, tenant, 60)
		for _, r := range results {
			if r.Err != nil {
				checkNotSent(t, &r)
				check(t, "attempts", r.Attempts, 0)
			}
		}
	})
}

func TestRunMaxWait(t *testing.T) {
	for name, opts := range map[string]graphsim.Options{
		"429": {Limits: []*quota.Limit{quota.First(20, 16*time.Minute)}},
		"503": {Faults: []fault.Fault{{Do: fault.ItemStatus(503, "Retry-After", "86400")}}},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(opts)
			start := time.Now()
			results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.AddUsers(100)))
			checkErr(t, "Run", err, batch.ErrMaxWait)
			check(t, "results", len(results), 100)
			checkBetween(t, "time", time.Since(start), 0, time.Second)
		}))
	}
}

func TestRunStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.First(1_000_000, time.Minute)
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
		start := time.Now()
		results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.AddUsers(100)))
		checkErr(t, "Run", err, batch.ErrStalled)
		check(t, "time", time.Since(start), 30*time.Minute)
		check(t, "results", len(results), 100)
		for _, r := range results {
			checkNotSent(t, &r)
		}
		checkBetween(t, "requests in half an hour of refusals", tenant.Stats().Requests, 30, 250)
	})
}

// MaxRate also holds if it is less than a request a minute.
func TestRunMaxRate(t *testing.T) {
	for _, tt := range []struct {
		rate     float64
		requests int
		want     time.Duration
	}{{10, 500, 50 * time.Second}, {0.001, 4, 3000 * time.Second}} {
		t.Run(fmt.Sprint(tt.requests, " at ", tt.rate), inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
			start := time.Now()
			runAll(t, tenant, batch.Options{MaxRate: tt.rate}, deletes(tenant.AddUsers(tt.requests)))
			checkBetween(t, "time", time.Since(start), tt.want-time.Second, tt.want+time.Second)
		}))
	}
}

func TestRunGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.Hang()}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{}, deletes(tenant.AddUsers(25)))
		checkErr(t, "Run", err, context.DeadlineExceeded)
		check(t, "time", time.Since(start), 11*time.Second)
		check(t, "results", len(results), 25)
		for _, r := range results {
			checkErr(t, "error", r.Err, batch.ErrNotSent)
			check(t, "uncertain", r.Uncertain, true)
			assert.Says(t, "the error", r.Err, "in flight")
		}
	})
}

func TestRunRenewsTheToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect fault.Effect
		times  int // the first two batches go at once
	}{{"outer 401", fault.OuterStatus(401), 2}, {"item 401", fault.ItemStatus(401), 40}} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			// What is in flight is refused; one token is requested.
			tenant := graphsim.New(graphsim.Options{Latency: time.Second,
				Faults: []fault.Fault{{Attempt: 1, Times: tt.times, Do: tt.effect}}})
			renewed := 0
			renew := func(_ context.Context, refused *batch.StatusError) error {
				check(t, "status of the refusal", refused.Status, 401)
				renewed++
				time.Sleep(5 * time.Second)
				return nil
			}
			opts := batch.Options{Concurrency: 10, Reauthorize: renew}
			results := runAll(t, tenant, opts, deletes(tenant.AddUsers(200)))
			checkStatus(t, results, 204, 200)
			check(t, "tokens renewed", renewed, 1)
			for _, r := range results {
				check(t, "attempts, of which a refused token is none", r.Attempts, 1)
			}
		}))
	}
}

// A batch that was sent with the old token, and is refused when there is a new one, asks for no other.
func TestLateRefusalOfTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Faults: []fault.Fault{
			{Batch: 1, Do: fault.ItemStatus(401)}, {Batch: 2, Do: fault.ItemStatus(401)},
			{Batch: 2, Do: fault.Delayed(time.Second)},
		}})
		renewed := 0
		renew := func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}
		results := runAll(t, tenant, batch.Options{Reauthorize: renew}, deletes(tenant.AddUsers(40)))
		checkStatus(t, results, 204, 40)
		check(t, "tokens renewed", renewed, 1)
	})
}

// A run can outlive several tokens: refusals of a request count only in a row.
func TestRefusalsOfTokensCountInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Attempt: 1, Do: fault.ItemStatus(401)},
			{Attempt: 2, Do: fault.ItemStatus(503)}, {Attempt: 3, Do: fault.ItemStatus(401)}}})
		opts := batch.Options{Reauthorize: renewToken}
		checkStatus(t, runAll(t, tenant, opts, deletes(tenant.AddUsers(1))), 204, 1)
	})
}

func TestRunEndsWhenTheNewTokenIsRefusedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second,
			Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}})
		renewed := 0
		renew := func(context.Context, *batch.StatusError) error {
			renewed++
			time.Sleep(time.Second) // until all that is in flight is refused
			return nil
		}
		results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: renew}, deletes(tenant.AddUsers(100)))
		checkErr(t, "Run", err, batch.ErrUnauthorized)
		check(t, "tokens renewed", renewed, 1)
		check(t, "results", len(results), 100)
		for _, r := range results {
			checkNotSent(t, &r)
		}
	})
}

// A batch in flight that is cancelled because the run stops may have been carried out, even if
// the run stops because there is no token.
func TestRunEndedPostIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
			{Batch: 1, Do: fault.Hang().AfterWork()},
			{Batch: 2, Do: fault.OuterStatus(401)},
		}})
		opts := batch.Options{BatchSize: 1, Concurrency: 2}
		results, err := run(t.Context(), t, tenant, opts, deletes(tenant.AddUsers(2)))
		checkErr(t, "Run", err, batch.ErrUnauthorized)
		check(t, "results", len(results), 2)
		left := stillThere(tenant)
		for _, r := range results {
			user := r.Request.Tag.(string)
			check(t, "uncertain: "+user, r.Uncertain, !left[user])
		}
	})
}

// A source that ends the run ends it even if no reply is expected, and nothing is sent after that.
func TestRunEndedBySource(t *testing.T) {
	for _, at := range []int{0, 20, 25, 200} {
		tenant := graphsim.New(graphsim.Options{})
		users := tenant.AddUsers(400)
		cause := errors.New("the list changed")
		ctx, cancel := context.WithCancelCause(t.Context())
		n := 0
		results, err := run(ctx, t, tenant, batch.Options{Concurrency: 1}, func(yield func(batch.Request) bool) {
			for req := range deletes(users) {
				if n++; n > at {
					cancel(cause)
					return
				}
				if !yield(req) {
					return
				}
			}
		})
		checkErr(t, "Run", err, cause)
		check(t, "results", len(results), at)
		checkBetween(t, "requests sent", tenant.Stats().Requests, 0, at/20*20)
	}
}

func TestRunBoundsReauthorize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}})
		start := time.Now()
		hang := func(ctx context.Context, _ *batch.StatusError) error {
			<-ctx.Done()
			return ctx.Err()
		}
		opts := batch.Options{RequestTimeout: time.Minute, Reauthorize: hang}
		_, err := run(t.Context(), t, tenant, opts, deletes(tenant.AddUsers(3)))
		checkErr(t, "Run", err, batch.ErrUnauthorized)
		check(t, "time", time.Since(start), time.Minute)
	})
}

func TestRunEndsWithoutAToken(t *testing.T) {
	poster := posterFunc(func(context.Context, []byte) (batch.Reply, error) {
		return batch.Reply{}, fmt.Errorf("%w: revoked", batch.ErrUnauthorized)
	})
	users := graphsim.New(graphsim.Options{}).AddUsers(100)
	results, err := run(t.Context(), t, poster, batch.Options{}, deletes(users))
	checkErr(t, "Run", err, batch.ErrUnauthorized)
	check(t, "results", len(results), 100)
	for _, r := range results {
		checkNotSent(t, &r)
		check(t, "attempts", r.Attempts, 0)
	}
}

func TestRunRefusesBadRequests(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(2)
	src := append(slices.Collect(deletes(users)), batch.Request{Method: "GET", URL: "https://evil.example/"})
	results := runAll(t, tenant, batch.Options{}, slices.Values(src))
	check(t, "results", len(results), 3)
	checkStatus(t, results, 204, 2)
	check(t, "requests sent", tenant.Stats().Requests, 2)
	bad := slices.IndexFunc(results, func(r batch.Result) bool { return r.Request.Method == "GET" })
	checkErr(t, "the bad one", results[bad].Err, batch.ErrInvalid)
}

// A list of any length takes no more from its source than it can send.
func TestRunStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.First(1_000_000, time.Hour)}})
		var taken atomic.Int32
		src := func(yield func(batch.Request) bool) {
			for i := range 10_000 {
				taken.Add(1)
				if !yield(deleteOf(fmt.Sprintf("u%d@contoso.example", i), "x")) {
					return
				}
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(59*time.Minute, cancel)
		var before atomic.Int32
		time.AfterFunc(58*time.Minute, func() { before.Store(taken.Load()) })
		_, err := run(ctx, t, tenant, batch.Options{MaxWait: -1, StallTimeout: -1, Concurrency: 16}, src)
		checkErr(t, "Run", err, context.Canceled)
		checkBetween(t, "requests taken", before.Load(), 1, 16*20+20)
	})
}

func TestNewRunnerChecksOptions(t *testing.T) {
	for _, opts := range []batch.Options{
		{BatchSize: 21}, {BatchSize: -1}, {Concurrency: -1}, {Concurrency: math.MaxInt}, {MaxAttempts: -1},
		{RequestTimeout: -1},
		{MaxRate: -1}, {MaxRate: math.NaN()}, {MaxRate: math.Inf(1)}, {MaxRate: math.MaxFloat64},
	} {
		if _, err := batch.NewRunner(posterFunc(nil), opts); err == nil {
			t.Errorf("NewRunner(%+v) = nil error", opts)
		}
	}
}

// Under any mix of faults each request settles exactly once, no write is lost, nothing is sent
// while the gate is closed, and the results agree with the tenant.
func TestRunSettlesOnceUnderAnyFaults(t *testing.T) {
	eachSeed(t, 60, settleOnce)
}

var firstSeed = flag.Uint64("seed", 0, "the first seed of the tests that use random numbers")

// eachSeed tests a property for a number of seeds, a fifth of it with -short.
func eachSeed(t *testing.T, rounds int, property func(*testing.T, uint64)) {
	if testing.Short() {
		rounds /= 5
	}
	for i := range uint64(rounds) {
		seed := *firstSeed + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { property(t, seed) })
		})
	}
}

func settleOnce(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	opts := graphsim.Options{Seed: seed, Latency: time.Duration(rng.IntN(2000)) * time.Millisecond}
	faulty := rng.IntN(4) > 0
	if faulty {
		opts.Faults = fault.Random(seed, rng.Float64()*0.5)
	}
	if rng.IntN(2) == 0 {
		limit := quota.Bucket(1+rng.Float64()*100, 1+rng.Float64()*50)
		limit.CountRefused = rng.IntN(2) == 0
		opts.Limits = []*quota.Limit{limit}
	}
	tenant := graphsim.New(opts)
	users := tenant.AddUsers(20 + rng.IntN(300))
	var poster batch.Poster = tenant
	if rng.IntN(3) == 0 {
		every, lasts := 1+rng.IntN(120), rng.IntN(60)
		poster = offline(tenant, func(at time.Duration) bool { return int(at.Seconds())%every < lasts })
	}
	runner := newRunner(t, poster, batch.Options{
		BatchSize:   1 + rng.IntN(20),
		Concurrency: 1 + rng.IntN(20),
		MaxAttempts: 1 + rng.IntN(8),
		Reauthorize: renewToken,
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(600))*time.Second)
	defer cancel()
	seen := make(map[string]batch.Result)
	var active atomic.Int32
	_ = runner.Run(ctx, deletes(users), func(r batch.Result) []batch.Request {
		check(t, "calls of settle at once", active.Add(1), 1)
		defer active.Add(-1)
		user := r.Request.Tag.(string)
		if _, twice := seen[user]; twice {
			t.Errorf("%s was settled twice", user)
		}
		seen[user] = r
		return nil
	})
	check(t, "requests settled", len(seen), len(users))
	left := stillThere(tenant)
	for user, r := range seen {
		checkTrue(t, &r, left[user])
	}
	checkWrites(t, tenant)
	if !faulty { // a fault may have hidden the wait from the client
		check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
	}
}

// checkTrue checks that the result of a delete agrees with the tenant.
func checkTrue(t *testing.T, r *batch.Result, left bool) {
	t.Helper()
	switch {
	case r.Stopped() && !r.Uncertain && !left:
		t.Errorf("%v: not sent, and the pass is gone", r.Request.Tag)
	case r.Err == nil && r.Response.Status == 204 && left:
		t.Errorf("%v: answered 204, and the pass is still there", r.Request.Tag)
	case r.Err == nil && r.Response.Status == 404 && !r.Uncertain && left:
		t.Errorf("%v: answered 404, and the pass is still there", r.Request.Tag)
	}
}

var _ batch.Poster = (*graphsim.Tenant)(nil)
