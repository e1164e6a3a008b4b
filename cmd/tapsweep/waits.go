package main

import (
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
)

// waits turns what becomes of batches into the log's lines about waits, one for
// each wait and not for each refusal.
type waits struct {
	write  func(*results.Wait)
	quotas map[string]*waiting
	all    int       // requests that were refused since begin
	outage time.Time // since when there is no connection, zero while there is
}

// waiting is where one quota stands.
type waiting struct {
	until   time.Time
	refused int // not yet told
}

// worthALine is by how much a wait grows before that is told.
const worthALine = time.Second

// begin forgets what was refused before the log has its first line.
func (w *waits) begin() {
	w.all = 0
	for _, q := range w.quotas {
		q.refused = 0
	}
}

func (w *waits) note(o batch.Observation) {
	if o.Outage != w.outage {
		w.endOutage(o.Time)
		w.outage = o.Outage
	}
	q := w.quotas[o.Quota]
	if q == nil {
		q = new(waiting)
		w.quotas[o.Quota] = q
	}
	q.refused += o.Refused
	w.all += o.Refused
	if o.Refused > 0 && o.ClosedUntil.Sub(q.until) > worthALine {
		w.tell(o.Quota, q, o.Time, o.ClosedUntil)
	}
}

func (w *waits) tell(quota string, q *waiting, now, until time.Time) {
	w.write(&results.Wait{Time: now.UTC().Round(time.Millisecond), Until: until.UTC().Round(time.Millisecond), Refused: q.refused, Quota: quota})
	q.until, q.refused = until, 0
}

// endOutage tells of an outage, of which it is not known before how long it lasts.
func (w *waits) endOutage(now time.Time) {
	if !w.outage.IsZero() {
		w.write(&results.Wait{Time: w.outage.UTC().Round(time.Millisecond), Until: now.UTC().Round(time.Millisecond), Quota: results.NoConnection})
	}
	w.outage = time.Time{}
}

// flush tells of refusals that came after the last wait had begun, and of an outage that
// is going on.
func (w *waits) flush(now time.Time) {
	w.endOutage(now)
	for quota, q := range w.quotas {
		if q.refused > 0 {
			w.tell(quota, q, now, now)
		}
	}
}
