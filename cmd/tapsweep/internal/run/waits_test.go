package run

import (
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// The log names each wait once, and each outage when it is over, or when the run ends in it.
func TestWaits(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var got []results.Wait
	w := newWaits(func(line any) error {
		got = append(got, *line.(*results.Wait))
		return nil
	})
	for _, o := range []batch.Observation{
		{Time: at(1), Quota: "write", Accepted: 20},
		{Time: at(3), Quota: "write", Outage: at(2)},
		{Time: at(5), Quota: "read", Outage: at(2)},
		{Time: at(9), Quota: "write", Refused: 20, ClosedUntil: at(19)},
		{Time: at(10), Quota: "write", Refused: 3, ClosedUntil: at(19)},
		{Time: at(30), Quota: "write", Outage: at(29)},
	} {
		w.observe(o)
	}
	w.flush(at(40))
	want := []results.Wait{
		{Time: at(2), Until: at(9), Quota: results.NoConnection},
		{Time: at(9), Until: at(19), Quota: "write", Refused: 20},
		{Time: at(29), Until: at(40), Quota: results.NoConnection},
		{Time: at(40), Until: at(40), Quota: "write", Refused: 3},
	}
	assert.Equal(t, "waits", got, want)
	assert.Same(t, "refused", w.refused, 23)
}
