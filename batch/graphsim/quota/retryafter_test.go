package quota

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 30, 1, 500, time.UTC)
	tests := []struct {
		name string
		form RetryAfter
		wait time.Duration
		want string
	}{
		{"honest", Seconds, 2*time.Second + 1, "3"},
		{"honest to the second", Seconds, 2 * time.Second, "2"},
		{"decimal", Decimal, 248100 * time.Microsecond, "0.249"},
		{"decimal, whole", Decimal, 7 * time.Second, "7"},
		{"date", Date, time.Second, "Mon, 02 Mar 2026 08:30:03 GMT"},
		{"constant", Constant("1"), time.Minute, "1"},
		{"missing", NoHeader, time.Minute, ""},
	}
	for _, tt := range tests {
		if got := tt.form(tt.wait, now); got != tt.want {
			t.Errorf("%s(%v) = %q, want %q", tt.name, tt.wait, got, tt.want)
		}
	}
}
