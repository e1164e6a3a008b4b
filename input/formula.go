package input

import (
	"regexp"
	"strings"
)

// begin matches the places where a spreadsheet may see the start of a formula: the start of a value, and the place
// after a character that may end a cell. In regions with a decimal comma, Excel splits at semicolons, even inside
// quotes that do not start a cell.
const begin = `((?:^|[;\t\r\n])[\s\v\x{85}\p{Z}]*)`

// sign matches the sign of a formula, with the apostrophes before it. East Asian editions also accept the full-width
// forms.
const sign = `('*[=+\-@＝＋－＠])`

var (
	formula          = regexp.MustCompile(begin + sign)
	protectedFormula = regexp.MustCompile(begin + "'" + sign) // with an apostrophe before it
)

// CSVValue makes s safe for a CSV file that somebody may open in a spreadsheet. It puts an apostrophe before everything
// that a spreadsheet might take for a formula. The CSV reader removes one apostrophe at each of these places, so it
// reads the same list from a file that was written with CSVValue.
func CSVValue(s string) string {
	if s == "" || isAlnum(rune(s[0])) && !strings.ContainsAny(s, ";\t\r\n") {
		return s // this is the fast path for nearly all values; a report has millions
	}
	return formula.ReplaceAllString(s, "$1'$2")
}

// plainValue undoes CSVValue.
func plainValue(s string) string {
	if !strings.Contains(s, "'") {
		return s
	}
	return protectedFormula.ReplaceAllString(s, "$1$2")
}
