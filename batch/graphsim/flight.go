package graphsim

import (
	"context"
	"net/http"
	"time"

	"tapsweep/batch/graphsim/quota"
)

// flight is a batch or a direct request on its way to the tenant and back.
type flight struct {
	batch  int // 0 for a direct request
	calls  []call
	limits *quota.Admission
	writes []*holding // of the users with a write in it
}

// wire is what goes out of a door.
type wire struct {
	status int
	header http.Header
	body   []byte

	err   error         // the connection ends in place of an answer
	hang  bool          // no answer comes until the client gives up
	cut   bool          // the connection ends in the middle of body
	delay time.Duration // further latency
	slow  time.Duration // how long body takes
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// post takes a batch from one end to the other and hands the outcome to deliver.
func (t *Tenant) post(ctx context.Context, body []byte, root string, who *caller, deliver func(*wire)) {
	items, problem := readBatch(body)
	f := t.depart(calls(items, root, who), true)
	t.fly(ctx, f, deliver, func(now time.Time) wire {
		if problem != "" {
			return t.outer(t.fail(&call{}, 400, "BadRequest", problem))
		}
		return t.workBatch(ctx, f, items, now)
	})
}

// direct does the same with a request outside a batch.
func (t *Tenant) direct(ctx context.Context, c call, deliver func(*wire)) {
	f := t.depart([]call{c}, false)
	t.fly(ctx, f, deliver, func(now time.Time) wire {
		a, e := t.one(f, &f.calls[0], now, false)
		if e == nil {
			return t.outer(a)
		}
		return e.outside(t, a)
	})
}

// depart notes that a client has sent something.
func (t *Tenant) depart(calls []call, isBatch bool) *flight {
	f := &flight{calls: calls}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	if isBatch {
		t.batchSeq++
		t.stats.Batches++
		t.running++
		t.stats.MaxConcurrent = max(t.stats.MaxConcurrent, t.running)
		f.batch = t.batchSeq
		if len(calls) > 0 {
			t.stats.Sizes[len(calls)]++
		}
	}
	f.limits = quota.Send(t.opts.Limits, time.Now())
	for i := range calls {
		c := &calls[i]
		c.batch = f.batch
		if !c.route.writes(c.method) {
			continue
		}
		u := t.find(c.route.user)
		if u == nil {
			continue
		}
		h := u.hold()
		if h.inFlight > 0 && h.flightSeq != t.seq {
			t.stats.OverlappingWrites++
		}
		h.inFlight++
		h.flightSeq = t.seq
		f.writes = append(f.writes, h)
	}
	return f
}

// fly waits for the way there, has the work done, waits for the way back, and
// delivers. work is called with mu held; nothing else is.
func (t *Tenant) fly(ctx context.Context, f *flight, deliver func(*wire), work func(time.Time) wire) {
	var w wire
	there := t.opts.Latency / 2
	err := wait(ctx, there)
	if err == nil {
		w = t.arrive(f, work)
		if w.hang {
			<-ctx.Done()
		}
		err = wait(ctx, w.delay+t.opts.Latency-there)
	}
	if err != nil {
		w = wire{err: err}
	}
	t.land(f)
	deliver(&w)
	if w.err == nil && !w.cut {
		f.limits.Delivered(time.Now())
	}
}

func (t *Tenant) arrive(f *flight, work func(time.Time) wire) wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.catchUp(now)
	t.stats.Requests += len(f.calls)
	t.countAttempts(f)
	e := t.wholeFault(f)
	var w wire
	if e == nil || e.after {
		w = work(now)
	}
	if e != nil {
		t.stats.Faults++
		e.whole(t, &w)
	}
	return w
}

// land notes that a flight is over, before the client can know it.
func (t *Tenant) land(f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.batch > 0 {
		t.running--
	}
	for _, h := range f.writes {
		h.inFlight--
	}
}

