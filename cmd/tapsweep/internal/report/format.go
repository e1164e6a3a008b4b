package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
)

// count returns a number with its noun: "1 pass", "2 passes".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return format.Number(n) + " " + noun + "es"
	}
	return format.Number(n) + " " + noun + "s"
}

// verb returns the form of a verb for n.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// share returns n as a part of all in per cent. It returns 0 % only for none, and 100 % only for all.
func share(n, all int) string {
	p := 100 * float64(n) / float64(max(all, 1))
	switch {
	case n == 0:
		return "0 %"
	case n == all:
		return "100 %"
	case p < 0.1:
		return "< 0.1 %"
	case p > 99.9:
		return "> 99.9 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

func seconds(s float64) string { return format.Duration(time.Duration(s * float64(time.Second))) }

// timestamp returns a time in UTC, "not known" for the zero time.
func timestamp(t time.Time) string {
	return format.Time(t, "2006-01-02 15:04:05 UTC", "not known")
}

func known(s string) string { return cmp.Or(s, "not known") }
