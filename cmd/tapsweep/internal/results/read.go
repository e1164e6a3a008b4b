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

// A Kind is the type of a line of a log, as its key "type" names it.
type Kind string

// The kinds of lines. Read skips lines of other kinds, which other versions may write.
const (
	KindRun     Kind = "run"
	KindRow     Kind = "result"
	KindWait    Kind = "wait"
	KindScanned Kind = "scanned"
	KindEnd     Kind = "end"

	// KindSessions is a row whose Action is RevokeSessions. On the line its type is that of every
	// row. Here it is a kind of its own, so that whoever reads rows reads those of passes.
	KindSessions Kind = "sessions"
)

var kinds = []Kind{KindRun, KindRow, KindSessions, KindWait, KindScanned, KindEnd}

// A Record is one line of a log. The field of its Kind is set, Row for KindSessions, and the
// others are nil. It is
// valid until the next one is read.
type Record struct {
	Kind   Kind
	Line   int   // from 1
	Offset int64 // of the first byte of the line
	Text   []byte

	Run     *Run
	Row     *Row
	Wait    *Wait
	Scanned *Scanned
	End     *End
}

// A LineError says which line of a file is not part of a results log.
type LineError struct {
	Line int // from 1
	What string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.What) }

// The errors for files that are not results logs.
var (
	ErrNoRun    = errors.New("it is not a results log: its first line does not describe a run")
	ErrFiltered = errors.New("it is not a whole results log: its first line does not describe a run" + wantWhole)
)

// maxLine bounds a line. A row holds some names and at most a few thousand characters of the
// service's text.
const maxLine = 1 << 20

var (
	lineMark = []byte(`{"type":`)         // the start of each line of a log
	rowMark  = []byte(`{"type":"result"`) // the start of each row
	utf8Mark = []byte("\xEF\xBB\xBF")     // the byte order mark that Windows writes before UTF-8
)

// Read yields the records of r, which holds one or several logs, one after another, as UTF-8.
// It yields those of the given kinds, or all if none is given. A run's Self takes the place of
// the user "me" in its rows.
//
// Read skips lines that are not part of the log, as kubectl logs mixes in, and an incomplete
// last line. c says so, and is complete when Read has ended. Read ends with an error if the
// first line does not describe a run, which is ErrNoRun or ErrFiltered, or at a line that
// cannot be skipped without the loss of a row, which is a *LineError.
func Read(r io.Reader, c *Condition, kinds ...Kind) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		*c = Condition{}
		in := reader{br: bufio.NewReaderSize(r, maxLine), c: c, kinds: kinds}
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

// A reader is the state of Read.
type reader struct {
	br    *bufio.Reader
	c     *Condition
	kinds []Kind
	n     int    // of the line last read
	read  int64  // bytes so far
	self  string // of the run
	rec   Record
	row   Row
}

// next returns the next record of one of the kinds, or io.EOF.
func (in *reader) next() (*Record, error) {
	for {
		text, err := in.line()
		if err != nil {
			return nil, err
		}
		if foreign, err := isForeign(in.n, text); err != nil {
			return nil, err
		} else if foreign {
			in.c.skip(in.n, text)
			continue
		}
		err = in.decode(text)
		if bad, ok := errors.AsType[*LineError](err); ok && in.c.began && in.last() {
			in.c.Torn, in.c.BrokenEnd = true, bad
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
		if !in.c.began && in.rec.Kind != KindRun {
			return nil, ErrFiltered
		}
		in.c.Lines, in.c.Whole = in.n, in.read
		in.c.add(&in.rec)
		if in.wants(in.rec.Kind) {
			return &in.rec, nil
		}
	}
}

// RowAt reads the row whose line starts at an offset of a log.
func RowAt(r io.ReaderAt, offset int64) (*Row, error) {
	text, err := bufio.NewReaderSize(io.NewSectionReader(r, offset, maxLine), 4<<10).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	row := new(Row)
	return row, json.Unmarshal(text, row)
}

// A cappedReader reads up to an offset, which its owner moves with each record. Without it, a
// record that does not end would pull the whole file into memory.
type cappedReader struct {
	r          io.Reader
	off, limit int64
}

var errTooLong = errors.New("longer than 1 MiB")

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.off >= c.limit {
		return 0, errTooLong
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.limit-c.off)])
	c.off += int64(n)
	return n, err
}

// wants reports whether records of a kind are to be yielded.
func (in *reader) wants(kind Kind) bool {
	if len(in.kinds) == 0 {
		return slices.Contains(kinds, kind)
	}
	return slices.Contains(in.kinds, kind)
}

// line returns the next whole line. The last one may lack its line end, if it is JSON.
func (in *reader) line() ([]byte, error) {
	text, err := in.br.ReadSlice('\n')
	in.n++
	size := int64(len(text))
	if in.n == 1 {
		text = bytes.TrimPrefix(text, utf8Mark)
	}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, &LineError{in.n, "is longer than 1 MiB"}
	case err == io.EOF && !json.Valid(text):
		return nil, in.end(text)
	case err != nil && err != io.EOF:
		return nil, err
	}
	in.read += size
	return text, nil
}

