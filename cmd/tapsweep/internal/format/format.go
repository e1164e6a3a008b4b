// Package format writes numbers, times and errors for people.
package format

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Plural returns a number with its noun: "1 row", "2 rows", "1,000 rows".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// OrUnknown returns text, or "(unknown)" if it is empty.
func OrUnknown(text string) string {
	return cmp.Or(text, "(unknown)")
}

// Time returns a time in UTC in a layout of package time, or none for the zero time.
func Time(t time.Time, layout, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(layout)
}

// A Count is how many things have a name.
type Count struct {
	Name string
	N    int
}

// Counts returns the counts of names, the highest first.
func Counts(byName map[string]int) (counts []Count) {
	for name, n := range byName {
		counts = append(counts, Count{name, n})
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name))
	})
	return counts
}

// Number groups the digits of a number by thousands.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
