package report

import (
	"fmt"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// runsAt are runs of a length, each starting so long after the first.
func runsAt(length time.Duration, starts ...time.Duration) (runs []*ReportedRun) {
	for _, start := range starts {
		runs = append(runs, &ReportedRun{Start: night.Add(start), End: night.Add(start + length)})
	}
	return runs
}

// The axis of the chart is the running time: it has no pauses, and runs at the same time count once.
func TestAxis(t *testing.T) {
	const hour = time.Hour
	for _, tt := range []struct {
		name   string
		runs   []*ReportedRun
		at     time.Duration
		length time.Duration
		x      float64
	}{
		{"one run", runsAt(4*hour, 0), 3 * hour, 4 * hour, 0.75},
		{"parallel runs", runsAt(4*hour, 0, hour), 4 * hour, 5 * hour, 0.8},
		{"two nights", runsAt(4*hour, 0, 24*hour), 26 * hour, 8 * hour, 0.75},
		{"in a pause", runsAt(4*hour, 0, 24*hour), 12 * hour, 8 * hour, 0.5},
		{"before all runs", runsAt(4*hour, 0), -hour, 4 * hour, 0},
		{"after all runs", runsAt(4*hour, 0), 24 * hour, 4 * hour, 1},
	} {
		a := newAxis(tt.runs)
		assert.Same(t, tt.name+": running time", a.length, tt.length)
		assert.Same(t, tt.name+": place", a.x(night.Add(tt.at)), tt.x)
	}
}

// The axis has at least one label and room for each, whatever the length of the run.
func TestTicks(t *testing.T) {
	for _, length := range []time.Duration{10 * time.Second, time.Minute, 7 * time.Minute, time.Hour, 5 * time.Hour,
		20 * time.Hour, 50 * time.Hour, 6 * 24 * time.Hour, 90 * 24 * time.Hour} {
		a := newAxis(runsAt(length, 0))
		ticks := a.ticks()
		assert.That(t, len(ticks) != 0, "%v: the axis has no label", length)
		for i := 1; i < len(ticks); i++ {
			assert.That(t, ticks[i].X-ticks[i-1].X >= 19.9,
				"%v: %q and %q are %.1f %% apart", length, ticks[i-1].Text, ticks[i].Text, (ticks[i].X - ticks[i-1].X))
		}
	}
	a := newAxis(runsAt(7*time.Minute, 0))
	assert.Equal(t, "labels of 7 minutes", a.ticks(),
		[]label{{X: 28.6, Text: "2 min"}, {X: 57.1, Text: "4 min"}, {X: 85.7, Text: "6 min"}})
}

// The chart has a bar for the requests refused at a time, below the plot.
func TestRefusals(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 1, "revoke a.csv", waits(10*time.Second, 40), later(50*time.Second),
		waits(10*time.Second, 10), later(50*time.Second), row(2, results.Revoked), ends(0)))
	assert.Equal(t, "bars", r.Chart().Refused, []chartBar{{1.5, 250, 9.5, 48}, {501.5, 286, 9.5, 12}})
	assert.Same(t, "text", r.Chart().RefusedText, "50 refused, up to 40 a bar")
	quiet := reportOf(t, logOf(t, 0, 1, "revoke a.csv", row(2, results.Revoked), ends(0))).Chart()
	assert.Same(t, "bottom of a chart without refusals", quiet.Bottom(), plotHeight)
}

func TestGridStep(t *testing.T) {
	for most, want := range map[int]int{0: 1, 1: 1, 5: 1, 6: 2, 10: 2, 11: 5, 5000: 1000, 5001: 2000,
		maxCount: 500_000_000} {
		assert.Same(t, fmt.Sprintf("gridStep(%d)", most), gridStep(most), want)
	}
}
