package cli

import (
	"strings"

	"tapsweep/cmd/tapsweep/internal/markdown"
)

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
				b.WriteString(markdown.Wrap(strings.Join(prose, " "), width, "", ""))
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
			b.WriteString(markdown.Wrap(line[at:], width, line[:at], indent))
		}
		flush()
	}
	return b.String()
}
