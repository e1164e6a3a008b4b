package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

//go:embed *.tmpl
var templates embed.FS

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// earlyScript hides the table until the script at the end of the page has divided it into pages. A browser needs half a
// minute to lay out 50,000 rows, but only two seconds to read them.
const earlyScript = `document.documentElement.className = "js"`

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": format.Number, "count": count, "seconds": seconds, "timestamp": timestamp, "known": known,
	"policy": policy, "clock": clock, "verifiedAt": verifiedAt, "address": address,
	"join":    func(s []string) string { return strings.Join(s, ", ") },
	"command": func(args []string) string { return "tapsweep " + strings.Join(args, " ") },
	"path":    url.PathEscape, // html/template leaves the # and the % of a name as they are
	"percent": func(p float64) string { return fmt.Sprintf("%.3f%%", p) },
}).ParseFS(templates, "*.tmpl"))

const (
	// maxInline is the maximum number of rows of a page. A browser opens a page with this many rows in a second or two.
	maxInline = 50_000
	// maxPrinted is the maximum number of rows that are printed by default. If there are more, only those that are not
	// done are printed.
	maxPrinted = 500
)

// An htmlPage holds the options of an HTML page.
type htmlPage struct {
	CSV    string    // the name of the CSV file with all pairs, if there is one
	Made   time.Time // when the page was made
	By     string    // the version of tapsweep
	inline int       // the maximum number of pairs; 0 means maxInline
}

// view is the data of the template.
type view struct {
	*Report
	htmlPage
	Style  template.CSS
	Script template.JS
	Early  template.JS

	Shown int // pairs of the table
	Rows  iter.Seq[*reportedRow]
}

// When returns the time of the runs. If they are on one day, it has the day once.
func (v *view) When() string {
	from, to := v.Start.Format(time.DateTime), v.End.Format(time.DateTime)
	if v.Start.Format(time.DateOnly) == v.End.Format(time.DateOnly) {
		to = v.End.Format(time.TimeOnly)
	}
	return from + " to " + to + " UTC"
}

// Duplicates returns the number of pairs that are counted and not listed.
func (v *view) Duplicates() int { return v.Counts[results.Duplicate] }

// Listed returns the number of pairs that the table would have without a limit.
func (v *view) Listed() int { return v.Pairs - v.Duplicates() }

// LeftWithRow returns the number of rows that are not done.
func (v *view) LeftWithRow() int { return v.Left - v.WithoutRow }

// Whole reports whether the table has all of them.
func (v *view) Whole() bool { return v.Shown == v.Listed() }

// Many reports whether the table is too long to be printed by default.
func (v *view) Many() bool { return v.Shown > maxPrinted }

// writeHTML writes the report as one page. The page needs no network, and people can read it without scripts.
// writeHTML reads the logs again for the rows: once for those that are open, which come first, and once for all others.
func (r *Report) writeHTML(ctx context.Context, w io.Writer, l *Logs, p htmlPage) error {
	p.inline = cmp.Or(p.inline, maxInline)
	v := &view{Report: r, htmlPage: p, Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Early: earlyScript}
	pick := v.pick()
	var failed error
	v.Rows = func(yield func(*reportedRow) bool) {
		for _, open := range []bool{true, false} {
			if !open && !v.Whole() {
				return // the page has only rows that are open
			}
			for row, err := range l.countedRows(ctx) {
				if err != nil {
					failed = err
					return
				}
				if row.open() == open && pick(row) && !yield(row) {
					return
				}
			}
		}
	}
	if err := pageTemplate.ExecuteTemplate(w, "page.tmpl", v); err != nil {
		return err
	}
	return failed
}

// policy allows only the style and the scripts of the page itself. So text from a log cannot run, and the page sends no
// request.
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s %s; base-uri 'none'; form-action 'none'; "+
		"require-trusted-types-for 'script'", hash(pageStyle), hash(pageScript), hash(earlyScript))
}

// pick returns a function that selects the rows of the table: all, or the first of those that are not done.
func (v *view) pick() func(*reportedRow) bool {
	v.Shown = v.Listed()
	if v.Shown <= v.inline {
		return func(row *reportedRow) bool {
			return row.Action != results.RevokeSessions && (row.Beside || row.Outcome != results.Duplicate)
		}
	}
	v.Shown = min(v.LeftWithRow(), v.inline)
	left := 0
	return func(row *reportedRow) bool {
		if row.Beside || !row.Outcome.Left() || row.Action == results.RevokeSessions {
			return false
		}
		left++
		return left <= v.Shown
	}
}

func clock(t time.Time) string { return format.Time(t, time.DateTime, "") }

// verifiedAt returns when a pass was verified, without the day if the row has the same day.
func verifiedAt(row *reportedRow) string {
	return strings.TrimPrefix(clock(row.VerifiedAt), row.Time.Format("2006-01-02 "))
}

// addressPart matches a part of an address, which begins with @ or a dot.
var addressPart = regexp.MustCompile(`[@.]?[^@.]*`)

// longestPart is how many bytes of an address stay on one line. A part that is longer does not fit into a
// column.
const longestPart = 24

// address lets a browser break an address before @ and before a dot, and nowhere else. By itself a browser
// breaks a part at a hyphen.
func address(s string) template.HTML {
	parts := addressPart.FindAllString(s, -1)
	for i, part := range parts {
		parts[i] = template.HTMLEscapeString(part)
		if len(part) <= longestPart && strings.ContainsAny(part, "-/?!|") {
			parts[i] = `<span class="part">` + parts[i] + "</span>"
		}
	}
	return template.HTML(strings.Join(parts, "<wbr>"))
}
