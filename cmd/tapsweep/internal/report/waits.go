package report

import "tapsweep/cmd/tapsweep/internal/results"

// Waits has the totals of throttling.
type Waits struct {
	QuotaWaits                       // of all quotas
	Quotas     map[string]QuotaWaits `json:"quotas"`
}

// A QuotaWaits has the totals of throttling for one quota, or for all.
type QuotaWaits struct {
	Count   int     `json:"count"`
	Refused int     `json:"refused"` // requests, with 429, or with 503 as a whole batch
	Seconds float64 `json:"seconds"` // with the quota closed, or at least one
}

// addWaits counts the waits. A wait ends at the end of its run at the latest.
func (r *Report) addWaits(waits []waitOfRun) {
	r.Waits = Waits{Quotas: make(map[string]QuotaWaits)}
	closed := make(map[string][]span)
	for _, w := range waits {
		s := span{utc(w.Time), utc(w.Until)}
		waited := s.end.After(s.start) // otherwise the line only counts refusals that came later
		if s.end.After(w.run.End) {
			s.end = w.run.End
		}
		if s.end.Before(s.start) {
			s.end = s.start
		}
		name := clip(w.Quota)
		if _, ok := r.Waits.Quotas[name]; !ok && len(r.Waits.Quotas) >= maxReasons {
			name = otherGroups
		}
		q := r.Waits.Quotas[name]
		if waited {
			q.Count++
			r.Waits.Count++
		}
		q.Refused = plus(q.Refused, w.Refused)
		r.Waits.Quotas[name] = q
		r.Waits.Refused = plus(r.Waits.Refused, w.Refused)
		if !s.start.IsZero() {
			refused := &r.axis.refused[r.axis.bin(s.start)]
			*refused = plus(*refused, w.Refused)
			closed[name] = append(closed[name], s)
			r.waiting = append(r.waiting, s)
		}
	}
	for name, spans := range closed {
		q := r.Waits.Quotas[name]
		q.Seconds = total(unite(spans)).Seconds()
		r.Waits.Quotas[name] = q
	}
	r.waiting = unite(r.waiting)
	r.Waits.Seconds = total(r.waiting).Seconds()
}

// WaitsFor returns why the runs waited.
func (r *Report) WaitsFor() string {
	if _, offline := r.Waits.Quotas[results.NoConnection]; offline {
		return "Graph throttled, or there was no connection"
	}
	return "Graph throttled"
}
