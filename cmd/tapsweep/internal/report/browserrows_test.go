//go:build browser

package report

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// Pairs on one line of a list are told apart by their columns, which fit into the table, and so do its heads. They
// are sorted by number.
func TestBrowserColumns(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("incident-4711.json", 4)
	for i, column := range []int{0, 10_900_096, 93, 1_000} {
		m.row("incident-4711.json", 1, results.Revoked, aboutPass(userName(i), pass(i)),
			func(r *results.Row) { r.Column = column })
	}
	m.end(0, "")
	v := browse(t, htmlOf(t, htmlPage{}, m.write(t, "a.jsonl")))
	const places = `Array.from(document.querySelectorAll('#pairs tbody tr')).
		map((tr) => tr.cells[6].textContent.trim()).join(' ')`
	v.click(headOf(7) + " button")
	v.want(places, "incident-4711.json:1 incident-4711.json:1:93 "+
		"incident-4711.json:1:1000 incident-4711.json:1:10900096")
	for _, wide := range []int64{320, 800, 1000, 1300} {
		v.do(chromedp.EmulateViewport(wide, 800))
		over := eval[[]string](v, `Array.from(document.querySelectorAll('#pairs td, #pairs th')).
			filter((td) => td.scrollWidth > td.clientWidth + 1).map((td) => td.textContent)`)
		assert.That(t, len(over) == 0, "%d pixels wide: %q run over", wide, over)
	}
}
