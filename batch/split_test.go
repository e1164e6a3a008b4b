package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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

// refuse has every batch refused as a whole that holds a request for one of the
// users.
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

// refusedWhole tells whether Graph refused the request by refusing its batch.
func refusedWhole(r batch.Result, status int) bool {
	whole, ok := errors.AsType[*batch.StatusError](r.Err)
	return ok && whole.Status == status && !errors.Is(r.Err, batch.ErrNotSent) && r.Response.Status == 0 && !r.Uncertain
}

// One bad request is found by halves, and the other 19 go.
func TestSplitFindsTheBadRequest(t *testing.T) {
	for _, status := range []int{400, 404, 405, 413, 414, 422} {
		for _, bad := range [][]int{{0}, {7}, {19}, {3, 4}, {0, 10, 19}} {
			t.Run(fmt.Sprint(status, bad), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { splitFinds(t, status, bad) })
			})
		}
	}
}

func splitFinds(t *testing.T, status int, bad []int) {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(20)
	var upns []string
	for _, i := range bad {
		upns = append(upns, users[i].UPN)
	}
	tenant.AddFaults(refuse(status, upns...))
	for _, r := range runAll(t, tenant, batch.Options{}, deletes(users)) {
		isBad := slices.Contains(upns, r.Request.Tag.(string))
		if isBad != refusedWhole(r, status) || isBad == (r.Err == nil && r.Response.Status == 204) || r.Attempts != 1 {
			t.Errorf("%v: status %d, error %v, %d attempts", r.Request.Tag, r.Response.Status, r.Err, r.Attempts)
		}
	}
	// Each of them is at most five levels down, each with a sibling.
	if left, n := len(tenant.Remaining()), tenant.Stats().Batches; left != len(bad) || n > 1+10*len(bad) {
		t.Errorf("%d passes left, %d batches", left, n)
	}
}

// What is refused for the caller's sake, for the pace or for the moment is
// nobody's fault in the batch.
func TestSplitsNothingElse(t *testing.T) {
	for status, want := range map[int]int{403: 2, 408: 2, 424: 2, 429: 2, 500: 2, 502: 2, 503: 2, 504: 2} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Batch: 1, Do: fault.OuterStatus(status)}}})
				rec := &recorder{Tenant: tenant}
				runAll(t, rec, batch.Options{}, deletes(tenant.AddUsers(20)))
				for i, urls := range rec.batches {
					// After a wait the gate lets requests go one, two, four at a time.
					if len(urls) != 20 && status != 429 && status != 503 {
						t.Errorf("batch %d holds %d requests", i+1, len(urls))
					}
				}
				if n := len(rec.batches); n < want {
					t.Errorf("%d batches, want at least %d", n, want)
				}
			})
		})
	}
}

// A refusal that does not come again costs two further batches and no attempt.
func TestSplitOfAPassingRefusal(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Batch: 1, Do: fault.OuterStatus(400)}}})
	rec := &recorder{Tenant: tenant}
	for _, r := range runAll(t, rec, batch.Options{MaxAttempts: 1, Concurrency: 1}, deletes(tenant.AddUsers(41))) {
		if r.Response.Status != 204 || r.Attempts != 1 {
			t.Errorf("%v: status %d after %d attempts: %v", r.Request.Tag, r.Response.Status, r.Attempts, r.Err)
		}
	}
	var sizes []int
	for _, urls := range rec.batches {
		sizes = append(sizes, len(urls))
	}
	if want := []int{20, 10, 10, 20, 1}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v: the halves first and not filled up", sizes, want)
	}
	if !slices.Equal(rec.batches[0], append(slices.Clone(rec.batches[1]), rec.batches[2]...)) {
		t.Errorf("the halves are not those of the batch: %q", rec.batches[:3])
	}
}

// Once Graph has taken a half, its requests travel with any others.
func TestSplitIsOverWhenTaken(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{
		{Batch: 1, Do: fault.OuterStatus(400)}, {Attempt: 2, Do: fault.ItemStatus(401)},
	}})
	rec := &recorder{Tenant: tenant}
	runAll(t, rec, batch.Options{Concurrency: 1, Reauthorize: func(context.Context, *batch.StatusError) error { return nil }}, deletes(tenant.AddUsers(20)))
	if n := len(rec.batches); n != 4 || len(rec.batches[3]) != 20 || len(tenant.Remaining()) != 0 {
		t.Errorf("%d batches, %d passes left: %q", n, len(tenant.Remaining()), rec.batches)
	}
}

