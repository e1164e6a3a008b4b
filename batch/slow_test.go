package batch_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
)

// slowly has src take so long for each request.
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

// A source that takes its time holds up neither the answers nor the news of a wait.
func TestSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
			Limits: []*quota.Limit{quota.Window(200, 10*time.Second)}})
		var longest time.Duration
		last := time.Now()
		r, err := batch.NewRunner(tenant, batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Run(t.Context(), slowly(deletes(tenant.AddUsers(2000)), 15*time.Millisecond), func(batch.Result) []batch.Request {
			longest = max(longest, time.Since(last))
			last = time.Now()
			return nil
		})
		stats := tenant.Stats()
		if err != nil || stats.SentTooEarly > 0 || stats.Refused > 400 || longest > 11*time.Second {
			t.Errorf("%v; %d refused, %d sent early, nothing settled for %v", err, stats.Refused, stats.SentTooEarly, longest)
		}
	})
}

// Time that answers spend behind settle is none that the service took.
func TestSlowSettle(t *testing.T) {
	refused := func(each time.Duration) (n int) {
		synctest.Test(t, func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{Latency: 100 * time.Millisecond,
				Limits: []*quota.Limit{quota.Bucket(100, 1000)}})
			r, err := batch.NewRunner(tenant, batch.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = r.Run(t.Context(), deletes(tenant.AddUsers(5000)), func(batch.Result) []batch.Request {
				time.Sleep(each)
				return nil
			})
			stats := tenant.Stats()
			if n = stats.Refused; err != nil || stats.SentTooEarly > 0 {
				t.Errorf("%v; %d sent early", err, stats.SentTooEarly)
			}
		})
		return n
	}
	quick := refused(0)
	for _, each := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 9 * time.Millisecond} {
		if n := refused(each); n > quick+100 {
			t.Errorf("%d refused with %v for each result, %d with none", n, each, quick)
		}
	}
}

// The end of the run is seen between two requests, even if none of them can be sent.
func TestEndAmongInvalidRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		invalid, left := 0, 0
		r, err := batch.NewRunner(tenant, batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Run(ctx, func(yield func(batch.Request) bool) {
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
		if !errors.Is(err, context.DeadlineExceeded) || invalid > 101 || invalid+left != 10_000 {
			t.Errorf("%v; %d invalid, %d not sent", err, invalid, left)
		}
	})
}
