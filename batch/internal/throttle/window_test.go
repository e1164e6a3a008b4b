package throttle

import (
	"testing"
	"time"
)

// refusedStretch sends count requests at start. After active seconds a request is refused. The service asks
// for a wait of told seconds, and the client waits for wait seconds.
func refusedStretch(w *fixedWindows, start float64, count int, active, told, wait float64) {
	w.sent(at(start), count)
	w.note(Feedback{Sent: at(start), Accepted: count})
	w.note(Feedback{Sent: at(start + active), Refused: 20, RetryAfter: time.Duration(told * 1e9),
		HasRetryAfter: told > 0})
	w.reopen(at(start+active+wait), 50*time.Millisecond)
}

func TestWindowsAreRecognized(t *testing.T) {
	type span struct {
		count              int
		active, told, wait float64
	}
	tests := []struct {
		name  string
		spans []span
		size  int
		every time.Duration
	}{
		{"as many in another time", []span{{60, 0.05, 1, 1.05}, {60, 0.4, 1, 1.05}}, 60, 1062500 * time.Microsecond},
		{"as many after a long wait", []span{{300, 0.25, 5, 5.05}, {300, 0.25, 5, 5.05}}, 300,
			5262500 * time.Microsecond},
		{"to the millisecond", []span{{60, 0.05, 0.95, 1}, {60, 0.4, 0.6, 0.65}}, 60, 1012500 * time.Microsecond},
		{"not told, a second worked", []span{{60, 0.05, 0, 1.05}, {60, 0.4, 0, 1.05}}, 60, 1062500 * time.Microsecond},
		{"more in more time", []span{{63, 0.05, 1, 1.05}, {79, 0.4, 1, 1.05}}, 0, 0},
		{"as many in the same time", []span{{79, 0.4, 1, 1.05}, {79, 0.4, 1, 1.05}}, 0, 0},
		{"one after a long wait", []span{{1, 0.05, 10, 10.05}, {1, 0.05, 10, 10.05}}, 0, 0},
		{"waited for longer than told", []span{{3000, 1.5, 1, 150}, {3000, 2.5, 1, 150}}, 0, 0},
		{"first as many and then not", []span{{60, 0.05, 1, 1.05}, {60, 0.4, 1, 1.05}, {40, 0.2, 1, 1.05}}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w fixedWindows
			now := 0.0
			for _, s := range tt.spans {
				refusedStretch(&w, now, s.count, s.active, s.told, s.wait)
				now += s.active + s.wait
			}
			if w.size != tt.size || w.length != tt.every {
				t.Errorf("%d in %v, want %d in %v", w.size, w.length, tt.size, tt.every)
			}
		})
	}
}

// refusedSpan is like refusedStretch, but with a number of refused requests, and one stretch every 10 s.
func refusedSpan(w *fixedWindows, step float64, count, refused int, active float64) {
	start := 10 * step
	w.sent(at(start), count)
	w.note(Feedback{Sent: at(start), Accepted: count})
	w.note(Feedback{Sent: at(start + active), Refused: refused, RetryAfter: time.Duration((10 - active) * 1e9),
		HasRetryAfter: true})
	w.reopen(at(start+10.05), 50*time.Millisecond)
}

// If refused requests use up quota of the next window, accepted and refused ones together are the size.
func TestWindowsThatCountRefused(t *testing.T) {
	var w fixedWindows
	for i, s := range []struct{ count, refused, size, free int }{
		{50, 40, 0, 0},
		{10, 3, 50, 47},
		{47, 0, 50, 50},
		{50, 1, 50, 49},
	} {
		refusedSpan(&w, float64(i), s.count, s.refused, 0.2)
		if s.refused == 0 {
			w.open() // because reopen does so only after a refusal
		}
		if w.size != s.size || w.free != s.free {
			t.Errorf("after stretch %d: %d fit in, %d free, want %d and %d", i, w.size, w.free, s.size, s.free)
		}
	}
}

// If each time four are accepted and one is refused, this can be windows of four, or windows of five that
// count the refused one. If five are accepted later, the window is forgotten.
func TestWindowsOfEqualDebts(t *testing.T) {
	const latency = 50 * time.Millisecond
	var w fixedWindows
	for i := range 4 {
		refusedSpan(&w, float64(i), 4, 1, 0.2)
	}
	if w.size != 4 || w.chargesRefused {
		t.Fatalf("%d fit in, charges refused %v, want 4 and false", w.size, w.chargesRefused)
	}
	w.sent(at(40), 4)
	w.note(Feedback{Sent: at(40), Accepted: 4})
	w.advance(at(51), latency)
	w.sent(at(51), 4)
	w.note(Feedback{Sent: at(51), Accepted: 5}) // one more was tried
	w.advance(at(62), latency)
	if w.size != 0 {
		t.Errorf("%d fit in after more were accepted, want none known", w.size)
	}
}

