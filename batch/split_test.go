package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// recorder is a tenant that keeps the URLs of each batch in the order of sending.
type recorder struct {
	*graphsim.Tenant
	mu      sync.Mutex
	batches [][]string
}

func (r *recorder) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	var in struct{ Requests []struct{ URL string } }
	if err := json.Unmarshal(body, &in); err != nil {
		return batch.Reply{}, err
	}
	var urls []string
	for _, req := range in.Requests {
		urls = append(urls, req.URL)
	}
	r.mu.Lock()
	r.batches = append(r.batches, urls)
	r.mu.Unlock()
	return r.Tenant.PostBatch(ctx, body)
}

// refuse returns a fault that rejects each batch with a request for one of the users.
func refuse(status int, users ...string) fault.Fault {
	return fault.Fault{Do: fault.OuterStatus(status), Match: func(_, url string) bool {
		return slices.ContainsFunc(users, func(u string) bool { return strings.Contains(url, u) })
	}}
}

func names(users []graphsim.User) []string {
	var upns []string
	for _, u := range users {
		upns = append(upns, u.UPN)
	}
	return upns
}

// isRejected reports whether the Result says that Graph rejected a batch because of the request.
func isRejected(r *batch.Result, status int) bool {
	whole, ok := errors.AsType[*batch.StatusError](r.Err)
	rejected := ok && whole.Status == status && !r.Stopped()
	return rejected && r.Response.Status == 0 && !r.Uncertain
}

// checkRejected checks that Graph rejected a batch because of the request, after one attempt.
func checkRejected(t *testing.T, r *batch.Result, status int) {
	t.Helper()
	check(t, fmt.Sprint("rejected: ", r.Request.Tag), isRejected(r, status), true)
	check(t, "attempts", r.Attempts, 1)
}

// Bad requests are found by halves, and the others are carried out.
func TestSplitFindsTheBadRequest(t *testing.T) {
	for _, status := range []int{400, 404, 405, 413, 414, 422} {
		for _, bad := range [][]int{{0}, {7}, {19}, {3, 4}, {0, 10, 19}} {
			t.Run(fmt.Sprint(status, bad), inBubble(func(t *testing.T) { splitFinds(t, status, bad) }))
		}
	}
}

func splitFinds(t *testing.T, status int, bad []int) {
	// With a latency, both halves are answered before the next level is sent. Without it a row of
	// rejections can be answered first, and the run asks by the control request what they mean.
	tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
	users := tenant.AddUsers(20)
	var upns []string
	for _, i := range bad {
		upns = append(upns, users[i].UPN)
	}
	tenant.AddFaults(refuse(status, upns...))
	for _, r := range runAll(t, tenant, batch.Options{}, deletes(users)) {
		if slices.Contains(upns, r.Request.Tag.(string)) {
			checkRejected(t, &r, status)
		} else {
			check(t, "status", r.Response.Status, 204)
			check(t, "attempts", r.Attempts, 1)
		}
	}
	checkLeft(t, tenant, len(bad))
	// Each of them is at most five levels down, each with a sibling.
	checkBetween(t, "batches", tenant.Stats().Batches, 1, 1+10*len(bad))
}

// A batch is not split after a status that does not depend on its requests.
func TestSplitsNothingElse(t *testing.T) {
	for _, status := range []int{403, 408, 424, 429, 500, 502, 503, 504} {
		t.Run(fmt.Sprint(status), inBubble(func(t *testing.T) {
			broken := fault.Fault{Batch: 1, Do: fault.OuterStatus(status)}
			tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{broken}})
			rec := &recorder{Tenant: tenant}
			runAll(t, rec, batch.Options{}, deletes(tenant.AddUsers(20)))
			if status == 429 || status == 503 { // the gate opens for one, two, four requests
				checkBetween(t, "batches", len(rec.batches), 2, 20)
				return
			}
			check(t, "batches", len(rec.batches), 2)
			check(t, "requests in the second batch", len(rec.batches[1]), 20)
		}))
	}
}

// A rejection that is not repeated costs two further batches and no attempt.
func TestSplitOfAPassingRefusal(t *testing.T) {
	broken := fault.Fault{Batch: 1, Do: fault.OuterStatus(400)}
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{broken}})
	rec := &recorder{Tenant: tenant}
	results := runAll(t, rec, batch.Options{MaxAttempts: 1, Concurrency: 1}, deletes(tenant.AddUsers(41)))
	checkStatus(t, results, 204, 41)
	for _, r := range results {
		check(t, "attempts", r.Attempts, 1)
	}
	var sizes []int
	for _, urls := range rec.batches {
		sizes = append(sizes, len(urls))
	}
	assert.Equal(t, "batches of", sizes, []int{20, 10, 10, 20, 1})
	assert.Equal(t, "both halves", slices.Concat(rec.batches[1], rec.batches[2]), rec.batches[0])
}

