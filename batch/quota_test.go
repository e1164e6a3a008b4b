package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
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

// sortingPoster is a tenant that counts batches with more than one method. In these tests each
// method is a quota of its own.
type sortingPoster struct {
	*graphsim.Tenant
	mu    sync.Mutex
	mixed int
}

func (p *sortingPoster) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	kinds := 0
	for _, method := range []string{"GET", "DELETE", "POST"} {
		if bytes.Contains(body, []byte(`"method":"`+method+`"`)) {
			kinds++
		}
	}
	if kinds != 1 {
		p.mu.Lock()
		p.mixed++
		p.mu.Unlock()
	}
	return p.Tenant.PostBatch(ctx, body)
}

// runQuotas runs requests that must all succeed. It returns, for each quota, how long after the
// start the last result came, and how many results there were.
func runQuotas(t *testing.T, tenant *graphsim.Tenant, opts batch.Options, src iter.Seq[batch.Request],
	follow func(batch.Result) []batch.Request) (last map[string]time.Duration, count map[string]int) {
	t.Helper()
	poster := &sortingPoster{Tenant: tenant}
	start := time.Now()
	last, count = make(map[string]time.Duration), make(map[string]int)
	err := newRunner(t, poster, opts).Run(t.Context(), src, func(r batch.Result) []batch.Request {
		what := fmt.Sprint(r.Request.Method, " ", r.Request.Tag)
		checkErr(t, what, r.Err, nil)
		checkBetween(t, "status of "+what, r.Response.Status, 200, 299)
		last[r.Request.Quota] = time.Since(start)
		count[r.Request.Quota]++
		if follow == nil {
			return nil
		}
		return follow(r)
	})
	checkErr(t, "Run", err, nil)
	check(t, "batches that mix quotas", poster.mixed, 0)
	check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
	return last, count
}

// lists yields a read of the passes of each user, with the number of the user.
func lists(users []graphsim.User) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for i, u := range users {
			req := listOf(u.UPN)
			req.Tag = i
			if !yield(req) {
				return
			}
		}
	}
}

// If one of two quotas is closed for five minutes, the other takes as long as alone, up to a round
// trip more or less, wherever its requests are in the list.
func TestQuotaIsNotHeldUpByAnother(t *testing.T) {
	const n, wait = 1000, 5 * time.Minute
	orders := map[string]func(i int) (mine bool){
		"in turn":             func(i int) bool { return i%2 == 0 },
		"closed ones first":   func(i int) bool { return i == 0 || i > n },
		"closed ones between": func(i int) bool { return i < n/2 || i >= n+n/2 },
	}
	for _, tt := range []struct {
		closed, open string
		kind         quota.Kind // that is closed
	}{{"write", "read", quota.Writes}, {"read", "write", quota.Reads}} {
		for name, order := range orders {
			// list yields n requests of each quota in this order, or only those of the open one.
			list := func(users []graphsim.User, both bool) iter.Seq[batch.Request] {
				return func(yield func(batch.Request) bool) {
					at := map[string]int{}
					for i := range 2 * n {
						quota := tt.open
						if !order(i) {
							quota = tt.closed
						}
						req := writeOf(users[at[quota]])
						if quota == "read" {
							req = listOf(users[at[quota]].UPN)
						}
						at[quota]++
						if (both || quota == tt.open) && !yield(req) {
							return
						}
					}
				}
			}
			for _, concurrency := range []int{0, 40} {
				t.Run(fmt.Sprint(tt.closed, " ", name, " ", concurrency), func(t *testing.T) {
					runOne := func(both bool) (last map[string]time.Duration, count map[string]int) {
						synctest.Test(t, func(t *testing.T) {
							tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond,
								Limits: []*quota.Limit{quota.Closed(wait).Of(tt.kind)}})
							opts := batch.Options{Concurrency: concurrency}
							last, count = runQuotas(t, tenant, opts, list(tenant.AddUsers(n), both), nil)
						})
						return last, count
					}
					alone, _ := runOne(false)
					last, count := runOne(true)
					check(t, "results of the open quota", count[tt.open], n)
					check(t, "results of the closed quota", count[tt.closed], n)
					checkBetween(t, "time of the closed quota", last[tt.closed], wait, wait+6*time.Second)
					checkBetween(t, "time of the open quota", last[tt.open], 1, 2*time.Second)
					longer := (last[tt.open] - alone[tt.open]).Abs()
					checkBetween(t, "that is longer than alone by", longer, 0, 50*time.Millisecond)
				})
			}
		}
	}
}

