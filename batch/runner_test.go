package batch_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
)

// deletes yields one DELETE for each pass of the users.
func deletes(users []graphsim.User) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for _, u := range users {
			for _, p := range u.Passes {
				if !yield(deleteOf(u.UPN, p.ID)) {
					return
				}
			}
		}
	}
}

func deleteOf(user, pass string) batch.Request {
	return batch.Request{
		Method: "DELETE",
		URL:    "/users/" + user + "/authentication/temporaryAccessPassMethods/" + pass,
		Key:    user,
		Tag:    user,
	}
}

// runAll runs requests to the end and returns the results in the order in
// which they were settled.
func runAll(t *testing.T, poster batch.Poster, opts batch.Options, src iter.Seq[batch.Request]) []batch.Result {
	t.Helper()
	results, err := run(t.Context(), t, poster, opts, src)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return results
}

func run(ctx context.Context, t *testing.T, poster batch.Poster, opts batch.Options, src iter.Seq[batch.Request]) ([]batch.Result, error) {
	t.Helper()
	runner, err := batch.NewRunner(poster, opts)
	if err != nil {
		t.Fatal(err)
	}
	var results []batch.Result
	err = runner.Run(ctx, src, func(r batch.Result) []batch.Request {
		results = append(results, r)
		return nil
	})
	return results, err
}

func statuses(results []batch.Result) map[int]int {
	m := make(map[int]int)
	for _, r := range results {
		m[r.Response.Status]++
	}
	return m
}

func TestRunDeletesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Seed: 7})
		users := tenant.AddUsers(2000)
		start := time.Now()
		results := runAll(t, tenant, batch.Options{Concurrency: 10}, deletes(users))
		if got := statuses(results); got[204] != 2000 || len(got) != 1 {
			t.Errorf("statuses %v, want 2000 times 204", got)
		}
		stats := tenant.Stats()
		if len(tenant.Remaining()) != 0 || stats.Deleted != 2000 {
			t.Errorf("%d passes left, %d deleted", len(tenant.Remaining()), stats.Deleted)
		}
		if stats.Batches != 100 || stats.MeanSize() != 20 {
			t.Errorf("%d batches of %v, want 100 of 20", stats.Batches, stats.MeanSize())
		}
		// 100 batches, ten at a time, of 50 ms each, after the first two.
		if d := time.Since(start); d < 500*time.Millisecond || d > 625*time.Millisecond {
			t.Errorf("the run took %v, want 500ms to 625ms", d)
		}
		if stats.MaxConcurrent != 10 {
			t.Errorf("%d batches at once, want 10", stats.MaxConcurrent)
		}
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
		path := "/v1.0" + deleteOf(u.UPN, u.Passes[0].ID).URL
		b, ok := seen[path]
		if !ok {
			b = seen[strings.TrimPrefix(path, "/v1.0")]
		}
		if b != i/10+1 {
			t.Errorf("request %d went in batch %d, want %d", i, b, i/10+1)
		}
	}
}

func TestRunWaitsAsTold(t *testing.T) {
	tests := []struct {
		name string
		wait time.Duration
		form quota.RetryAfter
		want time.Duration
	}{
		{"whole seconds", 10 * time.Second, quota.Seconds, 10 * time.Second},
		{"decimal", 2249 * time.Millisecond, quota.Decimal, 2249 * time.Millisecond},
		{"date", 10 * time.Second, quota.Date, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := quota.First(20, tt.wait)
				limit.RetryAfter = tt.form
				tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
				users := tenant.AddUsers(45)
				start := time.Now()
				results := runAll(t, tenant, batch.Options{Concurrency: 1}, deletes(users))
				if d := time.Since(start); d != tt.want {
					t.Errorf("run took %v, want %v", d, tt.want)
				}
				if got := statuses(results); got[204] != 45 {
					t.Errorf("statuses %v, want 45 times 204", got)
				}
				if early := tenant.Stats().SentTooEarly; early != 0 {
					t.Errorf("%d requests were sent before the wait was over", early)
				}
				for _, r := range results {
					if r.Attempts != 1 {
						t.Fatalf("%d attempts, want 1: being throttled costs none", r.Attempts)
					}
				}
			})
		})
	}
}

