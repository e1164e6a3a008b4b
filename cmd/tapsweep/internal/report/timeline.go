package report

import (
	"math"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A span is a stretch of time.
type span struct{ start, end time.Time }

func (s span) length() time.Duration { return s.end.Sub(s.start) }

func spansOf(runs []*Run) (spans []span) {
	for _, run := range runs {
		spans = append(spans, span{run.Start, run.End})
	}
	return spans
}

// unite joins spans that overlap or touch. It sorts them.
func unite(spans []span) (united []span) {
	slices.SortFunc(spans, func(a, b span) int { return a.start.Compare(b.start) })
	for _, s := range spans {
		if n := len(united); n > 0 && !s.start.After(united[n-1].end) {
			if s.end.After(united[n-1].end) {
				united[n-1].end = s.end
			}
			continue
		}
		united = append(united, s)
	}
	return united
}

// total adds up the lengths. A hostile log cannot make the sum overflow.
func total(spans []span) (sum time.Duration) {
	for _, s := range spans {
		if s.length() > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += s.length()
	}
	return sum
}

const (
	maxPeriods      = 3
	binsPerPeriod   = 240 // the chart's resolution
	pointsPerPeriod = 24
)

// A period has a chart of its own: one run, or several with short pauses between them.
type period struct {
	span
	bins [binsPerPeriod]bin
}

// A bin counts what happened in one part of a period.
type bin struct {
	completed [numSeries]int
	refused   int
}

// newPeriods divides the time of the runs. A pause of more than a quarter of the time before and after it
// begins a new period, because a chart with both would show little else than the pause. If there are too many
// periods, the earliest are one.
func newPeriods(runs []*Run) (periods []*period) {
	var spans []span
	for _, s := range unite(spansOf(runs)) {
		if n := len(spans); n > 0 {
			last := &spans[n-1]
			if pause := s.start.Sub(last.end); pause <= (last.length()+s.length())/4 {
				last.end = s.end
				continue
			}
		}
		spans = append(spans, s)
	}
	if n := len(spans) - maxPeriods; n > 0 {
		spans[n].start = spans[0].start
		spans = spans[n:]
	}
	for _, s := range spans {
		periods = append(periods, &period{span: s})
	}
	return periods
}

// periodAt returns the period of a time; a time outside of all periods is in the one before it, or the first.
func (r *Report) periodAt(t time.Time) *period {
	for _, p := range slices.Backward(r.periods) {
		if !t.Before(p.start) {
			return p
		}
	}
	return r.periods[0]
}

// binAt returns the bin of a time.
func (r *Report) binAt(t time.Time) *bin {
	p := r.periodAt(t)
	return &p.bins[min(int(p.x(t)*binsPerPeriod), binsPerPeriod-1)]
}

// x places a time between 0, the start of the period, and 1, its end.
func (p *period) x(t time.Time) float64 {
	return min(max(float64(t.Sub(p.start))/float64(max(p.length(), time.Millisecond)), 0), 1)
}

// at returns the time at x.
func (p *period) at(x float64) time.Time {
	return p.start.Add(time.Duration(x * float64(p.length())))
}

// A series is a group of outcomes in the chart. They are stacked in this order, from the bottom up.
type series int

const (
	revokedSeries series = iota
	plannedSeries
	foundSeries
	absentSeries
	duplicateSeries
	protectedSeries
	leftSeries // every other outcome
	numSeries
)

var seriesNames = [numSeries]string{"revoked", "planned", "found", "absent", "duplicate", "protected", "not done"}

// class is the series in the style sheet.
func (s series) class() string {
	if s == leftSeries {
		return "s-left"
	}
	return "s-" + seriesNames[s]
}

func seriesOf(o results.Outcome) series {
	if i := slices.Index(seriesNames[:leftSeries], string(o)); i >= 0 {
		return series(i)
	}
	return leftSeries
}

// A Point is how far the runs were at a time. A pair is counted at the time of its last row.
type Point struct {
	Time      time.Time `json:"time"`
	Revoked   int       `json:"revoked"`
	Planned   int       `json:"planned"`
	Absent    int       `json:"absent"`
	Duplicate int       `json:"duplicate"`
	Found     int       `json:"found"`
	Protected int       `json:"protected"`
	Left      int       `json:"left"`
	Refused   int       `json:"refused"` // requests since the point before
}

// counts are the point's numbers by series.
func (p *Point) counts() [numSeries]*int {
	return [numSeries]*int{&p.Revoked, &p.Planned, &p.Found, &p.Absent, &p.Duplicate, &p.Protected, &p.Left}
}

// points returns the progress at evenly spaced times of each period, without those before which nothing
// happened.
func (r *Report) points() []Point {
	var points []Point
	var now Point
	for _, p := range r.periods {
		moved := false
		for i, b := range p.bins {
			for s, n := range now.counts() {
				*n += b.completed[s]
				moved = moved || b.completed[s] > 0
			}
			now.Refused = plus(now.Refused, b.refused)
			last := i == binsPerPeriod-1
			due := (i+1)%(binsPerPeriod/pointsPerPeriod) == 0 && (moved || now.Refused > 0)
			if due || last && len(points) == 0 {
				now.Time = p.at(float64(i+1) / binsPerPeriod).Round(time.Millisecond)
				points = append(points, now)
				now.Refused, moved = 0, false
			}
		}
	}
	return points
}
