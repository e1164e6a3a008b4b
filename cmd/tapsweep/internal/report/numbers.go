package report

import (
	"fmt"
	"strconv"
	"time"
)

// number groups digits by thousands.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// compact is a number that fits beside a picture.
func compact(n int) string {
	if n >= 10_000_000 {
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	}
	return number(n)
}

// pairs is a count with its noun.
func pairs(n int) string { return count(n, "pair") }

// share is a part of a whole. What is not nothing is never shown as nothing, and
// what is not all never as all.
func share(n, all int) string {
	switch p := 100 * float64(n) / float64(max(all, 1)); {
	case n == 0:
		return "0 %"
	case n == all:
		return "100 %"
	case p < 0.1:
		return "< 0.1 %"
	case p > 99.9:
		return "> 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

// span as people say it.
func long(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func seconds(s float64) string { return long(time.Duration(s * float64(time.Second))) }

// moment is a time as people read it.
func moment(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
