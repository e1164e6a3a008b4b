package graphsim

import (
	"context"
	"time"

	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
)

// runningBatch is a batch that the tenant is working on.
type runningBatch struct {
	*Tenant
	x        *exchange
	requests []batchRequest
	answers  []answer
	effects  []*fault.Effect
	handled  []bool
	now      time.Time
}

// handleBatch carries the requests of a batch out, in any order that respects dependsOn.
// With Options.Spread other exchanges get their turn between two of them. Called with mu
// held.
func (t *Tenant) handleBatch(ctx context.Context, x *exchange, requests []batchRequest, now time.Time) wire.Response {
	if t.opts.WholeBatch {
		if refused := t.refuseWhole(x, now); refused != nil {
			return t.byItself(*refused)
		}
	}
	n := len(requests)
	b := runningBatch{t, x, requests, make([]answer, n), make([]*fault.Effect, n), make([]bool, n), now}
	for k, i := range t.variety.Perm(n) {
		if k > 0 && t.opts.Spread > 0 {
			t.mu.Unlock()
			_ = wait(ctx, t.opts.Spread/time.Duration(n-1)) // the rest is carried out anyway
			t.mu.Lock()
			b.now = time.Now()
			t.catchUp(b.now)
		}
		b.handle(i)
	}
	var out struct {
		Responses []wire.Item `json:"responses"`
	}
	for _, i := range t.variety.Perm(n) {
		item := t.inBatch(requests[i].ID, &b.answers[i])
		if effect := b.effects[i]; effect != nil {
			out.Responses = append(out.Responses, effect.ChangeItem(item, t.variety)...)
		} else {
			out.Responses = append(out.Responses, item)
		}
	}
	return t.byItself(jsonAnswer(200, out))
}

// refuseWhole returns the answer to a batch that a limit has no room for, or nil.
func (t *Tenant) refuseWhole(x *exchange, now time.Time) *answer {
	var sum quota.Cost
	for i := range x.calls {
		sum.Add(x.calls[i].cost())
	}
	retryAfter, ok := t.admit(x, sum, now)
	if ok {
		return nil
	}
	a := t.throttled(retryAfter)
	for i := range x.calls {
		t.record(&x.calls[i], &a, now)
	}
	return &a
}

// handle carries request i out, after the one that it depends on.
func (b *runningBatch) handle(i int) {
	if b.handled[i] {
		return
	}
	b.handled[i] = true
	c := &b.x.calls[i]
	if before := b.requests[i].after; before >= 0 {
		b.handle(before)
		if b.statusOf(before) >= 400 {
			b.answers[i] = b.fail(c, 424, "FailedDependency", "A request that this request depends on has failed.")
			b.record(c, &b.answers[i], b.now)
			return
		}
	}
	if b.opts.WholeBatch {
		b.answers[i], b.effects[i] = b.handleOne(c, b.now)
	} else {
		b.answers[i], b.effects[i] = b.admitAndHandle(b.x, c, b.now)
	}
}

// statusOf returns the status that the requests that depend on request i go by.
func (b *runningBatch) statusOf(i int) int {
	if b.effects[i] != nil {
		return b.effects[i].StatusOr(b.answers[i].status)
	}
	return b.answers[i].status
}
