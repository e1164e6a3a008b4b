package input

import (
	"regexp"
	"strings"
)

// formula matches where a spreadsheet may see a formula begin: at the start of a value, and
// after what a spreadsheet may take for the end of a cell. Excel splits at semicolons where
// the region writes numbers with a decimal comma, also inside quotes that do not begin a
// cell, and East Asian editions take the full-width forms for the signs. Apostrophes may
// stand in front already.
var formula = regexp.MustCompile(`((?:^|[;\t\r\n])[\s\p{Z}]*)('*[=+\-@＝＋－＠])`)

// protectedFormula matches a formula with an apostrophe in front.
var protectedFormula = regexp.MustCompile(`((?:^|[;\t\r\n])[\s\p{Z}]*)'('*[=+\-@＝＋－＠])`)

// CSVValue returns s as it has to stand in a CSV file that may be opened in a
// spreadsheet: whatever would be taken for a formula gets an apostrophe in front.
// The CSV reader takes one apostrophe off each of them, so that a file written
// with CSVValue is the same list again.
func CSVValue(s string) string {
	if s == "" || isWordByte(s[0]) && !strings.ContainsAny(s, ";\t\r\n") {
		return s // so are nearly all, and a report has millions of them
	}
	return formula.ReplaceAllString(s, "$1'$2")
}

// isWordByte reports whether no formula begins with b, nor with what b may be the first byte of.
func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// plainValue undoes CSVValue.
func plainValue(s string) string {
	if !strings.Contains(s, "'") {
		return s
	}
	return protectedFormula.ReplaceAllString(s, "$1$2")
}
