package throttle

import "time"

// Done records the result of requests, at the time of their answer.
func (c *Controller) Done(now time.Time, r Feedback) {
	ahead := c.detector.landed(r.Sent, r.Refused > 0)
	if r.Accepted+r.Refused > 0 {
		c.latency.note(now.Sub(r.Sent), c.window <= firstFlight && c.limit.since.IsZero())
	}
	// Batches that were sent before the end of the last wait are no new evidence: its cause is known.
	late := r.Sent.Before(c.limit.opened)
	if late || r.Refused == 0 && !c.detector.asks {
		if !late {
			c.detector.accepted(r)
		}
		c.account(now, r)
		return
	}
	c.detector.weigh(now, r, ahead)
	// Until the cause is known, refused requests count as lost.
	r.Lost, r.Refused = r.Lost+r.Refused, 0
	c.account(now, r)
	c.rule(c.detector.cause(false))
}

// rule acts on the cause of the refusals in question. If it is the limit, rule records them as refused and
// so closes the gate.
func (c *Controller) rule(v cause) {
	if v == pending {
		return
	}
	d := &c.detector
	d.settle(v)
	if v == chance {
		return
	}
	c.takeRest(0)
	if v == unclear {
		c.closed = later(c.closed, d.until)
		c.fixed.interrupted()
		return
	}
	c.ceiling.reached(d.ahead + d.first.Accepted)
	c.inFlight += d.refused
	c.account(d.answered, d.report())
}

// account updates all estimates with a result. Refused counts only refusals by the limit.
func (c *Controller) account(now time.Time, r Feedback) {
	c.inFlight -= r.Accepted + r.Refused + r.Lost
	fresh := !r.Sent.Before(c.closed) // sent after the last wait
	c.limit.note(r, fresh, c.latency.mean)
	c.fixed.note(r)
	if r.Refused == 0 {
		c.accept(now, r, fresh)
		return
	}
	if fresh {
		c.pauses.begin(r.Sent)
		// Nothing was free when this batch was sent. The level begins a few requests lower, namely with what
		// comes back in a fifth of a round trip, because a batch may arrive a little early.
		c.level = level{at: r.Sent, free: -float64(int(c.limit.rate * c.latency.mean.Seconds() / 5))}
		c.opening = c.window
	}
	if c.limit.counts {
		c.level.free -= float64(r.Refused)
	}
	c.takeRest(0)
	c.window, c.grown = 1, 0
	c.closed = later(c.closed, now.Add(c.pauses.wait(now, r, c.opts.Jitter())))
	c.limit.opened = later(c.limit.opened, c.closed)
}

// accept updates the window after an answer without a refusal by the limit.
func (c *Controller) accept(now time.Time, r Feedback, fresh bool) {
	if fresh && r.Accepted > 0 {
		c.pauses.worked()
	}
	if r.Used >= 0.8 {
		c.near = now
		return
	}
	if !fresh {
		return
	}
	c.ceiling.passed(r.Accepted, c.window)
	if c.window > firstFlight && c.latency.saturated() {
		return
	}
	grow := float64(r.Accepted)
	switch unlimited := c.limit.since.IsZero(); {
	case c.limit.agreed > 0 || c.fixed.size > 0:
		grow = c.maxInFlight() // the measured rate is reliable now
	case !unlimited && c.window == 1:
		// One request was accepted after the wait. With slow answers, quota is lost while we wait for the next
		// ones, so the window opens faster. At a latency of 2 s it opens at once.
		grow = max(1, c.opening*min(1, c.latency.mean.Seconds()/2))
	case unlimited && c.opts.MaxInFlight > 0:
		grow = c.maxInFlight()
	case unlimited && c.mostlyChance():
		grow *= 2 // fewer requests in flight would not prevent refusals
	case unlimited:
		grow /= 2
	}
	// Several answers usually arrive together, and the next one may be a refusal. So the window grows a little
	// later.
	if c.grown == 0 {
		c.growAt = now.Add(c.latency.mean / 8)
	}
	c.grown += grow
}

// mostlyChance reports whether chance was the cause of refusals more often than the limit.
func (c *Controller) mostlyChance() bool { return c.detector.others > c.detector.limits }

// widen returns window, or the most that may be in flight if that is less. Above the number that topRate
// needs, the window grows only half as fast, unless chance refuses more often than the limit.
func (c *Controller) widen(window float64) float64 {
	most := c.maxInFlight()
	switch {
	case c.opts.MaxInFlight > 0:
	case c.mostlyChance():
		most = window
	case window > most:
		most = max(most, c.window+c.grown/2)
	}
	return min(window, most, c.ceiling.most())
}

// maxInFlight returns Options.MaxInFlight, or by default the number of requests in flight that topRate
// needs.
func (c *Controller) maxInFlight() float64 {
	if c.opts.MaxInFlight > 0 {
		return float64(c.opts.MaxInFlight)
	}
	return max(firstFlight, topRate*c.latency.mean.Seconds())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
