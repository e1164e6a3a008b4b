package graphsim

import "time"

// admit asks every Limit for room. If one has none, retry is the Retry-After to
// tell, "" for none.
func (t *Tenant) admit(f *flight, w *cost, now time.Time) (retry string, ok bool) {
	ok = true
	early := false
	for i, l := range t.opts.Limits {
		if n := w[l.Kind]; n > 0 {
			early = early || f.early[i]
			ok = l.room(now, n) && ok
		}
	}
	if early {
		t.stats.Early += w[All]
	}
	if ok {
		t.stats.Accepted += w[All]
		for _, l := range t.opts.Limits {
			if n := w[l.Kind]; n > 0 {
				l.take(n)
			}
		}
		return "", true
	}

	t.stats.Refused += w[All]
	longest := time.Duration(-1)
	var wording RetryAfter
	full := make([]bool, len(t.opts.Limits))
	for i, l := range t.opts.Limits {
		n := w[l.Kind]
		if n == 0 || l.room(now, n) {
			continue
		}
		full[i] = true
		if told := l.refuse(n); told > longest {
			longest, wording = told, l.RetryAfter
		}
	}
	if wording == nil {
		wording = Honest
	}
	retry = wording(longest, now)
	if until, told := told(retry, now); told {
		for i := range full {
			if full[i] && until.After(f.doors[i]) {
				f.doors[i] = until
			}
		}
	}
	return retry, false
}

func isRead(method string) bool { return method == "GET" || method == "HEAD" }
