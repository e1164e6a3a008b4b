package graphsim

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
)

// Each row is a batch of n deletes at a time after the first: how many get through
// and which Retry-After the refused ones are told, the last one told last.
func TestLimits(t *testing.T) {
	type row struct {
		at     time.Duration
		n      int
		passed int
		retry  string // the longest
	}
	const ms = time.Millisecond
	tests := []struct {
		name  string
		limit func() *quota.Limit
		rows  []row
	}{
		{"bucket", func() *quota.Limit { return quota.Bucket(2, 5) }, []row{
			{0, 20, 5, "1"},
			{500 * ms, 2, 1, "1"}, // two a second
			{999 * ms, 1, 0, "1"},
			{1000 * ms, 1, 1, ""}, // exactly when a request is there again
			{10 * time.Second, 6, 5, "1"},
		}},
		{"bucket, exact", func() *quota.Limit { l := quota.Bucket(0.25, 1); l.RetryAfter = quota.Decimal; return l }, []row{
			{0, 2, 1, "4"},
			{3751 * ms, 1, 0, "0.249"},
			{4000 * ms, 1, 1, ""},
		}},
		{"bucket, refused ones count", func() *quota.Limit { l := quota.Bucket(1, 10); l.CountRefused = true; return l }, []row{
			{0, 20, 10, "11"}, // a debt of ten, and one more to have one
			{10 * time.Second, 1, 0, "2"},
			{12 * time.Second, 1, 1, ""},
		}},
		{"bucket, halved and given back", func() *quota.Limit {
			return quota.Bucket(10, 10).Scale(10*time.Second, 0.5).Scale(20*time.Second, 1)
		}, []row{
			{0, 10, 10, ""},
			{10 * time.Second, 20, 10, "1"},
			{11 * time.Second, 20, 5, "1"},
			{19800 * ms, 20, 10, "1"},
			{20300 * ms, 20, 4, "1"}, // 0.2 s at five, 0.3 s at ten
		}},
		{"bucket, stopped", func() *quota.Limit { return quota.Bucket(1, 1).Scale(time.Second, 0).Scale(time.Minute, 2) }, []row{
			{0, 1, 1, ""},
			{1 * time.Second, 2, 1, "60"}, // until half a second after the minute
			{60500 * ms, 1, 1, ""},
		}},
		{"bucket, shared", func() *quota.Limit { return quota.Bucket(10, 10).Load(0, 6) }, []row{
			{0, 10, 10, ""},
			{time.Second, 10, 4, "1"},
		}},
		{"bucket, fought for", func() *quota.Limit { return quota.Bucket(10, 10).Load(0, 500) }, []row{
			{0, 10, 10, ""},
			{time.Second, 10, 1, "1"},
		}},
		{"window", func() *quota.Limit { return quota.Window(3, 10*time.Second) }, []row{
			{0, 2, 2, ""},
			{4 * time.Second, 2, 1, "6"},
			{10*time.Second - 1, 1, 0, "1"},
			{12 * time.Second, 4, 3, "10"}, // begins with its first request
			{21 * time.Second, 1, 0, "1"},
		}},
		{"window, refused ones count", func() *quota.Limit { l := quota.Window(3, 10*time.Second); l.CountRefused = true; return l }, []row{
			{0, 20, 3, "10"},
			{10 * time.Second, 2, 1, "10"},
			{40 * time.Second, 3, 3, ""}, // forgiven
		}},
		{"window, halved", func() *quota.Limit { return quota.Window(4, 10*time.Second).Scale(10*time.Second, 0.5) }, []row{
			{0, 20, 4, "10"},
			{10 * time.Second, 20, 2, "10"},
		}},
		{"window, shared", func() *quota.Limit { return quota.Window(10, 10*time.Second).Load(0, 0.5) }, []row{
			{0, 4, 4, ""},
			{4 * time.Second, 20, 4, "6"},
			{13 * time.Second, 20, 9, "7"}, // begun at ten by the other one
		}},
		{"the first", func() *quota.Limit { return quota.First(3, 90*time.Second) }, []row{
			{0, 2, 0, "90"},
			{time.Second, 4, 3, "90"},
			{2 * time.Second, 20, 20, ""},
		}},
		{"reads only", func() *quota.Limit { return quota.Bucket(1, 1).Of(quota.Reads) }, []row{{0, 20, 20, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(Options{Limits: []*quota.Limit{tt.limit()}})
				begin := time.Now()
				total, passed := 0, 0
				for _, r := range tt.rows {
					time.Sleep(r.at - time.Since(begin))
					n, retry := 0, ""
					reply, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(r.n)))
					if err != nil {
						t.Fatal(err)
					}
					for _, g := range responses(t, reply.Body) {
						switch after := g.Header.Get("Retry-After"); {
						case g.Status == 204:
							n++
						case g.Status != 429 || g.code() != "TooManyRequests":
							t.Errorf("answer %+v", g)
						case len(after) > len(retry) || len(after) == len(retry) && after > retry:
							retry = after
						}
					}
					if n != r.passed || retry != r.retry {
						t.Errorf("after %v: %d of %d passed, Retry-After %q; want %d, %q", r.at, n, r.n, retry, r.passed, r.retry)
					}
					total, passed = total+r.n, passed+n
				}
				s := tenant.Stats()
				if s.Requests != total || s.Accepted != passed || s.Refused != total-passed || s.Deleted != passed || len(tenant.Remaining()) != total-passed {
					t.Errorf("Stats = %+v, want %d requests, %d accepted", s, total, passed)
				}
			})
		})
	}
}

func TestEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.First(1, 10*time.Second).Of(quota.Writes)
		tenant := New(Options{Latency: time.Second, Limits: []*quota.Limit{limit}})
		users := tenant.AddUsers(9)
		early := func(want int, why string) {
			t.Helper()
			if s := tenant.Stats(); s.SentTooEarly != want {
				t.Errorf("%d early, want %d: %s", s.SentTooEarly, want, why)
			}
		}
		go func() { // sent before the answer is there
			time.Sleep(900 * time.Millisecond)
			tenant.PostBatch(t.Context(), deletes(users[1:3]))
		}()
		tenant.PostBatch(t.Context(), deletes(users[:1])) // told at 0.5 s to wait until 10.5 s, hears it at 1 s
		time.Sleep(time.Second)
		early(0, "under way when the wait was told")
		tenant.PostBatch(t.Context(), []byte(envelope("GET", "/users/"+users[0].ID+methods, "")))
		early(0, "not what is limited")
		tenant.PostBatch(t.Context(), deletes(users[3:5]))
		early(2, "sent while told to wait")
		time.Sleep(6499 * time.Millisecond) // 10.499 s
		tenant.PostBatch(t.Context(), deletes(users[5:6]))
		early(3, "arrives after the wait, sent before its end")
		tenant.PostBatch(t.Context(), deletes(users[6:]))
		early(3, "after the wait")
	})
}

// What the client never got to hear does not bind it.
func TestEarlyUnheard(t *testing.T) {
	for _, form := range []quota.RetryAfter{quota.NoHeader, quota.Seconds} {
		limit := quota.First(1, 10*time.Second)
		limit.RetryAfter = form
		tenant := New(Options{Limits: []*quota.Limit{limit}, Faults: []fault.Fault{{Batch: 1, Do: fault.CutOff()}}})
		users := tenant.AddUsers(2)
		tenant.PostBatch(t.Context(), deletes(users))
		tenant.PostBatch(t.Context(), deletes(users))
		if s := tenant.Stats(); s.SentTooEarly != 0 || s.Refused != 1 {
			t.Errorf("Stats = %+v", s)
		}
	}
}

func TestWholeBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{WholeBatch: true, Record: true, Limits: []*quota.Limit{quota.Bucket(1, 30), quota.Bucket(1, 10).Of(quota.Reads)}})
		post := func() error {
			_, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(20)))
			return err
		}
		if err := post(); err != nil {
			t.Fatal(err)
		}
		e, ok := post().(*batch.StatusError)
		if !ok || e.Status != 429 || e.Code != "TooManyRequests" || e.Header.Get("Retry-After") != "10" {
			t.Errorf("PostBatch = %+v, want 429", e)
		}
		time.Sleep(10 * time.Second)
		if err := post(); err != nil {
			t.Error(err)
		}
		if s := tenant.Stats(); s.Refused != 20 || s.Accepted != 40 || s.Deleted != 40 || len(tenant.Log()) != 60 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// With Spread the requests of a batch take effect one after another.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.Bucket(100, 1)
		limit.RetryAfter = quota.Decimal
		tenant := New(Options{Latency: 50 * time.Millisecond, Spread: 190 * time.Millisecond, Limits: []*quota.Limit{limit}})
		start := time.Now()
		if _, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(20))); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 240*time.Millisecond {
			t.Errorf("a batch took %v, want 240ms", took)
		}
		if s := tenant.Stats(); s.Accepted != 20 {
			t.Errorf("%d of 20 requests accepted that came 10 ms after one another at 100 a second", s.Accepted)
		}
	})
}

// A batch larger than the bucket gets in when the bucket is full.
func TestWholeBatchLargerThanLimit(t *testing.T) {
	for _, l := range []*quota.Limit{quota.Bucket(1, 5), quota.Window(5, time.Hour)} {
		tenant := New(Options{WholeBatch: true, Limits: []*quota.Limit{l}})
		if _, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(20))); err != nil {
			t.Error(err)
		}
	}
}

func TestThrottledDirectly(t *testing.T) {
	tenant := New(Options{Limits: []*quota.Limit{quota.First(1, 7*time.Second)}})
	client := &http.Client{Transport: tenant}
	for _, want := range []string{"429 7", "200 "} {
		g := send(t, client, tenant.Entra.Token(), "GET", wire.PublicRoot+"/v1.0/users", "")
		if got := fmt.Sprint(g.Status, " ", g.Header.Get("Retry-After")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
