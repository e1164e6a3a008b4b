package report

import (
	"tapsweep/cmd/tapsweep/internal/results"
)

// A shareRow is one outcome, in the bar and in the table of counts.
type shareRow struct {
	Outcome, Class, Meaning string
	Name                    string // of the outcome, for people
	Count                   int
	Share                   string
	NotListed               bool // the table of pairs has none of these

	X, Width float64 // in the bar of all outcomes, in per cent
	Bar      float64 // width of its own bar
}

// Label reports whether there is room for a name in the bar, and Wide whether there is none on a phone.
func (s shareRow) Label() bool { return s.Bar >= 24 }
func (s shareRow) Wide() bool  { return s.Bar < 42 }

// whyNoRow says why the logs have no row about some passes.
func (r *Report) whyNoRow() string {
	if r.lacks() {
		return "lines are missing in the log"
	}
	return "the run ended before it wrote a row"
}

func (r *Report) shares() (rows []shareRow) {
	for _, o := range results.Outcomes {
		if n := r.Counts[o]; n > 0 {
			rows = append(rows, shareRow{Outcome: string(o), Name: r.OutcomeName(o), Class: seriesOf(o).class(),
				Meaning: o.Meaning(), Count: n,
				NotListed: o == results.Duplicate})
		}
	}
	if r.WithoutRow > 0 {
		rows = append(rows, shareRow{Outcome: "no row", Name: "no row", Class: "none", Meaning: r.whyNoRow(),
			Count: r.WithoutRow, NotListed: true})
	}
	const thinnest = 0.8 // to be seen
	sum := 0.0
	for i := range rows {
		s := &rows[i]
		s.Share, s.Bar = share(s.Count, r.All()), max(100*float64(s.Count)/float64(r.All()), thinnest)
		sum += s.Bar
	}
	x := 0.0
	for i := range rows {
		rows[i].X, rows[i].Width = x, rows[i].Bar*100/sum
		x += rows[i].Width
	}
	return rows
}
