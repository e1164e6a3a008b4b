package batch

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest wait that parseRetryAfter returns, so that no sum of times overflows. It is much longer
// than any wait that a run accepts.
const maxRetryAfter = 30 * 24 * time.Hour

// parseRetryAfter reads the value of a Retry-After header: whole or decimal
// seconds, or an HTTP date, which counts from now. A wait that is already over
// is (0, true); a missing or invalid value is (0, false). If the value is a list separated
// by commas, as a gateway makes from several headers, the longest wait is returned.
//
// Graph sends decimals such as "0.249" and "2.128". kiota-http-go rounds them down to whole seconds, so that 0.249
// becomes no wait.
// Source: microsoftgraph/microsoft-graph-docs#3877.
func parseRetryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	parts := strings.Split(value, ",")
	for i, part := range parts {
		next := parts[i:min(i+2, len(parts))] // a date contains a comma
		for _, text := range []string{part, strings.Join(next, ",")} {
			if one, known := parseOneWait(text, now); known {
				wait, ok = max(wait, one), true
			}
		}
	}
	return wait, ok
}

// LongestRetryAfter returns the longest wait in all Retry-After headers, and false if none has a
// valid value.
func LongestRetryAfter(now time.Time, headers ...http.Header) (wait time.Duration, ok bool) {
	for _, h := range headers {
		for _, value := range h.Values("Retry-After") {
			if one, known := parseRetryAfter(value, now); known {
				wait, ok = max(wait, one), true
			}
		}
	}
	return wait, ok
}

func parseOneWait(value string, now time.Time) (wait time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	if s, err := strconv.ParseFloat(value, 64); err == nil || math.IsInf(s, 0) {
		switch {
		case math.IsNaN(s):
			return 0, false
		case s <= 0:
			return 0, true
		case s >= maxRetryAfter.Seconds():
			return maxRetryAfter, true
		}
		// Rounded up, since a request that comes a microsecond early is refused
		// and the refusal counts.
		return time.Duration(math.Ceil(s*1e6)) * time.Microsecond, true
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(t.Sub(now), 0), maxRetryAfter), true
}
