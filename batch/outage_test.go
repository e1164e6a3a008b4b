package batch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// offline returns a poster to the tenant that has no connection when down says so, given the time
// since the start.
func offline(tenant *graphsim.Tenant, down func(at time.Duration) bool) batch.Poster {
	start := time.Now()
	return posterFunc(func(ctx context.Context, body []byte) (batch.Reply, error) {
		if down(time.Since(start)) {
			return batch.Reply{}, fmt.Errorf("%w: connection refused", batch.ErrNotSent)
		}
		return tenant.PostBatch(ctx, body)
	})
}

func between(from, until time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return at >= from && at < until }
}

// An outage costs time and nothing else: no attempt and no request.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
		users := tenant.AddUsers(3000)
		tried := 0
		var log bytes.Buffer
		opts := batch.Options{
			Concurrency: 4, MaxAttempts: 1, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Observe: func(o batch.Observation) {
				if !o.Outage.IsZero() {
					tried++
				}
			},
		}
		down := between(time.Second, 20*time.Minute)
		start := time.Now()
		results := runAll(t, offline(tenant, down), opts, deletes(users))
		checkStatus(t, results, 204, 3000)
		for _, r := range results {
			check(t, "attempts", r.Attempts, 1)
		}
		// 150 batches, four at a time, take two seconds; the first test after the outage
		// comes within 15 s.
		checkBetween(t, "time", time.Since(start), 20*time.Minute, 20*time.Minute+18*time.Second)
		checkBetween(t, "batches without a connection", tried, 75, 120)
		check(t, "requests sent", tenant.Stats().Requests, 3000)
		check(t, "records of the beginning", strings.Count(log.String(), "no connection"), 1)
		check(t, "records of the end", strings.Count(log.String(), "connected again"), 1)
	})
}

// A run that never had a connection stops soon; one that had waits for long. In both cases the
// requests that were not sent are not uncertain, and those without an answer are.
func TestUnreachable(t *testing.T) {
	never, lost := between(0, time.Hour), between(time.Second, time.Hour)
	for _, tt := range []struct {
		name        string
		down        func(time.Duration) bool
		opts        batch.Options
		least, most time.Duration
		cut         bool // the answers to what was in flight are lost
		want        error
		says        string
	}{
		{"never", never, batch.Options{}, 20 * time.Second, 32 * time.Second, false, batch.ErrUnreachable,
			"in 6 attempts: not sent: connection refused"},
		{"never, one attempt", never, batch.Options{MaxAttempts: 1}, 0, 0, false, batch.ErrUnreachable,
			"in 1 attempts: not sent: connection refused"},
		{"lost", lost, batch.Options{}, 30 * time.Minute, 31 * time.Minute, false, batch.ErrUnreachable,
			"in 30m0s: not sent: connection refused"},
		{"lost, with an answer", lost, batch.Options{StallTimeout: time.Minute}, time.Minute, 62 * time.Second, true,
			batch.ErrUnreachable, "in 1m0s: not sent: connection refused"},
		{"lost, and no limit", lost, batch.Options{StallTimeout: -1}, 40 * time.Minute, 40*time.Minute + 10*time.Second,
			false, context.DeadlineExceeded, "deadline exceeded"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			opts := graphsim.Options{Latency: 50 * time.Millisecond}
			if tt.cut {
				opts.Faults = []fault.Fault{{Path: "user0050@", Do: fault.Reset().AfterWork()}}
			}
			tenant := graphsim.New(opts)
			users := tenant.AddUsers(3000)
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
			defer cancel()
			tt.opts.Concurrency = 2
			start := time.Now()
			results, err := run(ctx, t, offline(tenant, tt.down), tt.opts, deletes(users))
			checkBetween(t, "time", time.Since(start), tt.least, tt.most)
			checkErr(t, "Run", err, tt.want)
			assert.Says(t, "Run", err, tt.says)
			check(t, "results", len(results), 3000)
			left, uncertain := stillThere(tenant), 0
			for _, r := range results {
				checkTrue(t, &r, left[r.Request.Key])
				if r.Uncertain {
					uncertain++
				}
				if r.Err != nil {
					checkErr(t, "error of a result", r.Err, batch.ErrNotSent)
				}
			}
			check(t, "some are uncertain", uncertain > 0, tt.cut)
		}))
	}
}

// If a run stops while a batch waits for a connection, nothing in the log says that the connection was lost.
func TestStopIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		connecting := posterFunc(func(ctx context.Context, _ []byte) (batch.Reply, error) {
			<-ctx.Done()
			return batch.Reply{}, fmt.Errorf("%w: %w", batch.ErrNotSent, ctx.Err())
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		opts := batch.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		results, _ := run(ctx, t, connecting, opts, deletes(graphsim.New(graphsim.Options{}).AddUsers(1)))
		checkNotSent(t, &results[0])
		check(t, "log", log.String(), "")
	})
}

// No request is lost if an outage begins while requests wait for a gate, their key or their next
// attempt.
func TestOutageAmongOtherTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 50 * time.Millisecond,
			Limits:  []*quota.Limit{quota.Bucket(20, 60)},
			Faults: []fault.Fault{
				{Path: "3@", Attempt: 1, Do: fault.ItemStatus(500)},
				{Batch: 4, Do: fault.OuterStatus(400)},
			},
		})
		users := tenant.AddUsers(600)
		down := func(at time.Duration) bool { return int(at.Seconds())%20 >= 5 } // three quarters of the time
		results := runAll(t, offline(tenant, down), batch.Options{MaxAttempts: 3}, deletes(users))
		checkStatus(t, results, 204, 600)
		checkLeft(t, tenant, 0)
		check(t, "requests sent before a wait was over", tenant.Stats().SentTooEarly, 0)
	})
}