// If Graph refuses one or two requests, the refusals are final, although Graph has accepted no
// other request of the list. Each is sent again once, after Graph has accepted the control request.
func TestSplitEnds(t *testing.T) {
	for _, tt := range []struct{ requests, most int }{{1, 3}, {2, 6}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
				users := tenant.AddUsers(tt.requests)
				tenant.AddFaults(refuse(400, names(users)...))
				results := runAll(t, tenant, batch.Options{}, deletes(users))
				for _, r := range results {
					if !refusedWhole(r, 400) || r.Attempts != 1 {
						t.Fatalf("%v: %v after %d attempts", r.Request.Tag, r.Err, r.Attempts)
					}
				}
				if n := tenant.Stats().Batches; len(results) != tt.requests || n > tt.most {
					t.Errorf("%d results, %d batches, want at most %d", len(results), n, tt.most)
				}
			})
		})
	}
}

// Bad requests side by side do not make the rest of the list hopeless.
func TestSplitGoesOnAfterABadBatch(t *testing.T) {
	for _, from := range []int{0, 20} {
		for _, concurrency := range []int{0, 1} {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
				users := tenant.AddUsers(200)
				bad := names(users[from : from+60])
				tenant.AddFaults(refuse(400, append(bad, users[105].UPN)...))
				results := runAll(t, tenant, batch.Options{Concurrency: concurrency}, deletes(users))
				if got := statuses(results); got[204] != 139 || len(tenant.Remaining()) != 61 {
					t.Errorf("bad from %d, concurrency %d: statuses %v, %d passes left, want 139 times 204 and 61",
						from, concurrency, got, len(tenant.Remaining()))
				}
			})
		}
	}
}

// However many bad requests there are, a service that takes batches is asked.
func TestSplitAmongGoodOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
		users := tenant.AddUsers(2400)
		tenant.AddFaults(fault.Fault{Do: fault.OuterStatus(400), Match: func(_, url string) bool {
			return strings.Contains(url, "7@")
		}})
		results := runAll(t, tenant, batch.Options{}, deletes(users))
		if got := statuses(results); got[204] != 2160 || len(tenant.Remaining()) != 240 {
			t.Errorf("statuses %v, %d passes left, want 2160 times 204 and 240", got, len(tenant.Remaining()))
		}
	})
}

// A gate that lets fewer go than a half holds makes smaller batches, not mixed
// ones, and a refusal for the pace leaves the half a batch of its own.
func TestSplitAtTheGate(t *testing.T) {
	second := func(do fault.Effect) []fault.Fault { // of the half with the bad one
		return []fault.Fault{{Path: "user0010@", Attempt: 2, Do: do}}
	}
	tests := []struct {
		name   string
		opts   graphsim.Options
		rate   float64
		faults []fault.Fault
	}{
		{name: "paced", rate: 3},
		{name: "few at a time", opts: graphsim.Options{Limits: []*quota.Limit{quota.Bucket(2, 5)}}},
		{name: "whole batches refused", opts: graphsim.Options{WholeBatch: true, Limits: []*quota.Limit{quota.Bucket(2, 20)}}},
		{name: "throttled", faults: second(fault.OuterStatus(429, "Retry-After", "3"))},
		{name: "token refused", faults: second(fault.OuterStatus(401))},
		{name: "service away", faults: second(fault.OuterStatus(503, "Retry-After", "3"))},
		{name: "no answer", faults: second(fault.Hang())},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(tt.opts)
				users := tenant.AddUsers(400)
				bad := names(users[9:10]) // the gate opens one, two, four at a time
				tenant.AddFaults(append(tt.faults, refuse(400, bad...))...)
				rec := &recorder{Tenant: tenant}
				results := runAll(t, rec, batch.Options{Concurrency: 2, MaxRate: tt.rate,
					Reauthorize: func(context.Context, *batch.StatusError) error { return nil }}, deletes(users))
				for _, r := range results {
					ok := r.Response.Status == 204 || r.Response.Status == 404 && r.Uncertain
					if isBad := r.Request.Key == bad[0]; isBad == ok || isBad && r.Err == nil {
						t.Errorf("%v: status %d, error %v", r.Request.Tag, r.Response.Status, r.Err)
					}
				}
				if tenant.Stats().SentTooEarly > 0 || len(results) != 400 || len(tenant.Remaining()) != 1 {
					t.Errorf("%d results, %d passes left, %d requests sent early", len(results), len(tenant.Remaining()), tenant.Stats().SentTooEarly)
				}
				checkUnmixed(t, rec.batches, bad)
			})
		})
	}
}

// checkUnmixed holds the batches with a bad request to be parts of the one before.
func checkUnmixed(t *testing.T, batches [][]string, bad []string) {
	t.Helper()
	for _, user := range bad {
		var before []string
		for i, urls := range batches {
			if !slices.ContainsFunc(urls, func(u string) bool { return strings.Contains(u, user) }) {
				continue
			}
			for _, u := range urls {
				if before != nil && !slices.Contains(before, u) {
					t.Errorf("batch %d holds %s, which was not in the batch before with %s", i+1, u, user)
				}
			}
			before = urls
		}
	}
}

