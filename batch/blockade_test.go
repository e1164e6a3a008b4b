package batch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
)

// gateways are refusals of whole batches that do not depend on their requests.
func gateways() []graphsim.Effect {
	return []graphsim.Effect{
		graphsim.OuterBody(400, `<html><head><title>Bad Request</title></head></html>`, "Content-Type", "text/html"),
		graphsim.OuterBody(401, `{"statusCode":401,"message":"Access denied."}`),
		graphsim.OuterBody(403, `{"statusCode":403,"message":"This address is not allowed."}`),
		graphsim.OuterBody(404, "default backend - 404"),
		graphsim.OuterBody(405, ""),
		graphsim.OuterBody(407, ""),
		graphsim.OuterBody(422, `{"title":"Blocked","detail":"rule 7"}`),
		graphsim.OuterBody(302, "", "Location", "https://portal.example/login"),
		graphsim.OuterStatus(400), graphsim.OuterStatus(403), graphsim.OuterStatus(404),
		// with a code of Graph, for every batch
	}
}

// during makes a fault happen to every batch in a span of time, counted from the start.
func during(from, to time.Duration, do graphsim.Effect) graphsim.Fault {
	start := time.Now()
	return graphsim.Fault{Do: do, Match: func(string, string) bool {
		at := time.Since(start)
		return at >= from && at < to
	}}
}

// A gateway that refuses every batch for two seconds costs about two seconds and a
// handful of posts, and nothing else.
func TestGatewayForTwoSeconds(t *testing.T) {
	for _, do := range gateways() {
		for _, from := range []time.Duration{0, 500 * time.Millisecond} {
			for _, concurrency := range []int{1, 8} {
				t.Run(fmt.Sprint(do, from, concurrency), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { gatewayFor(t, do, from, concurrency) })
				})
			}
		}
	}
}

func gatewayFor(t *testing.T, do graphsim.Effect, from time.Duration, concurrency int) {
	const rows = 2000
	tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
	users := tenant.Populate(rows)
	tenant.AddFaults(during(from, from+2*time.Second, do))
	start := time.Now()
	results := runAll(t, tenant, batch.Options{Concurrency: concurrency, Reauthorize: renewToken}, deletes(users))
	for _, r := range results {
		if r.Response.Status != 204 || r.Err != nil {
			t.Fatalf("%v: status %d, %v", r.Request.Tag, r.Response.Status, r.Err)
		}
		if r.Attempts != 1 || r.Uncertain {
			t.Fatalf("%v: %d attempts, uncertain %v, want one and certain", r.Request.Tag, r.Attempts, r.Uncertain)
		}
	}
	if len(results) != rows {
		t.Errorf("%d results, want %d", len(results), rows)
	}
	// 100 batches at 0.1 s; what was split has smaller ones.
	most := from + 6*time.Second + rows/20*100*time.Millisecond/time.Duration(concurrency)
	if took := time.Since(start); took > most {
		t.Errorf("the run took %v, want at most %v", took, most)
	}
	if n := tenant.Stats().Batches; n > rows/20+60 {
		t.Errorf("%d batches, want at most 60 more than %d", n, rows/20)
	}
}

// A gateway that refuses every batch for good ends the run after 30 seconds and a
// handful of posts. Nothing had an effect, and each row says that it was not sent.
func TestGatewayForGood(t *testing.T) {
	for _, do := range gateways() {
		for _, rows := range []int{1, 20, 2000} {
			t.Run(fmt.Sprint(do, rows), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
						Faults: []graphsim.Fault{{Do: do}}})
					start := time.Now()
					results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: renewToken},
						deletes(tenant.Populate(rows)))
					if !errors.Is(err, batch.ErrBlocked) {
						t.Errorf("Run = %v, want ErrBlocked", err)
					}
					if took := time.Since(start); took < 30*time.Second || took > 31*time.Second {
						t.Errorf("the run took %v, want 30 s", took)
					}
					for _, r := range results {
						if !r.Stopped() || r.Uncertain || r.Attempts != 0 {
							t.Fatalf("%v: %v after %d attempts, uncertain %v", r.Request.Tag, r.Err, r.Attempts,
								r.Uncertain)
						}
					}
					if len(results) != rows {
						t.Errorf("%d results, want %d", len(results), rows)
					}
					if n := tenant.Stats().Batches; n > 20 {
						t.Errorf("%d batches were posted, want a handful", n)
					}
				})
			})
		}
	}
}