// Writes that follow reads are sent while reads wait, and reads are sent while writes wait.
func TestQuotaFollowUps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit *quota.Limit

		reads, leastWrites, mostWrites int // before the wait is over
	}{
		{"writes closed", quota.Closed(5 * time.Minute).Of(quota.Writes), 300, 0, 100},
		{"reads closed", quota.Window(200, 5*time.Minute).Of(quota.Reads), 200, 200, 200},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Limits: []*quota.Limit{tt.limit}})
			users := tenant.AddUsers(300)
			start := time.Now()
			early := make(map[string]int)
			last, count := runQuotas(t, tenant, batch.Options{}, lists(users), func(r batch.Result) []batch.Request {
				if time.Since(start) < 4*time.Minute {
					early[r.Request.Quota]++
				}
				if r.Request.Quota != "read" {
					return nil
				}
				return []batch.Request{writeOf(users[r.Request.Tag.(int)])}
			})
			check(t, "reads", count["read"], 300)
			check(t, "writes", count["write"], 300)
			checkLeft(t, tenant, 0)
			checkBetween(t, "time", last["write"], 5*time.Minute, time.Hour)
			check(t, "reads before the wait was over", early["read"], tt.reads)
			checkBetween(t, "writes before the wait was over", early["write"], tt.leastWrites, tt.mostWrites)
		}))
	}
}

// MaxRate is one for all quotas, and each gets about its share of it.
func TestQuotaMaxRate(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 10, 100} {
		t.Run(fmt.Sprint(rate), inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Record: true})
			users := tenant.AddUsers(300)
			last, _ := runQuotas(t, tenant, batch.Options{MaxRate: rate}, func(yield func(batch.Request) bool) {
				for _, u := range users {
					if !yield(listOf(u.UPN)) || !yield(writeOf(u)) {
						return
					}
				}
			}, nil)
			want := 600 / rate
			for quota, d := range last {
				checkBetween(t, "seconds of "+quota, d.Seconds(), 0.94*want-2, 1.02*want+1)
			}
			log := tenant.Log()
			for i, e := range log {
				if most := 1 + max(1, rate) + rate*e.Time.Sub(log[0].Time).Seconds(); float64(i+1) > most {
					t.Fatalf("%d requests after %v", i+1, e.Time.Sub(log[0].Time))
				}
			}
		}))
	}
}

// Under MaxRate, a quota with one request at a time and a quota with many do not delay each other.
func TestQuotaMaxRateInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		users := tenant.AddUsers(1000)
		next := 1
		last, count := runQuotas(t, tenant, batch.Options{MaxRate: 50}, func(yield func(batch.Request) bool) {
			for _, u := range users {
				if !yield(listOf(u.UPN)) {
					return
				}
			}
			yield(writeOf(users[0]))
		}, func(r batch.Result) []batch.Request {
			if r.Request.Quota == "read" {
				if next == 1 { // from now on there is always one write to send
					next++
					return []batch.Request{writeOf(users[1])}
				}
				return nil
			}
			if next++; next > len(users) {
				return nil
			}
			return []batch.Request{writeOf(users[next-1])}
		})
		// Ten of eleven are reads while there are any.
		checkBetween(t, "time of the reads", last["read"], 20*time.Second, 23*time.Second)
		check(t, "reads", count["read"], 1000)
		check(t, "writes", count["write"], 1000)
	})
}

// Reads that take 20 s each hold all slots but one: deletes do not wait for them.
func TestQuotaFairness(t *testing.T) {
	for _, tt := range []struct {
		concurrency int
		want        time.Duration
	}{{4, time.Second}, {2, time.Second}, {1, 7 * time.Minute}} {
		t.Run(fmt.Sprint(tt.concurrency), inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{
				Latency: 10 * time.Millisecond,
				Faults:  []fault.Fault{{Method: "GET", Do: fault.Delayed(20 * time.Second)}},
			})
			users := tenant.AddUsers(800)
			opts := batch.Options{Concurrency: tt.concurrency}
			last, count := runQuotas(t, tenant, opts, func(yield func(batch.Request) bool) {
				for i, u := range users {
					if i < 400 && !yield(writeOf(u)) || !yield(listOf(u.UPN)) {
						return
					}
				}
			}, nil)
			check(t, "reads", count["read"], 800)
			check(t, "writes", count["write"], 400)
			checkBetween(t, "time of the writes", last["write"], 0, tt.want)
			// 40 batches of reads; a slot is left only as long as it is needed.
			rounds := (40 + 2 + tt.concurrency - 1) / tt.concurrency
			most := time.Duration(rounds)*21*time.Second + 2*time.Second
			checkBetween(t, "time of the reads", last["read"], 0, most)
		}))
	}
}

