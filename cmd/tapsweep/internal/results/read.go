package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// A Record is one line of a log. One of the pointers is set. A Record is valid until the next one is read.
type Record struct {
	Line   int   // the number of the line, from 1
	Offset int64 // the offset of the first byte of the line
	Text   []byte

	Run     *Header
	Row     *Row
	Wait    *Wait
	Scanned *Scanned
	End     *End
}

// lineError returns an error in a line of a log; the number of the line begins at 1.
func lineError(line int, format string, args ...any) *input.LineError {
	return &input.LineError{Line: line, Msg: fmt.Sprintf(format, args...)}
}

// ErrNoRun is returned for a file that does not begin like a results log.
var ErrNoRun = errors.New("it is not a results log, or not a complete one: its first line does not describe a run")

// maxLine is the maximum length of a line in bytes. A row has some names and at most a few thousand characters of
// text from the service.
const maxLine = 1 << 20

// lineMark is the beginning of each line of a log. The kind follows.
const lineMark = `{"type":"`

// byteOrderMark is what some Windows programs write before UTF-8.
const byteOrderMark = "\xEF\xBB\xBF"

// Read yields the records of r, which contains one or more logs in UTF-8, one after another. In rows it replaces
// the user "me" by the Self of their run.
//
// Read skips an incomplete last line, and lines that are not part of a log, such as those that kubectl logs mixes
// in. It counts them in c, which is final when Read has ended. Read ends with an *input.LineError at a broken line, and
// at a line that has a line of the log behind other text. It ends with ErrNoRun if r contains no run.
func Read(r io.Reader, c *Condition) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		*c = Condition{}
		in := logReader{br: bufio.NewReaderSize(r, maxLine), c: c}
		for {
			rec, err := in.next()
			if err == io.EOF {
				return
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// A logReader is the state of Read.
type logReader struct {
	br   *bufio.Reader
	c    *Condition
	n    int    // the number of the last line that was read
	self string // the Self of the run
	rec  Record
	row  Row
}

// next returns the next record, or io.EOF.
func (in *logReader) next() (*Record, error) {
	for {
		text, err := in.br.ReadSlice('\n')
		in.n++
		switch {
		case err == io.EOF && len(text) == 0 && in.c.run == nil && in.c.firstForeign != nil:
			return nil, ErrNoRun
		case err == bufio.ErrBufferFull:
			return nil, lineError(in.n, "the line is longer than 1 MiB")
		case err != nil && (err != io.EOF || len(text) == 0):
			return nil, err
		}
		size := len(text)
		if in.n == 1 {
			text = bytes.TrimPrefix(text, []byte(byteOrderMark))
		}
		foreign, err := in.isForeign(text)
		if foreign {
			in.c.skip(in.foreign(text), text)
			in.c.Whole += int64(size)
			continue
		}
		var known bool
		if err == nil {
			known, err = in.decode(text)
		}
		if err != nil {
			if in.torn(text) {
				in.c.Torn = true
				return nil, io.EOF
			}
			return nil, err
		}
		in.c.Whole += int64(size)
		in.c.add(&in.rec)
		if known {
			return &in.rec, nil
		}
	}
}

// isForeign reports whether a line is not part of the log. It returns an error for a line that has a line of the
// log behind other text.
func (in *logReader) isForeign(text []byte) (bool, error) {
	at := bytes.Index(text, []byte(lineMark))
	var line struct{ Type string }
	switch {
	case at > 0:
		return false, lineError(in.n, "it has %q before a line of a results log: remove that text "+
			"(kubectl logs adds it with --timestamps or --prefix)", safetext.Printable(string(text[:min(at, 40)])))
	case at == 0, !bytes.HasSuffix(text, []byte("\n")) && !json.Valid(text): // the line may be incomplete
		return false, nil
	}
	return json.Unmarshal(text, &line) != nil || line.Type == "", nil
}

// foreign returns the error for a line that is not part of a log.
func (in *logReader) foreign(text []byte) *input.LineError {
	return lineError(in.n, "it is not part of a results log, because it begins with %q: "+
		"keep only the lines that begin with %s", safetext.Printable(string(text[:min(len(text), 40)])), lineMark)
}

// torn reports whether a line is the incomplete last line of a log, whose run was killed while it wrote the line.
func (in *logReader) torn(text []byte) bool {
	valid := json.Valid(text)
	if _, err := in.br.Peek(1); err != io.EOF || valid {
		return false
	}
	if in.c.run == nil {
		k := min(len(text), len(firstBytes))
		return string(text[:k]) == firstBytes[:k]
	}
	return !bytes.HasSuffix(text, []byte("\n")) || bytes.HasPrefix(text, []byte(lineMark))
}

// RowAt reads the row at an offset of a log.
func RowAt(r io.ReaderAt, offset int64) (*Row, error) {
	text, err := bufio.NewReaderSize(io.NewSectionReader(r, offset, maxLine), 4<<10).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	row := new(Row)
	return row, json.Unmarshal(text, row)
}

// decode decodes a line into the record. It reports whether the kind of the line is known.
func (in *logReader) decode(text []byte) (known bool, err error) {
	rest, isLine := bytes.CutPrefix(text, []byte(lineMark))
	kind, _, ok := bytes.Cut(rest, []byte(`"`))
	switch {
	case in.c.run == nil && !bytes.HasPrefix(text, []byte(firstBytes)):
		return false, ErrNoRun
	case !isLine || !ok:
		return false, in.foreign(text)
	}
	in.rec = Record{Line: in.n, Offset: in.c.Whole, Text: text}
	target, known := in.target(string(kind))
	if err := json.Unmarshal(text, target); err != nil {
		return false, lineError(in.n, "the line is broken: %v", err)
	}
	if key := lineKeys[string(kind)].odd(text); key != "" {
		return false, lineError(in.n, "tapsweep writes no key %q: the log was changed", safetext.Printable(key))
	}
	switch rec := &in.rec; {
	case rec.Run != nil:
		in.self = rec.Run.Self
	case rec.Row != nil:
		return true, in.checkRow()
	}
	return known, nil
}

// target returns a pointer to the field of the record for the kind of a line. known is false for a kind that only
// another version writes.
func (in *logReader) target(kind string) (target any, known bool) {
	rec := &in.rec
	switch kind {
	case "run":
		return &rec.Run, true
	case "result":
		in.row = Row{} // all rows share it, because a log may have millions
		rec.Row = &in.row
		return rec.Row, true
	case "wait":
		return &rec.Wait, true
	case "scanned":
		return &rec.Scanned, true
	case "end":
		return &rec.End, true
	}
	return new(struct{}), false
}

// checkRow replaces the user "me" by the signed-in user.
func (in *logReader) checkRow() error {
	if in.row.User == input.Me && in.self != "" {
		in.row.User = in.self
	}
	if !slices.Contains(Outcomes, in.row.Outcome) {
		return lineError(in.n, "the outcome %q is not known: the log is damaged, or of another "+
			"version of tapsweep", safetext.Printable(string(in.row.Outcome)))
	}
	return nil
}

// checkUser returns an error if a row names a user as no list can. A run would send requests to another URL than that
// of a user. Rows that were refused may have any text.
func (rec *Record) checkUser() error {
	r := rec.Row
	if r.isInvalidLine() || r.User == input.Me {
		return nil
	}
	if err := input.CheckUser(r.User); err != nil {
		return lineError(rec.Line, "%v: no run of tapsweep wrote this row", err)
	}
	return nil
}
