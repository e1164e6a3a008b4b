package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The picture of the progress is an SVG without a viewBox around one with it:
// shapes stretch with the page, while text, which is placed in per cent, keeps
// its size. So it can be read on a phone and on paper.
//
// It is made here, because what the chart libraries for Go write has its colours
// in style attributes, which the page's Content-Security-Policy forbids and dark
// mode cannot change, and neither title nor description.
const (
	plotTop    = 26.0
	plotHeight = 220.0
	plotShare  = 79.0 // per cent of the width; the rest is for the labels
	stripGap   = 30.0
	stripHigh  = 48.0
	innerWide  = 1000.0
)

// A chart is what the template draws.
type chart struct {
	Height   float64
	Axis     float64 // where the time labels stand
	Areas    []area
	Grid     []tick
	Ticks    []tick
	Gaps     []tick
	Waits    []rect // over plot and strip
	WaitHigh float64
	Strip    *strip // nil if nothing was refused
	Total    *tick  // the line of all pairs, if no row tells of some
	Title    string
	Desc     string
}

type area struct {
	Class, Path, Line string
	Name, Count       string
	AtY, LabelY       float64
	// Below is where the second line of the label stands.
	Below float64
}

type tick struct {
	X, Y            float64
	Text, Sub       string
	Anchor          string
	Wide            bool // there is no room for it on a phone
	InnerX, InnerTo float64
}

type rect struct{ X, Y, W, H float64 }

type strip struct {
	Top   float64
	Bars  []rect
	Label string
	LineY float64
}

func (r *Report) chart() *chart {
	c := &chart{Title: r.ProgressTitle()}
	bottom := plotTop + plotHeight
	var sums [numSeries][]int
	highest := r.All()
	for s := range sums {
		sum := 0
		for _, b := range r.bins {
			sum += b.settled[s]
			sums[s] = append(sums[s], sum)
		}
	}
	scale := plotHeight / (float64(max(highest, 1)) * 1.04)
	y := func(v int) float64 { return round1(plotHeight - float64(v)*scale) }
	below := make([]int, axisBins)
	for _, s := range stacked {
		last := sums[s][axisBins-1]
		if last == 0 {
			continue
		}
		var up, down strings.Builder
		fmt.Fprintf(&up, "M0 %v", plotHeight)
		for i := range axisBins {
			fmt.Fprintf(&up, "L%v %v", round1(float64(i+1)/axisBins*innerWide), y(below[i]+sums[s][i]))
		}
		for i := axisBins - 1; i >= 0; i-- {
			fmt.Fprintf(&down, "L%v %v", round1(float64(i+1)/axisBins*innerWide), y(below[i]))
		}
		mid := plotTop + (y(below[axisBins-1])+y(below[axisBins-1]+last))/2
		c.Areas = append(c.Areas, area{Class: seriesClass(s), Path: up.String() + down.String() + "Z", Line: up.String(), Name: seriesNames[s], Count: compact(last), AtY: round1(mid), LabelY: mid})
		for i := range below {
			below[i] += sums[s][i]
		}
	}
	spread(c.Areas, plotTop+6, bottom-14)
	for _, v := range niceSteps(highest) {
		c.Grid = append(c.Grid, tick{Y: round1(plotTop + y(v)), Text: number(v)})
	}
	if r.WithoutRow > 0 {
		c.Total = &tick{Y: round1(plotTop + y(highest)), Text: compact(highest) + " in all"}
	}
	end := bottom
	if r.Waits.Refused > 0 {
		c.Strip = r.strip(bottom + stripGap)
		end = c.Strip.LineY
	}
	c.WaitHigh = end - plotTop
	for _, s := range r.shading {
		from, to := r.axis.x(s.start)*innerWide, r.axis.x(s.end)*innerWide
		if n := len(c.Waits); n > 0 && from-(c.Waits[n-1].X+c.Waits[n-1].W) < 0.5 {
			c.Waits[n-1].W = round1(max(to-c.Waits[n-1].X, c.Waits[n-1].W))
			continue
		}
		c.Waits = append(c.Waits, rect{X: round1(from), W: round1(max(to-from, 1))})
	}
	c.Axis = end + 16
	c.Height = end + 36
	r.ticks(c)
	c.Desc = r.chartDesc()
	return c
}

// strip draws the requests that were refused, under the progress.
func (r *Report) strip(top float64) *strip {
	s := &strip{Top: top, LineY: top + stripHigh}
	// Three parts of the axis make a bar that can be seen.
	const each = 3
	var sums []int
	most := 0
	for i := 0; i < axisBins; i += each {
		n := 0
		for _, b := range r.bins[i : i+each] {
			n = plus(n, b.refused)
		}
		sums = append(sums, n)
		most = max(most, n)
	}
	wide := innerWide / float64(len(sums))
	for i, n := range sums {
		if n > 0 {
			h := max(float64(n)/float64(most)*stripHigh, 1.5)
			s.Bars = append(s.Bars, rect{round1(float64(i)*wide + wide*0.12), round1(stripHigh - h), round1(wide * 0.76), round1(h)})
		}
	}
	s.Label = fmt.Sprintf("%s %s refused, highest bar %s", compact(r.Waits.Refused), verb(r.Waits.Refused, "request", "requests"), compact(most))
	return s
}