// A slot is also kept for the writes that follow reads, and for a quota whose gate opens.
func TestQuotaFairnessOfFollowUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 10 * time.Millisecond,
			Faults:  []fault.Fault{{Method: "GET", Do: fault.Delayed(20 * time.Second)}},
			Limits:  []*quota.Limit{quota.Closed(50 * time.Second).Of(quota.Writes)},
		})
		users := tenant.AddUsers(600)
		start := time.Now()
		var worst time.Duration
		asked := make(map[string]time.Time)
		runQuotas(t, tenant, batch.Options{Concurrency: 3}, lists(users), func(r batch.Result) []batch.Request {
			if r.Request.Quota == "write" {
				if at := asked[r.Request.Key]; at.Sub(start) > 90*time.Second {
					worst = max(worst, time.Since(at))
				}
				return nil
			}
			u := users[r.Request.Tag.(int)]
			asked[u.UPN] = time.Now()
			return []batch.Request{writeOf(u)}
		})
		checkBetween(t, "the longest wait of a delete", worst, 1, time.Second)
	})
}

// While the gate of the first requests of the list is closed, a limited number of requests is taken
// from src.
func TestQuotaStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.Closed(5 * time.Minute).Of(quota.Writes)}})
		users := tenant.AddUsers(10_000)
		start := time.Now()
		var taken, reads atomic.Int32
		time.AfterFunc(4*time.Minute, func() {
			// These are the queue and what was sent before the first refusal.
			checkBetween(t, "requests taken while the gate was closed", taken.Load(), 4096, 4096+300)
			check(t, "reads while the gate was closed", reads.Load(), 1)
		})
		_, count := runQuotas(t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
			yield(listOf(users[0].UPN))
			for _, u := range users {
				taken.Add(1)
				if !yield(writeOf(u)) {
					return
				}
			}
			yield(listOf(users[1].UPN))
		}, func(r batch.Result) []batch.Request {
			if r.Request.Quota == "read" {
				reads.Add(1)
			}
			return nil
		})
		check(t, "writes", count["write"], 10_000)
		check(t, "reads", reads.Load(), 2)
		checkBetween(t, "time", time.Since(start), 0, 6*time.Minute)
	})
}

// The number of follow-ups of a closed quota is also limited: src waits for them.
func TestQuotaFollowUpsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.Closed(10 * time.Minute).Of(quota.Writes)
		tenant := graphsim.New(graphsim.Options{Latency: time.Millisecond, Limits: []*quota.Limit{limit}})
		users := tenant.AddUsers(8000)
		open, most := 0, 0
		_, count := runQuotas(t, tenant, batch.Options{Concurrency: 16}, func(yield func(batch.Request) bool) {
			for i, u := range users {
				req := listOf(u.UPN)
				req.Tag = i
				open++
				if most = max(most, open); !yield(req) {
					return
				}
			}
		}, func(r batch.Result) []batch.Request {
			if r.Request.Quota == "write" {
				open--
				return nil
			}
			return []batch.Request{writeOf(users[r.Request.Tag.(int)])}
		})
		check(t, "writes", count["write"], 8000)
		checkBetween(t, "requests in the run at most", most, 4096, 4096+16*20+20)
	})
}

