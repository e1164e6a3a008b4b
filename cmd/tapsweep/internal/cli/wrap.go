package cli

import (
	"cmp"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tapsweep/cmd/tapsweep/internal/markdown"
)

// The width of the help, in columns. Longer lines are hard to read.
const (
	defaultWidth = 80
	leastWidth   = 40
	mostWidth    = 120
)

// columns is the annotation of the root command that holds the width of the help.
const columns = "columns"

// helpWidth returns how wide the help may be: COLUMNS, else the width of the terminal, else 80.
func (p *program) helpWidth() int {
	width, _ := strconv.Atoi(p.getenv("COLUMNS"))
	if p.console != nil && width <= 0 && p.console.IsTerminal(p.console.Out) {
		width, _, _ = term.GetSize(int(p.console.Out.(*os.File).Fd()))
	}
	if width <= 0 {
		width = defaultWidth
	}
	return min(max(width, leastWidth), mostWidth)
}

// helpWidth returns the width of the help of a command.
func helpWidth(cmd *cobra.Command) int {
	width, _ := strconv.Atoi(cmd.Root().Annotations[columns])
	return width
}

// continued matches a line break inside an item of a list.
var continued = regexp.MustCompile(`\n {6,}`)

// description returns the text about a command, wrapped at the width of the help. A line that begins with
// two spaces is an item of a list: the text after its last run of spaces gets a hanging indent.
func description(cmd *cobra.Command) string {
	var b strings.Builder
	width, prose := helpWidth(cmd), ""
	flush := func() {
		if prose != "" {
			b.WriteString(markdown.Wrap(prose, width, "", ""))
		}
		prose = ""
	}
	text := continued.ReplaceAllString(cmp.Or(cmd.Long, cmd.Short), " ")
	for line := range strings.SplitSeq(text, "\n") {
		switch at := strings.LastIndex(line, "  ") + len("  "); {
		case line == "":
			flush()
			b.WriteByte('\n')
		case strings.HasPrefix(line, "\t"): // code in cobra's own texts
			flush()
			b.WriteString(line + "\n")
		case strings.HasPrefix(line, "  "):
			flush()
			b.WriteString(markdown.Wrap(line[at:], width, line[:at], strings.Repeat(" ", at)))
		default:
			prose += line + " "
		}
	}
	flush()
	return b.String()
}
