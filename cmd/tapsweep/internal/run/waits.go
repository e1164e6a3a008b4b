package run

import (
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A waitLog writes one line of the log for each wait, not one for each refusal.
type waitLog struct {
	write   func(line any) error // the log keeps its error, and the next row returns it
	quotas  map[string]*quotaWait
	refused int       // refused requests of all quotas
	outage  time.Time // the start of an outage, zero without one
}

type quotaWait struct {
	until   time.Time
	refused int // refused requests that are not logged yet
}

// minGrowthLogged is how much a wait must grow before it is logged again.
const minGrowthLogged = time.Second

func newWaits(write func(line any) error) *waitLog {
	return &waitLog{write: write, quotas: make(map[string]*quotaWait)}
}

// observe logs the wait that the tenant asks for after a batch.
func (w *waitLog) observe(o batch.Observation) {
	if o.Outage != w.outage {
		w.endOutage(o.Time)
		w.outage = o.Outage
	}
	q := w.quotas[o.Quota]
	if q == nil {
		q = new(quotaWait)
		w.quotas[o.Quota] = q
	}
	q.refused += o.Refused
	w.refused += o.Refused
	if o.Refused > 0 && o.ClosedUntil.Sub(q.until) > minGrowthLogged {
		w.log(o.Quota, q, o.Time, o.ClosedUntil)
	}
}

func (w *waitLog) log(quota string, q *quotaWait, now, until time.Time) {
	_ = w.write(&results.Wait{Time: toMillisecond(now), Until: toMillisecond(until), Refused: q.refused, Quota: quota})
	q.until, q.refused = until, 0
}

func toMillisecond(t time.Time) time.Time { return t.UTC().Round(time.Millisecond) }

// endOutage logs an outage at its end, when its length is known.
func (w *waitLog) endOutage(now time.Time) {
	if !w.outage.IsZero() {
		_ = w.write(&results.Wait{Time: toMillisecond(w.outage), Until: toMillisecond(now),
			Quota: results.NoConnection})
	}
	w.outage = time.Time{}
}

// flush logs an outage that is not over, and refusals that came after the last wait was logged.
func (w *waitLog) flush(now time.Time) {
	w.endOutage(now)
	for quota, q := range w.quotas {
		if q.refused > 0 {
			w.log(quota, q, now, now)
		}
	}
}
