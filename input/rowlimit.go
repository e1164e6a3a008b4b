package input

import (
	"bytes"
	"io"
)

// maxRow is the maximum length of a row in bytes, the same as that of a line of a results log. Rows are read into
// memory as a whole. The readers read ahead by up to a buffer.
const maxRow = 1<<20 + bufferBytes

// A rowLimit ends the reading of a list at a row that is too long.
type rowLimit struct {
	r     io.Reader
	left  int // bytes that the row may still have
	lines int // newlines passed so far
}

// next begins a row.
func (l *rowLimit) next() { l.left = maxRow }

// Read returns a *LineError if the row is too long.
func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, &LineError{Line: l.lines + 1, Msg: "the row is longer than 1 MiB"}
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	if len(bytes.Trim(p[:n], "\r\n")) > 0 { // encoding/csv skips empty lines
		l.left -= n
	}
	l.lines += bytes.Count(p[:n], []byte("\n"))
	return n, err
}