// If all requests of a quota are refused, the run ends, although another quota makes progress. A quota
// that has nothing to send does not end the run.
func TestQuotaStalls(t *testing.T) {
	endless := func(req batch.Request) []batch.Request {
		req.Delay = time.Minute
		return []batch.Request{req}
	}
	synctest.Test(t, func(t *testing.T) {
		limit := quota.First(1_000_000, time.Minute).Of(quota.Writes)
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{limit}})
		users := tenant.AddUsers(1)
		runner := newRunner(t, tenant, batch.Options{StallTimeout: 20 * time.Minute})
		start := time.Now()
		results := 0
		err := runner.Run(t.Context(), func(yield func(batch.Request) bool) {
			_ = yield(listOf(users[0].UPN)) && yield(writeOf(users[0]))
		}, func(r batch.Result) []batch.Request {
			if results++; r.Err == nil {
				return endless(r.Request)
			}
			return nil
		})
		checkErr(t, "Run", err, batch.ErrStalled)
		assert.Says(t, "Run", err, "quota write")
		check(t, "time", time.Since(start), 20*time.Minute)
		checkBetween(t, "results", results, 21, 30)
	})
	synctest.Test(t, func(t *testing.T) {
		// The first write is refused until it is given up. Long after that comes another.
		unavailable := fault.Fault{Method: "DELETE", Times: 3, Do: fault.OuterStatus(503)}
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{unavailable}})
		users := tenant.AddUsers(1)
		runner := newRunner(t, tenant, batch.Options{StallTimeout: 20 * time.Minute, MaxAttempts: 3})
		var order []string
		reads := 0
		err := runner.Run(t.Context(), func(yield func(batch.Request) bool) {
			_ = yield(listOf(users[0].UPN)) && yield(writeOf(users[0]))
		}, func(r batch.Result) []batch.Request {
			if r.Request.Quota == "write" {
				order = append(order, fmt.Sprint(r.Response.Status, " ", r.Err != nil))
				return nil
			}
			switch reads++; {
			case reads < 60:
				return endless(r.Request)
			case reads == 60:
				return []batch.Request{writeOf(users[0])}
			}
			return nil
		})
		checkErr(t, "Run", err, nil)
		check(t, "writes: status and failure", strings.Join(order, ", "), "0 true, 204 false")
	})
}

func TestQuotaMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.Closed(time.Hour).Of(quota.Writes)
		tenant := graphsim.New(graphsim.Options{Latency: time.Second, Limits: []*quota.Limit{limit}})
		var src []batch.Request
		for _, u := range tenant.AddUsers(3000) {
			src = append(src, listOf(u.UPN), writeOf(u))
		}
		results, err := run(t.Context(), t, tenant, batch.Options{}, slices.Values(src))
		checkErr(t, "Run", err, batch.ErrMaxWait)
		assert.Says(t, "Run", err, "quota write")
		check(t, "results", len(results), len(src))
	})
}

// A run that stops settles the requests of all quotas, whether they are in flight, ready, waiting,
// parked, or still in the list.
func TestQuotaStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: time.Second,
			Limits:  []*quota.Limit{quota.Closed(5 * time.Minute).Of(quota.Writes)},
			Faults:  []fault.Fault{{Method: "GET", Path: "7@", Do: fault.ItemStatus(500)}},
		})
		users := tenant.AddUsers(3000)
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		settled := make(map[string]int)
		states := make(map[string]int)
		start := time.Now()
		err := newRunner(t, tenant, batch.Options{Concurrency: 8}).Run(ctx, func(yield func(batch.Request) bool) {
			for i, u := range users {
				read := listOf(u.UPN)
				if i%10 == 0 {
					read.Key = u.UPN // it waits for the write, or the write for it
				}
				if !yield(writeOf(u)) || !yield(read) {
					return
				}
			}
		}, func(r batch.Result) []batch.Request {
			settled[r.Request.Method+r.Request.URL]++
			state := r.Request.Quota
			if errors.Is(r.Err, batch.ErrNotSent) {
				state += " not sent"
			}
			states[state]++
			return nil
		})
		checkErr(t, "Run", err, context.DeadlineExceeded)
		checkBetween(t, "time", time.Since(start), 4500*time.Millisecond, 5500*time.Millisecond)
		for what, n := range settled {
			check(t, "results of "+what, n, 1)
		}
		check(t, "requests settled", len(settled), 6000)
		checkBetween(t, "reads", states["read"], 1, 2999)
		checkBetween(t, "reads not sent", states["read not sent"], 1, 2999)
		check(t, "writes", states["write"]+states["write not sent"], 3000)
		checkLeft(t, tenant, states["write not sent"])
	})
}