// A run keeps the measured pace over an outage. The outage is not time in which the tenant accepted
// little.
func TestPaceAcrossAnOutage(t *testing.T) {
	for _, limit := range []struct {
		name  string
		limit func() *quota.Limit
	}{
		{"bucket", func() *quota.Limit { return quota.Bucket(60, 60) }},
		{"window", func() *quota.Limit { return quota.Window(600, 10*time.Second) }},
	} {
		t.Run(limit.name, func(t *testing.T) {
			once := func(t *testing.T, down func(time.Duration) bool) (d time.Duration) {
				synctest.Test(t, func(t *testing.T) {
					tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond,
						Limits: []*quota.Limit{limit.limit()}})
					users := tenant.AddUsers(6000)
					start := time.Now()
					runAll(t, offline(tenant, down), batch.Options{}, deletes(users))
					d = time.Since(start)
				})
				return d
			}
			// Waits vary, and a refusal may come early or late in a run, so take the median of five,
			// or of three with -short.
			runs := 5
			if testing.Short() {
				runs = 3
			}
			took := func(t *testing.T, down func(time.Duration) bool) time.Duration {
				var all []time.Duration
				for range runs {
					all = append(all, once(t, down))
				}
				slices.Sort(all)
				return all[runs/2]
			}
			without := took(t, func(time.Duration) bool { return false })
			with := took(t, between(20*time.Second, 80*time.Second))
			t.Log(without, with)
			lost := with - without - time.Minute // up to 15 s are the last pause
			checkBetween(t, "time lost besides the outage of a minute", lost, -20*time.Second, 20*time.Second)
		})
	}
}

// A time in which a quota was refused does not include an outage. A run waits for a token while
// the authority cannot be reached. The end of the context ends each wait at once.
func TestOutageAndOtherWaits(t *testing.T) {
	throttled := func(n int) graphsim.Options { // n requests, each for five minutes
		return graphsim.Options{Limits: []*quota.Limit{quota.First(n, 5*time.Minute)}}
	}
	refused := graphsim.Options{Faults: []fault.Fault{{Batch: 5, Do: fault.OuterStatus(401)}}}
	always := func(do fault.Effect) graphsim.Options { return graphsim.Options{Faults: []fault.Fault{{Do: do}}} }
	up := between(0, 0)
	for _, tt := range []struct {
		name        string
		tenant      graphsim.Options
		down        func(time.Duration) bool
		away        time.Duration // the authority
		cancel      time.Duration
		want        error
		least, most time.Duration
		stall       time.Duration
	}{
		{"refused, then an outage", throttled(40), between(4*time.Minute, 33*time.Minute), 0, 0,
			nil, 33 * time.Minute, 34 * time.Minute, 0},
		{"refused before and after an outage", throttled(41), between(4*time.Minute, 33*time.Minute), 0, 0,
			nil, 38 * time.Minute, 39 * time.Minute, 0},
		{"a token", refused, up, 20 * time.Minute, 0, nil, 20 * time.Minute, 21 * time.Minute, 0},
		{"a token, for too long", refused, up, time.Hour, 0,
			batch.ErrUnreachable, 30 * time.Minute, 31 * time.Minute, 0},
		{"a token, for any time", refused, up, time.Hour, 0, nil, time.Hour, 61 * time.Minute, -1},
		{"a token, interrupted", refused, up, time.Hour, 5 * time.Minute,
			context.Canceled, 5 * time.Minute, 5 * time.Minute, 0},
		{"an outage, interrupted", graphsim.Options{}, between(time.Second, time.Hour), 0, 5 * time.Minute,
			context.Canceled, 5 * time.Minute, 5 * time.Minute, 0},
		{"a wait that the service asks for, interrupted", always(fault.ItemStatus(429, "Retry-After", "600")), up, 0,
			5 * time.Minute, context.Canceled, 5 * time.Minute, 5 * time.Minute, 0},
		{"a blockade, interrupted", always(fault.OuterBody(404, "")), up, 0, 3 * time.Second,
			context.Canceled, 3 * time.Second, 3*time.Second + 50*time.Millisecond, 0}, // until a test is answered
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tt.tenant.Latency = 50 * time.Millisecond
			tenant := graphsim.New(tt.tenant)
			users := tenant.AddUsers(3000)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.cancel > 0 {
				time.AfterFunc(tt.cancel, cancel)
			}
			start := time.Now()
			renew := func(context.Context, *batch.StatusError) error {
				if time.Since(start) < tt.away {
					return fmt.Errorf("%w: no route to the authority", batch.ErrNotSent)
				}
				return nil
			}
			opts := batch.Options{Concurrency: 2, Reauthorize: renew, StallTimeout: tt.stall}
			results, err := run(ctx, t, offline(tenant, tt.down), opts, deletes(users))
			checkErr(t, "Run", err, tt.want)
			check(t, "a lack of access", errors.Is(err, batch.ErrUnauthorized), false)
			checkBetween(t, "time", time.Since(start), tt.least, tt.most)
			check(t, "results", len(results), 3000)
		}))
	}
}

// A second run of a Runner knows that there was a connection.
func TestSecondRunInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		reqs := slices.Collect(deletes(tenant.AddUsers(2)))
		runner := newRunner(t, offline(tenant, between(time.Second, 10*time.Minute)), batch.Options{})
		for i, req := range reqs {
			time.Sleep(time.Duration(i) * time.Minute)
			_, err := runner.Do(t.Context(), req)
			checkErr(t, fmt.Sprint("run ", i), err, nil)
		}
		checkLeft(t, tenant, 0)
	})
}
