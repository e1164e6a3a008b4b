package markdown

import (
	"strings"
	"unicode/utf8"
)

const (
	margin     = 2  // columns before everything but headings
	codeMargin = 4  // more columns before code
	narrowest  = 10 // columns of a cell; below that a table is written as a list
)

// Text writes a page as plain text, wrapped at words to a width in columns. Code is not wrapped. A
// table that does not fit becomes a list.
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

// plain writes one block.
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

// plainTable writes a table in columns, or as a list where that does not fit.
func plainTable(rows [][]string, width int, indent string, links LinkFunc) string {
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			cells[i] = append(cells[i], bold.ReplaceAllString(links.resolve(cell), "$1"))
		}
	}
	widths, ok := columnWidths(cells, width-len(indent))
	if !ok {
		return tableList(cells, width, indent)
	}
	var out strings.Builder
	for i, row := range cells {
		out.WriteString(indentLines(tableRow(row, widths), indent))
		if i == 0 {
			rule := make([]string, len(widths))
			for j, w := range widths {
				rule[j] = strings.Repeat("-", w)
			}
			out.WriteString(indent + strings.Join(rule, "  ") + "\n")
		}
	}
	return out.String()
}

// columnWidths takes columns off the widest cell until the table fits. It reports whether it does.
func columnWidths(rows [][]string, width int) (widths []int, ok bool) {
	widths, least := make([]int, len(rows[0])), make([]int, len(rows[0]))
	total := 2 * (len(widths) - 1)
	for _, row := range rows {
		for j, cell := range row {
			widths[j] = max(widths[j], columns(cell))
			for word := range strings.FieldsSeq(cell) {
				least[j] = max(least[j], columns(word), min(narrowest, widths[j]))
			}
		}
	}
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := -1
		for j, w := range widths {
			if w > least[j] && (widest < 0 || w > widths[widest]) {
				widest = j
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

// tableRow writes one row, whose cells may take several lines.
func tableRow(row []string, widths []int) string {
	var out strings.Builder
	cells, height := make([][]string, len(row)), 0
	for j, cell := range row {
		cells[j] = strings.Split(strings.TrimRight(Wrap(cell, widths[j], "", ""), "\n"), "\n")
		height = max(height, len(cells[j]))
	}
	for i := range height {
		var line strings.Builder
		for j, lines := range cells {
			text := ""
			if i < len(lines) {
				text = lines[i]
			}
			line.WriteString(text + strings.Repeat(" ", widths[j]-columns(text)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// tableList writes a table as a list: the first cell of each row, and the others below it.
func tableList(rows [][]string, width int, indent string) string {
	var out strings.Builder
	for _, row := range rows[1:] {
		out.WriteString(Wrap(row[0], width, indent, indent))
		for _, cell := range labelled(rows[0], row) {
			out.WriteString(Wrap(cell, width, indent+"    ", indent+"    "))
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