// No form of Retry-After may make the runner hammer the service or sleep for
// ever; a refusal that lasts ends nothing.
func TestRunSurvivesEveryRetryAfter(t *testing.T) {
	for _, value := range []string{"", "0", "-1", "1", "0.001", "nonsense", "Fri, 31 Dec 1999 15:04:05 GMT"} {
		t.Run(value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := quota.First(30, time.Second)
				limit.RetryAfter = quota.Constant(value)
				tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
				results := runAll(t, tenant, batch.Options{Concurrency: 1, MaxAttempts: 1}, deletes(tenant.AddUsers(20)))
				if got := statuses(results); got[204] != 20 {
					t.Errorf("statuses %v, want 20 times 204", got)
				}
			})
		})
	}
}

// Each fault that leaves open whether Graph did the work costs an attempt, and
// the delete is found done or is done by the next.
func TestRunRetries(t *testing.T) {
	effects := map[string]fault.Effect{
		"item 408": fault.ItemStatus(408), "item 424": fault.ItemStatus(424), "item 500": fault.ItemStatus(500),
		"item 503 after the work": fault.ItemStatus(503).AfterWork(), "item 507": fault.ItemStatus(507),
		"missing": fault.ItemMissing(), "doubled": fault.ItemTwiceAs(500), "no status": fault.ItemNoStatus(),
		"outer 500": fault.OuterStatus(500), "outer 502 HTML": fault.OuterHTML(502), "outer 504": fault.OuterStatus(504),
		"200 with HTML": fault.OuterHTML(200), "spliced": fault.Spliced("<html>"), "cut off": fault.CutOff(),
		"truncated": fault.Truncated(), "reset": fault.Reset(), "reset after the work": fault.Reset().AfterWork(), "hang": fault.Hang(),
	}
	for name, effect := range effects {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0003@", Attempt: 1, Do: effect}}})
				results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(5)))
				if len(results) != 5 || len(tenant.Remaining()) != 0 {
					t.Fatalf("%d results, %d passes left", len(results), len(tenant.Remaining()))
				}
				for _, r := range results {
					if r.Err != nil {
						t.Errorf("%v: %v", r.Request.Tag, r.Err)
					}
					if strings.HasPrefix(r.Request.Tag.(string), "user0003@") && (r.Attempts != 2 || !r.Uncertain) {
						t.Errorf("attempts %d, uncertain %v, want 2, true", r.Attempts, r.Uncertain)
					}
				}
			})
		})
	}
}

func TestRunGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Path: "user0001@", Do: fault.ItemStatus(503)}, {Path: "user0002@", Do: fault.ItemMissing()}}})
		start := time.Now()
		results := runAll(t, tenant, batch.Options{MaxAttempts: 3}, deletes(tenant.AddUsers(3)))
		for _, r := range results {
			switch user := r.Request.Tag.(string); user[:8] {
			case "user0001":
				if !errors.Is(r.Err, batch.ErrAttempts) || r.Attempts != 3 || r.Response.Status != 503 {
					t.Errorf("%s: %v after %d attempts, status %d", user, r.Err, r.Attempts, r.Response.Status)
				}
			case "user0002":
				if !errors.Is(r.Err, batch.ErrAttempts) || !errors.Is(r.Err, batch.ErrNoResponse) {
					t.Errorf("%s: %v", user, r.Err)
				}
			}
		}
		// Pauses of about 1 s and 2 s, less up to a quarter each.
		if d := time.Since(start); d < 2250*time.Millisecond || d > 3*time.Second {
			t.Errorf("the run took %v, want 2.25s to 3s", d)
		}
	})
}

func TestRunFinalAnswersAreNotRepeated(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 409, 412, 413, 423} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.ItemStatus(status)}}})
			results := runAll(t, tenant, batch.Options{}, deletes(tenant.AddUsers(1)))
			if r := results[0]; r.Err != nil || r.Response.Status != status || r.Attempts != 1 {
				t.Errorf("status %d, error %v, %d attempts; want %d, nil, 1", r.Response.Status, r.Err, r.Attempts, status)
			}
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
		stats := tenant.Stats()
		if len(tenant.Remaining()) != 0 || stats.LostWrites != 0 || stats.OverlappingWrites != 0 {
			t.Errorf("%d passes left, %d writes lost, %d at once", len(tenant.Remaining()), stats.LostWrites, stats.OverlappingWrites)
		}
		// Seven rounds of one pass for each of the five users.
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("the run took %v, want 7s", d)
		}
	})
}

