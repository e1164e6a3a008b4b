package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
)

// A chart is an SVG without a viewBox around one with it: the shapes of the inner one stretch with the page,
// while text, which is placed in per cent, keeps its size. So it can be read on a phone and on paper.
//
// It is drawn here because the chart libraries for Go write colours into style attributes, which the page's
// Content-Security-Policy forbids and dark mode cannot change, and neither title nor description.
//
// Heights are in pixels below the top of the plot, widths in the units of the inner SVG.
type chart struct {
	Title, When, Desc string
	Total             *label // the line of all pairs, if some have no row
	Grid              []label
	Areas             []area
	Waits             []bar
	Refused           []bar // below the plot
	RefusedText       string
	Ticks             []label
}

// A label is a text at a height, or below the plot at a share of its width in per cent.
type label struct {
	X, Y float64
	Text string
}

// An area is one series, and its label on the right. The label is at LabelY, and a line leads there from
// the middle of the area's end.
type area struct {
	Class, Path, Edge string
	Name, Count       string
	EndY, LabelY      float64
}

type bar struct{ X, Y, Width, Height float64 }

// The sizes of a chart. The style sheet of the inner SVG knows none of them.
const (
	plotWidth  = 1000.0
	plotHeight = 220.0
	plotShare  = 79.0 // per cent of the page's width; the rest is for the labels
	barsTop    = plotHeight + 30
	barsHeight = 48.0
)

// Bottom is where the plot, or the refusals below it, end.
func (c *chart) Bottom() float64 {
	if len(c.Refused) > 0 {
		return barsTop + barsHeight
	}
	return plotHeight
}

// charts draws each period. A chart begins where the one before it ended, and all have one scale.
func (r *Report) charts() (charts []*chart) {
	var before [numSeries]int
	scale := plotHeight / (float64(max(r.All(), 1)) * 1.04)
	for _, p := range r.periods {
		c := &chart{Title: r.Words().Progress, When: p.String()}
		if r.WithoutRow > 0 {
			c.Total = &label{Y: yOf(r.All(), scale), Text: compact(r.All()) + " in all"}
		}
		step := gridStep(r.All())
		for v := step; v <= r.All(); v += step {
			c.Grid = append(c.Grid, label{Y: yOf(v, scale), Text: format.Number(v)})
		}
		var after [numSeries]int
		c.Areas, after = p.areas(before, scale)
		c.waits(p, r.waiting)
		refused := c.refusals(p)
		c.Ticks = p.ticks()
		c.Desc = r.describe(c.When, after, refused)
		charts = append(charts, c)
		before = after
	}
	return charts
}

// String is the period in words, with the day once if it is one day.
func (p *period) String() string {
	from, to := p.start.Format(time.DateTime), p.end.Format(time.DateTime)
	if p.start.Format(time.DateOnly) == p.end.Format(time.DateOnly) {
		to = p.end.Format(time.TimeOnly)
	}
	return from + " to " + to + " UTC"
}

func yOf(v int, scale float64) float64 { return round1(plotHeight - float64(v)*scale) }

func round1(f float64) float64 { return math.Round(f*10) / 10 }

// areas draws the series on top of each other. Before and after are how many pairs were completed at the start
// and at the end of the period.
func (p *period) areas(before [numSeries]int, scale float64) (areas []area, after [numSeries]int) {
	var below [binsPerPeriod + 1]int // the top of the series drawn last
	after = before
	for s := range numSeries {
		top := below
		sum := before[s]
		top[0] += sum
		for i, b := range p.bins {
			sum += b.completed[s]
			top[i+1] += sum
		}
		if after[s] = sum; sum == 0 {
			continue
		}
		var edge, back strings.Builder
		for i := range top {
			fmt.Fprintf(&edge, "L%v %v", round1(float64(i)/binsPerPeriod*plotWidth), yOf(top[i], scale))
			j := binsPerPeriod - i
			fmt.Fprintf(&back, "L%v %v", round1(float64(j)/binsPerPeriod*plotWidth), yOf(below[j], scale))
		}
		line := "M" + edge.String()[1:]
		end := round1((yOf(below[binsPerPeriod], scale) + yOf(top[binsPerPeriod], scale)) / 2)
		areas = append(areas, area{Class: s.class(), Path: line + back.String() + "Z", Edge: line,
			Name: seriesNames[s], Count: compact(sum), EndY: end, LabelY: end})
		below = top
	}
	spread(areas)
	return areas, after
}

