package report

import (
	"testing"
	"time"
)

// runsAt are runs of a length, each starting so long after the first.
func runsAt(length time.Duration, starts ...time.Duration) (runs []*Run) {
	for _, start := range starts {
		runs = append(runs, &Run{Start: night.Add(start), End: night.Add(start + length)})
	}
	return runs
}

// Runs that are far apart have a chart each, with a plain time axis; a short pause is part of a chart.
func TestPeriods(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name string
		runs []*Run
		want []string
	}{
		{"one run", runsAt(4*time.Minute, 0), []string{"2026-03-02 02:14:05 to 02:18:05 UTC"}},
		{"parallel runs", runsAt(4*time.Minute, 0, time.Minute), []string{"2026-03-02 02:14:05 to 02:19:05 UTC"}},
		{"a pause of a quarter", runsAt(4*time.Minute, 0, 6*time.Minute),
			[]string{"2026-03-02 02:14:05 to 02:24:05 UTC"}},
		{"a longer pause", runsAt(4*time.Minute, 0, 6*time.Minute+time.Second),
			[]string{"2026-03-02 02:14:05 to 02:18:05 UTC", "2026-03-02 02:20:06 to 02:24:06 UTC"}},
		{"a week apart", runsAt(time.Hour, 0, 7*day),
			[]string{"2026-03-02 02:14:05 to 03:14:05 UTC", "2026-03-09 02:14:05 to 03:14:05 UTC"}},
		{"five nights", runsAt(time.Minute, 0, day, 2*day, 3*day, 4*day),
			[]string{"2026-03-02 02:14:05 to 2026-03-04 02:15:05 UTC", "2026-03-05 02:14:05 to 02:15:05 UTC",
				"2026-03-06 02:14:05 to 02:15:05 UTC"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range newPeriods(tt.runs) {
				got = append(got, p.String())
			}
			diff(t, "periods", got, tt.want)
		})
	}
}

// The axis has at least one label and room for each, whatever the length of the run.
func TestTicks(t *testing.T) {
	for _, length := range []time.Duration{10 * time.Second, time.Minute, 7 * time.Minute, time.Hour, 5 * time.Hour,
		20 * time.Hour, 50 * time.Hour, 6 * 24 * time.Hour, 90 * 24 * time.Hour} {
		p := newPeriods(runsAt(length, 0))[0]
		ticks := p.ticks()
		if len(ticks) == 0 {
			t.Errorf("%v: the axis has no label", length)
		}
		for i := 1; i < len(ticks); i++ {
			if d := ticks[i].X - ticks[i-1].X; d < 0.21*plotShare {
				t.Errorf("%v: %q and %q are %.1f %% apart", length, ticks[i-1].Text, ticks[i].Text, d)
			}
		}
	}
}

func TestGridStep(t *testing.T) {
	for most, want := range map[int]int{0: 1, 1: 1, 5: 1, 6: 2, 10: 2, 11: 5, 5000: 1000, 5001: 2000,
		maxCount: 500_000_000} {
		if got := gridStep(most); got != want {
			t.Errorf("gridStep(%d) = %d, want %d", most, got, want)
		}
	}
}
