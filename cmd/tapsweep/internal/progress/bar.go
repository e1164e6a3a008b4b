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
// Each draw is one write. It removes the previous line, prints the text that belongs above the bar, and prints the
// new line. After a draw the cursor is visible and at the start of the next line, so a process that is killed leaves
// nothing to restore.
//
// Errors are ignored, because they could only be printed to the same terminal.
type bar struct {
	out   io.Writer
	width func() int // the columns of the terminal
	text  []byte     // the text for above the bar; the next draw prints its complete lines
	drawn int        // the width of the line that the last draw printed, zero before the first
}

// terminalWidth returns the number of columns of a terminal, 80 if it is not known.
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
