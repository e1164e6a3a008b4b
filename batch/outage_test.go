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
)

// offline is the tenant without a connection whenever down says so, of the time
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

// An outage costs time and nothing else: no attempt, no request, and nothing is taken
// from the source meanwhile.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond})
		users := tenant.AddUsers(3000)
		tried := 0
		var log bytes.Buffer
		opts := batch.Options{
			Concurrency: 4, MaxAttempts: 1, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Observe: func(o batch.Observation) {
				if !o.Outage.IsZero() && o.Lost > 0 {
					tried++
					if wait := o.NextTry.Sub(o.Time); wait < 0 || wait > 15*time.Second {
						t.Errorf("%+v", o)
					}
				}
			},
		}
		down := between(time.Second, 20*time.Minute)
		start := time.Now()
		results := runAll(t, offline(tenant, down), opts, deletes(users))
		for _, r := range results {
			if r.Err != nil || r.Response.Status != 204 || r.Attempts != 1 || r.Throttled != 0 {
				t.Fatalf("%+v", r)
			}
		}
		// 150 batches, four at a time, take two seconds; the first try after the outage
		// comes within 15 s.
		if d := time.Since(start); d > 20*time.Minute+18*time.Second {
			t.Errorf("the run took %v", d)
		}
		if len(results) != 3000 || tried < 75 || tried > 120 || tenant.Stats().Requests != 3000 {
			t.Errorf("%d results, %d batches without a connection, %d requests", len(results), tried, tenant.Stats().Requests)
		}
		if n := strings.Count(log.String(), "no connection"); n != 1 || strings.Count(log.String(), "connected again") != 1 {
			t.Errorf("%s", log.String())
		}
	})
}

// A run that never had a connection ends soon, one that had waits for long; either
// way what did not get out is not uncertain, and what may have is.
func TestUnreachable(t *testing.T) {
	tests := []struct {
		name    string
		down    func(time.Duration) bool
		opts    batch.Options
		least   time.Duration
		most    time.Duration
		cut     bool // the answers of what was in flight are lost
		message string
	}{
		{"never", between(0, time.Hour), batch.Options{}, 20 * time.Second, 32 * time.Second, false, "no connection to the service in 6 attempts: not sent: connection refused"},
		{"never, one attempt", between(0, time.Hour), batch.Options{MaxAttempts: 1}, 0, 0, false, "in 1 attempts"},
		{"no more", between(time.Second, time.Hour), batch.Options{}, 30 * time.Minute, 31 * time.Minute, false, "no connection to the service in 30m0s: not sent: connection refused"},
		{"no more, with an answer lost", between(time.Second, time.Hour), batch.Options{StallTimeout: time.Minute}, time.Minute, 62 * time.Second, true, "in 1m0s"},
		{"no patience at all", between(time.Second, time.Hour), batch.Options{StallTimeout: -1}, 40 * time.Minute, 40*time.Minute + 10*time.Second, false, "deadline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
				if d := time.Since(start); d < tt.least || d > tt.most {
					t.Errorf("the run took %v, want %v to %v", d, tt.least, tt.most)
				}
				if err == nil || !strings.Contains(err.Error(), tt.message) || errors.Is(err, batch.ErrUnreachable) != (tt.opts.StallTimeout >= 0) {
					t.Errorf("Run = %v, want %q", err, tt.message)
				}
				left, uncertain := make(map[string]bool), 0
				for _, h := range tenant.Remaining() {
					left[h.UPN] = true
				}
				for _, r := range results {
					user := r.Request.Tag.(string)
					switch {
					case r.Err == nil:
						if left[user] {
							t.Errorf("%s is there still", user)
						}
					case !r.Stopped():
						t.Errorf("%s: %v", user, r.Err)
					case r.Uncertain:
						uncertain++
					case !left[user] || r.Attempts != 0:
						t.Errorf("%s: %v after %d attempts", user, r.Err, r.Attempts)
					}
				}
				if len(results) != 3000 || (uncertain > 0) != tt.cut {
					t.Errorf("%d results, %d uncertain", len(results), uncertain)
				}
			})
		})
	}
}