// When Graph has accepted a half, its requests are sent together with any others.
func TestSplitIsOverWhenTaken(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Batch: 1, Do: fault.OuterStatus(400)}, {Attempt: 2, Do: fault.ItemStatus(401)},
	}})
	rec := &recorder{Tenant: tenant}
	runAll(t, rec, batch.Options{Concurrency: 1, Reauthorize: renewToken}, deletes(tenant.AddUsers(20)))
	checkLeft(t, tenant, 0)
	check(t, "batches", len(rec.batches), 4)
	check(t, "requests in the last batch", len(rec.batches[len(rec.batches)-1]), 20)
}

// However many bad requests there are, in a row or among others, the good ones are carried out.
func TestSplitAmongGoodOnes(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows int
		bad  func(i int) bool
	}{
		{"the first 60", 200, func(i int) bool { return i < 60 || i == 105 }},
		{"60 after the first batch", 200, func(i int) bool { return i >= 20 && i < 80 || i == 105 }},
		{"every tenth", 1200, func(i int) bool { return i%10 == 7 }},
	} {
		for _, concurrency := range []int{0, 1} {
			t.Run(fmt.Sprint(tt.name, ", ", concurrency), inBubble(func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
				users := tenant.AddUsers(tt.rows)
				var bad []string
				for i, u := range users {
					if tt.bad(i) {
						bad = append(bad, u.UPN)
					}
				}
				tenant.AddFaults(refuse(400, bad...))
				results := runAll(t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
				checkStatus(t, results, 204, tt.rows-len(bad))
				checkLeft(t, tenant, len(bad))
			}))
		}
	}
}

// If the gate lets fewer requests go than a half has, the batches are smaller and not mixed. After
// another fault the half is still sent by itself.
func TestSplitAtTheGate(t *testing.T) {
	second := func(do fault.Effect) []fault.Fault { // of the half with the bad one
		return []fault.Fault{{Path: "user0010@", Attempt: 2, Do: do}}
	}
	for _, tt := range []struct {
		name   string
		opts   graphsim.Options
		rate   float64
		faults []fault.Fault
	}{
		{name: "paced", rate: 3},
		{name: "few at a time", opts: graphsim.Options{Limits: []*quota.Limit{quota.Bucket(2, 5)}}},
		{name: "throttled", faults: second(fault.OuterStatus(429, "Retry-After", "3"))},
		{name: "token refused", faults: second(fault.OuterStatus(401))},
		{name: "service away", faults: second(fault.OuterStatus(503, "Retry-After", "3"))},
		{name: "no answer", faults: second(fault.Hang())},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(tt.opts)
			users := tenant.AddUsers(400)
			bad := names(users[9:10]) // the gate opens one, two, four at a time
			tenant.AddFaults(append(tt.faults, refuse(400, bad...))...)
			rec := &recorder{Tenant: tenant}
			opts := batch.Options{Concurrency: 2, MaxRate: tt.rate, Reauthorize: renewToken}
			results := runAll(t, rec, opts, deletes(users))
			for _, r := range results {
				isBad := r.Request.Key == bad[0]
				check(t, fmt.Sprint("failed: ", r.Request.Tag), r.Err != nil, isBad)
			}
			check(t, "results", len(results), 400)
			checkLeft(t, tenant, 1)
			check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
			checkUnmixed(t, rec.batches, bad)
		}))
	}
}

// checkUnmixed checks that each batch with a bad request is a part of the batch before with it.
func checkUnmixed(t *testing.T, batches [][]string, bad []string) {
	t.Helper()
	for _, user := range bad {
		var before []string
		for i, urls := range batches {
			if !slices.ContainsFunc(urls, func(u string) bool { return strings.Contains(u, user) }) {
				continue
			}
			for _, u := range urls {
				if before != nil {
					assert.That(t, slices.Contains(before, u),
						"batch %d holds %s, which was not in the batch before with %s", i+1, u, user)
				}
			}
			before = urls
		}
	}
}

// If a run stops while it looks for the bad request, the result of each suspect says that it was
// not sent again, and why its batch was rejected.
func TestSplitStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		users := tenant.AddUsers(20)
		tenant.AddFaults(refuse(400, users[0].UPN))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{}, deletes(users))
		checkErr(t, "Run", err, context.DeadlineExceeded)
		check(t, "time", time.Since(start), 2*time.Second)
		check(t, "results", len(results), 20)
		checkStatus(t, results, 204, 10)
		checkLeft(t, tenant, 10)
		for _, r := range results {
			if r.Err == nil {
				continue
			}
			checkNotSent(t, &r)
			check(t, "attempts", r.Attempts, 0)
			assert.As[*batch.StatusError](t, "the error of the result", r.Err)
		}
	})
}

