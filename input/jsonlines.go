package input

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
)

// readLines yields the rows of text, in which each line is a separate JSON value.
func readLines(text *bufio.Reader, usersOnly bool, yield func(row) bool) error {
	l := newLineReader(usersOnly)
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		if err == nil {
			err = l.read(line, n)
		} else {
			err = fmt.Errorf("the line is %w", err)
		}
		if err != nil { // no row of a broken line counts
			l.rows = append(l.rows[:0], row{line: n}.refuse("", err))
			if bad := jsonError(err); bad != nil {
				bad.Line, l.rows[0].err = n, bad
			}
		}
		for _, r := range l.rows {
			if !yield(r) {
				return errStop
			}
		}
	}
}

// A lineReader reads the lines of JSON Lines.
type lineReader struct {
	rows  []row // of the last line
	line  bytes.Reader
	start int64 // offset of the line in what the decoder has read
	json  jsonReader
}

func newLineReader(usersOnly bool) *lineReader {
	l := new(lineReader)
	l.json = jsonReader{names: nameSet{usersOnly: usersOnly}, renew: func() {}}
	l.json.yield = func(r row) bool { l.rows = append(l.rows, r); return true }
	return l
}

// read reads the rows of line n: mostly one, but a line may hold a whole document.
func (l *lineReader) read(line []byte, n int) error {
	l.rows = l.rows[:0]
	l.line.Reset(bytes.TrimRightFunc(line, unicode.IsSpace))
	if l.json.dec == nil {
		l.json.dec = json.NewDecoder(&l.line)
	}
	l.json.last = 0
	l.start = l.json.dec.InputOffset()
	l.json.at = func(offset int64) (int, int) { return n, int(offset - l.start) }
	err := l.json.documents()
	if err != nil {
		l.json.dec = nil // it reads no further after an error
	}
	return err
}