// A list of which Graph refuses every batch because of its requests is not a closed path: each
// row is rejected, and the run gets to its end. Earlier, the run ended after 30 seconds with rows
// that were not sent, and so did each run that resumed it.
func TestListOfBadRequests(t *testing.T) {
	for _, rows := range []int{1, 2, 5, 20, 300} {
		for _, concurrency := range []int{1, 8} {
			t.Run(fmt.Sprint(rows, concurrency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
					users := tenant.Populate(rows)
					tenant.AddFaults(refuse(400, names(users)...))
					results := runAll(t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
					for _, r := range results {
						if !refusedWhole(r, 400) || r.Attempts != 1 {
							t.Fatalf("%v: %v after %d attempts, want Graph's refusal after one", r.Request.Tag, r.Err,
								r.Attempts)
						}
					}
					if len(results) != rows {
						t.Errorf("%d results, want %d", len(results), rows)
					}
					// Two to find each request, one to send it again, and what asks about the path.
					if n := tenant.Stats().Batches; n > 3*rows+rows/4+2 {
						t.Errorf("%d batches for %d rows", n, rows)
					}
				})
			})
		}
	}
}

// If Graph refuses all requests and what asks about the path is never answered, the run ends.
func TestListOfBadRequestsWithoutAnswers(t *testing.T) {
	for _, do := range []graphsim.Effect{graphsim.OuterStatus(500), graphsim.OuterStatus(503), graphsim.Hang()} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
			users := tenant.Populate(40)
			tenant.AddFaults(refuse(400, names(users)...), graphsim.Fault{Method: "GET", Do: do})
			results, _ := run(t.Context(), t, tenant, batch.Options{}, deletes(users))
			if len(results) != 40 {
				t.Errorf("%v: %d results, want 40", do, len(results))
			}
		})
	}
}

// The error that ends the run has the gateway's message and says what probably sent it.
func TestGatewayMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []graphsim.Fault{{Do: graphsim.OuterBody(403,
			`{"statusCode":403,"message":"Address\u001b 10.1.2.3 is not allowed."}`)}}})
		results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.Populate(1)))
		want := `every batch is refused, apparently by a gateway, a proxy or a policy in front of Graph: ` +
			`none was accepted in 30s: ` +
			`the answer was 403: Address\x1b 10.1.2.3 is not allowed.`
		if err == nil || err.Error() != want {
			t.Errorf("Run = %v\nwant %s", err, want)
		}
		if whole, ok := errors.AsType[*batch.StatusError](err); !ok || whole.Status != 403 {
			t.Errorf("the error does not hold the answer: %v", err)
		}
		if got := fmt.Sprint(results[0].Err); !strings.Contains(got, "10.1.2.3") {
			t.Errorf("the result says %q", got)
		}
	})
}

// A gateway that refuses every batch with one certain request delays only the batch with that
// request. Graph did not refuse it, so no row is rejected.
func TestGatewayRefusesOneRequest(t *testing.T) {
	for _, concurrency := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
			users := tenant.Populate(400)
			tenant.AddFaults(graphsim.Fault{Path: users[30].UPN, Do: graphsim.OuterBody(403, "<h1>Blocked</h1>")})
			results, err := run(t.Context(), t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
			if !errors.Is(err, batch.ErrBlocked) {
				t.Errorf("Run = %v, want ErrBlocked", err)
			}
			notSent := 0
			for _, r := range results {
				if r.Stopped() {
					notSent++
				} else if r.Response.Status != 204 {
					t.Errorf("%v: status %d, %v", r.Request.Tag, r.Response.Status, r.Err)
				}
			}
			if notSent == 0 || notSent > 20 {
				t.Errorf("concurrency %d: %d requests were not sent, want those of one batch", concurrency, notSent)
			}
		})
	}
}

