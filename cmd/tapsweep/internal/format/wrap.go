package format

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text at spaces into lines that begin with first and with indent. No line is wider than width, in
// columns, if its words allow that. Each line ends with a line break.
func Wrap(text, first, indent string, width int) string {
	var out strings.Builder
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		if !empty && columns(line)+1+columns(word) > width {
			out.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return out.String() + line + "\n"
}

func columns(s string) int { return utf8.RuneCountInString(s) }
