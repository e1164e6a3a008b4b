package batch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/testdata/assert"
)

// gateways returns rejections of whole batches that do not depend on their requests.
func gateways() []fault.Effect {
	return []fault.Effect{
		fault.OuterBody(400, `<html><head><title>Bad Request</title></head></html>`, "Content-Type", "text/html"),
		fault.OuterBody(401, `{"statusCode":401,"message":"Access denied."}`),
		fault.OuterBody(403, `{"statusCode":403,"message":"This address is not allowed."}`),
		fault.OuterBody(404, "default backend - 404"),
		fault.OuterBody(405, ""),
		fault.OuterBody(407, ""),
		fault.OuterBody(422, `{"title":"Blocked","detail":"rule 7"}`),
		fault.OuterBody(302, "", "Location", "https://portal.example/login"),
		fault.OuterStatus(400), fault.OuterStatus(403), fault.OuterStatus(404),
		// with a code of Graph, for every batch
	}
}

// during returns a fault of every batch in a span of time, counted from now.
func during(from, to time.Duration, do fault.Effect) fault.Fault {
	start := time.Now()
	return fault.Fault{Do: do, Match: func(string, string) bool {
		at := time.Since(start)
		return at >= from && at < to
	}}
}

// A gateway that rejects every batch for two seconds costs about two seconds, a few posts and no
// attempt.
func TestGatewayForTwoSeconds(t *testing.T) {
	for _, do := range gateways() {
		for _, from := range []time.Duration{0, 500 * time.Millisecond} {
			for _, concurrency := range []int{1, 8} {
				t.Run(fmt.Sprint(do, from, concurrency),
					inBubble(func(t *testing.T) { gatewayFor(t, do, from, concurrency) }))
			}
		}
	}
}

func gatewayFor(t *testing.T, do fault.Effect, from time.Duration, concurrency int) {
	const rows = 1000 // of which at most 800 are sent before the gateway rejects batches
	tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
	users := tenant.AddUsers(rows)
	tenant.AddFaults(during(from, from+2*time.Second, do))
	start := time.Now()
	results := runAll(t, tenant, batch.Options{Concurrency: concurrency, Reauthorize: renewToken}, deletes(users))
	checkStatus(t, results, 204, rows)
	for _, r := range results {
		check(t, "attempts", r.Attempts, 1)
		check(t, "uncertain", r.Uncertain, false)
	}
	// 50 batches at 0.1 s; what was split has smaller ones.
	most := from + 5*time.Second + rows/20*100*time.Millisecond/time.Duration(concurrency)
	checkBetween(t, "time", time.Since(start), 0, most)
	checkBetween(t, "batches", tenant.Stats().Batches, rows/20, rows/20+60)
}

// A gateway that rejects every batch stops the run after 30 seconds and a few posts. Nothing had
// an effect, and each result says that its request was not sent.
func TestGatewayForGood(t *testing.T) {
	for _, do := range gateways() {
		for _, rows := range []int{1, 20, 2000} {
			t.Run(fmt.Sprint(do, rows), inBubble(func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
					Faults: []fault.Fault{{Do: do}}})
				start := time.Now()
				results, err := run(t.Context(), t, tenant, batch.Options{Reauthorize: renewToken},
					deletes(tenant.AddUsers(rows)))
				checkErr(t, "Run", err, batch.ErrBlocked)
				checkBetween(t, "time", time.Since(start), 30*time.Second, 31*time.Second)
				check(t, "results", len(results), rows)
				for _, r := range results {
					checkNotSent(t, &r)
					check(t, "attempts", r.Attempts, 0)
				}
				checkBetween(t, "batches", tenant.Stats().Batches, 1, 20)
			}))
		}
	}
}

// A list whose requests are all bad is no blockade: each request is rejected, and the run ends without
// an error.
func TestListOfBadRequests(t *testing.T) {
	// Two batches to find each request, one to send it again, and the control requests.
	for rows, most := range map[int]int{1: 3, 2: 6, 5: 18, 20: 67, 300: 977} {
		for _, concurrency := range []int{0, 1, 8} {
			t.Run(fmt.Sprint(rows, concurrency), inBubble(func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
				users := tenant.AddUsers(rows)
				tenant.AddFaults(refuse(400, names(users)...))
				results := runAll(t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
				check(t, "results", len(results), rows)
				for _, r := range results {
					checkRejected(t, &r, 400)
				}
				checkBetween(t, "batches", tenant.Stats().Batches, rows, most)
			}))
		}
	}
}

// The control request follows the fourth rejection in a row if Graph has accepted no batch yet. Else it
// follows the first rejection of a request alone, here after those of batches of 20, 10, 5, 3 and 2.
func TestControlRequestAfterRejections(t *testing.T) {
	for _, tt := range []struct{ good, before int }{{0, 4}, {20, 18}} {
		t.Run(fmt.Sprint(tt.good, " good requests"), inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{})
			users := tenant.AddUsers(tt.good + 100)
			tenant.AddFaults(refuse(400, names(users[tt.good:])...))
			rec := &recorder{Tenant: tenant}
			runAll(t, rec, batch.Options{Concurrency: 1}, deletes(users))
			isControl := func(urls []string) bool { return strings.HasPrefix(urls[0], "/organization") }
			check(t, "batches before it", slices.IndexFunc(rec.batches, isControl), tt.before)
		}))
	}
}

