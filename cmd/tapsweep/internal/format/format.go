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
