package graphsim

import (
	"context"
	"time"

	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
)

// exchange is a batch, or a direct request, on its way to the tenant and back.
type exchange struct {
	batch   int // its number, 0 for a direct request
	calls   []call
	limits  *quota.Admission
	writing []*passState // the states of the users with a write in calls
}

// deliver passes a response to the client.
type deliver func(*wire.HTTPResponse)

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchangeBatch takes a batch to the tenant and passes the response to deliver.
func (t *Tenant) exchangeBatch(ctx context.Context, body []byte, root string, who *principal, deliver deliver) {
	requests, problem := readBatch(body)
	x := t.send(calls(requests, root, who), true)
	t.travel(ctx, x, deliver, func(now time.Time) wire.HTTPResponse {
		if problem != "" {
			return t.byItself(t.fail(&call{}, 400, "BadRequest", problem))
		}
		return t.handleBatch(ctx, x, requests, now)
	})
}

// exchangeDirect does the same for a request outside a batch.
func (t *Tenant) exchangeDirect(ctx context.Context, c call, deliver deliver) {
	x := t.send([]call{c}, false)
	t.travel(ctx, x, deliver, func(now time.Time) wire.HTTPResponse {
		a, _ := t.admitAndHandle(x, &x.calls[0], now)
		return t.byItself(a)
	})
}

// send records that a client has sent a batch or a direct request.
func (t *Tenant) send(calls []call, isBatch bool) *exchange {
	x := &exchange{calls: calls}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.exchanges++
	if isBatch {
		t.stats.Batches++
		x.batch = t.stats.Batches
		t.running++
		t.stats.MaxConcurrent = max(t.stats.MaxConcurrent, t.running)
		if len(calls) > 0 {
			t.stats.Sizes[len(calls)]++
		}
	}
	x.limits = quota.Send(t.opts.Limits, time.Now())
	for i := range calls {
		c := &calls[i]
		c.Batch = x.batch
		u := t.find(c.route.user)
		if u == nil || !c.route.isWrite(c.Method) {
			continue
		}
		s := u.keep()
		if s.writing > 0 && s.lastExchange != t.exchanges {
			t.stats.OverlappingWrites++
		}
		s.writing++
		s.lastExchange = t.exchanges
		x.writing = append(x.writing, s)
	}
	return x
}

// travel waits for half of the latency, calls work, waits for the rest, and delivers the
// response. It calls work with mu held, and deliver without.
func (t *Tenant) travel(ctx context.Context, x *exchange, deliver deliver, work func(time.Time) wire.HTTPResponse) {
	var r wire.HTTPResponse
	there := t.opts.Latency / 2
	err := wait(ctx, there)
	if err == nil {
		r = t.arrive(x, work)
		if r.Hang {
			<-ctx.Done()
		}
		err = wait(ctx, r.Delay+t.opts.Latency-there)
	}
	if err != nil {
		r = wire.HTTPResponse{Err: err}
	}
	t.finish(x)
	deliver(&r)
	if r.Err == nil && !r.Cut {
		t.mu.Lock()
		defer t.mu.Unlock()
		x.limits.Delivered(time.Now())
	}
}

func (t *Tenant) arrive(x *exchange, work func(time.Time) wire.HTTPResponse) (r wire.HTTPResponse) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.applyDue(now)
	t.stats.Requests += len(x.calls)
	requests := make([]*fault.Request, len(x.calls))
	for i := range x.calls {
		requests[i] = &x.calls[i].Request
		t.script.Arrive(requests[i])
	}
	effect := t.script.Whole(x.batch, requests)
	if effect == nil || effect.IsAfterWork() {
		r = work(now)
	}
	if effect != nil {
		t.stats.Faults++
		effect.ChangeWhole(&r, t.variety)
	}
	return r
}

// finish records the end of an exchange, before the client can know of it.
func (t *Tenant) finish(x *exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.batch > 0 {
		t.running--
	}
	for _, s := range x.writing {
		s.writing--
	}
}

// admitAndHandle checks the limits and faults of one request and carries it out. The caller
// applies the effect.
func (t *Tenant) admitAndHandle(x *exchange, c *call, now time.Time) (a callAnswer, effect *fault.Effect) {
	kinds := c.kinds()
	if x.limits.SentTooEarly(kinds) {
		t.stats.SentTooEarly++
	}
	if retryAfter, ok := x.limits.Admit(kinds, now); !ok {
		t.stats.Refused++
		a = t.throttled(retryAfter)
		t.record(c, &a, now)
		return a, nil
	}
	effect = t.script.Single(&c.Request)
	if effect == nil || effect.IsAfterWork() {
		a = t.handle(c, now)
	}
	if effect != nil {
		t.stats.Faults++
	}
	t.record(c, &a, now)
	return a, effect
}

func (t *Tenant) record(c *call, a *callAnswer, now time.Time) {
	if t.opts.Record {
		t.log = append(t.log, LogEntry{now, c.Batch, c.Method, c.URL, a.done})
	}
}
