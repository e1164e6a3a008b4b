package throttle

import "time"

// Done takes in what became of requests, at the time of their answer.
func (c *Controller) Done(now time.Time, r Feedback) {
	ahead := c.detector.landed(r.Sent, r.Refused > 0)
	if r.Accepted+r.Refused > 0 {
		c.latency.note(now.Sub(r.Sent), c.window <= firstFlight && c.limit.since.IsZero())
	}
	late := r.Sent.Before(c.limit.opened) // sent before the last wait for the limit
	if late || r.Refused == 0 && !c.detector.asks {
		if !late {
			c.detector.accepted(r)
		}
		c.account(now, r)
		return
	}
	c.detector.weigh(now, r, ahead)
	r.Lost, r.Refused = r.Lost+r.Refused, 0
	c.account(now, r)
	c.rule(c.detector.cause(false))
}

// rule acts on what refused requests: it closes the gate, and measures what the limit refused.
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

// account takes in what became of requests, where Refused are those that the limit refused.
func (c *Controller) account(now time.Time, r Feedback) {
	c.inFlight -= r.Accepted + r.Refused + r.Lost
	fresh := !r.Sent.Before(c.closed) // sent since the gate opened last
	c.limit.note(r, fresh, c.latency.mean)
	c.fixed.note(r)
	if r.Refused == 0 {
		c.accept(now, r, fresh)
		return
	}
	if fresh {
		c.pauses.begin(r.Sent)
		// The level is where it was when this was sent. After a window has ended
		// there is as much as in the last one, and not what the time since makes.
		// A few requests fewer, because a batch may arrive a little early.
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

// accept takes in an answer without a refusal by the limit.
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
		grow = c.maxInFlight() // what should be free is to be trusted
	case !unlimited && c.window == 1:
		// Where answers take long, what is refilled meanwhile would run over.
		grow = max(1, c.opening*min(1, c.latency.mean.Seconds()/2))
	case unlimited && c.opts.MaxInFlight > 0:
		grow = c.maxInFlight()
	case unlimited && c.mostlyChance():
		grow *= 2 // what refuses is no limit
	case unlimited:
		grow /= 2
	}
	// Several answers come close together. The next ones may show that this is too much, so the window
	// grows a little later.
	if c.grown == 0 {
		c.growAt = now.Add(c.latency.mean / 8)
	}
	c.grown += grow
}

// mostlyChance reports whether chance refuses more often than the limit.
func (c *Controller) mostlyChance() bool { return c.detector.others > c.detector.limits }

// widen limits the window. It may exceed what topRate needs, but only by half of what was
// accepted since, or by all of it where chance refuses.
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
