package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"
)

// A bar keeps one line at the bottom of a terminal.
//
// Each draw is one write: it removes the line of the draw before, prints the text that
// belongs above, and prints the new line. After a draw the cursor is at the start of the
// next line and visible, so a process that is killed leaves nothing to restore.
//
// Its errors are ignored, because there is nobody to report them to.
type bar struct {
	out   io.Writer
	width func() int // the columns of the terminal
	text  []byte     // that the next draw prints above, as far as its lines are whole
	drawn int        // columns of the line that the last draw printed, zero before the first
}

// terminalWidth returns the columns of the terminal that a writer is, 80 if it does not know them.
func terminalWidth(out io.Writer) int {
	if f, isFile := out.(*os.File); isFile {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

func (b *bar) draw(line func(width int) string) {
	width := b.width()
	var frame bytes.Buffer
	if b.drawn > 0 {
		// A terminal that has become narrower wraps the line. A key may have moved the
		// cursor, because terminals show ^C, for example.
		fmt.Fprintf(&frame, "\r\x1b[%dA\x1b[J", 1+(b.drawn-1)/width)
	}
	whole := bytes.LastIndexByte(b.text, '\n') + 1
	frame.Write(b.text[:whole])
	b.text = b.text[whole:]
	// The last column stays free, because some terminals wrap a line that fills it.
	text := line(width - 1)
	fmt.Fprintln(&frame, text)
	b.drawn = utf8.RuneCountInString(text)
	_, _ = b.out.Write(frame.Bytes())
}
