package throttle

import "time"

// windows recognises a quota that comes back all at once, so long after the first
// request that used it: from one wait to the next just as many are accepted, however
// long that takes. Then it is known when there is more, and nobody has to be refused
// to find out. Where refused requests use up quota too, fewer are accepted after them,
// but both together are as many.
type windows struct {
	size   int           // requests that fit into one, 0 while the quota seems to come back steadily
	counts bool          // so do those that were refused in the one before
	every  time.Duration // from the first request in one to the first in the next, at most

	start   time.Time // when the first request in this one was sent, zero before
	free    int       // how many may still go
	tried   bool      // it was tried whether more fits in
	count   int       // accepted
	denied  int       // refused
	debt    int       // refused in the one before
	refused time.Time // when the first one refused was sent, zero if none was
	told    time.Duration
	last    stretch
}

// trialWindows is after how many windows without a refusal more is tried than fits into one. It
// costs a wait.
const trialWindows = 20

// A stretch is what happened from one wait to the next.
type stretch struct {
	count int
	debt  int           // refused just before
	took  time.Duration // from its first request to the end of the wait
	every time.Duration // the longest that a window can be
	over  time.Duration // by how much the wait may have been too long
}

// advance begins the next window once this one is over.
func (w *windows) advance(now time.Time, latency time.Duration) {
	switch {
	case w.size == 0 || w.start.IsZero() || now.Before(w.start.Add(w.every)):
		return
	case w.count > w.room():
		w.forget()
		return
	}
	w.open()
	// Mostly windows are whole seconds long.
	if whole := w.every.Truncate(time.Second); whole > 0 {
		w.every = min(w.every, whole+latency/4)
	}
}

// room is how many requests fit into this one.
func (w *windows) room() int {
	if w.counts {
		return max(w.size-w.debt, 1)
	}
	return w.size
}

// take returns how many of want requests are free, or when to ask again. since is the time since
// the last refusal.
func (w *windows) take(now time.Time, want int, since time.Duration) (n int, at time.Time) {
	more, due := w.start.Add(w.every/5), !w.tried && since > trialWindows*w.every
	if due && !w.start.IsZero() && !now.Before(more) {
		// Not right after the others, but when a quota that comes back steadily would
		// have some. A few are enough to see that there is more.
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

// sent takes in that requests were let go.
func (w *windows) sent(now time.Time, n int) {
	if w.start.IsZero() {
		w.start = now
	}
	w.free -= n
}

// note takes in an answer.
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

// reopen takes in, at the end of the wait, what ended with a refusal.
func (w *windows) reopen(now time.Time, latency time.Duration) {
	if !w.refused.IsZero() {
		w.judge(now, latency)
		w.open()
	}
}

func (w *windows) judge(now time.Time, latency time.Duration) {
	// The service rounds up, and answers come sooner or later: every is an upper bound.
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
		// Batches overtake each other, and refusals that were taken for chance use up quota too.
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

// like reports whether a stretch is like the one before in what was accepted, and that is
// no matter of time: either they differ in length, or there is much more than a quota
// that comes back steadily has at the end of the wait which it names, one request and
// what has come back since.
func (s stretch) like(last stretch, active time.Duration) bool {
	if !s.asMany(last) {
		return false
	}
	n, slack := float64(s.count), float64(s.count/100)
	differ := (s.took - last.took).Abs().Seconds() / s.took.Seconds()
	since := (last.over + active).Seconds() / s.took.Seconds()
	return n*differ > 2*slack+1 || n > 1.5*(1+n*since)
}

// asMany reports whether as many were accepted as in the stretch before, or as many with
// those refused before each.
func (s stretch) asMany(last stretch) bool {
	return s.near(last.count) || s.near(last.count+last.debt-s.debt)
}

// near reports whether so many were accepted, or hardly more or fewer.
func (s stretch) near(count int) bool {
	d := s.count - count
	return max(d, -d) <= s.count/100
}

// interrupted leaves out a stretch that something else has drawn out.
func (w *windows) interrupted() {
	w.last = stretch{}
	w.open()
}

// open begins the next window.
func (w *windows) open() {
	w.start, w.refused, w.count, w.debt, w.denied = time.Time{}, time.Time{}, 0, w.denied, 0
	w.free, w.tried = w.room(), false
}

// forget takes in that more or fewer fit in than into a window, be it that the limit has
// moved or that these are none.
func (w *windows) forget() { *w = windows{} }
