package throttle

import "time"

// fixedWindows recognizes a quota that is full again a fixed time after its first request. The sign is that the
// same number of requests is accepted from each wait to the next, however long that takes. Once the quota is
// recognized, it is known when it is full again, so no request has to be refused to find out. If the limit counts
// refused requests too, fewer requests are accepted after them, but accepted and refused ones together are the same
// number.
type fixedWindows struct {
	size           int           // requests that fit into a window, 0 if quota seems to come back steadily
	chargesRefused bool          // requests refused before a window also use up its quota
	length         time.Duration // length of a window, or a little more

	start         time.Time     // when the first request of this window was sent, zero before it
	free          int           // requests that may still be sent in this window
	triedMore     bool          // free has more than the window should have, as a trial
	accepted      int           // accepted in this window
	refused       int           // refused in this window
	refusedBefore int           // refused in the window before
	firstRefusal  time.Time     // when the first refused request of this window was sent, zero if none was
	retryAfter    time.Duration // the wait that this refusal asked for
	last          stretch       // the last stretch that ended with a refusal
}

// trialWindows is the number of windows without a refusal after which a few requests more are tried. It is high
// because a refused trial costs a wait.
const trialWindows = 20

// A stretch is the time from the first request after a wait to the end of the next wait.
type stretch struct {
	accepted      int           // requests accepted
	refusedBefore int           // requests refused in the stretch before
	took          time.Duration // its length
	maxLength     time.Duration // the longest that a window can be, if the stretch was one
	excess        time.Duration // how much longer than necessary the wait may have been
}

// advance begins the next window if this one is over. If more was accepted than fits into a window, it forgets what
// it knows.
func (w *fixedWindows) advance(now time.Time, latency time.Duration) {
	switch {
	case w.size == 0 || w.start.IsZero() || now.Before(w.start.Add(w.length)):
		return
	case w.accepted > w.room():
		w.forget()
		return
	}
	w.open()
	// Most services have windows of whole seconds.
	if whole := w.length.Truncate(time.Second); whole > 0 {
		w.length = min(w.length, whole+latency/4)
	}
}

// room returns the number of requests that fit into this window.
func (w *fixedWindows) room() int {
	if w.chargesRefused {
		return max(w.size-w.refusedBefore, 1)
	}
	return w.size
}

// take returns how many of want requests are free. If none is, at is when to ask again. since is the time since the
// last refusal.
func (w *fixedWindows) take(now time.Time, want int, since time.Duration) (n int, at time.Time) {
	more, due := w.start.Add(w.length/5), !w.triedMore && since > trialWindows*w.length
	if due && !w.start.IsZero() && !now.Before(more) {
		// The trial comes when a quota that comes back steadily would have some free. A few requests are enough to
		// see this.
		w.free += 1 + w.size/400
		w.triedMore, due = true, false
	}
	switch {
	case w.free > 0:
		return min(want, w.free), time.Time{}
	case due:
		return 0, more
	}
	return 0, w.start.Add(w.length)
}

// sent records that n requests are sent.
func (w *fixedWindows) sent(now time.Time, n int) {
	if w.start.IsZero() {
		w.start = now
	}
	w.free -= n
}

// note records an answer.
func (w *fixedWindows) note(r Feedback) {
	if w.start.IsZero() || r.Sent.Before(w.start) {
		return
	}
	w.accepted += r.Accepted
	w.refused += r.Refused
	if r.Refused > 0 && w.firstRefusal.IsZero() {
		w.firstRefusal, w.retryAfter = r.Sent, r.wait()
	}
}

// reopen is called at the end of a wait. If a refusal ended the window, reopen learns from it and begins the next
// one.
func (w *fixedWindows) reopen(now time.Time, latency time.Duration) {
	if !w.firstRefusal.IsZero() {
		w.learn(now, latency)
		w.open()
	}
}

// learn compares the stretch that ends now with the one before. It recognizes windows, or confirms or forgets them.
func (w *fixedWindows) learn(now time.Time, latency time.Duration) {
	// The service rounds its wait up, and latency changes, so maxLength is an upper bound.
	active, took := w.firstRefusal.Sub(w.start), now.Sub(w.start)
	s := stretch{accepted: w.accepted, refusedBefore: w.refusedBefore, took: took,
		maxLength: active + w.retryAfter + latency/4, excess: took - active - w.retryAfter}
	if w.retryAfter%time.Second == 0 {
		s.excess += time.Second
	}
	last := w.last
	w.last = s
	switch {
	case w.size > 0:
		// A tenth more or fewer is still the same: batches overtake each other, and requests in an unclear question
		// also use up quota.
		if d := s.accepted - w.room(); max(d, -d) > s.accepted/10 {
			w.forget()
			return
		}
		if !w.chargesRefused {
			w.size = s.accepted
		}
	case s.accepted+s.refusedBefore < 5 || !s.showsWindow(last, active):
		return
	default:
		w.size, w.length = s.accepted, min(s.maxLength, last.maxLength)
		if w.chargesRefused = s.accepted != last.accepted && s.refusedBefore != last.refusedBefore; w.chargesRefused {
			w.size += s.refusedBefore
		}
	}
}

// showsWindow reports whether two stretches accepted the same number for a reason other than their length. Either
// their lengths differ. Or a quota that comes back steadily could not have accepted so many: at the end of the wait
// that the service asks for it has one request free, and then as many as come back in the time that requests were
// sent. active is that time.
func (s stretch) showsWindow(last stretch, active time.Duration) bool {
	if !s.sameCount(last) {
		return false
	}
	n, slack := float64(s.accepted), float64(s.accepted/100)
	differ := (s.took - last.took).Abs().Seconds() / s.took.Seconds()
	since := (last.excess + active).Seconds() / s.took.Seconds()
	return n*differ > 2*slack+1 || n > 1.5*(1+n*since)
}

// sameCount reports whether as many requests were accepted as in the stretch before, with or without the requests
// refused before each.
func (s stretch) sameCount(last stretch) bool {
	return s.about(last.accepted) || s.about(last.accepted+last.refusedBefore-s.refusedBefore)
}

// about reports whether count requests were accepted, within one percent.
func (s stretch) about(count int) bool {
	d := s.accepted - count
	return max(d, -d) <= s.accepted/100
}

// interrupted discards the current stretch, because something else made it longer.
func (w *fixedWindows) interrupted() {
	w.last = stretch{}
	w.open()
}

// open begins the next window. It is full.
func (w *fixedWindows) open() {
	w.start, w.firstRefusal, w.accepted, w.refusedBefore, w.refused = time.Time{}, time.Time{}, 0, w.refused, 0
	w.free, w.triedMore = w.room(), false
}

// forget resets w, because the counts no longer fit a window: the limit changed, or quota comes back steadily.
func (w *fixedWindows) forget() { *w = fixedWindows{} }
