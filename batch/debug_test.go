package batch_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
)

// Each post is one record with its size, time, counts, wait and request-id, and
// without what is in it.
func TestDebugLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Latency: 50 * time.Millisecond, Faults: []fault.Fault{
			{Batch: 1, Do: fault.ItemStatus(429, "Retry-After", "7")},
			{Batch: 2, Do: fault.OuterStatus(503, "Retry-After", "3")},
			{Batch: 3, Do: fault.Reset()},
			{Batch: 4, Do: fault.OuterHTML(200)},
		}})
		users := tenant.AddUsers(20)
		var log bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		runAll(t, tenant, batch.Options{Logger: logger, Concurrency: 1}, deletes(users))
		for _, secret := range []string{"contoso", users[0].Passes[0].ID, "temporaryAccessPass", "Bearer"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log tells %q", secret)
			}
		}
		type record struct {
			Batch, Requests, Status, Accepted, Throttled, Lost int
			Sent                                               int `json:"sent_bytes"`
			Received                                           int `json:"received_bytes"`
			Took, Wait                                         time.Duration
			RetryAfter                                         time.Duration `json:"retry_after"`
			RequestID                                          string        `json:"request_id"`
			Code, Err                                          string
		}
		var got []record
		for dec := json.NewDecoder(&log); dec.More(); {
			var r record
			if err := dec.Decode(&r); err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if len(got) < 5 {
			t.Fatalf("%d records: %+v", len(got), got)
		}
		for i, want := range []record{
			{Status: 200, Throttled: 20, RetryAfter: 7 * time.Second},
			{Status: 503, Throttled: 1, RetryAfter: 3 * time.Second},
			{Lost: 1},
			{Status: 200, Lost: 1},
			{Status: 200, Accepted: 1},
		} {
			r := got[i]
			if want.Throttled == 1 {
				want.Throttled = r.Requests // how many go again at once is the pace's affair
			}
			if want.Lost == 1 {
				want.Lost = r.Requests
			}
			if want.Accepted == 1 {
				want.Accepted = r.Requests
			}
			if r.Batch != i+1 || r.Status != want.Status || r.Accepted != want.Accepted || r.Throttled != want.Throttled ||
				r.Lost != want.Lost || r.RetryAfter != want.RetryAfter || r.Wait < want.RetryAfter-time.Second {
				t.Errorf("record %d: %+v, want %+v", i, r, want)
			}
			answered := want.Status != 0
			if r.Sent < 100*r.Requests || (r.Received > 0) != (want.Status == 200) || (r.RequestID != "") != answered || (r.Err == "") != (want.Status == 200 && want.Lost == 0) {
				t.Errorf("record %d: %+v", i, r)
			}
			if answered && r.Took < 50*time.Millisecond {
				t.Errorf("record %d took %v", i, r.Took)
			}
		}
	})
}
