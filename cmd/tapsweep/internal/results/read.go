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

// A RecordKind is the kind of a line: the value of its key "type".
type RecordKind string

// The kinds of lines. Read skips other kinds, which another version may write.
const (
	KindRun     RecordKind = "run"
	KindRow     RecordKind = "result"
	KindWait    RecordKind = "wait"
	KindScanned RecordKind = "scanned"
	KindEnd     RecordKind = "end"

	// KindSessions is a row whose Action is RevokeSessions. In the file its type is "result", like that of all
	// rows. Here it has its own kind, so that KindRow means only rows about passes.
	KindSessions RecordKind = "sessions"
)

// A Record is one line of a log. The field for its Kind is set (Row for KindSessions); the others are nil. A
// Record is valid until the next one is read.
type Record struct {
	Kind   RecordKind
	Line   int   // the number of the line, from 1
	Offset int64 // the offset of the first byte of the line
	Text   []byte

	Run     *Run
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

// Read yields the records of r, which contains one or more logs in UTF-8, one after another. It yields only
// records of the given kinds; without kinds, it yields all. In rows it replaces the user "me" by the Self of
// their run.
//
// Read skips an incomplete last line, and lines that are not part of a log, such as those that kubectl logs mixes
// in. It counts them in c, which is final when Read has ended. Read ends with an *input.LineError at a broken line, and
// at a line that has a line of the log behind other text. It ends with ErrNoRun if r contains no run.
func Read(r io.Reader, c *Condition, kinds ...RecordKind) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		*c = Condition{}
		in := logReader{br: bufio.NewReaderSize(r, maxLine), c: c, kinds: kinds}
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
	br    *bufio.Reader
	c     *Condition
	kinds []RecordKind // empty means all
	n     int          // the number of the last line that was read
	self  string       // the Self of the run
	rec   Record
	row   Row
}

// next returns the next record of one of the kinds, or io.EOF.
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
		if err == nil {
			err = in.decode(text)
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
		if in.wants(in.rec.Kind) {
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

// wants reports whether Read yields records of a kind. It never yields unknown kinds, which another version may
// write.
func (in *logReader) wants(kind RecordKind) bool {
	if len(in.kinds) == 0 {
		return slices.Contains([]RecordKind{KindRun, KindRow, KindSessions, KindWait, KindScanned, KindEnd}, kind)
	}
	return slices.Contains(in.kinds, kind)
}

// decode decodes a line into the record. It skips rows that Read will not yield.
func (in *logReader) decode(text []byte) error {
	rest, isLine := bytes.CutPrefix(text, []byte(lineMark))
	if kind, _, ok := bytes.Cut(rest, []byte(`"`)); isLine && ok {
		in.rec = Record{Kind: RecordKind(kind), Line: in.n, Offset: in.c.Whole, Text: text}
	} else if in.c.run == nil {
		return ErrNoRun
	} else {
		return in.foreign(text)
	}
	rec := &in.rec
	if in.c.run == nil && rec.Kind != KindRun {
		return ErrNoRun
	}
	if err := json.Unmarshal(text, in.target()); err != nil {
		return lineError(in.n, "the line is broken: %v", err)
	}
	switch {
	case rec.Run != nil:
		rec.Run.interpret()
		in.self = rec.Run.Self
	case rec.Row != nil:
		return in.checkRow()
	}
	return nil
}

// target returns the value that a line of the record's kind is decoded into.
func (in *logReader) target() any {
	rec := &in.rec
	switch rec.Kind {
	case KindRun:
		rec.Run = new(Run)
		return rec.Run
	case KindRow:
		if !in.wants(KindRow) && !in.wants(KindSessions) {
			break
		}
		in.row = Row{}
		rec.Row = &in.row
		return rec.Row
	case KindWait:
		rec.Wait = new(Wait)
		return rec.Wait
	case KindScanned:
		rec.Scanned = new(Scanned)
		return rec.Scanned
	case KindEnd:
		rec.End = new(End)
		return rec.End
	}
	return new(struct{})
}

// checkRow replaces the user "me" by the signed-in user, and sets the kind of the row.
func (in *logReader) checkRow() error {
	if in.row.User == input.Me && in.self != "" {
		in.row.User = in.self
	}
	if in.row.Action == RevokeSessions {
		in.rec.Kind = KindSessions
	}
	if !slices.Contains(Outcomes, in.row.Outcome) {
		return lineError(in.n, "the outcome %q is not known: the log is damaged, or of another "+
			"version of tapsweep", safetext.Printable(string(in.row.Outcome)))
	}
	return nil
}
