//go:build browser

package report

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// On a phone no label runs over another one, or out of the picture.
func TestBrowserPhone(t *testing.T) {
	m := &made{now: night}
	for n := range 6 {
		m.run("a.csv", 700)
		for i := range 100 {
			m.later(time.Second)
			if i == 50 {
				m.wait(time.Second, 100_000_000)
			}
			m.row("a.csv", n*100+i+2, []results.Outcome{results.Revoked, results.Absent, results.Duplicate, results.Denied, results.Revoked}[i%5])
		}
		m.end(4, "deadline")
		m.later(time.Duration(n+1) * 25 * time.Hour)
	}
	nights := m.write(t, "nights.jsonl")
	for name, path := range map[string]string{"nights": nights, "incident": incident(5000).write(t, "incident.jsonl"), "scan": found(400, 40, 3).write(t, "scan.jsonl")} {
		v := browse(t, htmlOf(t, Page{}, path))
		for _, wide := range []int64{320, 360, 380, 390, 400, 700, 1200} {
			v.do(chromedp.EmulateViewport(wide, 800))
			v.want("document.documentElement.scrollWidth", fmt.Sprint(wide))
			if wrong := eval[[]string](v, overlaps); len(wrong) > 0 {
				t.Errorf("%s, %d pixels wide: %q", name, wide, wrong)
			}
		}
	}
}

// overlaps are the labels that stand over another one or over the edge of the page.
const overlaps = `(() => {
	const wrong = [], seen = [];
	for (const e of document.querySelectorAll('body *'))
		if (!e.closest('.scroll, svg, .sr, .skip') && e.getBoundingClientRect().right > innerWidth + 1 && e.clientWidth) wrong.push(e.tagName + '.' + e.className + ' runs out');
	for (const e of document.querySelectorAll('svg text')) {
		if (getComputedStyle(e).display === 'none') continue;
		const b = e.getBoundingClientRect(), text = e.textContent;
		if (b.left < 0 || b.right > innerWidth) wrong.push(text + ' runs out');
		for (const [c, other] of seen)
			if (b.left < c.right - 1 && c.left < b.right - 1 && b.top < c.bottom - 4 && c.top < b.bottom - 4) wrong.push(text + ' over ' + other);
		seen.push([b, text]);
	}
	return wrong;
})()`