// Two quotas under their documented limits are as fast at the same time as each alone. The median of
// three runs counts: depending on the order of replies, a few reach only 0.93. The third run is not
// needed if the first two are fast.
func TestQuotaPace(t *testing.T) {
	const least, most = 0.95, 1.1
	good := func(share float64) bool { return least <= share && share <= most }
	shares := make(map[string][]float64)
	quotaPace(t, shares)
	quotaPace(t, shares)
	for _, all := range shares {
		if !good(all[0]) || !good(all[1]) {
			quotaPace(t, shares)
			break
		}
	}
	for quota, all := range shares {
		slices.Sort(all)
		t.Logf("%s: %.3f of the ideal pace", quota, all)
		checkBetween(t, "share of the ideal pace of "+quota, all[len(all)/2], least, most)
	}
}

func quotaPace(t *testing.T, shares map[string][]float64) {
	synctest.Test(t, func(t *testing.T) {
		const n, latency = 20_000, 50 * time.Millisecond
		tenant := graphsim.New(graphsim.Options{Latency: latency, Limits: []*quota.Limit{
			quota.Bucket(800, 8000).Of(quota.Reads),
			quota.Bucket(20, 60).Of(quota.Writes),
		}})
		users := tenant.AddUsers(n)
		last, count := runQuotas(t, tenant, batch.Options{}, lists(users), func(r batch.Result) []batch.Request {
			if i, ok := r.Request.Tag.(int); ok && i%10 == 0 {
				return []batch.Request{writeOf(users[i])}
			}
			return nil
		})
		check(t, "reads", count["read"], n)
		check(t, "writes", count["write"], n/10)
		for quota, ideal := range map[string]float64{
			"read":  (n-8000)/800 + latency.Seconds(),
			"write": (n/10-60)/20 + 2*latency.Seconds(), // a read comes first
		} {
			shares[quota] = append(shares[quota], ideal/last[quota].Seconds())
		}
	})
}

// Observe sees each reply when it is handled, with its counts and the wait of its quota.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: time.Second,
			Limits:  []*quota.Limit{quota.Closed(time.Minute).Of(quota.Writes)},
			Faults:  []fault.Fault{{Batch: 4, Do: fault.Reset()}},
		})
		users := tenant.AddUsers(100)
		start := time.Now()
		accepted := 0
		refused := make(map[string]int)
		closed := make(map[string]time.Time)
		opts := batch.Options{Concurrency: 4, Observe: func(o batch.Observation) {
			check(t, "time of the observation", o.Time, time.Now())
			accepted += o.Accepted
			refused[o.Quota] += o.Refused
			if o.Refused > 0 || o.Quota == "read" {
				closed[o.Quota] = o.ClosedUntil
			}
		}}
		results := runAll(t, tenant, opts, deletesAndLists(users))
		check(t, "results", len(results), 200)
		check(t, "requests accepted", accepted, 200)
		check(t, "reads refused", refused["read"], 0)
		checkBetween(t, "writes refused", refused["write"], 1, 200)
		check(t, "end of the wait of reads", closed["read"], time.Time{})
		wait := closed["write"].Sub(start)
		checkBetween(t, "end of the wait of writes", wait, 60500*time.Millisecond, 62*time.Second)
	})
}

// Under any mix of faults, with limits of their own for reads and writes and with
// follow-ups from each quota to others, each request settles once, no batch mixes
// quotas, and no write is lost.
func TestQuotasSettleOnceUnderAnyFaults(t *testing.T) {
	eachSeed(t, 60, quotasSettleOnce)
}

