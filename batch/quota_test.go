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
)

// listOf reads the passes of a user.
func listOf(user string) batch.Request {
	return batch.Request{Method: "GET", URL: "/users/" + user + "/authentication/temporaryAccessPassMethods", Quota: "read", Tag: user}
}

// writeOf deletes the pass of a user.
func writeOf(u graphsim.User) batch.Request {
	req := deleteOf(u.UPN, u.Passes[0].ID)
	req.Quota = "write"
	return req
}

// sortingPoster is a tenant that takes note of batches with more than one method.
// Each method is a quota of its own in these tests.
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

// runQuotas tells how long after the start the last result of each quota came, and
// how many there were.
func runQuotas(t *testing.T, tenant *graphsim.Tenant, opts batch.Options, src iter.Seq[batch.Request], follow func(batch.Result) []batch.Request) (last map[string]time.Duration, count map[string]int) {
	t.Helper()
	poster := &sortingPoster{Tenant: tenant}
	runner, err := batch.NewRunner(poster, opts)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	last, count = make(map[string]time.Duration), make(map[string]int)
	err = runner.Run(t.Context(), src, func(r batch.Result) []batch.Request {
		if r.Err != nil || r.Response.Status > 299 {
			t.Errorf("%s %s: status %d, %v", r.Request.Method, r.Request.Tag, r.Response.Status, r.Err)
		}
		last[r.Request.Quota] = time.Since(start)
		count[r.Request.Quota]++
		if follow == nil {
			return nil
		}
		return follow(r)
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	if poster.mixed > 0 {
		t.Errorf("%d batches mix quotas", poster.mixed)
	}
	if early := tenant.Stats().SentTooEarly; early > 0 {
		t.Errorf("%d requests were sent before a wait was over", early)
	}
	return last, count
}

// Whichever of two quotas is closed for five minutes, the other takes as long as it
// takes alone, give or take a round trip, wherever in the list its requests stand.
func TestQuotaIsNotHeldUpByAnother(t *testing.T) {
	const n, wait = 1000, 5 * time.Minute
	orders := map[string]func(i int) (mine bool){
		"in turn":             func(i int) bool { return i%2 == 0 },
		"closed ones first":   func(i int) bool { return i == 0 || i > n },
		"closed ones between": func(i int) bool { return i < n/2 || i >= n+n/2 },
	}
	for _, closed := range []string{"write", "read"} {
		kind, open := quota.Writes, "read"
		if closed == "read" {
			kind, open = quota.Reads, "write"
		}
		for name, order := range orders {
			for _, concurrency := range []int{0, 40} {
				t.Run(fmt.Sprint(closed, " ", name, " ", concurrency), func(t *testing.T) {
					runOne := func(both bool) (last map[string]time.Duration, count map[string]int) {
						synctest.Test(t, func(t *testing.T) {
							tenant := graphsim.New(graphsim.Options{
								Latency: 50 * time.Millisecond,
								Limits:  []*quota.Limit{closedFor(wait, kind)},
							})
							users := tenant.AddUsers(n)
							last, count = runQuotas(t, tenant, batch.Options{Concurrency: concurrency}, func(yield func(batch.Request) bool) {
								at := map[string]int{}
								for i := range 2 * n {
									quota := closed
									if order(i) {
										quota = open
									}
									if quota == closed && !both {
										continue
									}
									req := writeOf(users[at[quota]])
									if quota == "read" {
										req = listOf(users[at[quota]].UPN)
									}
									at[quota]++
									if !yield(req) {
										return
									}
								}
							}, nil)
						})
						return last, count
					}
					alone, _ := runOne(false)
					last, count := runOne(true)
					if d := (last[open] - alone[open]).Abs(); d > 50*time.Millisecond || last[open] == 0 || last[open] > 2*time.Second {
						t.Errorf("%s took %v beside a closed quota, %v alone", open, last[open], alone[open])
					}
					if count[open] != n || count[closed] != n || last[closed] < wait || last[closed] > wait+6*time.Second {
						t.Errorf("%v results, %s took %v", count, closed, last[closed])
					}
				})
			}
		}
	}
}

// What a read asks for goes on while reads wait, and the other way round.
func TestQuotaFollowUps(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  *quota.Limit
		closed string
	}{
		{"writes closed", closedFor(5*time.Minute, quota.Writes), "write"},
		{"reads closed", quota.Window(200, 5*time.Minute).Of(quota.Reads), "read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Limits: []*quota.Limit{tt.limit}})
				users := tenant.AddUsers(300)
				start := time.Now()
				early := make(map[string]int)
				last, count := runQuotas(t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
					for i, u := range users {
						req := listOf(u.UPN)
						req.Tag = i
						if !yield(req) {
							return
						}
					}
				}, func(r batch.Result) []batch.Request {
					if time.Since(start) < 4*time.Minute {
						early[r.Request.Quota]++
					}
					if r.Request.Quota != "read" {
						return nil
					}
					return []batch.Request{writeOf(users[r.Request.Tag.(int)])}
				})
				if count["read"] != 300 || count["write"] != 300 || len(tenant.Remaining()) != 0 || last["write"] < 5*time.Minute {
					t.Errorf("%v results, the last after %v", count, last)
				}
				if tt.closed == "write" && (early["read"] != 300 || early["write"] > 100) ||
					tt.closed == "read" && (early["read"] != 200 || early["write"] != 200) {
					t.Errorf("before the wait was over: %v", early)
				}
			})
		})
	}
}

