package report

import "tapsweep/cmd/tapsweep/internal/results"

// A shareRow is one outcome, in the bar and in a table of counts.
type shareRow struct {
	Outcome results.Outcome
	Name    string // of the outcome, for people
	Class   string // in the style sheet
	Meaning string
	Count   int
	Share   string

	X, Width float64 // in the bar of all outcomes, in per cent
}

// Label reports whether there is room for a name in the bar.
func (s shareRow) Label() bool { return s.Width >= 40 }

// NotListed reports whether the table of pairs has none of these.
func (s shareRow) NotListed() bool { return s.Outcome == results.Duplicate || s.Outcome == noRow }

// noRow is shown as the outcome of pairs without a row.
const noRow results.Outcome = "no row"

// shareRows returns the counts in the order of the outcomes, and how many have no row, out of all.
func shareRows(counts map[results.Outcome]int, all, withoutRow int, meaning func(results.Outcome) string,
	whyNoRow string) (rows []shareRow) {
	x := 0.0
	add := func(o results.Outcome, class, meaning string, n int) {
		if n == 0 {
			return
		}
		width := 100 * float64(n) / float64(all)
		rows = append(rows, shareRow{o, string(o), class, meaning, n, share(n, all), x, width})
		x += width
	}
	for _, o := range results.Outcomes {
		add(o, seriesOf(o).class(), meaning(o), counts[o])
	}
	add(noRow, "none", whyNoRow, withoutRow)
	return rows
}

// whyNoRow returns why the logs have no row for some passes.
func (r *Report) whyNoRow() string {
	if r.lacks() {
		return "lines are missing in the log"
	}
	return "the run ended before it wrote a row"
}

func (r *Report) Shares() []shareRow {
	rows := shareRows(r.Counts, r.All(), r.WithoutRow, results.Outcome.Meaning, r.whyNoRow())
	for i := range rows {
		rows[i].Name = r.OutcomeName(rows[i].Outcome)
	}
	return rows
}
