//go:build browser

package report

import (
	_ "embed"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

//go:embed testdata/overlaps.js
var overlapsScript string

// On a phone no label runs over another one, or out of the picture.
func TestBrowserPhone(t *testing.T) {
	outcomes := []results.Outcome{results.Revoked, results.Absent, results.Duplicate, results.Denied, results.Revoked}
	m := &logBuilder{now: night}
	for n := range 6 {
		m.run("a.csv", 700)
		for i := range 100 {
			m.later(time.Second)
			if i == 50 {
				m.wait(time.Second, 100_000_000)
			}
			m.row("a.csv", n*100+i+2, outcomes[i%len(outcomes)])
		}
		m.end(4, "deadline")
		m.later(time.Duration(n+1) * 25 * time.Hour)
	}
	for name, path := range map[string]string{
		"nights":   m.write(t, "nights.jsonl"),
		"incident": incident(5000).write(t, "incident.jsonl"),
		"scan":     found(t, 400, 40, 3),
	} {
		v := browse(t, htmlOf(t, htmlPage{}, path))
		for _, wide := range []int64{320, 360, 380, 390, 400, 700, 1200} {
			v.do(chromedp.EmulateViewport(wide, 800))
			v.want("document.documentElement.scrollWidth", fmt.Sprint(wide))
			over := eval[[]string](v, overlapsScript)
			assert.That(t, len(over) == 0, "%s, %d pixels wide: %q", name, wide, over)
		}
	}
}
