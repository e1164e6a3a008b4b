package cli

import (
	"strings"
	"unicode/utf8"
)

// wrap breaks a text at spaces into lines of at most width columns, not counting the indent of the
// lines after the first. A longer word has a line of its own.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// wrapText wraps the paragraphs of a text. A line that begins with two spaces stays a line of its own:
// what follows its last run of spaces is wrapped under itself.
func wrapText(text string, width int) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		var prose []string
		flush := func() {
			if len(prose) > 0 {
				b.WriteString(wrap(strings.Join(prose, " "), width, "") + "\n")
				prose = nil
			}
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if !strings.HasPrefix(line, "  ") {
				prose = append(prose, line)
				continue
			}
			flush()
			at := strings.LastIndex(line, "  ") + len("  ")
			indent := strings.Repeat(" ", at)
			b.WriteString(line[:at] + wrap(line[at:], width-at, indent) + "\n")
		}
		flush()
	}
	return b.String()
}
