package batch_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/testdata/assert"
)

// Each batch has one record with its size, time, counts, wait and request-id, and without its
// content.
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
			assert.That(t, !strings.Contains(log.String(), secret), "the log contains %q", secret)
		}
		got := decodeRecords(t, &log)
		if len(got) < 5 {
			t.Fatalf("%d records: %+v", len(got), got)
		}
		// The pace decides how many requests are sent again at once.
		for i, want := range []struct {
			status     int
			counts     func(*record) int // that is all of its requests
			retryAfter time.Duration
			errs       bool
		}{
			{200, func(r *record) int { return r.Throttled }, 7 * time.Second, false},
			{503, func(r *record) int { return r.Throttled }, 3 * time.Second, true},
			{0, func(r *record) int { return r.Lost }, 0, true},
			{200, func(r *record) int { return r.Lost }, 0, true},
			{200, func(r *record) int { return r.Accepted }, 0, false},
		} {
			r := &got[i]
			check(t, "batch", r.Batch, i+1)
			check(t, "status", r.Status, want.status)
			check(t, "requests with that result", want.counts(r), r.Requests)
			check(t, "wait that was asked for", r.RetryAfter, want.retryAfter)
			check(t, "an error", r.Err != "", want.errs)
			checkBetween(t, "wait", r.Wait, want.retryAfter-time.Second, time.Minute)
			r.checkAnswer(t)
		}
	})
}

// checkAnswer checks what a record says of the answer to its batch.
func (r *record) checkAnswer(t *testing.T) {
	t.Helper()
	check(t, "requests accepted, throttled and lost", r.Accepted+r.Throttled+r.Lost, r.Requests)
	check(t, "bytes received", r.Received > 0, r.Status == 200)
	check(t, "request-id", r.RequestID != "", r.Status != 0)
	checkBetween(t, "bytes sent", r.Sent, 100*r.Requests, 1000*r.Requests)
	if r.Status != 0 {
		checkBetween(t, "time", r.Took, 50*time.Millisecond, time.Second)
	}
}

// A record is what the log says about one batch.
type record struct {
	Batch, Requests, Status, Accepted, Throttled, Lost int

	Sent       int `json:"sent_bytes"`
	Received   int `json:"received_bytes"`
	Took, Wait time.Duration
	RetryAfter time.Duration `json:"retry_after"`
	RequestID  string        `json:"request_id"`
	Code, Err  string
}

func decodeRecords(t *testing.T, log io.Reader) (records []record) {
	t.Helper()
	for dec := json.NewDecoder(log); dec.More(); {
		var r record
		assert.OK(t, dec.Decode(&r))
		records = append(records, r)
	}
	return records
}
