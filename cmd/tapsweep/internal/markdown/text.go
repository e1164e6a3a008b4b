package markdown

import (
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
)

const (
	width  = 80     // columns, because longer lines are hard to read
	margin = 2      // columns before everything but headings
	deeper = "    " // before code, and before the cells of a table after the first
)

// Text writes a page as plain text, wrapped at words. Code is not wrapped.
func Text(page string, links LinkFunc) string {
	var out strings.Builder
	before := ""
	for _, b := range Parse(page) {
		list := b.list()
		if out.Len() > 0 && (list == "" || list != before) {
			out.WriteString("\n")
		}
		out.WriteString(b.plain(links))
		before = list
	}
	return out.String()
}

// list returns the same text for all blocks of a list or table. It is empty for other blocks.
func (b Block) list() string {
	switch b.Kind {
	case Item:
		return strings.TrimLeft(b.Marker, "0123456789")
	case Term, Definition:
		return "|"
	}
	return ""
}

func (b Block) plain(links LinkFunc) string {
	indent := strings.Repeat(" ", margin+b.Indent)
	text := bold.ReplaceAllString(links.resolve(b.Text), "$1")
	switch b.Kind {
	case Heading:
		return format.Wrap(text, "", "", width)
	case Item:
		first := strings.Repeat(" ", margin+b.Indent-len(b.Marker)-1) + b.Marker + " "
		return format.Wrap(text, first, indent, width)
	case Code:
		return indentLines(b.Text, indent+deeper)
	case Definition:
		indent += deeper
	}
	return format.Wrap(text, indent, indent, width)
}

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
