// Package format writes numbers for people.
package format

import "strconv"

// Plural returns a number with its noun: "1 row", "2 rows".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// OrUnknown returns text, or "(unknown)" if it is empty.
func OrUnknown(text string) string {
	if text == "" {
		return "(unknown)"
	}
	return text
}

// Number groups the digits of a number by thousands.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
