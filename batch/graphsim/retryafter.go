package graphsim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// A RetryAfter words a wait as the value of a Retry-After header. An empty string
// leaves the header out. It must not use the tenant.
type RetryAfter func(wait time.Duration, now time.Time) string

// Honest tells whole seconds, rounded up, as HTTP has it.
func Honest(wait time.Duration, _ time.Time) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

// Decimal tells seconds to the millisecond, rounded up, such as "0.249".
// Source: microsoftgraph/microsoft-graph-docs#3877.
func Decimal(wait time.Duration, _ time.Time) string {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}

// Date tells the time at which the wait is over, rounded up to a whole second.
func Date(wait time.Duration, now time.Time) string {
	return now.Add(wait + time.Second - 1).UTC().Format(http.TimeFormat)
}

// Missing tells nothing.
func Missing(time.Duration, time.Time) string { return "" }

// Constant always tells the same, whatever the wait.
// Source: microsoftgraph/msgraph-sdk-javascript#297 (always "1").
func Constant(value string) RetryAfter {
	return func(time.Duration, time.Time) string { return value }
}

// told reads a header value back: until when it has a client wait.
func told(value string, now time.Time) (time.Time, bool) {
	if sec, err := strconv.ParseFloat(value, 64); err == nil && sec >= 0 && sec < 1e9 {
		return now.Add(time.Duration(math.Round(sec * float64(time.Second)))), true
	}
	at, err := http.ParseTime(value)
	return at, err == nil
}