// end returns io.EOF, or ErrNoRun for a text that is neither empty nor the beginning of a log.
// torn is its last line, which may be empty.
func (in *reader) end(torn []byte) error {
	in.c.Torn = len(torn) > 0
	if in.c.tail = in.c.Torn && beginsLike(torn, lineMark); in.c.tail {
		in.c.Lines = in.n
	}
	if !in.c.began && (in.n > 1 || !beginsLike(torn, []byte(firstBytes))) {
		return ErrNoRun
	}
	return io.EOF
}

// beginsLike reports whether text begins with mark, as far as there is text.
func beginsLike(text, mark []byte) bool {
	k := min(len(text), len(mark))
	return bytes.Equal(text[:k], mark[:k])
}

// last reports whether there is no further line.
func (in *reader) last() bool {
	_, err := in.br.Peek(1)
	return err == io.EOF
}

// decode makes a record of a line. Rows that nobody wants are checked, and not decoded.
func (in *reader) decode(text []byte) error {
	rec := &in.rec
	*rec = Record{Line: in.n, Offset: in.read - int64(len(text)), Text: text, Kind: KindRow}
	if !bytes.HasPrefix(text, rowMark) {
		var l struct {
			Type Kind `json:"type"`
		}
		if err := json.Unmarshal(text, &l); err != nil {
			return notALine(in.n, text, err)
		}
		rec.Kind = l.Type
	}
	if rec.Kind == KindRow && !in.wants(KindRow) && !in.wants(KindSessions) {
		if !json.Valid(text) {
			return notALine(in.n, text, json.Unmarshal(text, new(Row)))
		}
		return nil
	}
	if err := json.Unmarshal(text, in.target()); err != nil && rec.Kind != KindScanned {
		return notALine(in.n, text, err)
	}
	switch rec.Kind {
	case KindRun:
		rec.Run.interpret()
		in.self = rec.Run.Self
	case KindRow:
		return in.checkRow()
	}
	return nil
}

// target returns what a line of the record's kind is decoded to.
func (in *reader) target() any {
	rec := &in.rec
	switch rec.Kind {
	case KindRun:
		rec.Run = new(Run)
		return rec.Run
	case KindRow:
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

// checkRow puts the signed-in user in the place of "me", and finds the kind of the row.
func (in *reader) checkRow() error {
	if in.row.User == input.Me && in.self != "" {
		in.row.User = in.self
	}
	if in.row.Action == RevokeSessions {
		in.rec.Kind = KindSessions
	}
	if in.row.Outcome == "" {
		return &LineError{in.n, "is damaged: it has no outcome"}
	}
	if !slices.Contains(Outcomes, in.row.Outcome) {
		return fmt.Errorf("line %d has the unknown outcome %q: it is of another version of tapsweep",
			in.n, in.row.Outcome)
	}
	return nil
}

// isForeign reports whether line n is not part of a log but was mixed in, as kubectl logs does
// with standard error. A broken line that begins like a line of a log is part of it. If a line
// of a log follows other text, isForeign returns a *LineError: to skip it would lose a row.
func isForeign(n int, line []byte) (bool, error) {
	switch at := bytes.Index(line, lineMark); {
	case at == 0:
		return false, nil
	case at > 0:
		return false, &LineError{n, fmt.Sprintf("has %q before a line of a results log: remove it "+
			"(kubectl logs adds it with --timestamps or --prefix)", safetext.Printable(string(line[:min(at, 40)])))}
	}
	var l struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(line, &l) != nil || l.Type == "", nil
}

// notALine returns the error for a line that is not part of a results log. err is the error
// of decoding it as JSON, and may be nil.
func notALine(n int, line []byte, err error) *LineError {
	text := bytes.TrimRight(line, "\r\n")
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return &LineError{n, "is empty, and a results log has no empty lines"}
	case len(bytes.Trim(text, "\x00")) == 0:
		return &LineError{n, "holds NUL bytes only: the machine has crashed, " +
			"or the log was truncated while a run was writing to it"}
	case err == nil || !bytes.HasPrefix(text, []byte("{")):
		return &LineError{n, fmt.Sprintf("is not part of a results log: it begins with %q; "+
			"was standard error mixed into the log?",
			safetext.Printable(string(text[:min(len(text), 40)])))}
	}
	return &LineError{n, "is broken: " + err.Error()}
}

// checkUTF8 returns an error for a log in UTF-16, to which no row can be added.
func checkUTF8(f io.ReaderAt) error {
	var mark [2]byte
	if n, _ := f.ReadAt(mark[:], 0); n == 2 && (mark == [2]byte{0xFF, 0xFE} || mark == [2]byte{0xFE, 0xFF}) {
		return errors.New("it is UTF-16, which > of Windows PowerShell writes, but new rows are UTF-8: " +
			"make a copy in UTF-8 (Get-Content LOG | Out-File -Encoding utf8 COPY) and resume with that; " +
			"next time, write the log with --results")
	}
	return nil
}
