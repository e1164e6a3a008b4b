package checkup

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// dated answers with a clock of its own.
type dated struct{ ahead time.Duration }

func (d dated) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Header: http.Header{"Date": {time.Now().Add(d.ahead).UTC().Format(http.TimeFormat)}},
		Body: http.NoBody}, nil
}

func TestClockSkew(t *testing.T) {
	for _, tt := range []struct {
		ahead        time.Duration // Graph's clock before ours
		result, says string
	}{
		{0, "ok", "within 1s"},
		{-30 * time.Second, "ok", "within 30s"},
		{10 * time.Minute, "warning", "10m0s behind Graph's"},
		{-3 * time.Hour, "warning", "3h0m0s ahead of Graph's"},
	} {
		w := &witness{next: dated{tt.ahead}}
		if _, err := w.RoundTrip(&http.Request{}); err != nil {
			t.Fatal(err)
		}
		var c Checkup
		c.wire(w)
		got := c.Steps[len(c.Steps)-1]
		// The second that the header leaves out may tip the rounding.
		if got.Result != tt.result || !strings.Contains(got.Detail, tt.says) &&
			!strings.Contains(strings.NewReplacer("31s", "30s", "29s", "30s", "59m59s", "0m0s", "10m1s", "10m0s",
				"9m59s", "10m0s", "0m1s", "0m0s").Replace(got.Detail), tt.says) {
			t.Errorf("%v: %+v", tt.ahead, got)
		}
	}
}
