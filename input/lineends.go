package input

import (
	"io"
	"strings"
)

// A lineEnds finds characters that other programs may write or read as the end of a line. To CSV they are a part of a
// value, so that a column which is ignored would swallow the rows behind it.
type lineEnds struct {
	r      io.Reader
	line   int    // newlines passed so far
	quoted bool   // inside a quoted value, which may have several lines
	last   uint32 // the last bytes
	bad    *LineError
}

// Read reads on, and sets bad to the first such character outside of quotes.
func (e *lineEnds) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	for _, b := range p[:n] {
		afterCR := byte(e.last) == '\r' && b != '\n' && b != '\r'
		e.last = e.last<<8 | uint32(b)
		if e.bad == nil && !e.quoted && (afterCR || e.isOther(b)) {
			e.bad = endsLine(e.line+1, afterCR)
		}
		switch b {
		case '"':
			e.quoted = !e.quoted
		case '\n':
			e.line++
		}
	}
	return n, err
}

// isOther reports whether the last bytes are one of otherEnds in UTF-8.
func (e *lineEnds) isOther(b byte) bool {
	return b == '\v' || b == '\f' || e.last&0xFFFF == 0xC285 || e.last&0xFFFFFE == 0xE280A8
}

// otherEnds are the characters other than CR and LF that end a line for some programs.
const otherEnds = "\v\f\u0085\u2028\u2029"

func endsLine(line int, byCR bool) *LineError {
	if byCR {
		return &LineError{Line: line, Msg: "lines end with a lone carriage return: save the file with LF or CRLF"}
	}
	return &LineError{Line: line, Msg: "lines end with a character that ends no line of CSV, such as U+2028: " +
		"save the file with LF or CRLF"}
}

// checkComment returns an error if a comment has the end of a line in it, so that it would swallow rows.
func checkComment(comment string, line int) error {
	switch comment = strings.TrimSpace(comment); {
	case strings.Contains(comment, "\r"):
		return endsLine(line, true)
	case strings.ContainsAny(comment, otherEnds):
		return endsLine(line, false)
	}
	return nil
}
