package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

//go:embed page.tmpl
var pageText string

//go:embed chart.tmpl
var chartText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// earlyScript has the style hide the table until the script at the end of the
// page has cut it into pieces: to lay out 50,000 rows takes a browser half a
// minute, to read them two seconds.
const earlyScript = `document.documentElement.className = "js"`

var pageTemplate = template.Must(template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number, "count": count, "share": share, "long": long, "seconds": seconds, "moment": moment,
	"known": orUnknown, "join": func(s []string) string { return strings.Join(s, ", ") },
	"command": func(args []string) string { return "tapsweep " + strings.Join(args, " ") },
	"add":     func(a, b float64) float64 { return a + b }, "inc": func(i int) int { return i + 1 },
}).Parse(pageText)).New("chart").Parse(chartText))

// MaxInline is how many pairs stand in a page. A browser opens as many in a
// second or two.
const MaxInline = 50_000

// maxSample is how many of the pairs that are done stand in a page that has not
// got room for all.
const maxSample = 1000

// A Page is how a report is shown as HTML.
type Page struct {
	CSV    string    // name of the CSV with all pairs beside the page, if there is one
	Made   time.Time // when
	By     string    // the version of tapsweep
	Inline int       // at most so many pairs, 0 is MaxInline
}

// view is what the template reads.
type view struct {
	*Report
	Page
	Style   template.CSS
	Script  template.JS
	Early   template.JS
	Policy  string
	Chart   *chart
	Shares  []shareRow
	Reasons []named
	Shown   int // pairs of the table
	LeftIn  int // of these, pairs that are not done
	Rows    iter.Seq[rowView]

	OneSource bool // all pairs are of one list, whose name need not stand in each row
}

// Whole tells whether the table has all pairs.
func (v *view) Whole() bool { return v.Shown == v.Pairs }

// A shareRow is one outcome, in the bar and in the table of counts.
type shareRow struct {
	Outcome        results.Outcome
	Class, Meaning string
	Count          int
	Share          string
	X, Width, Bar  string // per cent
	Label          bool   // there is room for its name
}

type rowView struct {
	*results.Row
	At string
}

// policy allows the page's own style and script and nothing else: whatever got
// into a page, it does not run, and no request leaves it.
func policy(style string, scripts ...string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	for i, s := range scripts {
		scripts[i] = hash(s)
	}
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
		hash(style), strings.Join(scripts, " "))
}

// HTML writes the report as one page that needs no network, and no script to be
// read. It reads the logs again for the rows.
func (r *Report) HTML(ctx context.Context, w io.Writer, l *Logs, p Page) error {
	if p.Inline == 0 {
		p.Inline = MaxInline
	}
	v := &view{Report: r, Page: p, Style: template.CSS(pageStyle), Script: template.JS(pageScript), Early: earlyScript,
		Policy: policy(pageStyle, pageScript, earlyScript),
		Chart:  r.chart(), Shares: r.shares(), Reasons: r.reasons(), OneSource: len(r.Lists) == 1 && len(r.Lists[0].Sources) == 1}
	pick := v.pick()
	var failed error
	v.Rows = func(yield func(rowView) bool) {
		for row, err := range l.Rows(ctx) {
			if err != nil {
				failed = err
				return
			}
			if pick(row) && !yield(rowView{row, row.Time.Format("2006-01-02 15:04:05")}) {
				return
			}
		}
	}
	if err := pageTemplate.ExecuteTemplate(w, "page", v); err != nil {
		return err
	}
	return failed
}

// pick decides which rows the page has room for: all, or what is not done and of
// the rest every so-manieth.
func (v *view) pick() func(*results.Row) bool {
	v.Shown, v.LeftIn = v.Pairs, v.Left
	if v.Pairs <= v.Inline {
		return func(*results.Row) bool { return true }
	}
	v.LeftIn = min(v.Left, v.Inline)
	sample := min(max(v.Inline-v.LeftIn, 0), maxSample, v.Done)
	v.Shown = v.LeftIn + sample
	left, done, taken := 0, 0, 0
	return func(r *results.Row) bool {
		if !r.Outcome.Done() {
			left++
			return left <= v.LeftIn
		}
		done++
		if taken < sample && done*sample > taken*v.Done {
			taken++
			return true
		}
		return false
	}
}

// meanings say what an outcome is, in few words.
var meanings = map[results.Outcome]string{
	results.Revoked:   "the pass was deleted",
	results.Absent:    "the user holds no pass",
	results.Duplicate: "an earlier row names the same pair",
	results.Planned:   "dry run: this pass would be deleted",
}

func (r *Report) shares() (rows []shareRow) {
	// No part of the bar is too thin to be seen.
	const thinnest = 0.8
	wide := 0.0
	for _, n := range r.Counts {
		if n > 0 {
			wide += max(100*float64(n)/float64(r.Pairs), thinnest)
		}
	}
	at := 0.0
	for _, o := range results.Outcomes {
		n := r.Counts[o]
		if n == 0 {
			continue
		}
		part := max(100*float64(n)/float64(r.Pairs), thinnest)
		rows = append(rows, shareRow{Outcome: o, Class: fmt.Sprintf("s%d", seriesOf(o)), Meaning: cmp.Or(meanings[o], hints[o]), Count: n, Share: share(n, r.Pairs),
			X: fmt.Sprintf("%.3f%%", at), Width: fmt.Sprintf("%.3f%%", part*100/wide), Bar: fmt.Sprintf("%.3f%%", part), Label: part >= 22})
		at += part * 100 / wide
	}
	return rows
}