// MaxRate is one for all quotas, and each gets about its share of it.
func TestQuotaMaxRate(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 10, 100} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
					if d.Seconds() < 0.94*want-2 || d.Seconds() > 1.02*want+1 {
						t.Errorf("%s took %v, want about %v s", quota, d, want)
					}
				}
				log := tenant.Log()
				for i, e := range log {
					if most := 1 + max(1, rate) + rate*e.Time.Sub(log[0].Time).Seconds(); float64(i+1) > most {
						t.Fatalf("%d requests after %v", i+1, e.Time.Sub(log[0].Time))
					}
				}
			})
		})
	}
}

// A quota that asks for one request at a time does not keep one that asks for many
// from what MaxRate leaves, nor the other way round.
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
		if d := last["read"]; d < 20*time.Second || d > 23*time.Second || count["read"] != 1000 || count["write"] != 1000 {
			t.Errorf("the reads took %v; %v results", d, count)
		}
	})
}

// Reads that take 20 s each hold all slots but one: deletes do not wait for them.
func TestQuotaFairness(t *testing.T) {
	for _, tt := range []struct {
		concurrency int
		want        time.Duration
	}{{4, time.Second}, {2, time.Second}, {1, 7 * time.Minute}} {
		t.Run(fmt.Sprint(tt.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{
					Latency: 10 * time.Millisecond,
					Faults:  []fault.Fault{{Method: "GET", Do: fault.Delayed(20 * time.Second)}},
				})
				users := tenant.AddUsers(800)
				last, count := runQuotas(t, tenant, batch.Options{Concurrency: tt.concurrency}, func(yield func(batch.Request) bool) {
					for i, u := range users {
						if i < 400 && !yield(writeOf(u)) || !yield(listOf(u.UPN)) {
							return
						}
					}
				}, nil)
				if count["read"] != 800 || count["write"] != 400 || last["write"] > tt.want {
					t.Errorf("%v results, the last after %v", count, last)
				}
				// 40 batches of reads; a slot is left only as long as it is needed.
				if most := time.Duration((40+2+tt.concurrency-1)/tt.concurrency)*21*time.Second + 2*time.Second; last["read"] > most {
					t.Errorf("the reads took %v, want at most %v", last["read"], most)
				}
			})
		})
	}
}

// A slot is left for what a read asks for, too, and for a quota whose gate opens.
func TestQuotaFairnessOfFollowUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 10 * time.Millisecond,
			Faults:  []fault.Fault{{Method: "GET", Do: fault.Delayed(20 * time.Second)}},
			Limits:  []*quota.Limit{closedFor(50*time.Second, quota.Writes)},
		})
		users := tenant.AddUsers(600)
		start := time.Now()
		var worst time.Duration
		asked := make(map[string]time.Time)
		runQuotas(t, tenant, batch.Options{Concurrency: 3}, func(yield func(batch.Request) bool) {
			for i, u := range users {
				req := listOf(u.UPN)
				req.Tag = i
				if !yield(req) {
					return
				}
			}
		}, func(r batch.Result) []batch.Request {
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
		if worst == 0 || worst > time.Second {
			t.Errorf("a delete waited for %v", worst)
		}
	})
}

