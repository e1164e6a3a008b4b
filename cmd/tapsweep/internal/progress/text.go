package progress

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A view is what there is to show at one moment.
type view struct {
	Options // with the labels and the total
	counts
	ended bool    // the run has ended, so nothing is to come
	rate  float64 // rows a second, now

	several bool          // more than one quota is known
	quota   string        // whose gate is closed
	wait    time.Duration // until it opens, zero if it is open
	outage  time.Duration // without a connection; wait is the time to the next try

	left  time.Duration
	known bool // left is known
}

// A part of the line. All text is of runes that are one column wide.
type part struct {
	rank int // on a narrow terminal the part with the lowest rank is left out first
	text string
}

const (
	between     = "  "
	barStep     = 10 // columns; a bar whose width changes with each draw is restless
	maxBarWidth = 40
	rankPhase   = 6
)

// line returns the line of a bar, at most width columns wide. fill draws the bar itself, if the
// other parts leave room for it.
func (v *view) line(width int, fill func(width int) string) string {
	parts := v.parts(false)
	text := join(parts, between)
	for utf8.RuneCountInString(text) > width {
		if len(parts) == 1 {
			return string([]rune(text)[:max(width, 0)])
		}
		lowest := slices.MinFunc(parts, func(a, b part) int { return a.rank - b.rank })
		parts = slices.DeleteFunc(parts, func(p part) bool { return p == lowest })
		text = join(parts, between)
	}
	bar := min((width-utf8.RuneCountInString(text)-len(between))/barStep*barStep, maxBarWidth)
	if v.Total == 0 || bar <= 0 {
		return text
	}
	at := slices.IndexFunc(parts, func(p part) bool { return p.rank == rankPhase }) + 1
	return join(slices.Insert(parts, at, part{text: fill(bar)}), between)
}

// sentence returns the line of the plain form.
func (v *view) sentence() string { return join(v.parts(true), ", ") }

func join(parts []part, between string) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.text
	}
	return strings.Join(texts, between)
}

// parts returns what there is to say, in the order in which it is shown. The plain form leaves out
// what its reader knows, or finds in the summary.
func (v *view) parts(plain bool) []part {
	var parts []part
	add := func(rank int, when bool, text string) {
		if when {
			parts = append(parts, part{rank, text})
		}
	}
	done := fmt.Sprintf("%d %s", v.done, v.Noun)
	switch {
	case v.Total > 0 && plain:
		done = fmt.Sprintf("%d of %d %s", v.done, v.Total, v.Noun)
	case v.Total > 0:
		done = fmt.Sprintf("%*d/%d", len(strconv.Itoa(v.Total)), v.done, v.Total)
	}
	add(rankPhase, !plain && v.Phase != "", v.Phase)
	add(10, true, done)
	add(5, !v.ended, rate(v.rate))
	add(4, !plain, fmt.Sprintf("%d %s", v.revoked, v.Verb))
	add(2, !plain && v.absent > 0, fmt.Sprintf("%d absent", v.absent))
	add(3, v.verifying > 0, fmt.Sprintf("%d verifying", v.verifying))
	add(4, v.sessions > 0, fmt.Sprintf("sessions of %d users", v.sessions))
	add(7, v.notRevoked > 0, fmt.Sprintf("%d not %s", v.notRevoked, v.Verb))
	add(1, v.refused > 0, percent(float64(v.refused)/float64(max(1, v.accepted+v.refused)))+" refused")
	add(9, (v.wait > 0 || v.outage > 0) && !v.ended, v.waitText())
	add(8, v.Total > v.done && !v.ended && (v.known || !plain), v.leftText()+" left")
	return parts
}

func (v *view) waitText() string {
	switch {
	case v.outage > 0 && v.wait > 0:
		return fmt.Sprintf("no connection for %v, next try in %d s", v.outage.Round(time.Second), seconds(v.wait))
	case v.outage > 0:
		return fmt.Sprintf("no connection for %v, trying", v.outage.Round(time.Second))
	case v.several:
		return fmt.Sprintf("tenant asks for %d s (%s)", seconds(v.wait), v.quota)
	}
	return fmt.Sprintf("tenant asks for %d s", seconds(v.wait))
}

// leftText returns the time left, as precise as an estimate can be.
func (v *view) leftText() string {
	switch d := v.left; {
	case !v.known:
		return "–"
	case d <= 59*time.Second:
		return fmt.Sprintf("%ds", seconds(d))
	case d < time.Hour-5*time.Second:
		d = d.Round(10 * time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// seconds rounds up, because a wait is over when nothing is left of it.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

func rate(r float64) string {
	if r >= 99.95 {
		return fmt.Sprintf("%.0f/s", r)
	}
	return fmt.Sprintf("%.1f/s", r)
}

// percent returns a share in percent. A share that is not zero never shows as zero.
func percent(share float64) string {
	switch p := share * 100; {
	case p < 0.1:
		return "<0.1 %"
	case p < 0.95:
		return fmt.Sprintf("%.1f %%", p)
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}
