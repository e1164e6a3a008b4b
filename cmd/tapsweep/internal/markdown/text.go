package markdown

import (
	"strings"
	"unicode/utf8"
)

const (
	margin     = 2 // columns before everything but headings
	codeMargin = 4 // more columns before code
)

// Text writes a page as plain text, wrapped at words to a width in columns. Code is not wrapped, and
// tables become lists.
func Text(page string, width int, links LinkFunc) string {
	var out strings.Builder
	before := Block{Kind: Heading}
	for _, b := range Parse(page) {
		sameList := before.Kind == Item && b.Kind == Item && (before.Marker == "-") == (b.Marker == "-")
		if out.Len() > 0 && !sameList {
			out.WriteString("\n")
		}
		out.WriteString(b.plain(width, links))
		before = b
	}
	return out.String()
}

func (b Block) plain(width int, links LinkFunc) string {
	indent := strings.Repeat(" ", margin+b.Indent)
	text := bold.ReplaceAllString(links.resolve(b.Text), "$1")
	switch b.Kind {
	case Heading:
		return Wrap(text, width, "", "")
	case Item:
		first := strings.Repeat(" ", margin+b.Indent-len(b.Marker)-1) + b.Marker + " "
		return Wrap(text, width, first, indent)
	case Code:
		return indentLines(b.Text, indent+strings.Repeat(" ", codeMargin))
	case Table:
		return plainTable(b.Rows, width, indent, links)
	default:
		return Wrap(text, width, indent, indent)
	}
}

// Wrap breaks a text at spaces into lines that begin with first and with indent. No line is wider than
// width if its words allow that.
func Wrap(text string, width int, first, indent string) string {
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

func indentLines(text, indent string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(indent)
		}
		out.WriteString(line)
	}
	return out.String()
}

// plainTable writes a table as a list: the first cell of each row, and the others below it. Few tables of the manual
// would fit into the width of a terminal.
func plainTable(rows [][]string, width int, indent string, links LinkFunc) string {
	plain := func(cell string) string { return bold.ReplaceAllString(links.resolve(cell), "$1") }
	var out strings.Builder
	for _, row := range rows[1:] {
		out.WriteString(Wrap(plain(row[0]), width, indent, indent))
		for _, cell := range labelled(rows[0], row) {
			out.WriteString(Wrap(plain(cell), width, indent+"    ", indent+"    "))
		}
	}
	return out.String()
}

// labelled returns the cells of a row after the first that are not empty, each with the header of its
// column.
func labelled(headers, row []string) (cells []string) {
	for j, cell := range row[1:] {
		if header := headers[j+1]; header != "" && cell != "" {
			cell = header + ": " + cell
		}
		if cell != "" {
			cells = append(cells, cell)
		}
	}
	return cells
}