// While the gate of what stands first in the list is closed, so much is taken from
// src and no more.
func TestQuotaStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{closedFor(5*time.Minute, quota.Writes)}})
		users := tenant.AddUsers(10_000)
		start := time.Now()
		var taken, reads atomic.Int32
		time.AfterFunc(4*time.Minute, func() {
			// Beside what queues there is what went before the first refusal.
			if n := taken.Load(); n < 4096 || n > 4096+300 || reads.Load() != 1 {
				t.Errorf("%d requests taken while the gate was closed, %d reads", n, reads.Load())
			}
		})
		last, count := runQuotas(t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
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
		if count["write"] != 10_000 || reads.Load() != 2 || time.Since(start) > 6*time.Minute {
			t.Errorf("%v results, the last after %v", count, last)
		}
	})
}

// Follow-ups of a closed quota cannot pile up either: src waits for them.
func TestQuotaFollowUpsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Millisecond, Limits: []*quota.Limit{closedFor(10*time.Minute, quota.Writes)}})
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
		if count["write"] != 8000 || most < 4096 || most > 4096+16*20+20 {
			t.Errorf("%v results, at most %d requests under way", count, most)
		}
	})
}

// A quota that gets nowhere ends the run though another goes on, and one that has
// nothing to send does not.
func TestQuotaStalls(t *testing.T) {
	endless := func(req batch.Request) []batch.Request {
		req.Delay = time.Minute
		return []batch.Request{req}
	}
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Limits: []*quota.Limit{quota.First(1_000_000, time.Minute).Of(quota.Writes)}})
		users := tenant.AddUsers(1)
		runner, _ := batch.NewRunner(tenant, batch.Options{StallTimeout: 20 * time.Minute})
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
		if d := time.Since(start); !errors.Is(err, batch.ErrStalled) || !strings.Contains(err.Error(), "quota write") || d != 20*time.Minute || results < 21 {
			t.Errorf("Run = %v after %v with %d results", err, d, results)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// The first write is refused until it is given up. Long after that comes another.
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE", Times: 3, Do: fault.OuterStatus(503)}}})
		users := tenant.AddUsers(1)
		runner, _ := batch.NewRunner(tenant, batch.Options{StallTimeout: 20 * time.Minute, MaxAttempts: 3})
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
		if got := strings.Join(order, ", "); err != nil || got != "0 true, 204 false" {
			t.Errorf("Run = %v, writes: %s", err, got)
		}
	})
}

func TestQuotaMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second, Limits: []*quota.Limit{closedFor(time.Hour, quota.Writes)}})
		var src []batch.Request
		for _, u := range tenant.AddUsers(3000) {
			src = append(src, listOf(u.UPN), writeOf(u))
		}
		results, err := run(t.Context(), t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
			for _, req := range src {
				if !yield(req) {
					return
				}
			}
		})
		if !errors.Is(err, batch.ErrMaxWait) || !strings.Contains(err.Error(), "quota write") || len(results) != len(src) {
			t.Errorf("Run = %v with %d results", err, len(results))
		}
	})
}

// A run that stops settles what it holds of all quotas: in flight, ready, waiting,
// parked, and still in the list.
func TestQuotaStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: time.Second,
			Limits:  []*quota.Limit{closedFor(5*time.Minute, quota.Writes)},
			Faults:  []fault.Fault{{Method: "GET", Path: "7@", Do: fault.ItemStatus(500)}},
		})
		users := tenant.AddUsers(3000)
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		settled := make(map[string]int)
		states := make(map[string]int)
		start := time.Now()
		runner, _ := batch.NewRunner(tenant, batch.Options{Concurrency: 8})
		err := runner.Run(ctx, func(yield func(batch.Request) bool) {
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
		if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > 5500*time.Millisecond {
			t.Errorf("Run = %v after %v", err, d)
		}
		for what, n := range settled {
			if n != 1 {
				t.Errorf("%s was settled %d times", what, n)
			}
		}
		if len(settled) != 6000 || states["read"] == 0 || states["read not sent"] == 0 || states["write"]+states["write not sent"] != 3000 {
			t.Errorf("%d requests settled: %v", len(settled), states)
		}
		if left := len(tenant.Remaining()); left != states["write not sent"] {
			t.Errorf("%d passes left: %v", left, states)
		}
	})
}

