package progress

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A view is what there is to show at one moment.
type view struct {
	phase   string
	changed bool // phase is not the one that the run began with
	verb    string
	noun    string
	over    bool // the run is, and what is to come goes without saying

	total, done, revoked, absent, notRevoked, verifying int
	accepted, refused                                   int
	rate                                                float64 // rows a second, now

	several bool   // quotas have been heard of
	quota   string // whose gate is closed
	until   time.Time
	wait    time.Duration // in force, or zero
	outage  time.Duration // how long there has been no connection; wait is for the next try

	left  time.Duration
	known bool // left is
}

// The parts of a bar's line, in the order in which a narrow terminal loses them.
const (
	partRefused = iota
	partAbsent
	partVerifying
	partRevoked
	partBar
	partRate
	partPhase
	partNotRevoked
	partLeft
	partWait
	partDone
)

type part struct {
	kind int
	text string
}

const (
	between     = "  "
	barStep     = 10 // columns; a bar that changes by one at each draw is restless
	maxBarWidth = 40
)

// line is the line of a bar, at most width columns wide; fill draws the bar itself.
// All text is of runes one column wide.
func (v *view) line(width int, fill func(width int) string) string {
	parts := v.parts()
	for {
		free, widthless := width-len(between)*(len(parts)-1), -1
		lowest := 0
		for i, p := range parts {
			free -= utf8.RuneCountInString(p.text)
			if p.kind == partBar {
				widthless = i
			}
			if p.kind < parts[lowest].kind {
				lowest = i
			}
		}
		bar := min(free/barStep*barStep, maxBarWidth)
		switch {
		case widthless >= 0 && free >= 0 && bar > 0:
			parts[widthless].text = fill(bar)
			return join(parts)
		case widthless < 0 && free >= 0:
			return join(parts)
		case len(parts) == 1:
			return string([]rune(parts[0].text)[:max(width, 0)])
		}
		parts = append(parts[:lowest], parts[lowest+1:]...)
	}
}

func join(parts []part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.text
	}
	return strings.Join(texts, between)
}

func (v *view) parts() []part {
	var parts []part
	add := func(kind int, yes bool, format string, args ...any) {
		if yes {
			parts = append(parts, part{kind, fmt.Sprintf(format, args...)})
		}
	}
	add(partPhase, v.phase != "", "%s", v.phase)
	add(partBar, v.total > 0, "")
	add(partDone, v.total > 0, "%*d/%d", len(strconv.Itoa(v.total)), v.done, v.total)
	add(partDone, v.total == 0, "%d %s", v.done, v.noun)
	add(partRate, !v.over, "%s", rate(v.rate))
	add(partRevoked, true, "%d %s", v.revoked, v.verb)
	add(partAbsent, v.absent > 0, "%d absent", v.absent)
	add(partVerifying, v.verifying > 0, "%d verifying", v.verifying)
	add(partNotRevoked, v.notRevoked > 0, "%d not %s", v.notRevoked, v.verb)
	add(partRefused, v.refused > 0, "%s refused", percent(v.share()))
	add(partWait, (v.wait > 0 || v.outage > 0) && !v.over, "%s", v.waitText())
	add(partLeft, v.total > v.done && !v.over, "%s left", v.leftText())
	return parts
}

// sentence is the line of the plain form.
func (v *view) sentence() string {
	var parts []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(v.changed && v.phase != "", "%s", v.phase)
	add(v.total > 0, "%d of %d %s", v.done, v.total, v.noun)
	add(v.total == 0, "%d %s", v.done, v.noun)
	add(true, "%s", rate(v.rate))
	add(v.verifying > 0, "%d verifying", v.verifying)
	add(v.notRevoked > 0, "%d not %s", v.notRevoked, v.verb)
	add(v.refused > 0, "%s refused", percent(v.share()))
	add(v.wait > 0 || v.outage > 0, "%s", v.waitText())
	add(v.known && v.total > v.done, "%s left", v.leftText())
	return strings.Join(parts, ", ")
}

func (d *Display) plain(v view) {
	d.print([]byte("tapsweep: " + v.sentence() + "\n"))
}

// share is how much of what was sent the tenant refused.
func (v *view) share() float64 {
	if v.refused == 0 {
		return 0
	}
	return float64(v.refused) / float64(v.accepted+v.refused)
}

func (v *view) waitText() string {
	switch {
	case v.outage > 0 && v.wait > 0:
		return fmt.Sprintf("no connection for %v, next try in %d s", v.outage.Round(time.Second), seconds(v.wait))
	case v.outage > 0:
		return fmt.Sprintf("no connection for %v, trying", v.outage.Round(time.Second))
	}
	if v.several {
		return fmt.Sprintf("tenant asks for %d s (%s)", seconds(v.wait), v.quota)
	}
	return fmt.Sprintf("tenant asks for %d s", seconds(v.wait))
}

// leftText is as fine as a guess deserves.
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

// seconds rounds up: a wait is over when nothing is left of it.
func seconds(d time.Duration) int {
	return int(math.Ceil(d.Seconds()))
}

func rate(r float64) string {
	if r >= 99.95 {
		return fmt.Sprintf("%.0f/s", r)
	}
	return fmt.Sprintf("%.1f/s", r)
}

// percent never calls a share that is not zero nothing.
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