// An interruption makes a stretch longer. That is no sign of a window.
func TestWindowsInterrupted(t *testing.T) {
	var w fixedWindows
	refusedStretch(&w, 0, 60, 0.05, 1, 1.05)
	w.sent(at(2), 60)
	w.note(Feedback{Sent: at(2), Accepted: 60})
	w.interrupted()
	w.note(Feedback{Sent: at(60), Refused: 20, RetryAfter: time.Second, HasRetryAfter: true})
	w.reopen(at(61.05), 50*time.Millisecond)
	refusedStretch(&w, 62, 60, 0.4, 1, 1.05)
	if w.size != 0 {
		t.Errorf("%d in %v", w.size, w.length)
	}
}

// Each window is used up, and no request more is sent, except for the few of a trial.
func TestWindowsTake(t *testing.T) {
	const latency = 50 * time.Millisecond
	w := fixedWindows{size: 50, length: 5 * time.Second, free: 50}
	take := func(seconds float64, want int, since time.Duration, n int, at time.Time) {
		t.Helper()
		now := t0.Add(time.Duration(seconds * 1e9))
		w.advance(now, latency)
		got, next := w.take(now, want, since)
		if got != n || !next.Equal(at) {
			t.Errorf("take at %v s = %d, %v, want %d, %v", seconds, got, next.Sub(t0), n, at.Sub(t0))
		}
		if got > 0 {
			w.sent(now, got)
			w.note(Feedback{Sent: now, Accepted: got})
		}
	}
	const soon, longAfter = 100 * time.Second, 100*time.Second + 1 // 20 windows
	take(0, 20, soon, 20, time.Time{})
	take(0, 40, soon, 30, time.Time{})
	take(0.1, 20, soon, 0, at(5))
	take(5, 50, longAfter, 50, time.Time{})
	take(5.1, 20, longAfter, 0, at(6)) // not right after the others
	take(6, 20, longAfter, 1, time.Time{})
	take(6, 20, longAfter, 0, at(10))
	// The trial was accepted, so quota comes back steadily, or the windows are larger.
	// It was accepted, so these are no windows, or not of that size.
	w.advance(at(10), latency)
	if w.size != 0 {
		t.Errorf("%d fit in, want that to be forgotten", w.size)
	}
}

// A window is assumed to be of whole seconds. If that is too short, the window is forgotten.
func TestWindowsAreWholeSeconds(t *testing.T) {
	const latency = 40 * time.Millisecond
	begin := func(w *fixedWindows, now time.Time) {
		w.sent(now, 50)
		w.note(Feedback{Sent: now, Accepted: 50})
	}
	w := fixedWindows{size: 50, length: 5300 * time.Millisecond, free: 50}
	begin(&w, t0)
	w.advance(at(5.3), latency)
	if w.length != 5010*time.Millisecond {
		t.Fatalf("every %v, want 5 s to be tried", w.length)
	}
	begin(&w, at(5.3))
	w.advance(at(10.31), latency)
	w.sent(at(10.31), 1)
	w.note(Feedback{Sent: at(10.31), Refused: 1, RetryAfter: time.Second, HasRetryAfter: true})
	if w.reopen(at(11.35), latency); w.size != 0 {
		t.Errorf("%d in %v after one that was too short, want that to be forgotten", w.size, w.length)
	}
}

// A long time in which everything is refused does not change the length of a window.
func TestWindowsAfterABlock(t *testing.T) {
	const latency = 50 * time.Millisecond
	for _, told := range []float64{1, 60, 300} {
		w := fixedWindows{size: 50, length: 10 * time.Second, free: 50}
		w.sent(t0, 50)
		w.note(Feedback{Sent: t0, Accepted: 50})
		now := 10.0
		for ; now < 3600; now += told {
			w.advance(at(now), latency)
			w.sent(at(now), 1)
			w.note(Feedback{Sent: at(now), Refused: 1, RetryAfter: time.Duration(told * 1e9), HasRetryAfter: true})
			w.reopen(at(now+told), latency)
		}
		if w.size > 0 && w.length > 20*time.Second {
			t.Errorf("told to wait for %v s, for an hour: %d in %v, want about 10 s or nothing", told, w.size, w.length)
		}
	}
}