func quotasSettleOnce(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	tenant, faulty := limitedTenant(rng, seed)
	users := tenant.AddUsers(20 + rng.IntN(200))
	opts := randomOptions(rng)
	poster := &sortingPoster{Tenant: tenant}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(900))*time.Second)
	defer cancel()
	// The tenant counts deletes and sign-outs against one limit, and here they are two quotas.
	sessions := rng.IntN(2) == 0
	asked, settled := make(map[string]int), make(map[string]batch.Result) // by method and user
	ask := func(method string, i int) batch.Request {
		asked[fmt.Sprint(method, i)]++
		return requestOf(method, i, users[i])
	}
	src := func(yield func(batch.Request) bool) {
		for i := range users {
			method := []string{"DELETE", "GET", "GET", "GET"}[i%4]
			if !yield(ask(method, i)) {
				t.Error("src was not read to its end")
				return
			}
		}
	}
	_ = newRunner(t, poster, opts).Run(ctx, src, func(r batch.Result) (next []batch.Request) {
		i := r.Request.Tag.(int)
		what := fmt.Sprint(r.Request.Method, i)
		if _, twice := settled[what]; twice {
			t.Errorf("%s was settled twice", what)
		}
		settled[what] = r
		switch method := r.Request.Method; {
		case r.Stopped():
			return nil
		case method == "GET" && i%4 != 0:
			next = append(next, ask("DELETE", i))
		case method == "DELETE" && i%4 == 0:
			next = append(next, ask("GET", i))
		default:
			return nil
		}
		if sessions {
			next = append(next, ask("POST", i))
		}
		return next
	})
	check(t, "requests settled", len(settled), len(asked))
	for what, n := range asked {
		check(t, "times asked for "+what, n, 1)
	}
	checkDeletes(t, tenant, users, settled)
	checkWrites(t, tenant)
	check(t, "batches that mix quotas", poster.mixed, 0)
	if !faulty && !sessions {
		check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
	}
	if opts.Concurrency > 0 {
		checkBetween(t, "batches at once", tenant.Stats().MaxConcurrent, 0, opts.Concurrency)
	}
}

// checkDeletes checks that the results of deletes, by method and user, agree with the tenant.
func checkDeletes(t *testing.T, tenant *graphsim.Tenant, users []graphsim.User, settled map[string]batch.Result) {
	t.Helper()
	left := stillThere(tenant)
	for i, u := range users {
		if r, ok := settled[fmt.Sprint("DELETE", i)]; ok {
			checkTrue(t, &r, left[u.UPN])
		} else {
			check(t, "still there, as not deleted: "+u.UPN, left[u.UPN], true)
		}
	}
}

func randomOptions(rng *rand.Rand) batch.Options {
	opts := batch.Options{
		BatchSize:   1 + rng.IntN(20),
		Concurrency: rng.IntN(8),
		MaxAttempts: 1 + rng.IntN(8),
		Reauthorize: renewToken,
	}
	if rng.IntN(4) == 0 {
		opts.MaxRate = 1 + rng.Float64()*50
	}
	return opts
}

// limitedTenant returns a tenant with random limits of reads and writes, and mostly with faults.
func limitedTenant(rng *rand.Rand, seed uint64) (tenant *graphsim.Tenant, faulty bool) {
	opts := graphsim.Options{Seed: seed, Latency: time.Duration(rng.IntN(2000)) * time.Millisecond,
		Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "User.RevokeSessions.All"}}
	if faulty = rng.IntN(4) > 0; faulty {
		opts.Faults = fault.Random(seed, rng.Float64()*0.4)
	}
	for _, kind := range []quota.Kind{quota.Reads, quota.Writes} {
		if rng.IntN(3) > 0 {
			limit := quota.Bucket(1+rng.Float64()*100, 1+rng.Float64()*50).Of(kind)
			limit.CountRefused = rng.IntN(2) == 0
			opts.Limits = append(opts.Limits, limit)
		}
	}
	return graphsim.New(opts), faulty
}

// requestOf returns the request of a method for user i. Some have a key, and some a delay.
func requestOf(method string, i int, u graphsim.User) (req batch.Request) {
	switch method {
	case "GET":
		req = listOf(u.UPN)
	case "DELETE":
		req = writeOf(u)
	case "POST":
		url := "/users/" + u.UPN + "/revokeSignInSessions"
		req = batch.Request{Method: "POST", URL: url, Body: json.RawMessage("{}"), Quota: "sessions"}
	}
	if i%3 == 0 {
		req.Key = u.UPN
	}
	if i%5 == 0 {
		req.Delay = time.Duration(i) * time.Second
	}
	req.Tag = i
	return req
}

// No slot is kept for a quota whose gate is closed.
func TestQuotaTakesTheSlotOfAClosedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: time.Second,
			Limits:  []*quota.Limit{quota.Closed(5 * time.Minute).Of(quota.Writes)},
		})
		users := tenant.AddUsers(1000)
		last, _ := runQuotas(t, tenant, batch.Options{Concurrency: 2}, func(yield func(batch.Request) bool) {
			for i, u := range users {
				if i < 40 && !yield(writeOf(u)) || !yield(listOf(u.UPN)) {
					return
				}
			}
		}, nil)
		// 50 batches of reads, two at a time but for the first two seconds.
		checkBetween(t, "time of the reads", last["read"], 0, 28*time.Second)
	})
}
