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

// readLines yields the rows of text, in which each line is a separate JSON value: mostly one row, but
// it may be a whole document.
func readLines(text *bufio.Reader, usersOnly bool, yield func(row) bool) error {
	var (
		rows []row // of the last line
		n    int   // its number

		column int // of a mistake in it
		line   bytes.Reader
		start  int64 // offset of the line in what the decoder has read
	)
	j := jsonReader{names: nameSet{usersOnly: usersOnly}, renew: func() {},
		at:    func(offset int64) (int, int) { return n, int(offset - start) },
		yield: func(r row) bool { rows = append(rows, r); return true }}
	for {
		n++
		data, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		rows, column = rows[:0], 0
		switch {
		case errors.Is(err, errTooLong):
			err = fmt.Errorf("the line is %w", err)
		case err != nil:
			return err
		default:
			line.Reset(bytes.TrimRightFunc(data, unicode.IsSpace))
			if j.dec == nil {
				j.dec = json.NewDecoder(&line)
			}
			start = j.dec.InputOffset()
			if err = j.documents(); err != nil {
				column = int(j.next()-start) + 1
				j.dec = nil // it reads no further after an error
			}
		}
		if err != nil { // no row of a broken line counts
			rows = append(rows[:0], row{line: n}.refuse(err))
			if bad := jsonError(err); bad != nil {
				bad.setPlace(n, column)
				rows[0].err = bad
			}
		}
		for _, r := range rows {
			if !yield(r) {
				return errStop
			}
		}
	}
}