func TestRunFollowUpsGoFirst(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Record: true})
	users := tenant.AddUsers(30)
	runner, err := batch.NewRunner(tenant, batch.Options{BatchSize: 10, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	err = runner.Run(t.Context(), deletes(users), func(r batch.Result) []batch.Request {
		order = append(order, r.Request.Method)
		if r.Request.Method == "GET" {
			return nil
		}
		return []batch.Request{{Method: "GET", URL: "/users/" + r.Request.Key + "/authentication/temporaryAccessPassMethods"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != strings.Repeat(strings.Repeat("DELETE", 10)+strings.Repeat("GET", 10), 3) {
		t.Errorf("order %s", got)
	}
}

func TestRunDelaysFollowUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		runner, _ := batch.NewRunner(tenant, batch.Options{})
		start := time.Now()
		n := 0
		err := runner.Run(t.Context(), deletes(tenant.AddUsers(1)), func(r batch.Result) []batch.Request {
			if n++; n == 3 {
				return nil
			}
			req := r.Request
			req.Delay = 7 * time.Second
			return []batch.Request{req}
		})
		if d := time.Since(start); err != nil || d != 14*time.Second || n != 3 {
			t.Errorf("Run = %v after %v with %d results, want nil after 14s with 3", err, d, n)
		}
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
		if !errors.Is(err, cause) {
			t.Errorf("Run = %v, want the cause of the context", err)
		}
		// What was in flight is waited for, and counts.
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("the run took %v, want 3s", d)
		}
		done, notSent := 0, 0
		for _, r := range results {
			switch {
			case r.Err == nil && r.Response.Status == 204:
				done++
			case errors.Is(r.Err, batch.ErrNotSent) && !r.Uncertain && r.Attempts == 0:
				notSent++
			}
		}
		if done != 40 || notSent != 60 || len(tenant.Remaining()) != 60 {
			t.Errorf("%d done, %d not sent, %d left, want 40, 60, 60", done, notSent, len(tenant.Remaining()))
		}
	})
}

func TestRunStopsInTheMiddleOfAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.First(20, time.Hour)}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(5*time.Second, cancel)
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{MaxWait: -1}, deletes(tenant.AddUsers(500)))
		if d := time.Since(start); !errors.Is(err, context.Canceled) || d != 5*time.Second || len(results) != 500 {
			t.Errorf("Run = %v after %v with %d results", err, d, len(results))
		}
	})
}

func TestRunMaxWait(t *testing.T) {
	for name, opts := range map[string]graphsim.Options{
		"429": {Limits: []*quota.Limit{quota.First(20, 16*time.Minute)}},
		"503": {Faults: []fault.Fault{{Do: fault.ItemStatus(503, "Retry-After", "86400")}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(opts)
				start := time.Now()
				results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.AddUsers(100)))
				if !errors.Is(err, batch.ErrMaxWait) || len(results) != 100 || time.Since(start) > time.Second {
					t.Errorf("Run = %v with %d results after %v", err, len(results), time.Since(start))
				}
			})
		})
	}
}

func TestRunStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.First(1_000_000, time.Minute)
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
		start := time.Now()
		results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.AddUsers(100)))
		if d := time.Since(start); !errors.Is(err, batch.ErrStalled) || len(results) != 100 || d != 30*time.Minute {
			t.Errorf("Run = %v with %d results after %v, want 30m", err, len(results), d)
		}
		for _, r := range results {
			if !errors.Is(r.Err, batch.ErrNotSent) || r.Uncertain {
				t.Errorf("%v, uncertain %v; want not sent", r.Err, r.Uncertain)
			}
		}
		// A refusal now and then is no stall.
		if n := tenant.Stats().Requests; n > 250 {
			t.Errorf("%d requests in half an hour of refusals", n)
		}
	})
}

func TestRunMaxRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
		start := time.Now()
		runAll(t, tenant, batch.Options{MaxRate: 10}, deletes(tenant.AddUsers(500)))
		if d := time.Since(start); d < 49*time.Second || d > 51*time.Second {
			t.Errorf("500 requests at 10/s took %v", d)
		}
	})
}

func TestRunGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.Hang()}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{Grace: 4 * time.Second}, deletes(tenant.AddUsers(25)))
		if d := time.Since(start); err == nil || d != 5*time.Second {
			t.Errorf("Run = %v after %v, want an error after 5s", err, d)
		}
		if len(results) != 25 {
			t.Errorf("%d results, want 25", len(results))
		}
		for _, r := range results {
			if !errors.Is(r.Err, batch.ErrNotSent) || !r.Uncertain {
				t.Errorf("%v: %v, uncertain %v; want not sent again and uncertain", r.Request.Tag, r.Err, r.Uncertain)
			}
			if want := "not sent again: the run stopped while this was in flight"; r.Err.Error() != want {
				t.Errorf("%v: the error is %q, want %q", r.Request.Tag, r.Err, want)
			}
		}
	})
}

func TestRunRenewsTheToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect fault.Effect
		times  int // the first two batches go at once
	}{{"outer 401", fault.OuterStatus(401), 2}, {"item 401", fault.ItemStatus(401), 40}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// What is in flight comes back refused; one token is fetched.
				tenant := graphsim.New(graphsim.Options{Latency: time.Second, Faults: []fault.Fault{{Attempt: 1, Times: tt.times, Do: tt.effect}}})
				renewed := 0
				results := runAll(t, tenant, batch.Options{Concurrency: 10, Reauthorize: func(ctx context.Context, refused *batch.StatusError) error {
					if refused == nil || refused.Status != 401 {
						t.Errorf("refused %v", refused)
					}
					renewed++
					time.Sleep(5 * time.Second)
					return nil
				}}, deletes(tenant.AddUsers(200)))
				if got := statuses(results); got[204] != 200 || renewed != 1 {
					t.Errorf("statuses %v, %d tokens renewed, want 200 times 204 and 1", got, renewed)
				}
				for _, r := range results {
					if r.Attempts != 1 {
						t.Fatalf("%d attempts, want 1: a refused token costs none", r.Attempts)
					}
				}
			})
		})
	}
}

func TestRunEndsWhenTheNewTokenIsRefusedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}})
		renewed := 0
		results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}}, deletes(tenant.AddUsers(100)))
		if !errors.Is(err, batch.ErrUnauthorized) || renewed != 1 || len(results) != 100 {
			t.Errorf("Run = %v with %d results, %d tokens renewed", err, len(results), renewed)
		}
		for _, r := range results {
			if !errors.Is(r.Err, batch.ErrNotSent) || r.Uncertain {
				t.Errorf("%v: %v, uncertain %v; want not sent", r.Request.Tag, r.Err, r.Uncertain)
			}
		}
	})
}

// A post that is ended because the run stops was sent, even if the run stops for
// want of a token: it once counted as not sent.
func TestRunEndedPostIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
			{Batch: 1, Do: fault.Hang().AfterWork()},
			{Batch: 2, Do: fault.OuterStatus(401)},
		}})
		results, err := run(t.Context(), t, tenant, batch.Options{BatchSize: 1, Concurrency: 2, Grace: time.Second}, deletes(tenant.AddUsers(2)))
		if !errors.Is(err, batch.ErrUnauthorized) || len(results) != 2 {
			t.Fatalf("Run = %v with %d results", err, len(results))
		}
		left := tenant.Remaining()[0].UPN
		for _, r := range results {
			if user := r.Request.Tag.(string); r.Uncertain != (user != left) {
				t.Errorf("%s: uncertain %v, left %v", user, r.Uncertain, user == left)
			}
		}
	})
}

// A source that ends the run ends it even if no answer is waited for: it once
// ended as if the list were at its end. And nothing goes out after that.
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
		if !errors.Is(err, cause) || len(results) != at || tenant.Stats().Requests > at/20*20 {
			t.Errorf("after %d: Run = %v with %d results, %d requests sent", at, err, len(results), tenant.Stats().Requests)
		}
	}
}

func TestRunBoundsReauthorize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(401)}}})
		start := time.Now()
		_, err := run(t.Context(), t, tenant, batch.Options{RequestTimeout: time.Minute, Reauthorize: func(ctx context.Context, _ *batch.StatusError) error {
			<-ctx.Done()
			return ctx.Err()
		}}, deletes(tenant.AddUsers(3)))
		if d := time.Since(start); !errors.Is(err, batch.ErrUnauthorized) || d != time.Minute {
			t.Errorf("Run = %v after %v, want no token after 1m", err, d)
		}
	})
}

func TestRunEndsWithoutAToken(t *testing.T) {
	poster := posterFunc(func(context.Context, []byte) (batch.Reply, error) {
		return batch.Reply{}, fmt.Errorf("%w: revoked", batch.ErrUnauthorized)
	})
	results, err := run(t.Context(), t, poster, batch.Options{}, deletes(graphsim.New(graphsim.Options{}).AddUsers(100)))
	if !errors.Is(err, batch.ErrUnauthorized) || len(results) != 100 {
		t.Fatalf("Run = %v with %d results", err, len(results))
	}
	for _, r := range results {
		if !errors.Is(r.Err, batch.ErrNotSent) || r.Uncertain || r.Attempts != 0 {
			t.Errorf("%v: %v, uncertain %v, attempts %d; want not sent", r.Request.Tag, r.Err, r.Uncertain, r.Attempts)
		}
	}
}

