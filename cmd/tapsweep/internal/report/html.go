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
	"net/url"
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
	"path":    url.PathEscape, // html/template leaves the # and the % of a name as they are
	"add":     func(a, b float64) float64 { return a + b }, "inc": func(i int) int { return i + 1 },
}).Parse(pageText)).New("chart").Parse(chartText))

// MaxInline is how many pairs stand in a page. A browser opens as many in a
// second or two.
const MaxInline = 50_000

// maxPrinted is how many pairs are printed without asking: of more, paper gets those
// that are not done.
const maxPrinted = 500

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
	Reasons []reasons
	causes  map[causeOf]int
	Shown   int // pairs of the table
	LeftIn  int // of these, pairs that are not done
	Rows    iter.Seq[*rowView]

	OneSource bool // all pairs are on lines of one list, whose name need not stand in each row
	NoLines   bool // or of none
	Many      bool // too many to be printed unasked
	Points    []pointRow
	Heads     []string // of the points' columns
}

// Whole reports whether the table has all pairs, except repeats.
func (v *view) Whole() bool { return v.Shown == v.Pairs-v.Repeats() }

// Repeats is how many rows of the lists repeat others.
func (v *view) Repeats() int { return v.Counts[results.Duplicate] }

// A shareRow is one outcome, in the bar and in the table of counts.
type shareRow struct {
	Outcome        string
	Class, Meaning string
	Count          int
	Share          string
	X, Width, Bar  string // per cent
	Label, Wide    bool   // there is room for its name, but not on a phone
	NoRow          bool   // the table of pairs has none of these

	part float64
}

type rowView struct {
	*Row
	At, SeenAt string
}

// PassIs goes before a pass's reason.
func (r *rowView) PassIs() string {
	if gone(r.Outcome) {
		return "pass was"
	}
	return "pass is"
}

// A causeOf is what the pairs of a Failure have in common.
type causeOf struct {
	outcome results.Outcome
	code    string
	status  int
	hint    string
}

// Cause is the index of the Failure that the row of a pair that is not done counts in.
func (v *view) Cause(r *rowView) int {
	hint := cmp.Or(r.Hint, v.meaning(r.Outcome))
	if i, ok := v.causes[causeOf{r.Outcome, r.Code, r.Status, hint}]; ok {
		return i
	}
	return v.causes[causeOf{r.Outcome, more, 0, v.meaning(r.Outcome)}]
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
		Chart:  r.chart(), Shares: r.shares(), Reasons: r.reasons(), causes: make(map[causeOf]int), OneSource: r.oneSource() && !r.columns, NoLines: r.noLines && r.Pairs > 0}
	for i, f := range r.Failures {
		v.causes[causeOf{f.Outcome, f.Code, f.Status, f.Hint}] = i
	}
	v.Heads, v.Points = r.pointRows()
	pick := v.pick()
	v.Many = v.Shown > maxPrinted
	var failed error
	v.Rows = func(yield func(*rowView) bool) {
		for row, err := range l.Rows(ctx) {
			if err != nil {
				failed = err
				return
			}
			if row.Listed() && pick(row) && !yield(&rowView{row, short(row.Time), since(row)}) {
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
func (v *view) pick() func(*Row) bool {
	all := v.Pairs - v.Repeats()
	v.Shown, v.LeftIn = all, v.Left
	if all <= v.Inline {
		return func(*Row) bool { return true }
	}
	v.LeftIn = min(v.Left, v.Inline)
	others := all - v.Left
	sample := min(max(v.Inline-v.LeftIn, 0), maxSample, others)
	v.Shown = v.LeftIn + sample
	left, done, taken := 0, 0, 0
	return func(r *Row) bool {
		if r.Beside {
			return false
		}
		if r.Outcome.Left() {
			left++
			return left <= v.LeftIn
		}
		done++
		if taken < sample && done*sample > taken*others {
			taken++
			return true
		}
		return false
	}
}

// oneSource tells whether all pairs are of one list. A proof is of other lists, but
// its users are not pairs.
func (r *Report) oneSource() bool {
	sources := 0
	for _, l := range r.Lists {
		if !l.proof || l.shown || r.kind == "verify" {
			sources += len(l.Sources)
		}
	}
	return sources == 1
}

func short(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05")
}

// since is when a pair was verified, without the day if that is the day on which it was
// settled.
func since(row *Row) string {
	at, day := short(row.VerifiedAt), row.Time.Format("2006-01-02 ")
	return strings.TrimPrefix(at, day)
}

func (r *Report) shares() (rows []shareRow) {
	// No part of the bar is too thin to be seen.
	const thinnest = 0.8
	all := r.All()
	for _, o := range results.Outcomes {
		if n := r.Counts[o]; n > 0 {
			rows = append(rows, shareRow{Outcome: string(o), Class: seriesClass(seriesOf(o)), Meaning: r.meaning(o), Count: n})
		}
	}
	if n := r.WithoutRow; n > 0 {
		meaning := "the run ended before it wrote what became of them"
		if r.kind == "verify" {
			meaning = "not looked at: the run ended before"
		}
		rows = append(rows, shareRow{Outcome: "no row", Class: "none", Meaning: meaning, Count: n, NoRow: true})
	}
	wide := 0.0
	for i := range rows {
		rows[i].part = max(100*float64(rows[i].Count)/float64(all), thinnest)
		wide += rows[i].part
	}
	at := 0.0
	for i := range rows {
		s := &rows[i]
		s.Share, s.Bar = share(s.Count, all), fmt.Sprintf("%.3f%%", s.part)
		s.X, s.Width, s.Label = fmt.Sprintf("%.3f%%", at), fmt.Sprintf("%.3f%%", s.part*100/wide), s.part >= 24
		s.Wide = s.part < 42
		at += s.part * 100 / wide
	}
	return rows
}

func seriesClass(s series) string { return fmt.Sprintf("s%d", s) }

// A pointRow is a Point with the columns that are of use.
type pointRow struct {
	Time   time.Time
	Counts []int
}

func (r *Report) pointRows() (heads []string, rows []pointRow) {
	at := func(p Point) []int {
		return []int{p.Revoked, p.Planned, p.Found, p.Absent, p.Duplicate, p.Protected, p.Left, p.Refused}
	}
	names := []string{"Revoked", "Planned", "Found", "Absent", "Duplicate", "Protected", "Not done", "Refused"}
	used := make([]bool, len(names))
	for _, p := range r.Progress {
		for i, n := range at(p) {
			used[i] = used[i] || n > 0
		}
	}
	for i, head := range names {
		if used[i] {
			heads = append(heads, head)
		}
	}
	for _, p := range r.Progress {
		row := pointRow{Time: p.Time}
		for i, n := range at(p) {
			if used[i] {
				row.Counts = append(row.Counts, n)
			}
		}
		rows = append(rows, row)
	}
	return heads, rows
}
