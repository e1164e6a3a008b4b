package report

import (
	"math"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A span is a stretch of time.
type span struct{ start, end time.Time }

func spansOf(runs []*Run) (spans []span) {
	for _, run := range runs {
		spans = append(spans, span{run.Start, run.End})
	}
	return spans
}

// unite joins spans that overlap or touch.
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

func total(spans []span) (d time.Duration) {
	for _, s := range spans {
		long := s.end.Sub(s.start)
		if long > math.MaxInt64-d {
			return math.MaxInt64 // what no run takes, a hostile log may
		}
		d += long
	}
	return d
}

// An axis places times between 0 and 1. A run of minutes that was taken up the
// next day would be two dots with nothing between, so long pauses are cut short.
type axis struct {
	segments []segment
}

type segment struct {
	span
	from, to float64
}

const (
	axisBins    = 240
	gapWidth    = 0.04
	minWidth    = 0.08 // of a segment, for its label
	maxSegments = 6
)

func newAxis(runs []*Run) axis {
	spans := unite(spansOf(runs))
	// A pause is cut short if it is long beside the time in which something
	// happened; and the longest only, where there are many.
	for len(spans) > 1 {
		shortest, at := time.Duration(math.MaxInt64), 0
		for i := 1; i < len(spans); i++ {
			if gap := spans[i].start.Sub(spans[i-1].end); gap < shortest {
				shortest, at = gap, i
			}
		}
		if shortest > total(spans)/10 && len(spans) <= maxSegments {
			break
		}
		spans[at-1].end = spans[at].end
		spans = slices.Delete(spans, at, at+1)
	}
	var a axis
	all := max(total(spans), time.Millisecond)
	weight := 0.0
	for _, s := range spans {
		w := max(float64(s.end.Sub(s.start))/float64(all), minWidth)
		a.segments = append(a.segments, segment{span: s, to: w})
		weight += w
	}
	scale := (1 - gapWidth*float64(len(spans)-1)) / weight
	x := 0.0
	for i := range a.segments {
		a.segments[i].from, a.segments[i].to = x, x+a.segments[i].to*scale
		x = a.segments[i].to + gapWidth
	}
	return a
}

// x places a time; what is outside of all runs goes to the nearest.
func (a axis) x(t time.Time) float64 {
	for i, s := range a.segments {
		if !t.After(s.end) || i == len(a.segments)-1 {
			long := max(s.end.Sub(s.start), time.Millisecond)
			part := float64(t.Sub(s.start)) / float64(long)
			return s.from + (s.to-s.from)*min(max(part, 0), 1)
		}
	}
	return 0
}

func (a axis) bin(t time.Time) int { return min(int(a.x(t)*axisBins), axisBins-1) }

// time is the time at x.
func (a axis) time(x float64) time.Time {
	for i, s := range a.segments {
		if x <= s.to || i == len(a.segments)-1 {
			part := max((x-s.from)/(s.to-s.from), 0)
			if part >= 1 {
				return s.end
			}
			return s.start.Add(time.Duration(part * float64(s.end.Sub(s.start))))
		}
	}
	return time.Time{}
}

// A series is a group of outcomes in the picture of the progress.
type series int

const (
	revokedSeries series = iota
	plannedSeries
	absentSeries
	duplicateSeries
	leftSeries
	foundSeries
	protectedSeries
	numSeries
)

var seriesNames = [numSeries]string{"revoked", "planned", "absent", "duplicate", "not done", "found", "protected"}

// stacked is the order of the series in the picture, from the bottom up.
var stacked = [numSeries]series{revokedSeries, plannedSeries, foundSeries, absentSeries, duplicateSeries, protectedSeries, leftSeries}

func seriesOf(o results.Outcome) series {
	switch o {
	case results.Revoked:
		return revokedSeries
	case results.Planned:
		return plannedSeries
	case results.Absent:
		return absentSeries
	case results.Duplicate:
		return duplicateSeries
	case results.Found:
		return foundSeries
	case results.Protected:
		return protectedSeries
	}
	return leftSeries
}

// A bin counts what happened in one part of the axis.
type bin struct {
	settled [numSeries]int
	refused int
}

// A Point is how far the runs were at a time. A pair is counted at the time of
// its last row.
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

const maxPoints = 24

// points are some of the axis, with those at which nothing happened left out.
func (r *Report) points() []Point {
	points := []Point{}
	var sum [numSeries]int
	refused, moved := 0, false
	for i, b := range r.bins {
		for s, n := range b.settled {
			sum[s] += n
			moved = moved || n > 0
		}
		refused = plus(refused, b.refused)
		if last := i == axisBins-1; (i+1)%(axisBins/maxPoints) == 0 && (moved || refused > 0) || last && len(points) == 0 {
			points = append(points, Point{r.axis.time(float64(i+1) / axisBins).Round(time.Millisecond), sum[revokedSeries], sum[plannedSeries],
				sum[absentSeries], sum[duplicateSeries], sum[foundSeries], sum[protectedSeries], sum[leftSeries], refused})
			refused, moved = 0, false
		}
	}
	return points
}

// offline tells how long there was no connection.
func (r *Report) offline() (q Quota, ok bool) {
	q, ok = r.Waits.Quotas[results.NoConnection]
	return q, ok
}

// WaitsFor says what was waited for.
func (r *Report) WaitsFor() string {
	switch _, offline := r.offline(); {
	case offline && len(r.Waits.Quotas) == 1:
		return "there was no connection"
	case offline:
		return "requests had been refused, or there was no connection"
	}
	return "requests had been refused"
}

// addWaits takes in the waits. A run that ends earlier waits no longer.
func (r *Report) addWaits(waits []wait) {
	r.Waits = Waits{Quotas: make(map[string]Quota)}
	closed := make(map[string][]span)
	for _, w := range waits {
		s := span{utc(w.Time), utc(w.Until)}
		if s.end.After(w.run.End) {
			s.end = w.run.End
		}
		if s.end.Before(s.start) {
			s.end = s.start
		}
		name := clip(w.Quota)
		if _, ok := r.Waits.Quotas[name]; !ok && len(r.Waits.Quotas) >= maxReasons {
			name = more
		}
		q := r.Waits.Quotas[name]
		if utc(w.Until).After(utc(w.Time)) { // else it only tells of refusals that came later
			q.Count++
			r.Waits.Count++
		}
		q.Refused = plus(q.Refused, w.Refused)
		r.Waits.Quotas[name] = q
		if !s.start.IsZero() {
			closed[name] = append(closed[name], s)
		}
		if !s.start.IsZero() {
			r.shading = append(r.shading, s)
		}
		r.Waits.Refused = plus(r.Waits.Refused, w.Refused)
		if b := &r.bins[r.axis.bin(s.start)]; !s.start.IsZero() {
			b.refused = plus(b.refused, w.Refused)
		}
	}
	for name, spans := range closed {
		q := r.Waits.Quotas[name]
		q.Seconds = total(unite(spans)).Seconds()
		r.Waits.Quotas[name] = q
	}
	r.shading = unite(r.shading)
	r.Waits.Seconds = total(r.shading).Seconds()
}