type posterFunc func(context.Context, []byte) (batch.Reply, error)

func (f posterFunc) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	return f(ctx, body)
}

func TestRunRefusesBadRequests(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(2)
	src := append(slices.Collect(deletes(users)), batch.Request{Method: "GET", URL: "https://evil.example/"})
	results := runAll(t, tenant, batch.Options{}, slices.Values(src))
	bad := 0
	for _, r := range results {
		if r.Err != nil {
			bad++
		}
	}
	if bad != 1 || len(results) != 3 || tenant.Stats().Requests != 2 {
		t.Errorf("%d bad of %d results, %d requests seen", bad, len(results), tenant.Stats().Requests)
	}
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
		if n := before.Load(); err == nil || n == 0 || n > 16*20+20 {
			t.Errorf("Run = %v, %d requests taken with 16 batches in flight", err, n)
		}
	})
}

func TestNewRunnerChecksOptions(t *testing.T) {
	for _, opts := range []batch.Options{{BatchSize: 21}, {BatchSize: -1}, {Concurrency: -1}, {MaxAttempts: -1}, {RequestTimeout: -1}, {Backoff: -1},
		{MaxRate: -1}, {MaxRate: math.NaN()}, {MaxRate: math.Inf(1)}, {MaxRate: math.MaxFloat64}, {Concurrency: math.MaxInt}} {
		if _, err := batch.NewRunner(posterFunc(nil), opts); err == nil {
			t.Errorf("NewRunner(%+v) = nil error", opts)
		}
	}
}

// Under any mix of faults each request settles exactly once, no batch breaks
// Graph's rules, no write is lost, nothing is sent while the gate is closed, and
// what the results say is what the tenant did.
func TestRunSettlesOnceUnderAnyFaults(t *testing.T) {
	eachSeed(t, 60, settleOnce)
}

// eachSeed tests a property for so many seeds, a fifth of them with -short.
func eachSeed(t *testing.T, rounds int, property func(*testing.T, uint64)) {
	if testing.Short() {
		rounds /= 5
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { property(t, uint64(seed)) })
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
	var calls, active atomic.Int32
	runner, err := batch.NewRunner(poster, batch.Options{
		BatchSize:   1 + rng.IntN(20),
		Concurrency: 1 + rng.IntN(20),
		MaxAttempts: 1 + rng.IntN(8),
		Reauthorize: func(context.Context, *batch.StatusError) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]batch.Result)
	stop := time.Duration(rng.IntN(600)) * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), stop)
	defer cancel()
	_ = runner.Run(ctx, deletes(users), func(r batch.Result) []batch.Request {
		if active.Add(1) != 1 {
			t.Error("settle was called by two goroutines at once")
		}
		defer active.Add(-1)
		calls.Add(1)
		key := r.Request.Tag.(string)
		if _, twice := seen[key]; twice {
			t.Errorf("%s was settled twice", key)
		}
		seen[key] = r
		return nil
	})
	if len(seen) != len(users) || int(calls.Load()) != len(users) {
		t.Errorf("%d of %d requests settled, %d calls", len(seen), len(users), calls.Load())
	}
	left := make(map[string]bool)
	for _, h := range tenant.Remaining() {
		left[h.UPN] = true
	}
	for user, r := range seen {
		switch {
		case r.Err == nil && r.Response.Status == 204 && left[user]:
			t.Errorf("%s: answered 204, and still there", user)
		case errors.Is(r.Err, batch.ErrNotSent) && !r.Uncertain && !left[user]:
			t.Errorf("%s: not sent, and gone", user)
		case r.Err == nil && r.Response.Status == 404 && !r.Uncertain && left[user]:
			t.Errorf("%s: 404, and still there", user)
		}
	}
	stats := tenant.Stats()
	if stats.LostWrites+stats.OverlappingWrites > 0 {
		t.Errorf("%d writes lost, %d at once", stats.LostWrites, stats.OverlappingWrites)
	}
	if stats.SentTooEarly > 0 && !faulty { // a fault may have hidden the wait from the client
		t.Errorf("%d requests sent before a wait was over", stats.SentTooEarly)
	}
}

var _ batch.Poster = (*graphsim.Tenant)(nil)
