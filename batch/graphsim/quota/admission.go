package quota

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// An Admission follows one batch, or one request outside a batch, from the moment it
// is sent until the client has the answer.
type Admission struct {
	limits []*Limit
	closed []bool      // by limit: the client knew of a wait when it sent the requests
	until  []time.Time // by limit: the time until which the answer tells the client to wait
}

// Send begins an Admission at the moment when the client sends.
func Send(limits []*Limit, now time.Time) *Admission {
	a := &Admission{limits: limits, closed: make([]bool, len(limits)), until: make([]time.Time, len(limits))}
	for i, l := range limits {
		a.closed[i] = l.isClosed(now)
	}
	return a
}

// SentTooEarly reports whether the client sent a request of these kinds although a limit
// that counts it had told it to wait.
func (a *Admission) SentTooEarly(kinds Kind) bool {
	for i, l := range a.limits {
		if a.closed[i] && l.counts(kinds) {
			return true
		}
	}
	return false
}

// Admit charges every limit that counts a request of these kinds, if all of them have room. Otherwise
// ok is false, and retryAfter is the header to send, or empty to send none.
func (a *Admission) Admit(kinds Kind, now time.Time) (retryAfter string, ok bool) {
	var full []int
	for i, l := range a.limits {
		if l.counts(kinds) && !l.hasRoom(now) {
			full = append(full, i)
		}
	}
	if len(full) > 0 {
		return a.refuse(full, now), false
	}
	for _, l := range a.limits {
		if l.counts(kinds) {
			l.algorithm.take()
		}
	}
	return "", true
}

// refuse returns the longest wait of the full limits, and records the waits.
func (a *Admission) refuse(full []int, now time.Time) (retryAfter string) {
	longest, write := time.Duration(-1), Seconds
	for _, i := range full {
		l := a.limits[i]
		if wait := l.refuse(); wait > longest {
			longest, write = wait, Seconds
			if l.RetryAfter != nil {
				write = l.RetryAfter
			}
		}
	}
	retryAfter = write(longest, now)
	if until, ok := readRetryAfter(retryAfter, now); ok {
		for _, i := range full {
			if until.After(a.until[i]) {
				a.until[i] = until
			}
		}
	}
	return retryAfter
}

// Delivered ends the Admission: the client has the answer, and knows its waits.
func (a *Admission) Delivered(now time.Time) {
	for i, until := range a.until {
		if !until.IsZero() {
			a.limits[i].tell(now, until)
		}
	}
}

// A RetryAfter writes a wait as the value of a Retry-After header. An empty string
// leaves the header out.
type RetryAfter func(wait time.Duration, now time.Time) string

// Seconds writes whole seconds, rounded up, as HTTP does.
func Seconds(wait time.Duration, _ time.Time) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

// Decimal writes seconds with up to three digits after the point, rounded up, such as
// "0.249". Source: microsoftgraph/microsoft-graph-docs#3877.
func Decimal(wait time.Duration, _ time.Time) string {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}

// Date writes the time at which the wait ends, rounded up to a whole second.
func Date(wait time.Duration, now time.Time) string {
	return now.Add(wait + time.Second - 1).UTC().Format(http.TimeFormat)
}

// NoHeader leaves the header out.
func NoHeader(time.Duration, time.Time) string { return "" }

// Constant always writes value, for any wait.
// Source: microsoftgraph/msgraph-sdk-javascript#297 (always "1").
func Constant(value string) RetryAfter {
	return func(time.Duration, time.Time) string { return value }
}

// readRetryAfter returns the time until which a header tells a client to wait. ok is
// false if the client cannot read it.
func readRetryAfter(value string, now time.Time) (until time.Time, ok bool) {
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 && seconds < 1e9 {
		return now.Add(time.Duration(math.Round(seconds * float64(time.Second)))), true
	}
	until, err := http.ParseTime(value)
	return until, err == nil
}
