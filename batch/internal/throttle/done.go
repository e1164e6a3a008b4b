package throttle

import "time"

// Done records the result of requests, at the time of their answer.
func (c *Controller) Done(now time.Time, r Feedback) {
	ahead := c.detector.answered(r.Sent, r.Refused > 0)
	if r.Accepted+r.Refused > 0 {
		c.latency.note(now.Sub(r.Sent), c.target <= firstFlight && c.meter.spanStart.IsZero())
	}
	// Batches that were sent before the end of the last wait are no new evidence: the cause of that wait is known.
	late := r.Sent.Before(c.meter.waitEnd)
	if late || r.Refused == 0 && !c.detector.open {
		if !late {
			c.detector.accepted(r)
		}
		c.record(now, r)
		return
	}
	c.detector.addEvidence(now, r, ahead)
	// Until the cause is known, refused requests count as lost.
	r.Lost, r.Refused = r.Lost+r.Refused, 0
	c.record(now, r)
	c.applyCause(c.detector.cause(false))
}

// applyCause acts on the cause of the refusals in question. If it is the limit, applyCause records them as refused
// and so closes the gate.
func (c *Controller) applyCause(v cause) {
	if v == causePending {
		return
	}
	d := &c.detector
	d.closeQuestion(v)
	if v == causeChance {
		return
	}
	c.takeSecondBatch(0)
	if v == causeUnclear {
		c.closedUntil = later(c.closedUntil, d.until)
		c.windows.interrupted()
		return
	}
	c.ceiling.refusedAt(d.ahead + d.first.Accepted)
	c.inFlight += d.refused
	c.record(d.lastAnswer, d.refusals())
}

// record updates all estimates with a result. Refused counts only refusals by the limit.
func (c *Controller) record(now time.Time, r Feedback) {
	c.inFlight -= r.Accepted + r.Refused + r.Lost
	afterWait := !r.Sent.Before(c.closedUntil) // sent after the last wait
	c.meter.note(r, afterWait, c.latency.mean)
	c.windows.note(r)
	if r.Refused == 0 {
		c.onAccepted(now, r, afterWait)
		return
	}
	if afterWait {
		c.pauses.refused(r.Sent)
		// Nothing was free when this batch was sent. The level begins a few requests lower, namely with what comes
		// back in a fifth of a round trip, because a batch may arrive a little early.
		c.level = level{at: r.Sent, free: -float64(int(c.meter.rate * c.latency.mean.Seconds() / 5))}
		c.lastTarget = c.target
	}
	if c.meter.chargesRefused {
		c.level.free -= float64(r.Refused)
	}
	c.takeSecondBatch(0)
	c.target, c.growth = 1, 0
	c.closedUntil = later(c.closedUntil, now.Add(c.pauses.wait(now, r, c.opts.Jitter())))
	c.meter.waitEnd = later(c.meter.waitEnd, c.closedUntil)
}

// onAccepted updates the target after an answer without a refusal by the limit.
func (c *Controller) onAccepted(now time.Time, r Feedback, afterWait bool) {
	if afterWait && r.Accepted > 0 {
		c.pauses.accepted()
	}
	if r.Used >= 0.8 {
		c.nearLimitAt = now
		return
	}
	if !afterWait {
		return
	}
	c.ceiling.acceptedAt(r.Accepted, c.target)
	if c.target > firstFlight && c.latency.saturated() {
		return
	}
	grow := float64(r.Accepted)
	switch unlimited := c.meter.spanStart.IsZero(); {
	case c.meter.agreed > 0 || c.windows.size > 0:
		grow = c.maxTarget() // the measured rate is reliable now
	case !unlimited && c.target == 1:
		// One request was accepted after the wait. With slow answers, quota is lost while we wait for the next
		// ones, so the target grows faster. At a latency of 2 s it is lastTarget at once.
		grow = max(1, c.lastTarget*min(1, c.latency.mean.Seconds()/2))
	case unlimited && c.opts.MaxInFlight > 0:
		grow = c.maxTarget()
	case unlimited && c.mostlyChance():
		grow *= 2 // fewer requests in flight would not prevent refusals
	case unlimited:
		grow /= 2
	}
	// Several answers usually arrive together, and the next one may be a refusal. So the target grows a little
	// later.
	if c.growth == 0 {
		c.growAt = now.Add(c.latency.mean / 8)
	}
	c.growth += grow
}

// mostlyChance reports whether chance was the cause of refusals more often than the limit.
func (c *Controller) mostlyChance() bool { return c.detector.chanceCount > c.detector.limitCount }

// clampTarget returns target, or the most that may be in flight if that is less. Above the number that topRate
// needs, the target grows only half as fast, unless chance refuses more often than the limit.
func (c *Controller) clampTarget(target float64) float64 {
	most := c.maxTarget()
	switch {
	case c.opts.MaxInFlight > 0:
	case c.mostlyChance():
		most = target
	case target > most:
		most = max(most, c.target+c.growth/2)
	}
	return min(target, most, c.ceiling.most())
}

// maxTarget returns Options.MaxInFlight, or by default the number of requests in flight that topRate needs.
func (c *Controller) maxTarget() float64 {
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
