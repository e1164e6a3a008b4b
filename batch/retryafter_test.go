package batch

import (
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"whole seconds", "11", 11 * time.Second, true},
		{"decimal", "2.128", 2128 * time.Millisecond, true},
		{"less than a second", "0.249", 249 * time.Millisecond, true},
		{"rounded up, not down", "0.0000001", time.Microsecond, true},
		{"spaces", " 7 ", 7 * time.Second, true},
		{"zero", "0", 0, true},
		{"negative", "-5", 0, true},
		{"missing", "", 0, false},
		{"nonsense", "soon", 0, false},
		{"not a number", "NaN", 0, false},
		{"infinite", "Inf", maxRetryAfter, true},
		{"minus infinite", "-Inf", 0, true},
		{"overflows a Duration", "99999999999", maxRetryAfter, true},
		{"overflows a float", "1e999", maxRetryAfter, true},
		{"a day", "86400", 24 * time.Hour, true},
		{"date", "Mon, 02 Mar 2026 08:30:37 GMT", 37 * time.Second, true},
		{"date in the past", "Mon, 02 Mar 2026 08:29:00 GMT", 0, true},
		{"date in another century", "Mon, 02 Mar 2126 08:29:00 GMT", maxRetryAfter, true},
		{"a list", "1, 4", 4 * time.Second, true},
		{"a list, the longest first", "4,1", 4 * time.Second, true},
		{"a list with nonsense", "soon, 4", 4 * time.Second, true},
		{"a list of nonsense", "soon, later", 0, false},
		{"a list with a date", "5, Mon, 02 Mar 2026 08:30:37 GMT, 6", 37 * time.Second, true},
		{"RFC 850 date", "Monday, 02-Mar-26 08:30:10 GMT", 10 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseRetryAfter(tt.value, now)
			assert.Same(t, "the wait", got, tt.want)
			assert.Same(t, "it is one", ok, tt.ok)
		})
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "0.249", "-1", "1e999", "Mon, 02 Mar 2026 08:30:37 GMT", "nan", "0x1p-2"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		d, ok := parseRetryAfter(value, now)
		assert.That(t, 0 <= d, "parseRetryAfter(%q) = %v, which is negative", value, d)
		assert.That(t, d <= maxRetryAfter, "parseRetryAfter(%q) = %v, more than %v", value, d, maxRetryAfter)
		if !ok {
			assert.Same(t, "the wait that is none", d, 0)
		}
	})
}
