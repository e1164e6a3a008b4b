package batch_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
)

// slowly returns a source that takes a time for each request.
func slowly(src iter.Seq[batch.Request], each time.Duration) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for req := range src {
			time.Sleep(each)
			if !yield(req) {
				return
			}
		}
	}
}

// A slow source delays neither results nor the effect of a wait.
func TestSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Limits: []*quota.Limit{quota.Window(200, 10*time.Second)}})
		var longest time.Duration
		last := time.Now()
		src := slowly(deletes(tenant.AddUsers(2000)), 15*time.Millisecond)
		err := newRunner(t, tenant, batch.Options{}).Run(t.Context(), src, func(batch.Result) []batch.Request {
			longest = max(longest, time.Since(last))
			last = time.Now()
			return nil
		})
		checkErr(t, "Run", err, nil)
		check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
		checkBetween(t, "requests refused", tenant.Stats().Refused, 0, 400)
		checkBetween(t, "the longest time between two results", longest, 0, 11*time.Second)
	})
}

// The time that replies wait for settle does not count as latency of the service.
func TestSlowSettle(t *testing.T) {
	refused := func(each time.Duration) (n int) {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
				Limits: []*quota.Limit{quota.Bucket(100, 1000)}})
			src := deletes(tenant.AddUsers(5000))
			err := newRunner(t, tenant, batch.Options{}).Run(t.Context(), src, func(batch.Result) []batch.Request {
				time.Sleep(each)
				return nil
			})
			checkErr(t, "Run", err, nil)
			check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
			n = tenant.Stats().Refused
		})
		return n
	}
	quick := refused(0)
	for _, each := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 9 * time.Millisecond} {
		checkBetween(t, fmt.Sprint("requests refused with ", each, " for each result"), refused(each), 0, quick+100)
	}
}

// The run stops between two requests, even if none of them can be sent.
func TestEndAmongInvalidRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		invalid, left := 0, 0
		err := newRunner(t, tenant, batch.Options{}).Run(ctx, func(yield func(batch.Request) bool) {
			for range 10_000 {
				if !yield(batch.Request{Method: "GET", URL: "https://absolute.example"}) {
					return
				}
			}
		}, func(res batch.Result) []batch.Request {
			switch {
			case errors.Is(res.Err, batch.ErrInvalid) && !res.Stopped():
				invalid++
				time.Sleep(10 * time.Millisecond)
			case res.Stopped():
				left++
			}
			return nil
		})
		checkErr(t, "Run", err, context.DeadlineExceeded)
		checkBetween(t, "invalid requests", invalid, 1, 101)
		check(t, "results", invalid+left, 10_000)
	})
}
