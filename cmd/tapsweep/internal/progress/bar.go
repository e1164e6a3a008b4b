package progress

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
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
	out  io.Writer
	size func() (width, height int, err error)

	text  []byte // whole lines that the next draw prints above
	drawn int    // columns of the line that the last draw printed, zero before the first
}

func newBar(out io.Writer, size func() (width, height int, err error)) *bar {
	if f, isFile := out.(*os.File); isFile {
		enableEscapes(f)
		if size == nil {
			size = func() (int, int, error) { return term.GetSize(int(f.Fd())) }
		}
	}
	return &bar{out: out, size: size}
}

// width returns the columns of the terminal, 80 if it does not know them.
func (b *bar) width() int {
	if b.size != nil {
		if width, _, err := b.size(); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

func (b *bar) draw(v view) {
	width := b.width()
	var frame bytes.Buffer
	if b.drawn > 0 {
		// A terminal that has become narrower wraps the line. A key may have moved the
		// cursor, because terminals show ^C, for example.
		lines := 1 + (b.drawn-1)/width
		frame.WriteString("\r\x1b[" + strconv.Itoa(lines) + "A\x1b[J")
	}
	frame.Write(b.text)
	// The last column stays free, because some terminals wrap a line that fills it.
	line := v.line(max(width-1, 1), func(width int) string { return barText(v.done, v.Total, width) })
	frame.WriteString(line + "\n")
	b.text, b.drawn = nil, utf8.RuneCountInString(line)
	_, _ = b.out.Write(frame.Bytes())
}

// above keeps the whole lines of text for the next draw, and returns the rest.
func (b *bar) above(text []byte) []byte {
	end := bytes.LastIndexByte(text, '\n') + 1
	b.text = append(b.text, text[:end]...)
	return text[end:]
}

// barText returns the bar itself, for example [====>----].
func barText(done, total, width int) string {
	inside := max(width-2, 0)
	filled := (inside*min(done, total) + total/2) / max(total, 1)
	tip := ""
	if filled > 0 && done < total {
		filled, tip = filled-1, ">"
	}
	return "[" + strings.Repeat("=", filled) + tip + strings.Repeat("-", inside-filled-len(tip)) + "]"
}