// A StallTimeout shorter than 30 seconds takes precedence.
func TestGatewayAndPatience(t *testing.T) {
	for stall, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second,
		time.Hour: 30 * time.Second, -1: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []graphsim.Fault{{Do: graphsim.OuterBody(404, "")}}})
			start := time.Now()
			_, err := run(t.Context(), t, tenant, batch.Options{StallTimeout: stall}, deletes(tenant.Populate(40)))
			if took := time.Since(start); !errors.Is(err, batch.ErrBlocked) || took != want {
				t.Errorf("StallTimeout %v: Run = %v after %v, want ErrBlocked after %v", stall, err, took, want)
			}
		})
	}
}

// The run waits as long as the gateway asks.
func TestGatewayNamesAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond, Faults: []graphsim.Fault{
			{Batch: 1, Do: graphsim.OuterBody(403, "too many", "Retry-After", "7")}}})
		start := time.Now()
		runAll(t, tenant, batch.Options{Concurrency: 1}, deletes(tenant.Populate(1)))
		if took := time.Since(start); took != 7200*time.Millisecond {
			t.Errorf("the run took %v, want 7.2 s", took)
		}
	})
}

// A closed path of one quota does not delay the others.
func TestGatewayRefusesOneQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Faults: []graphsim.Fault{{Method: "DELETE", Do: graphsim.OuterBody(403, "")}}})
		users := tenant.Populate(200)
		results, err := run(t.Context(), t, tenant, batch.Options{Concurrency: 2},
			deletesAndLists(users))
		if !errors.Is(err, batch.ErrBlocked) || !strings.Contains(err.Error(), "of quota write") {
			t.Errorf("Run = %v, want ErrBlocked of quota write", err)
		}
		if got := statuses(results); got[200] != 200 {
			t.Errorf("statuses %v, want 200 lists", got)
		}
		if left := len(tenant.Left()); left != 200 {
			t.Errorf("%d passes left, want all", left)
		}
	})
}

// After a 401 that is not from Graph, one new token is requested; a second 401 closes the path.
func TestGatewayRefusesTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := 0
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Faults: []graphsim.Fault{{Do: graphsim.OuterBody(401, "", "WWW-Authenticate", "Bearer"),
				Match: func(string, string) bool { return renewed == 0 }}}})
		start := time.Now()
		results := runAll(t, tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}}, deletes(tenant.Populate(100)))
		if got := statuses(results); got[204] != 100 {
			t.Errorf("statuses %v, want 100 times 204", got)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the run took %v, want no wait after the new token", took)
		}
		if renewed != 1 {
			t.Errorf("%d tokens, want 1", renewed)
		}
	})
}

// Time without a connection does not count as time in which the path refused batches.
func TestGatewayAndOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
		tenant.AddFaults(during(0, 5*time.Second, graphsim.OuterBody(404, "")), during(65*time.Second,
			80*time.Second, graphsim.OuterBody(404, "")))
		poster := offline(tenant, between(5*time.Second, 65*time.Second))
		results := runAll(t, poster, batch.Options{}, deletes(tenant.Populate(100)))
		if got := statuses(results); got[204] != 100 {
			t.Errorf("statuses %v, want 100 times 204", got)
		}
	})
}

// An interrupt ends the wait for the path.
func TestGatewayInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []graphsim.Fault{{Do: graphsim.OuterBody(404, "")}}})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{}, deletes(tenant.Populate(100)))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("Run = %v after %v", err, took)
		}
		if len(results) != 100 {
			t.Errorf("%d results, want 100", len(results))
		}
	})
}

// deletesAndLists deletes each user's pass in one quota and lists the user's passes in another.
func deletesAndLists(users []graphsim.User) func(yield func(batch.Request) bool) {
	return func(yield func(batch.Request) bool) {
		for req := range deletes(users) {
			req.Quota = "write"
			if !yield(req) || !yield(batch.Request{Method: "GET",
				URL: "/users/" + req.Key + "/authentication/temporaryAccessPassMethods", Quota: "read"}) {
				return
			}
		}
	}
}