// An outage that begins while requests wait for a gate, for their key or for their
// next attempt loses none of them.
func TestOutageAmongOtherTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{
			Latency: 50 * time.Millisecond,
			Limits:  []*quota.Limit{quota.Bucket(20, 60)},
			Faults:  []fault.Fault{{Path: "3@", Attempt: 1, Do: fault.ItemStatus(500)}, {Batch: 4, Do: fault.OuterStatus(400)}},
		})
		users := tenant.AddUsers(600)
		down := func(at time.Duration) bool { return int(at.Seconds())%20 >= 5 } // three quarters of the time
		results := runAll(t, offline(tenant, down), batch.Options{MaxAttempts: 3}, deletes(users))
		got := statuses(results)
		if got[204] != 600 || len(tenant.Remaining()) != 0 {
			t.Errorf("%v, %d left", got, len(tenant.Remaining()))
		}
		if early := tenant.Stats().SentTooEarly; early > 0 {
			t.Errorf("%d requests sent before a wait was over", early)
		}
	})
}

// What was measured before an outage holds after it: the time in which nothing could
// be sent is none in which the tenant accepted little.
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
					tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Limits: []*quota.Limit{limit.limit()}})
					users := tenant.AddUsers(6000)
					start := time.Now()
					runAll(t, offline(tenant, down), batch.Options{}, deletes(users))
					d = time.Since(start)
				})
				return d
			}
			// Waits are spread, and a refusal may come early or late in one run: the middle of
			// five tells more.
			took := func(t *testing.T, down func(time.Duration) bool) time.Duration {
				var all []time.Duration
				for range 5 {
					all = append(all, once(t, down))
				}
				slices.Sort(all)
				return all[2]
			}
			without := took(t, func(time.Duration) bool { return false })
			with := took(t, between(20*time.Second, 80*time.Second))
			if lost := with - without - time.Minute; lost > 20*time.Second { // up to 15 s are the last pause
				t.Errorf("%v without an outage, %v with one of a minute", without, with)
			}
			t.Log(without, with)
		})
	}
}

// What was refused before an outage is not refused for longer by it, and a token that
// cannot be had for a while is waited for; an interrupt ends either wait at once.
func TestOutageAndOtherWaits(t *testing.T) {
	renew := func(from time.Time, after time.Duration) func(context.Context, *batch.StatusError) error {
		return func(context.Context, *batch.StatusError) error {
			if time.Since(from) < after {
				return fmt.Errorf("%w: no route to the authority", batch.ErrNotSent)
			}
			return nil
		}
	}
	refused := []fault.Fault{{Batch: 5, Do: fault.OuterStatus(401)}}
	tests := []struct {
		name   string
		limits []*quota.Limit
		faults []fault.Fault
		down   func(time.Duration) bool
		away   time.Duration // the authority
		cancel time.Duration
		want   error
		least  time.Duration
		most   time.Duration
	}{
		{"refused, then an outage", []*quota.Limit{quota.First(40, 5*time.Minute)}, nil, between(4*time.Minute, 33*time.Minute), 0, 0, nil, 33 * time.Minute, 34 * time.Minute},
		{"a token", nil, refused, between(0, 0), 20 * time.Minute, 0, nil, 20 * time.Minute, 21 * time.Minute},
		{"a token, for too long", nil, refused, between(0, 0), time.Hour, 0, batch.ErrUnreachable, 30 * time.Minute, 31 * time.Minute},
		{"a token, interrupted", nil, refused, between(0, 0), time.Hour, 5 * time.Minute, context.Canceled, 5 * time.Minute, 5 * time.Minute},
		{"an outage, interrupted", nil, nil, between(time.Second, time.Hour), 0, 5 * time.Minute, context.Canceled, 5 * time.Minute, 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Limits: tt.limits, Faults: tt.faults})
				users := tenant.AddUsers(3000)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				start := time.Now()
				results, err := run(ctx, t, offline(tenant, tt.down), batch.Options{Concurrency: 2, Reauthorize: renew(start, tt.away)}, deletes(users))
				if d := time.Since(start); !errors.Is(err, tt.want) || errors.Is(err, batch.ErrUnauthorized) || d < tt.least || d > tt.most || len(results) != 3000 {
					t.Errorf("Run = %v after %v with %d results, want %v after %v to %v", err, d, len(results), tt.want, tt.least, tt.most)
				}
			})
		})
	}
}

// A second run of a Runner knows that there was a connection.
func TestSecondRunInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		reqs := slices.Collect(deletes(tenant.AddUsers(2)))
		runner, err := batch.NewRunner(offline(tenant, between(time.Second, 10*time.Minute)), batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, req := range reqs {
			time.Sleep(time.Duration(i) * time.Minute)
			if err := runner.Run(t.Context(), slices.Values([]batch.Request{req}), func(batch.Result) []batch.Request { return nil }); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		}
		if left := len(tenant.Remaining()); left != 0 {
			t.Errorf("%d passes left", left)
		}
	})
}
