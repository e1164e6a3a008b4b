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

func spansOf(runs []*ReportedRun) (spans []span) {
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

// total returns the sum of the lengths. A hostile log cannot make it overflow.
func total(spans []span) (sum time.Duration) {
	for _, s := range spans {
		if s.length() > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += s.length()
	}
	return sum
}

// An axis is the running time, without the pauses between runs. It counts the completed pairs and the refused
// requests in each part of this time.
type axis struct {
	spans   []span
	before  []time.Duration // running time before each span
	length  time.Duration
	bins    [numBins][numSeries]int
	refused [numBins]int
}

const numBins = 240 // the resolution of the chart

func newAxis(runs []*ReportedRun) axis {
	a := axis{spans: unite(spansOf(runs))}
	for i := range a.spans {
		a.before = append(a.before, total(a.spans[:i]))
	}
	a.length = max(total(a.spans), time.Millisecond)
	return a
}

// x returns the position of a time, between 0 (the start of the first run) and 1 (the end of the last run).
func (a *axis) x(t time.Time) float64 {
	i, found := slices.BinarySearchFunc(a.spans, t, func(s span, t time.Time) int { return s.start.Compare(t) })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return min(float64(a.before[i]+min(t.Sub(a.spans[i].start), a.spans[i].length()))/float64(a.length), 1)
}

// bin returns the part of the running time that contains a time.
func (a *axis) bin(t time.Time) int { return min(int(a.x(t)*numBins), numBins-1) }

func (a *axis) add(row *reportedRow) { a.bins[a.bin(row.Time)][seriesOf(row.Outcome)]++ }

// A series is a group of outcomes in the chart. The series are stacked in this order, from the bottom.
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

// class returns the class of the series in the style sheet.
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
