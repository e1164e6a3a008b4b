package quota

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

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

// Constant always writes value, whatever the wait.
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