// spread moves labels apart; each has two lines.
func spread(areas []area, top, bottom float64) {
	const apart = 32
	for i := range areas { // from the bottom up
		areas[i].LabelY = min(areas[i].LabelY, bottom)
		if i > 0 {
			areas[i].LabelY = min(areas[i].LabelY, areas[i-1].LabelY-apart)
		}
	}
	for i := len(areas) - 1; i >= 0; i-- {
		areas[i].LabelY = max(areas[i].LabelY, top)
		if i < len(areas)-1 {
			areas[i].LabelY = max(areas[i].LabelY, areas[i+1].LabelY+apart)
		}
		areas[i].LabelY = round1(areas[i].LabelY)
		areas[i].Below = areas[i].LabelY + 14
	}
}

// ticks puts times under the axis: where each part starts, and between.
func (r *Report) ticks(c *chart) {
	const apart = 0.19 // of the axis, for a label's width on a phone
	day := ""
	for i, s := range r.axis.segments {
		long := s.end.Sub(s.start)
		place := func(t time.Time, x float64, exact bool) {
			k := tick{X: round1(x * plotShare), Anchor: "middle", Text: t.Format("15:04:05"), InnerX: round1(x * innerWide)}
			if !exact && long > 10*time.Minute {
				k.Text = t.Format("15:04")
			}
			if x == 0 {
				k.Anchor = "start"
			}
			if d := t.Format("2006-01-02"); d != day {
				k.Sub, day = d, d
			}
			c.Ticks = append(c.Ticks, k)
		}
		last := -1.0
		if n := len(c.Ticks); n > 0 {
			last = c.Ticks[n-1].X / plotShare
		}
		if i == 0 || s.from-last >= apart*0.8 && (last > 0 || s.from >= apart) { // the first is not in the middle of its label
			place(s.start, s.from, true)
			last = s.from
		}
		step := niceStep(time.Duration(float64(long) * apart / (s.to - s.from)))
		for t := s.start.Truncate(step).Add(step); t.Before(s.end); t = t.Add(step) {
			x := r.axis.x(t)
			if x-last < apart || 1-x < 0.05 && i == len(r.axis.segments)-1 || i < len(r.axis.segments)-1 && s.to-x < apart {
				continue
			}
			place(t, x, false)
			last = x
		}
		if i > 0 {
			before := r.axis.segments[i-1]
			c.Gaps = append(c.Gaps, tick{X: round1((before.to + s.from) / 2 * plotShare), Text: brief(s.start.Sub(before.end)),
				InnerX: round1(before.to * innerWide), InnerTo: round1((s.from - before.to) * innerWide)})
		}
	}
	thin(c.Ticks, 23)
	thin(c.Gaps, 26)
}

// thin leaves labels to wide screens so that the others stay apart, in per cent of a
// phone's width. Those with a date go first.
func thin(ticks []tick, apart float64) {
	var kept []float64
	for _, dated := range []bool{true, false} {
		for i := range ticks {
			t := &ticks[i]
			if (t.Sub != "") != dated {
				continue
			}
			middle := t.X
			if t.Anchor == "start" {
				middle += 9
			}
			if t.Wide = slices.ContainsFunc(kept, func(x float64) bool { return math.Abs(x-middle) < apart }); !t.Wide {
				kept = append(kept, middle)
			}
		}
	}
}

// brief is a duration in two words.
func brief(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// niceStep is the next longer step that clocks have.
func niceStep(d time.Duration) time.Duration {
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600} {
		if s*time.Second >= d {
			return s * time.Second
		}
	}
	days := math.Ceil(d.Hours() / 24)
	return time.Duration(days) * 24 * time.Hour
}

// niceSteps are two to five round numbers up to most.
func niceSteps(most int) (steps []int) {
	if most < 1 {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(float64(most))))
	for _, part := range []float64{0.1, 0.2, 0.5, 1, 2} {
		if s := step * part; s >= 1 && float64(most)/s <= 5 {
			step = s
			break
		}
	}
	for v := step; v <= float64(most); v += step {
		steps = append(steps, int(v))
	}
	return steps
}

// chartDesc says what the picture shows, for those who hear it.
func (r *Report) chartDesc() string {
	var parts []string
	last := bin{}
	for _, b := range r.bins {
		for s := range b.settled {
			last.settled[s] += b.settled[s]
		}
	}
	for _, s := range stacked {
		if n := last.settled[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", number(n), seriesNames[s]))
		}
	}
	if r.WithoutRow > 0 {
		parts = append(parts, fmt.Sprintf("%s without a row", number(r.WithoutRow)))
	}
	said := []string{fmt.Sprintf("From %s to %s: %s.", moment(r.Start), moment(r.End), strings.Join(parts, ", "))}
	for i := 1; i < len(r.axis.segments); i++ {
		before := r.axis.segments[i-1].end
		said = append(said, fmt.Sprintf("Nothing ran for %s from %s on.", long(r.axis.segments[i].start.Sub(before)), moment(before)))
	}
	if r.Waits.Count > 0 {
		said = append(said, fmt.Sprintf("Graph refused %s. The runs waited %s, %s in all, as %s.",
			count(r.Waits.Refused, "request"), count(r.Waits.Count, "time"), seconds(r.Waits.Seconds), r.WaitsFor()))
	}
	return strings.Join(append(said, "The table below has the numbers."), " ")
}

func round1(f float64) float64 { return math.Round(f*10) / 10 }