// The requests of the halves keep their keys: other writes for their users wait.
func TestSplitKeepsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		var src []batch.Request
		for i := range 20 {
			u := graphsim.User{UPN: fmt.Sprintf("u%02d@contoso.example", i)}
			for k := range 3 {
				u.Passes = append(u.Passes, graphsim.Pass{ID: fmt.Sprintf("00000000-0000-0000-%04d-%012d", i, k)})
				src = append(src, deleteOf(u.UPN, u.Passes[k].ID))
			}
			tenant.AddUser(u)
		}
		tenant.AddFaults(refuse(400, "u07@"))
		results := runAll(t, tenant, batch.Options{}, slices.Values(src))
		checkStatus(t, results, 204, 57)
		checkLeft(t, tenant, 3)
		checkWrites(t, tenant)
	})
}

// Whichever requests are bad, they and no others are rejected, in no more batches than
// documented. If the run stops or there are other faults, each request still settles once.
func TestSplitProperty(t *testing.T) {
	eachSeed(t, 100, splitProperty)
}

func splitProperty(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	opts := graphsim.Options{Seed: seed, Latency: time.Duration(rng.IntN(500)) * time.Millisecond}
	if rng.IntN(2) == 0 {
		opts.Limits = []*quota.Limit{quota.Bucket(1+rng.Float64()*100, 1+rng.Float64()*50)}
	}
	tenant := graphsim.New(opts)
	users := tenant.AddUsers(1 + rng.IntN(200))
	bad := make(map[string]bool)
	share := rng.Float64() * 0.4
	for _, u := range users {
		bad[u.UPN] = rng.Float64() < share
	}
	tenant.AddFaults(fault.Fault{Method: "DELETE", Do: fault.OuterStatus(400),
		Match: func(_, url string) bool { return bad[strings.Split(url, "/")[2]] }})
	others := rng.IntN(3) == 0
	if others {
		tenant.AddFaults(fault.Random(seed, rng.Float64()*0.3)...)
	}
	ctx := t.Context()
	if stops := rng.IntN(4) == 0; stops {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(10_000))*time.Millisecond)
		defer cancel()
	}
	rec := &recorder{Tenant: tenant}
	results, err := run(ctx, t, rec, batch.Options{
		BatchSize:   1 + rng.IntN(20),
		Concurrency: rng.IntN(20),
		Reauthorize: renewToken,
	}, deletes(users))

	settled := make(map[string]int)
	left := stillThere(tenant)
	for _, r := range results {
		user := r.Request.Key
		settled[user]++
		checkTrue(t, &r, left[user])
		if err != nil {
			continue
		}
		check(t, "not sent by a run that was not stopped: "+user, r.Stopped(), false)
		if !others {
			check(t, "rejected: "+user, isRejected(&r, 400), bad[user])
		}
	}
	for _, u := range users {
		check(t, "results of "+u.UPN, settled[u.UPN], 1)
	}
	checkWrites(t, tenant)
	if !others && opts.Limits == nil {
		checkCost(t, rec.batches)
	}
}

// checkCost checks that at most 2n-2 parts follow each rejected batch of n requests. Without other
// faults a request is sent alone twice only if no other batch was accepted before.
func checkCost(t *testing.T, batches [][]string) {
	t.Helper()
	first := make(map[string]int) // batch by URL
	parts := make(map[int]int)
	alone := make(map[string]int)
	for i, urls := range batches {
		if strings.HasPrefix(urls[0], "/organization") {
			continue // the control request
		}
		if len(urls) == 1 {
			if alone[urls[0]]++; alone[urls[0]] > 1 {
				continue
			}
		}
		if root, again := first[urls[0]]; again {
			parts[root]++
			for _, u := range urls {
				at, ok := first[u]
				assert.That(t, ok, "batch %d holds %s, which was in no batch before", i+1, u)
				assert.That(t, at == root, "batch %d holds %s, which is of batch %d and not %d", i+1, u, at+1, root+1)
			}
			continue
		}
		for _, u := range urls {
			first[u] = i
		}
	}
	for url, n := range alone {
		assert.That(t, n <= 4, "%s was sent alone %d times", url, n)
	}
	for root, n := range parts {
		size := len(batches[root])
		checkBetween(t, fmt.Sprintf("parts of batch %d, of %d requests", root+1, size), n, 1, 2*size-2)
	}
}

// If the source ends the run while halves wait, they are settled and not sent.
func TestSplitEndedBySource(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(400)}}})
	users := tenant.AddUsers(20)
	cause := errors.New("the list changed")
	ctx, cancel := context.WithCancelCause(t.Context())
	src := func(yield func(batch.Request) bool) {
		deletes(users)(yield)
		cancel(cause)
	}
	results, err := run(ctx, t, tenant, batch.Options{Concurrency: 1}, src)
	checkErr(t, "Run", err, cause)
	check(t, "results", len(results), 20)
	check(t, "batches", tenant.Stats().Batches, 1)
}