// A run that stops in the middle says of what was not found out that it was not
// sent, and why it was going to be sent again.
func TestSplitStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		users := tenant.AddUsers(20)
		tenant.AddFaults(refuse(400, users[0].UPN))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		start := time.Now()
		results, err := run(ctx, t, tenant, batch.Options{}, deletes(users))
		if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d != 2*time.Second {
			t.Errorf("Run = %v after %v", err, d)
		}
		done, notSent := 0, 0
		for _, r := range results {
			_, told := errors.AsType[*batch.StatusError](r.Err)
			switch {
			case r.Response.Status == 204:
				done++
			case errors.Is(r.Err, batch.ErrNotSent) && told && !r.Uncertain && r.Attempts == 0:
				notSent++
			}
		}
		if done != 10 || notSent != 10 || len(tenant.Remaining()) != 10 {
			t.Errorf("%d done, %d not sent, %d passes left, want 10 of each", done, notSent, len(tenant.Remaining()))
		}
	})
}

// The halves keep their keys: what else there is to write for their users waits.
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
		stats := tenant.Stats()
		if got := statuses(results); got[204] != 57 || len(tenant.Remaining()) != 3 || stats.LostWrites+stats.OverlappingWrites > 0 {
			t.Errorf("statuses %v, %d passes left, %d writes lost, %d at once", got, len(tenant.Remaining()), stats.LostWrites, stats.OverlappingWrites)
		}
	})
}

// Whatever requests are bad, they and no others are refused, in no more batches
// than promised and whatever the pace; and if the run stops or other things go
// wrong as well, each request still settles once.
func TestSplitProperty(t *testing.T) {
	eachSeed(t, 100, splitProperty)
}

func splitProperty(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	opts := graphsim.Options{Seed: seed, Latency: time.Duration(rng.IntN(500)) * time.Millisecond}
	if rng.IntN(2) == 0 {
		opts.Limits = []*quota.Limit{quota.Bucket(1+rng.Float64()*100, 1+rng.Float64()*50)}
		opts.WholeBatch = rng.IntN(2) == 0
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
		Reauthorize: func(context.Context, *batch.StatusError) error { return nil },
	}, deletes(users))

	settled := make(map[string]int)
	left := make(map[string]bool)
	for _, h := range tenant.Remaining() {
		left[h.UPN] = true
	}
	for _, r := range results {
		user := r.Request.Key
		settled[user]++
		switch {
		case r.Err == nil && r.Response.Status == 204 && (left[user] || bad[user]):
			t.Errorf("%s: answered 204; left %v, bad %v", user, left[user], bad[user])
		case errors.Is(r.Err, batch.ErrNotSent) && !r.Uncertain && !left[user]:
			t.Errorf("%s: not sent, and gone", user)
		case errors.Is(r.Err, batch.ErrNotSent) && err == nil:
			t.Errorf("%s: not sent, and the run went to its end", user)
		case !others && err == nil && bad[user] != refusedWhole(r, 400):
			t.Errorf("%s: status %d, error %v; bad %v", user, r.Response.Status, r.Err, bad[user])
		}
	}
	for _, u := range users {
		if settled[u.UPN] != 1 {
			t.Errorf("%s was settled %d times", u.UPN, settled[u.UPN])
		}
	}
	if stats := tenant.Stats(); stats.LostWrites+stats.OverlappingWrites > 0 {
		t.Errorf("%d writes lost, %d at once", stats.LostWrites, stats.OverlappingWrites)
	}
	if !others && opts.Limits == nil {
		checkCost(t, rec.batches)
	}
}

// checkCost holds the parts of each refused batch to 2n-2. Where nothing else goes
// wrong a request is only sent again if it was refused alone while nothing showed that
// others are accepted.
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
				if at, ok := first[u]; !ok || at != root {
					t.Errorf("batch %d holds %s, which is not of batch %d", i+1, u, root+1)
				}
			}
			continue
		}
		for _, u := range urls {
			first[u] = i
		}
	}
	for url, n := range alone {
		if n > 4 {
			t.Errorf("%s was sent alone %d times", url, n)
		}
	}
	for root, n := range parts {
		if most := 2*len(batches[root]) - 2; n > most {
			t.Errorf("batch %d of %d requests was followed by %d parts, want at most %d", root+1, len(batches[root]), n, most)
		}
	}
}

// Nothing is lost or sent once a source has ended the run while halves wait.
func TestSplitEndedBySource(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Do: fault.OuterStatus(400)}}})
	users := tenant.AddUsers(40)
	cause := errors.New("the list changed")
	ctx, cancel := context.WithCancelCause(t.Context())
	var src iter.Seq[batch.Request] = func(yield func(batch.Request) bool) {
		for req := range deletes(users[:20]) {
			if !yield(req) {
				return
			}
		}
		cancel(cause)
	}
	results, err := run(ctx, t, tenant, batch.Options{Concurrency: 1}, src)
	if !errors.Is(err, cause) || len(results) != 20 || tenant.Stats().Batches != 1 {
		t.Errorf("Run = %v with %d results, %d batches", err, len(results), tenant.Stats().Batches)
	}
}