// If Graph rejects all requests and never answers the control request, the run ends.
func TestListOfBadRequestsWithoutAnswers(t *testing.T) {
	for _, do := range []fault.Effect{fault.OuterStatus(500), fault.OuterStatus(503), fault.Hang()} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
			users := tenant.AddUsers(40)
			tenant.AddFaults(refuse(400, names(users)...), fault.Fault{Method: "GET", Do: do})
			results, _ := run(t.Context(), t, tenant, batch.Options{}, deletes(users))
			check(t, fmt.Sprint("results after ", do), len(results), 40)
		})
	}
}

// The error of the run has the gateway's message and says what probably sent it.
func TestGatewayMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterBody(403,
			`{"statusCode":403,"message":"Address\u001b 10.1.2.3 is not allowed."}`)}}})
		results, err := run(t.Context(), t, tenant, batch.Options{}, deletes(tenant.AddUsers(1)))
		assert.Holds(t, "the error", fmt.Sprint(err), "a gateway, a proxy or a policy", "in 30s",
			`403: Address\x1b 10.1.2.3 is not allowed.`)
		assert.As[*batch.StatusError](t, "the error of the run", err)
		assert.As[*batch.StatusError](t, "the error of the result", results[0].Err)
	})
}

// A gateway that rejects every batch with a certain request delays only the batch with that
// request. Graph did not reject it, so its result is not a rejection.
func TestGatewayRefusesOneRequest(t *testing.T) {
	for _, concurrency := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
			users := tenant.AddUsers(400)
			tenant.AddFaults(fault.Fault{Path: users[30].UPN, Do: fault.OuterBody(403, "<h1>Blocked</h1>")})
			results, err := run(t.Context(), t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
			checkErr(t, "Run", err, batch.ErrBlocked)
			notSent := 0
			for _, r := range results {
				if r.Stopped() {
					notSent++
				}
			}
			checkBetween(t, "requests not sent", notSent, 1, 20)
			checkStatus(t, results, 204, 400-notSent)
		})
	}
}

// A StallTimeout shorter than 30 seconds takes precedence.
func TestGatewayAndPatience(t *testing.T) {
	for stall, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second,
		time.Hour: 30 * time.Second, -1: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterBody(404, "")}}})
			start := time.Now()
			_, err := run(t.Context(), t, tenant, batch.Options{StallTimeout: stall}, deletes(tenant.AddUsers(40)))
			checkErr(t, "Run", err, batch.ErrBlocked)
			check(t, fmt.Sprint("time with StallTimeout ", stall), time.Since(start), want)
		})
	}
}

// The run waits as long as the gateway asks.
func TestGatewayNamesAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond, Faults: []fault.Fault{
			{Batch: 1, Do: fault.OuterBody(403, "too many", "Retry-After", "7")}}})
		start := time.Now()
		runAll(t, tenant, batch.Options{Concurrency: 1}, deletes(tenant.AddUsers(1)))
		check(t, "time", time.Since(start), 7200*time.Millisecond)
	})
}

// A blockade of one quota does not delay the others.
func TestGatewayRefusesOneQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Faults: []fault.Fault{{Method: "DELETE", Do: fault.OuterBody(403, "")}}})
		users := tenant.AddUsers(200)
		results, err := run(t.Context(), t, tenant, batch.Options{Concurrency: 2}, deletesAndLists(users))
		checkErr(t, "Run", err, batch.ErrBlocked)
		assert.Says(t, "Run", err, "of quota write")
		checkStatus(t, results, 200, 200)
		checkLeft(t, tenant, 200)
	})
}

// After a 401 that is not from Graph, one new token is requested.
func TestGatewayRefusesTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := 0
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Faults: []fault.Fault{{Do: fault.OuterBody(401, "", "WWW-Authenticate", "Bearer", "Retry-After", "20"),
				Match: func(string, string) bool { return renewed == 0 }}}})
		start := time.Now()
		results := runAll(t, tenant, batch.Options{Reauthorize: func(context.Context, *batch.StatusError) error {
			renewed++
			return nil
		}}, deletes(tenant.AddUsers(100)))
		checkStatus(t, results, 204, 100)
		checkBetween(t, "time, without a wait after the new token", time.Since(start), 0, time.Second)
		check(t, "tokens renewed", renewed, 1)
	})
}

// Time without a connection does not count as a part of a blockade.
func TestGatewayAndOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond})
		tenant.AddFaults(during(0, 5*time.Second, fault.OuterBody(404, "")), during(65*time.Second,
			80*time.Second, fault.OuterBody(404, "")))
		poster := offline(tenant, between(5*time.Second, 65*time.Second))
		results := runAll(t, poster, batch.Options{}, deletes(tenant.AddUsers(100)))
		checkStatus(t, results, 204, 100)
	})
}

// deletesAndLists deletes each user's pass in one quota and lists the user's passes in another.
func deletesAndLists(users []graphsim.User) func(yield func(batch.Request) bool) {
	return func(yield func(batch.Request) bool) {
		for req := range deletes(users) {
			req.Quota = "write"
			if !yield(req) || !yield(listOf(req.Key)) {
				return
			}
		}
	}
}
