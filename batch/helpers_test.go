package batch_test

import (
	"cmp"
	"context"
	"iter"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	assert.Same(t, what, got, want)
}

func checkBetween[T cmp.Ordered](t *testing.T, what string, got, least, most T) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}

// checkErr checks that an error is or wraps want.
func checkErr(t *testing.T, what string, got, want error) {
	t.Helper()
	assert.Is(t, what, got, want)
}

// checkLeft checks how many passes the tenant still has.
func checkLeft(t *testing.T, tenant *graphsim.Tenant, want int) {
	t.Helper()
	check(t, "passes left", len(tenant.Remaining()), want)
}

// checkStatus checks how many results have a status.
func checkStatus(t *testing.T, results []batch.Result, status, want int) {
	t.Helper()
	if got := statuses(results); got[status] != want {
		t.Errorf("statuses %v, want %d times %d", got, want, status)
	}
}

// checkNotSent checks that a request was not sent, and that it had no effect.
func checkNotSent(t *testing.T, r *batch.Result) {
	t.Helper()
	if !r.Stopped() {
		t.Errorf("%v: %v, want ErrNotSent", r.Request.Tag, r.Err)
	}
	if r.Uncertain {
		t.Errorf("%v: uncertain, and it was not sent", r.Request.Tag)
	}
}

// checkWrites checks that no writes for one user were in flight at once.
func checkWrites(t *testing.T, tenant *graphsim.Tenant) {
	t.Helper()
	check(t, "writes lost", tenant.Stats().LostWrites, 0)
	check(t, "writes for one user at once", tenant.Stats().OverlappingWrites, 0)
}

func newRunner(t *testing.T, poster batch.Poster, opts batch.Options) *batch.Runner {
	t.Helper()
	return assert.Must(batch.NewRunner(poster, opts))
}

// collect returns a settle function that appends each result to results.
func collect(results *[]batch.Result) func(batch.Result) []batch.Request {
	return func(res batch.Result) []batch.Request {
		*results = append(*results, res)
		return nil
	}
}

// runAll runs requests to the end and returns the results in the order in which they came.
func runAll(t *testing.T, poster batch.Poster, opts batch.Options, src iter.Seq[batch.Request]) []batch.Result {
	t.Helper()
	results, err := run(t.Context(), t, poster, opts, src)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return results
}

func run(ctx context.Context, t *testing.T, poster batch.Poster, opts batch.Options,
	src iter.Seq[batch.Request]) (results []batch.Result, err error) {
	t.Helper()
	err = newRunner(t, poster, opts).Run(ctx, src, collect(&results))
	return results, err
}

func statuses(results []batch.Result) map[int]int {
	m := make(map[int]int)
	for _, r := range results {
		m[r.Response.Status]++
	}
	return m
}

// stillThere returns the users who still have a pass.
func stillThere(tenant *graphsim.Tenant) map[string]bool {
	left := make(map[string]bool)
	for _, pass := range tenant.Remaining() {
		left[pass.UPN] = true
	}
	return left
}

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

// listOf reads the passes of a user.
func listOf(user string) batch.Request {
	url := "/users/" + user + "/authentication/temporaryAccessPassMethods"
	return batch.Request{Method: "GET", URL: url, Quota: "read", Tag: user}
}

// writeOf deletes the pass of a user.
func writeOf(u graphsim.User) batch.Request {
	req := deleteOf(u.UPN, u.Passes[0].ID)
	req.Quota = "write"
	return req
}

type posterFunc func(context.Context, []byte) (batch.Reply, error)

func (f posterFunc) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	return f(ctx, body)
}

// renewToken is a Reauthorize that always succeeds.
func renewToken(context.Context, *batch.StatusError) error { return nil }

// inBubble returns a test that runs in virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}
