package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
)

// A chart is an SVG without a viewBox, with an inner SVG that has one. The shapes of the inner SVG stretch with the
// page. Text is placed in per cent and keeps its size, so the chart can be read on a phone and on paper.
//
// tapsweep draws it itself. The chart libraries for Go write colors into style attributes, which the
// Content-Security-Policy of the page forbids and dark mode cannot change, and they write no title or description.
//
// Heights are in pixels below the top of the plot, widths in the units of the inner SVG.
type chart struct {
	Title, Desc string
	Total       *label // the line at the number of all pairs, if some have no row
	Grid        []label
	Areas       []area
	Waits       []chartBar
	Refused     []chartBar // below the plot
	RefusedText string
	Ticks       []label
}

// A label is a text at a height, or a text below the plot at a position in per cent of its width.
type label struct {
	X, Y float64
	Text string
}

// An area is one series.
type area struct{ Class, Path, Name, Count string }

type chartBar struct{ X, Y, Width, Height float64 }

// The sizes of the plot, and of the refusals below it. The style sheet does not have them.
const (
	plotWidth  = 1000.0
	plotHeight = 220.0
	barsTop    = plotHeight + 30
	barsHeight = 48.0
)

// Bottom returns where the plot, or the refusals below it, end.
func (c *chart) Bottom() float64 {
	if len(c.Refused) > 0 {
		return barsTop + barsHeight
	}
	return plotHeight
}

// End returns where the labels below it end.
func (c *chart) End() float64 { return c.Bottom() + 32 }

func (r *Report) Chart() *chart {
	scale := plotHeight / (float64(max(r.All(), 1)) * 1.04)
	c := &chart{Title: r.Words().Progress, Areas: r.axis.areas(scale), Ticks: r.axis.ticks()}
	if r.WithoutRow > 0 {
		c.Total = &label{Y: yOf(r.All(), scale), Text: format.Number(r.All()) + " in all"}
	}
	step := gridStep(r.All())
	for v := step; v <= r.All(); v += step {
		c.Grid = append(c.Grid, label{Y: yOf(v, scale), Text: format.Number(v)})
	}
	for _, s := range r.waiting[:min(len(r.waiting), maxWaits)] {
		from := round1(r.axis.x(s.start) * plotWidth)
		c.Waits = append(c.Waits, chartBar{X: from, Width: max(round1(r.axis.x(s.end)*plotWidth)-from, 1)})
	}
	c.refusals(&r.axis)
	var counts []string
	for _, a := range c.Areas {
		counts = append(counts, a.Count+" "+a.Name)
	}
	if c.RefusedText != "" {
		counts = append(counts, c.RefusedText)
	}
	c.Desc = strings.Join(counts, ", ") + ". The table of outcomes has the numbers."
	return c
}

// refusals draws the refused requests below the plot.
func (c *chart) refusals(a *axis) {
	const binsPerBar = 3 // a bar for one bin would be too thin
	const width = plotWidth / numBins * binsPerBar
	var counts [numBins / binsPerBar]int
	highest, sum := 0, 0
	for i, n := range a.refused {
		bar := &counts[i/binsPerBar]
		*bar, sum = plus(*bar, n), plus(sum, n)
		highest = max(highest, *bar)
	}
	for i, n := range counts {
		if n > 0 {
			height := round1(max(float64(n)/float64(highest)*barsHeight, 1.5))
			c.Refused = append(c.Refused, chartBar{X: round1((float64(i) + 0.12) * width),
				Y: round1(barsTop + barsHeight - height), Width: round1(0.76 * width), Height: height})
		}
	}
	if sum > 0 {
		c.RefusedText = count(sum, "request") + " throttled (tallest bar: " + format.Number(highest) + ")"
	}
}

// maxWaits is how many waits a chart shows.
const maxWaits = 1000

func yOf(v int, scale float64) float64 { return round1(plotHeight - float64(v)*scale) }

func round1(f float64) float64 { return math.Round(f*10) / 10 }

// areas draws the series on top of each other.
func (a *axis) areas(scale float64) (areas []area) {
	var below [numBins + 1]int // the top of the series drawn last
	for s := range numSeries {
		top, sum := below, 0
		for i, bin := range a.bins {
			sum += bin[s]
			top[i+1] += sum
		}
		if sum == 0 {
			continue
		}
		var edge, back strings.Builder
		for i := range top {
			fmt.Fprintf(&edge, "L%v %v", round1(float64(i)/numBins*plotWidth), yOf(top[i], scale))
			j := numBins - i
			fmt.Fprintf(&back, "L%v %v", round1(float64(j)/numBins*plotWidth), yOf(below[j], scale))
		}
		areas = append(areas, area{Class: s.class(), Path: "M" + edge.String()[1:] + back.String() + "Z",
			Name: seriesNames[s], Count: format.Number(sum)})
		below = top
	}
	return areas
}

// ticks labels the running time at round times, far enough apart for a phone.
func (a *axis) ticks() (ticks []label) {
	const apart, edge = 0.2, 0.95 // a label beyond the edge would not fit
	step := clockStep(time.Duration(apart * float64(a.length)))
	for t := step; float64(t) < edge*float64(a.length); t += step {
		text := strings.NewReplacer("m0s", " min", "h0m0s", " h", "m", " min ", "h", " h ", "s",
			" s").Replace(t.String())
		ticks = append(ticks, label{X: round1(100 * float64(t) / float64(a.length)), Text: text})
	}
	return ticks
}

// clockStep returns the next longer step of a clock, such as 5 or 15 minutes.
func clockStep(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Minute} {
		for _, n := range []time.Duration{1, 2, 5, 10, 15, 30} {
			if n*unit >= d {
				return n * unit
			}
		}
	}
	return (d + time.Hour - 1) / time.Hour * time.Hour
}

// gridStep returns a round number that divides most into at most five parts.
func gridStep(most int) int {
	for power := 1; ; power *= 10 {
		for _, n := range []int{1, 2, 5} {
			if most <= 5*n*power {
				return n * power
			}
		}
	}
}