// Two quotas under their documented limits are each as fast as they can be at the
// same time. The middle one of three runs counts: by the order of answers a rare one
// comes to 0.93.
func TestQuotaPace(t *testing.T) {
	shares := make(map[string][]float64)
	for range 3 {
		quotaPace(t, shares)
	}
	for quota, all := range shares {
		slices.Sort(all)
		t.Logf("%s: %.3f of the ideal pace", quota, all)
		if len(all) != 3 || all[1] < 0.95 {
			t.Errorf("%s: %.3f of the ideal pace, want 0.95", quota, all)
		}
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
		last, count := runQuotas(t, tenant, batch.Options{}, func(yield func(batch.Request) bool) {
			for i, u := range users {
				req := listOf(u.UPN)
				req.Tag = i
				if !yield(req) {
					return
				}
			}
		}, func(r batch.Result) []batch.Request {
			if i, ok := r.Request.Tag.(int); ok && i%10 == 0 {
				return []batch.Request{writeOf(users[i])}
			}
			return nil
		})
		if count["read"] != n || count["write"] != n/10 {
			t.Errorf("%v results", count)
		}
		for quota, ideal := range map[string]float64{
			"read":  (n-8000)/800 + latency.Seconds(),
			"write": (n/10-60)/20 + 2*latency.Seconds(), // a read comes first
		} {
			shares[quota] = append(shares[quota], ideal/last[quota].Seconds())
		}
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second, Limits: []*quota.Limit{closedFor(time.Minute, quota.Writes)},
			Faults: []fault.Fault{{Batch: 4, Do: fault.Reset()}}})
		users := tenant.AddUsers(100)
		start := time.Now()
		var seen []batch.Observation
		settled := make(map[string]int)
		runner, _ := batch.NewRunner(tenant, batch.Options{Concurrency: 4, Observe: func(o batch.Observation) {
			if o.Time != time.Now() {
				t.Errorf("observed at %v: %v", time.Now(), o.Time)
			}
			seen = append(seen, o)
		}})
		err := runner.Run(t.Context(), func(yield func(batch.Request) bool) {
			for _, u := range users {
				if !yield(listOf(u.UPN)) || !yield(writeOf(u)) {
					return
				}
			}
		}, func(r batch.Result) []batch.Request {
			settled[r.Request.Quota]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sums := make(map[string]batch.Observation)
		var closed time.Time
		for _, o := range seen {
			sum := sums[o.Quota]
			sum.Accepted += o.Accepted
			sum.Refused += o.Refused
			sum.Lost += o.Lost
			sums[o.Quota] = sum
			if o.InFlight < 0 || o.InFlight > 3 {
				t.Errorf("%d batches in flight", o.InFlight)
			}
			if o.Quota == "write" && o.Refused > 0 {
				closed = o.ClosedUntil
			}
			if o.Quota == "read" && !o.ClosedUntil.IsZero() {
				t.Errorf("reads are closed until %v", o.ClosedUntil)
			}
		}
		if got := closed.Sub(start); got < time.Minute+time.Second/2 || got > time.Minute+2*time.Second {
			t.Errorf("writes are closed until %v after the start", got)
		}
		if r, w := sums["read"], sums["write"]; r.Accepted != 100 || w.Accepted != 100 || w.Refused == 0 || r.Lost+w.Lost != 20 || r.Refused != 0 {
			t.Errorf("observed %+v", sums)
		}
		if seen[len(seen)-1].InFlight != 0 || settled["read"]+settled["write"] != 200 {
			t.Errorf("the last is %+v, %v settled", seen[len(seen)-1], settled)
		}
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
	opts := graphsim.Options{Seed: seed, Latency: time.Duration(rng.IntN(2000)) * time.Millisecond,
		Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "User.RevokeSessions.All"}}
	faulty := rng.IntN(4) > 0
	if faulty {
		opts.Faults = fault.Random(seed, rng.Float64()*0.4)
	}
	for _, kind := range []quota.Kind{quota.Reads, quota.Writes} {
		if rng.IntN(3) > 0 {
			limit := quota.Bucket(1+rng.Float64()*100, 1+rng.Float64()*50).Of(kind)
			limit.CountRefused = rng.IntN(2) == 0
			opts.Limits = append(opts.Limits, limit)
		}
	}
	tenant := graphsim.New(opts)
	poster := &sortingPoster{Tenant: tenant}
	users := tenant.AddUsers(20 + rng.IntN(200))
	runOpts := batch.Options{
		BatchSize:   1 + rng.IntN(20),
		Concurrency: rng.IntN(8),
		MaxAttempts: 1 + rng.IntN(8),
		Reauthorize: func(context.Context, *batch.StatusError) error { return nil },
	}
	if rng.IntN(4) == 0 {
		runOpts.MaxRate = 1 + rng.Float64()*50
	}
	runner, err := batch.NewRunner(poster, runOpts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(900))*time.Second)
	defer cancel()
	// What the tenant counts as writes is two quotas here, which is one limit too few.
	sessions := rng.IntN(2) == 0
	// Each request is of one method and one user, which is what it is known by.
	asked, settled := make(map[string]int), make(map[string]batch.Result)
	ask := func(method string, i int) batch.Request {
		var req batch.Request
		switch u := users[i]; method {
		case "GET":
			req = listOf(u.UPN)
		case "DELETE":
			req = writeOf(u)
		case "POST":
			req = batch.Request{Method: "POST", URL: "/users/" + u.UPN + "/revokeSignInSessions", Body: json.RawMessage("{}"), Quota: "sessions"}
		}
		if i%3 == 0 {
			req.Key = users[i].UPN
		}
		if i%5 == 0 {
			req.Delay = time.Duration(i) * time.Second
		}
		req.Tag = i
		asked[fmt.Sprint(method, i)]++
		return req
	}
	_ = runner.Run(ctx, func(yield func(batch.Request) bool) {
		for i := range users {
			method := "GET"
			if i%4 == 0 {
				method = "DELETE"
			}
			if !yield(ask(method, i)) {
				t.Error("src was not taken to its end")
				return
			}
		}
	}, func(r batch.Result) []batch.Request {
		i := r.Request.Tag.(int)
		what := fmt.Sprint(r.Request.Method, i)
		if _, twice := settled[what]; twice || asked[what] != 1 {
			t.Errorf("%s was asked for %d times, and settled before: %v", what, asked[what], twice)
		}
		settled[what] = r
		if errors.Is(r.Err, batch.ErrNotSent) {
			return nil
		}
		var next []batch.Request
		switch {
		case r.Request.Method == "GET" && i%4 != 0:
			next = append(next, ask("DELETE", i))
		case r.Request.Method == "DELETE" && i%4 == 0:
			next = append(next, ask("GET", i))
		}
		if next != nil && sessions {
			next = append(next, ask("POST", i))
		}
		return next
	})
	if len(settled) != len(asked) {
		t.Errorf("%d of %d requests settled", len(settled), len(asked))
	}
	left := make(map[string]bool)
	for _, h := range tenant.Remaining() {
		left[h.UPN] = true
	}
	for i, u := range users {
		r, ok := settled[fmt.Sprint("DELETE", i)]
		switch {
		case !ok && !left[u.UPN]:
			t.Errorf("%s: not asked for, and gone", u.UPN)
		case ok && r.Err == nil && r.Response.Status == 204 && left[u.UPN]:
			t.Errorf("%s: answered 204, and still there", u.UPN)
		case ok && errors.Is(r.Err, batch.ErrNotSent) && !r.Uncertain && !left[u.UPN]:
			t.Errorf("%s: not sent, and gone", u.UPN)
		}
	}
	stats := tenant.Stats()
	if poster.mixed+stats.LostWrites+stats.OverlappingWrites > 0 {
		t.Errorf("%d batches mixed, %d writes lost, %d at once", poster.mixed, stats.LostWrites, stats.OverlappingWrites)
	}
	if stats.SentTooEarly > 0 && !faulty && !sessions {
		t.Errorf("%d requests sent before a wait was over", stats.SentTooEarly)
	}
	if runOpts.Concurrency > 0 && stats.MaxConcurrent > runOpts.Concurrency {
		t.Errorf("%d batches at once, want at most %d", stats.MaxConcurrent, runOpts.Concurrency)
	}
}

// A slot that is left to a quota whose gate is closed would be no use to anyone.
func TestQuotaTakesTheSlotOfAClosedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: time.Second,
			Limits:  []*quota.Limit{closedFor(5*time.Minute, quota.Writes)},
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
		if d := last["read"]; d > 28*time.Second {
			t.Errorf("the reads took %v", d)
		}
	})
}

// closedFor is a limit of a kind of requests that lets one through and no other for so long,
// and then any number.
func closedFor(wait time.Duration, kind quota.Kind) *quota.Limit {
	return quota.Window(1, wait).Scale(wait, 1e9).Of(kind)
}
