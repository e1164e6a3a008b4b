package batch

import (
	"net/http"
	"testing"
	"time"

	"tapsweep/batch/throttle"
)

// A request that is refused again and again has a limit of its own if others are accepted
// meanwhile: its wait is sat out, but where it names none nobody waits, and the pace holds.
func TestOwnLimit(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(1_700_000_000+seconds), 0) }
	var q *lane
	e := newEntry(Request{})
	tell := func(sent int, retryAfter string, others int) {
		f := &flight{entries: []*entry{e}, answers: []answer{{Response: Response{Status: 429, Header: http.Header{}}}}, sent: at(sent), answered: at(sent)}
		if retryAfter != "" {
			f.answers[0].Header.Set("Retry-After", retryAfter)
		}
		for range others {
			f.entries, f.answers = append(f.entries, newEntry(Request{})), append(f.answers, answer{Response: Response{Status: 204}})
		}
		q.tell(f, f.report())
	}
	tests := []struct {
		name   string
		denied int
		tell   func()
		closed time.Time // at least until then; zero for an open gate
	}{
		{"others in the same batch", ownLimit, func() { tell(0, "", 3) }, time.Time{}},
		{"not often enough", ownLimit - 1, func() { tell(0, "", 3) }, at(1)},
		{"others since it was refused last", ownLimit, func() { e.deniedAt, q.accepted = at(-20), at(-10); tell(0, "", 0) }, time.Time{}},
		{"nobody since", ownLimit, func() { e.deniedAt, q.accepted = at(-10), at(-20); tell(0, "", 0) }, at(1)},
		{"nobody since the last of two", ownLimit, func() { e.deniedAt, q.accepted = at(-20), at(-10); tell(0, "", 0); tell(2, "", 0) }, at(3)},
		{"its wait", ownLimit, func() { tell(0, "60", 3) }, at(60)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q = &lane{gate: throttle.New(throttle.Options{Jitter: func() float64 { return 0 }})}
			e.denied, e.deniedAt = tt.denied, time.Time{}
			tt.tell()
			if got := q.closedUntil(at(0)); got.IsZero() != tt.closed.IsZero() || got.Before(tt.closed) {
				t.Errorf("closed until %v, want %v", got, tt.closed)
			}
		})
	}
}
