package throttle

import "time"

// windows recognizes a quota that is full again a fixed time after its first request. The sign is that the
// same number of requests is accepted from each wait to the next, however long that takes. Once the quota is
// recognized, it is known when it is full again, so no request has to be refused to find out. If the limit
// counts refused requests too, fewer requests are accepted after them, but accepted and refused ones
// together are the same number.
type windows struct {
	size   int           // requests that fit into a window, 0 if quota seems to come back steadily
	counts bool          // requests refused before a window also use up its quota
	every  time.Duration // length of a window, or a little more

	start   time.Time     // when the first request of this window was sent, zero before it
	free    int           // requests that may still be sent in this window
	tried   bool          // free has more than the window should have, as a trial
	count   int           // accepted in this window
	denied  int           // refused in this window
	debt    int           // refused in the window before
	refused time.Time     // when the first refused request of this window was sent, zero if none was
	told    time.Duration // the wait that this refusal asked for
	last    stretch       // the last stretch that ended with a refusal
}

// trialWindows is the number of windows without a refusal after which one request more is tried. A refused
// trial costs a wait.
const trialWindows = 20

// A stretch is the time from the first request after a wait to the end of the next wait.
type stretch struct {
	count int           // accepted
	debt  int           // refused in the stretch before
	took  time.Duration // its length
	every time.Duration // the longest that a window can be, if the stretch was one
	over  time.Duration // how much longer than necessary the wait may have been
}

// advance begins the next window if this one is over. If more was accepted than fits into a window, it
// forgets what it knows.
func (w *windows) advance(now time.Time, latency time.Duration) {
	switch {
	case w.size == 0 || w.start.IsZero() || now.Before(w.start.Add(w.every)):
		return
	case w.count > w.room():
		w.forget()
		return
	}
	w.open()
	// Most services have windows of whole seconds.
	if whole := w.every.Truncate(time.Second); whole > 0 {
		w.every = min(w.every, whole+latency/4)
	}
}

// room returns the number of requests that fit into this window.
func (w *windows) room() int {
	if w.counts {
		return max(w.size-w.debt, 1)
	}
	return w.size
}

// take returns how many of want requests are free. If none is, at is when to ask again. since is the time
// since the last refusal.
func (w *windows) take(now time.Time, want int, since time.Duration) (n int, at time.Time) {
	more, due := w.start.Add(w.every/5), !w.tried && since > trialWindows*w.every
	if due && !w.start.IsZero() && !now.Before(more) {
		// The trial comes when a quota that comes back steadily would have some free. A few requests are enough to
		// see this.
		w.free += 1 + w.size/400
		w.tried, due = true, false
	}
	switch {
	case w.free > 0:
		return min(want, w.free), time.Time{}
	case due:
		return 0, more
	}
	return 0, w.start.Add(w.every)
}

// sent records that n requests are sent.
func (w *windows) sent(now time.Time, n int) {
	if w.start.IsZero() {
		w.start = now
	}
	w.free -= n
}

// note records an answer.
func (w *windows) note(r Feedback) {
	if w.start.IsZero() || r.Sent.Before(w.start) {
		return
	}
	w.count += r.Accepted
	w.denied += r.Refused
	if r.Refused > 0 && w.refused.IsZero() {
		w.refused, w.told = r.Sent, r.wait()
	}
}

// reopen is called at the end of a wait. If a refusal ended the window, reopen learns from it and begins the
// next one.
func (w *windows) reopen(now time.Time, latency time.Duration) {
	if !w.refused.IsZero() {
		w.judge(now, latency)
		w.open()
	}
}

// judge compares the stretch that ends now with the one before. It recognizes windows, or confirms or
// forgets them.
func (w *windows) judge(now time.Time, latency time.Duration) {
	// The service rounds its wait up, and latency changes, so every is an upper bound.
	active, took := w.refused.Sub(w.start), now.Sub(w.start)
	s := stretch{count: w.count, debt: w.debt, took: took, every: active + w.told + latency/4,
		over: took - active - w.told}
	if w.told%time.Second == 0 {
		s.over += time.Second
	}
	last := w.last
	w.last = s
	switch {
	case w.size > 0:
		// A tenth more or fewer is still the same: batches overtake each other, and requests in an unclear question
		// also use up quota.
		if d := s.count - w.room(); max(d, -d) > s.count/10 {
			w.forget()
			return
		}
		if !w.counts {
			w.size = s.count
		}
	case s.count+s.debt < 5 || !s.like(last, active):
		return
	default:
		w.size, w.every = s.count, min(s.every, last.every)
		if w.counts = s.count != last.count && s.debt != last.debt; w.counts {
			w.size += s.debt
		}
	}
}

// like reports whether two stretches accepted the same number for a reason other than their length. Either
// their lengths differ. Or a quota that comes back steadily could not have accepted so many: at the end of
// the wait that the service asks for it has one request free, and then as many as come back in the time that
// requests were sent. active is that time.
func (s stretch) like(last stretch, active time.Duration) bool {
	if !s.asMany(last) {
		return false
	}
	n, slack := float64(s.count), float64(s.count/100)
	differ := (s.took - last.took).Abs().Seconds() / s.took.Seconds()
	since := (last.over + active).Seconds() / s.took.Seconds()
	return n*differ > 2*slack+1 || n > 1.5*(1+n*since)
}

// asMany reports whether as many requests were accepted as in the stretch before, with or without the
// requests refused before each.
func (s stretch) asMany(last stretch) bool {
	return s.near(last.count) || s.near(last.count+last.debt-s.debt)
}

// near reports whether count requests were accepted, within one percent.
func (s stretch) near(count int) bool {
	d := s.count - count
	return max(d, -d) <= s.count/100
}

// interrupted discards the current stretch, because something else made it longer.
func (w *windows) interrupted() {
	w.last = stretch{}
	w.open()
}

// open begins the next window. It is full.
func (w *windows) open() {
	w.start, w.refused, w.count, w.debt, w.denied = time.Time{}, time.Time{}, 0, w.denied, 0
	w.free, w.tried = w.room(), false
}

// forget resets w, because the counts no longer fit a window: the limit changed, or quota comes back
// steadily.
func (w *windows) forget() { *w = windows{} }