// workBatch deals with the requests of a batch, in any order but for dependsOn. With
// Options.Spread others get their turn between two of them.
func (t *Tenant) workBatch(ctx context.Context, f *flight, items []item, now time.Time) wire {
	if t.opts.WholeBatch {
		var sum quota.Cost
		for i := range f.calls {
			sum.Add(f.calls[i].cost())
		}
		if retry, ok := t.admit(f, sum, now); !ok {
			a := t.throttled(retry)
			for i := range f.calls {
				t.record(&f.calls[i], &a, now)
			}
			return t.outer(a)
		}
	}

	answers := make([]answer, len(items))
	effects := make([]*Effect, len(items))
	done := make([]bool, len(items))
	var deal func(i int)
	deal = func(i int) {
		if done[i] {
			return
		}
		done[i] = true
		if before := items[i].after; before >= 0 {
			if deal(before); answers[before].status >= 400 {
				answers[i] = t.fail(&f.calls[i], 424, "FailedDependency",
					"A request that this request depends on has failed.")
				t.record(&f.calls[i], &answers[i], now)
				return
			}
		}
		answers[i], effects[i] = t.one(f, &f.calls[i], now, t.opts.WholeBatch)
		if e := effects[i]; e != nil && e.status > 0 {
			answers[i].status = e.status // what dependants go by
		}
	}
	for k, i := range t.rng.Perm(len(items)) {
		if k > 0 && t.opts.Spread > 0 {
			t.mu.Unlock()
			_ = wait(ctx, t.opts.Spread/time.Duration(len(items)-1)) // what has arrived is done anyway
			t.mu.Lock()
			now = time.Now()
			t.catchUp(now)
		}
		deal(i)
	}

	b := append(make([]byte, 0, 32+128*len(items)), `{"responses":[`...)
	first := len(b)
	for _, i := range t.rng.Perm(len(items)) {
		if e := effects[i]; e != nil {
			b = e.appendTo(t, b, len(b) == first, items[i].ID, &answers[i])
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = t.appendResponse(b, items[i].ID, &answers[i])
	}
	return t.outer(jsonAnswer(200, append(b, "]}"...)))
}

// one deals with one request: throttling, faults, work. An effect is still to be
// applied to the answer by whoever puts it into its form.
func (t *Tenant) one(f *flight, c *call, now time.Time, admitted bool) (a answer, e *Effect) {
	if !admitted {
		retry, ok := t.admit(f, c.cost(), now)
		if !ok {
			a = t.throttled(retry)
			t.record(c, &a, now)
			return a, nil
		}
	}
	e = t.itemFault(c)
	if e == nil || e.after {
		a = t.perform(c, now)
	}
	if e != nil {
		t.stats.Faults++
	}
	t.record(c, &a, now)
	return a, e
}

// admit asks the limits for room and counts their answer.
func (t *Tenant) admit(f *flight, cost quota.Cost, now time.Time) (retryAfter string, ok bool) {
	if f.limits.SentTooEarly(cost) {
		t.stats.Early += cost[quota.All]
	}
	if retryAfter, ok = f.limits.Admit(cost, now); ok {
		t.stats.Accepted += cost[quota.All]
	} else {
		t.stats.Refused += cost[quota.All]
	}
	return retryAfter, ok
}

func (t *Tenant) record(c *call, a *answer, now time.Time) {
	if t.opts.Record {
		t.log = append(t.log, Entry{now, c.batch, c.method, c.url, a.status, a.done})
	}
}

// outer turns an answer into one that goes out by itself.
func (t *Tenant) outer(a answer) wire {
	h := make(http.Header, 4+len(a.header)/2)
	id := string(t.newID())
	h.Set("Request-Id", id)
	h.Set("Client-Request-Id", id)
	for i := 0; i < len(a.header); i += 2 {
		h.Set(a.header[i], a.header[i+1])
	}
	return wire{status: a.status, header: h, body: a.body}
}