// spread moves the labels of the areas apart; each has two lines.
func spread(areas []area) {
	const apart, top, bottom = 32, 6, plotHeight - 14
	limit := float64(bottom)
	for i := range areas { // from the bottom up
		areas[i].LabelY = min(areas[i].LabelY, limit)
		limit = areas[i].LabelY - apart
	}
	limit = top
	for i := len(areas) - 1; i >= 0; i-- {
		areas[i].LabelY = round1(max(areas[i].LabelY, limit))
		limit = areas[i].LabelY + apart
	}
}

// waits shades the waits. Those that would look like one are one.
func (c *chart) waits(p *period, waiting []span) {
	for _, s := range waiting {
		if s.end.Before(p.start) || s.start.After(p.end) {
			continue
		}
		from, to := p.x(s.start)*plotWidth, p.x(s.end)*plotWidth
		if n := len(c.Waits); n > 0 && from-(c.Waits[n-1].X+c.Waits[n-1].Width) < 0.5 {
			last := &c.Waits[n-1]
			last.Width = round1(max(to-last.X, last.Width))
			continue
		}
		c.Waits = append(c.Waits, bar{X: round1(from), Width: round1(max(to-from, 1))})
	}
}

// refusals draws the requests that were refused below the plot, and returns their number.
func (c *chart) refusals(p *period) (sum int) {
	const binsPerBar = 3 // one would be too thin to be seen
	var counts [binsPerPeriod / binsPerBar]int
	highest := 0
	for i, b := range p.bins {
		n := &counts[i/binsPerBar]
		*n = plus(*n, b.refused)
		highest, sum = max(highest, *n), plus(sum, b.refused)
	}
	for i, n := range counts {
		if n > 0 {
			height := round1(max(float64(n)/float64(highest)*barsHeight, 1.5))
			width := plotWidth / float64(len(counts))
			c.Refused = append(c.Refused, bar{round1((float64(i) + 0.12) * width), barsTop + barsHeight - height,
				round1(0.76 * width), height})
		}
	}
	c.RefusedText = fmt.Sprintf("%s %s refused, highest bar %s",
		compact(sum), verb(sum, "request", "requests"), compact(highest))
	return sum
}

// ticks labels the time axis at round times, far enough apart for a phone.
func (p *period) ticks() (ticks []label) {
	const apart, edge = 0.22, 0.06
	step := clockStep(time.Duration(apart * float64(p.length())))
	layout := "15:04"
	switch {
	case step < time.Minute:
		layout = "15:04:05"
	case step >= 24*time.Hour:
		layout = "2 Jan"
	}
	for t := p.start.Truncate(step).Add(step); t.Before(p.end); t = t.Add(step) {
		x := p.x(t)
		if x < edge || x > 1-edge {
			continue // half of the label would be outside
		}
		text := t.Format(layout)
		if text == "00:00" {
			text = t.Format("2 Jan")
		}
		ticks = append(ticks, label{X: round1(x * plotShare), Text: text})
	}
	return ticks
}

// clockStep returns the next longer step that clocks and calendars have.
func clockStep(d time.Duration) time.Duration {
	for _, seconds := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 2 * 60, 5 * 60, 10 * 60, 15 * 60, 30 * 60,
		3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600} {
		if step := seconds * time.Second; step >= d {
			return step
		}
	}
	const day = 24 * time.Hour
	return (d + day - 1) / day * day
}

// gridStep returns a round number that goes into most at most five times.
func gridStep(most int) int {
	for power := 1; ; power *= 10 {
		for _, n := range []int{1, 2, 5} {
			if most <= 5*n*power {
				return n * power
			}
		}
	}
}

// describe says what a chart shows, for a screen reader.
func (r *Report) describe(when string, completed [numSeries]int, refused int) string {
	var counts []string
	for s, n := range completed {
		if n > 0 {
			counts = append(counts, format.Number(n)+" "+seriesNames[s])
		}
	}
	if r.WithoutRow > 0 {
		counts = append(counts, format.Number(r.WithoutRow)+" without a row")
	}
	text := fmt.Sprintf("%s: %s.", when, strings.Join(counts, ", "))
	if refused > 0 {
		text += fmt.Sprintf(" Graph refused %s.", count(refused, "request"))
	}
	return text + " The table of outcomes has the numbers."
}
