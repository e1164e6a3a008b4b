package batch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

// BeforeSend sees each request before the service does.
func TestBeforeSendComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		announced := make(map[string]bool) // by URL
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Record: true})
		users := tenant.AddUsers(200)
		runAll(t, tenant, batch.Options{BeforeSend: func(_ context.Context, requests []batch.Request) error {
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			for _, req := range requests {
				announced[req.URL] = true
			}
			assert.That(t, len(tenant.Log()) <= len(announced),
				"%d requests sent, %d announced", len(tenant.Log()), len(announced))
			return nil
		}}, deletes(users))
		check(t, "requests announced", len(announced), len(users))
	})
}

// An error of BeforeSend keeps its batch from being sent and ends the run with that error.
func TestBeforeSendRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("the disk is full")
		tenant := graphsim.New(graphsim.Options{Latency: time.Second})
		users := tenant.AddUsers(100)
		opts := batch.Options{BeforeSend: func(_ context.Context, requests []batch.Request) error {
			isTenth := func(req batch.Request) bool { return req.Tag == users[9].UPN }
			if slices.ContainsFunc(requests, isTenth) {
				return full
			}
			return nil
		}}
		results, err := run(t.Context(), t, tenant, opts, deletes(users))
		checkErr(t, "Run", err, full)
		check(t, "results", len(results), len(users))
		refused := of(t, results, users[9].UPN)
		checkNotSent(t, &refused)
		assert.Says(t, "the refused request", refused.Err, full.Error())
		checkLeft(t, tenant, len(users)-statuses(results)[204]) // other batches were in flight, and they count
	})
}
