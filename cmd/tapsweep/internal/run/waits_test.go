package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
)

// The log tells of each outage once, when it is over, or when the run ends in it.
func TestWaitsTellOutages(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var got []results.Wait
	w := newWaits()
	w.write = func(line any) error {
		got = append(got, *line.(*results.Wait))
		return nil
	}
	for _, o := range []batch.Observation{
		{Time: at(1), Quota: "write", Accepted: 20},
		{Time: at(3), Quota: "write", Outage: at(2), NextTry: at(4)},
		{Time: at(5), Quota: "read", Outage: at(2), NextTry: at(9)},
		{Time: at(9), Quota: "write", Refused: 20, ClosedUntil: at(19)},
		{Time: at(30), Quota: "write", Outage: at(29), NextTry: at(31)},
	} {
		w.Batch(o)
	}
	w.flush(at(40))
	want := []results.Wait{
		{Time: at(2), Until: at(9), Quota: results.NoConnection},
		{Time: at(9), Until: at(19), Quota: "write", Refused: 20},
		{Time: at(29), Until: at(40), Quota: results.NoConnection},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What was refused to a look at protected users is not of the run, nor in its log.
func TestWaitsBegin(t *testing.T) {
	logged := 0
	w := newWaits()
	w.write = func(line any) error {
		logged += line.(*results.Wait).Refused
		return nil
	}
	at := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	w.Batch(batch.Observation{Time: at, Quota: "read", Refused: 5, ClosedUntil: at})
	logged = 0
	w.begin()
	w.Batch(batch.Observation{Time: at, Quota: "read", Refused: 2, ClosedUntil: at.Add(time.Minute)})
	w.Batch(batch.Observation{Time: at, Quota: "read", Refused: 1, ClosedUntil: at.Add(time.Minute)})
	w.flush(at)
	if logged != 3 || w.refused != 3 {
		t.Errorf("%d in the log, %d in all, want 3", logged, w.refused)
	}
}
