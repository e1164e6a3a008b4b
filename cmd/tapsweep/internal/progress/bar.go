package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminalWidth returns the number of columns of a terminal, 80 if it is not known.
func terminalWidth(out io.Writer) int {
	if f, isFile := out.(*os.File); isFile {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// draw draws the bar, which is one line at the bottom of a terminal.
//
// Each draw is one write. It removes the previous line, prints the text that belongs above the bar, and prints the
// new line. After a draw the cursor is visible and at the start of the next line, so a process that is killed leaves
// nothing to restore.
//
// Errors are ignored, because they could only be printed to the same terminal.
func (d *Display) draw() {
	d.writing.Lock()
	defer d.writing.Unlock()
	width := d.width()
	var frame bytes.Buffer
	if d.drawn > 0 {
		// A terminal that has become narrower wraps the line. A key may have moved the
		// cursor, because terminals show ^C, for example.
		fmt.Fprintf(&frame, "\r\x1b[%dA\x1b[J", 1+(d.drawn-1)/width)
	}
	whole := bytes.LastIndexByte(d.text, '\n') + 1
	frame.Write(d.text[:whole])
	d.text = d.text[whole:]
	// The last column stays free, because some terminals wrap a line that fills it.
	var line string
	d.update(func(m *counter) { line = m.line(time.Now(), width-1) })
	fmt.Fprintln(&frame, line)
	d.drawn = utf8.RuneCountInString(line)
	_, _ = d.opts.Out.Write(frame.Bytes())
}
