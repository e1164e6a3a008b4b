package input

import (
	"regexp"
	"strings"
)

// begin matches the places where a spreadsheet may see the start of a formula: at the start of a
// value, and after a character that may end a cell. In regions with a decimal comma, Excel splits at
// semicolons, even inside quotes that do not start a cell.
const begin = `((?:^|[;\t\r\n])[\s\v\x{85}\p{Z}]*)`

// sign matches the sign of a formula, with the apostrophes that are there already. East Asian
// editions also accept the full-width forms.
const sign = `('*[=+\-@＝＋－＠])`

var (
	formula          = regexp.MustCompile(begin + sign)
	protectedFormula = regexp.MustCompile(begin + "'" + sign) // with an apostrophe before it
)

// CSVValue returns s in a form that is safe in a CSV file that may be opened in a
// spreadsheet: it puts an apostrophe before everything that a spreadsheet might take for a
// formula. The CSV reader removes one apostrophe from each of these places, so a file
// written with CSVValue is read as the same list.
func CSVValue(s string) string {
	if s == "" || isAlnum(rune(s[0])) && !strings.ContainsAny(s, ";\t\r\n") {
		return s // the fast path: nearly all values, and a report has millions
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
