package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

// What the reply to a batch means for a request in it that was sent for the first time.
func TestClassify(t *testing.T) {
	reply := func(status int, body string) *inFlightBatch {
		return &inFlightBatch{answers: []answer{{Response: Response{Status: status, Body: json.RawMessage(body)}}}}
	}
	fails := func(err error) *inFlightBatch { return &inFlightBatch{err: err} }
	whole := func(status int, code string) *inFlightBatch {
		return fails(&StatusError{Status: status, Code: code})
	}
	const graphError = `{"error":{"code":"UnknownError"}}`
	for _, tt := range []struct {
		name  string
		batch *inFlightBatch
		items int
		want  verdict
	}{
		{"answer 204", reply(204, ""), 1, answered},
		{"answer 404", reply(404, graphError), 1, answered},
		{"answer 413", reply(413, ""), 1, answered},
		{"answer 200 with an error", reply(200, graphError), 1, uncertain},
		{"answer 401", reply(401, graphError), 1, tokenRefused},
		{"answer 408", reply(408, ""), 1, uncertain},
		{"answer 424", reply(424, ""), 1, uncertain},
		{"answer 429", reply(429, ""), 1, throttled},
		{"answer 503", reply(503, ""), 1, uncertain},
		{"no answer", &inFlightBatch{answers: []answer{{err: ErrNoResponse}}}, 1, uncertain},

		{"no connection", fails(fmt.Errorf("%w: refused", ErrNotSent)), 1, disconnected},
		{"no token", &inFlightBatch{err: ErrUnauthorized, stops: ErrUnauthorized}, 1, unsent},
		{"not sent by BeforeSend", &inFlightBatch{err: ErrNotSent, stops: errors.New("full")}, 1, unsent},
		{"connection lost", fails(errors.New("EOF")), 1, uncertain},

		{"batch 202", whole(202, ""), 1, uncertain},
		{"batch 302", whole(302, ""), 1, blocked},
		{"batch 302 with a code", whole(302, "Moved"), 2, blocked},
		{"batch 400 of a gateway", whole(400, ""), 2, blocked},
		{"batch 400 of several requests", whole(400, "BadRequest"), 2, rejectedWithOthers},
		{"batch 400 of one request", whole(400, "BadRequest"), 1, suspect},
		{"batch 401 of a gateway", whole(401, ""), 1, blocked},
		{"batch 401", whole(401, "InvalidAuthenticationToken"), 1, tokenRefused},
		{"batch 403", whole(403, "Forbidden"), 2, blocked},
		{"batch 408", whole(408, ""), 1, uncertain},
		{"batch 413", whole(413, ""), 2, rejectedWithOthers},
		{"batch 429", whole(429, ""), 1, throttled},
		{"batch 503", whole(503, ""), 1, uncertain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.batch
			b.seq, b.queue = 1, &quotaQueue{}
			for range tt.items {
				it := newItem(Request{})
				it.queue = b.queue
				b.items = append(b.items, it)
			}
			b.verdict = b.classifyBatch()
			assert.Same(t, "verdict", b.classify(0), tt.want)
		})
	}
}

// A request that is rejected alone is rejected for good if Graph has accepted another batch
// since its first rejection, or if it was rejected often.
func TestClassifyRejectedAlone(t *testing.T) {
	for _, tt := range []struct {
		name                                        string
		firstRejected, lastAccepted, soloRejections int
		want                                        verdict
	}{
		{"nothing accepted", 0, 0, 0, suspect},
		{"a batch accepted before", 5, 4, 0, suspect},
		{"a batch accepted since", 5, 6, 0, rejected},
		{"a later batch accepted", 0, 8, 0, rejected},
		{"rejected alone four times", 5, 0, fewRejections, rejected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := newItem(Request{})
			it.queue = &quotaQueue{blockade: blockade{lastAccepted: tt.lastAccepted}}
			it.firstRejected, it.soloRejections = tt.firstRejected, tt.soloRejections
			b := &inFlightBatch{seq: 7, verdict: rejected, items: []*item{it}}
			assert.Same(t, "verdict", b.classify(0), tt.want)
		})
	}
}

// A second refusal in a row is the final answer only if the new token was accepted for another request.
func TestClassifyTokenRefusedTwice(t *testing.T) {
	for status, want := range map[int]verdict{204: answered, 404: answered, 401: tokenRefused, 429: tokenRefused} {
		refused := &item{tokenRefusalsInRow: 1}
		answers := []answer{{Response: Response{Status: 401}}, {Response: Response{Status: status}}}
		b := &inFlightBatch{items: []*item{refused, new(item)}, answers: answers}
		assert.Same(t, fmt.Sprint("verdict beside an answer of ", status), b.classifyAnswer(0), want)
	}
}

// Replies can come in another order than their batches were sent.
func TestLastAccepted(t *testing.T) {
	q := &quotaQueue{}
	for _, seq := range []int{8, 5} {
		new(loop).updateBlockade(&inFlightBatch{seq: seq, queue: q, answers: []answer{{}}})
	}
	assert.Same(t, "number of the last batch that was accepted", q.blockade.lastAccepted, 8)
}

// A reply ends a row of other replies, unless it was no attempt.
func TestRecordAfterOtherReplies(t *testing.T) {
	before, now := errors.New("before"), errors.New("now")
	for _, tt := range []struct {
		v                 verdict
		throttled, tokens int // in a row
		cause             error
	}{
		{disconnected, 2, 1, before}, {blocked, 2, 1, now}, {uncertain, 0, 0, now},
		{throttled, 3, 0, now}, {tokenRefused, 0, 2, now},
	} {
		it := &item{cause: before, throttledInRow: 2, tokenRefusalsInRow: 1}
		it.record(&inFlightBatch{err: now, items: []*item{it}}, 0, tt.v)
		assert.Same(t, fmt.Sprint("throttled in a row after verdict ", tt.v), it.throttledInRow, tt.throttled)
		assert.Same(t, fmt.Sprint("tokens refused in a row after verdict ", tt.v), it.tokenRefusalsInRow, tt.tokens)
		assert.Same(t, fmt.Sprint("cause after verdict ", tt.v), it.cause, tt.cause)
	}
}

// The reply to a batch from before an outage or a blockade does not end the test that is in flight.
func TestOldReplyEndsNoTest(t *testing.T) {
	inTest := interruption{since: time.Now(), testing: true}
	l, q := &loop{runner: new(Runner), outage: inTest}, &quotaQueue{blockade: blockade{interruption: inTest}}
	old := &inFlightBatch{queue: q, verdict: uncertain}
	l.updateOutage(old)
	l.updateBlockade(old)
	assert.Same(t, "the connection is tested", l.outage.testing, true)
	assert.Same(t, "the blockade is tested", q.blockade.testing, true)
}
