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

// A RecordKind is the type of a line of a log, as its key "type" names it.
type RecordKind string

// The kinds of lines. Read skips lines of other kinds, which other versions may write.
const (
	KindRun     RecordKind = "run"
	KindRow     RecordKind = "result"
	KindWait    RecordKind = "wait"
	KindScanned RecordKind = "scanned"
	KindEnd     RecordKind = "end"

	// KindSessions is a row whose Action is RevokeSessions. On the line its type is that of every
	// row. Here it is a kind of its own, so that whoever reads rows reads those of passes.
	KindSessions RecordKind = "sessions"
)

// A Record is one line of a log. The field of its Kind is set, Row for KindSessions, and the
// others are nil. It is valid until the next one is read.
type Record struct {
	Kind   RecordKind
	Line   int   // from 1
	Offset int64 // of the first byte of the line
	Text   []byte

	Run     *Run
	Row     *Row
	Wait    *Wait
	Scanned *Scanned
	End     *End
}

// A LogError says at which line a file is not what the runs of a log wrote.
type LogError struct {
	Line int // from 1
	What string
}

func (e *LogError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.What) }

// ErrNoRun is the error for a file that does not begin like a results log.
var ErrNoRun = errors.New("it is not a results log, or not a whole one: its first line does not describe a run")

// maxLine bounds a line. A row holds some names and at most a few thousand characters of the
// service's text.
const maxLine = 1 << 20

// lineMark is the start of each line of a log. The kind follows.
const lineMark = `{"type":"`

// byteOrderMark is what Windows writes before UTF-8.
const byteOrderMark = "\xEF\xBB\xBF"

// Read yields the records of r, which holds one or several logs, one after another, as UTF-8.
// It yields those of the given kinds, or all if none is given. A run's Self takes the place of
// the user "me" in its rows.
//
// Read skips lines that are not part of a log, as kubectl logs mixes in, and a last line that is not
// complete. c says so, and is complete when Read has ended. Read ends with an error, which is a *LogError
// or ErrNoRun, at a line that is broken or that hides a line of a log, and in a file without a run.
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
	kinds []RecordKind // empty for all
	n     int          // of the line last read
	self  string       // of the run
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
			return nil, &LogError{in.n, "the line is longer than 1 MiB"}
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

// isForeign reports whether a line was mixed into the log. A line that hides a line of the log is an error.
func (in *logReader) isForeign(text []byte) (bool, error) {
	at := bytes.Index(text, []byte(lineMark))
	var line struct{ Type string }
	switch {
	case at > 0:
		return false, &LogError{in.n, fmt.Sprintf("it has %q before a line of a results log: remove that text "+
			"(kubectl logs adds it with --timestamps or --prefix)", safetext.Printable(string(text[:min(at, 40)])))}
	case at == 0, !bytes.HasSuffix(text, []byte("\n")) && !json.Valid(text): // it may be torn
		return false, nil
	}
	return json.Unmarshal(text, &line) != nil || line.Type == "", nil
}

// foreign returns the error for a line that is not part of a log.
func (in *logReader) foreign(text []byte) *LogError {
	return &LogError{in.n, fmt.Sprintf("it is not part of a results log, because it begins with %q: "+
		"keep only the lines that begin with %s", safetext.Printable(string(text[:min(len(text), 40)])), lineMark)}
}

// torn reports whether a line is the last one of a log and is broken, because its run was killed while
// writing it.
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

// RowAt reads the row whose line starts at an offset of a log.
func RowAt(r io.ReaderAt, offset int64) (*Row, error) {
	text, err := bufio.NewReaderSize(io.NewSectionReader(r, offset, maxLine), 4<<10).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	row := new(Row)
	return row, json.Unmarshal(text, row)
}

// wants reports whether records of a kind are to be yielded. Those of an unknown kind, which another
// version has written, are not.
func (in *logReader) wants(kind RecordKind) bool {
	if len(in.kinds) == 0 {
		return slices.Contains([]RecordKind{KindRun, KindRow, KindSessions, KindWait, KindScanned, KindEnd}, kind)
	}
	return slices.Contains(in.kinds, kind)
}

// decode makes a record of a line. Rows that nobody wants are not decoded.
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
		return &LogError{in.n, "the line is broken: " + err.Error()}
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

// target returns what a line of the record's kind is decoded to.
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

// checkRow puts the signed-in user in the place of "me", and finds the kind of the row.
func (in *logReader) checkRow() error {
	if in.row.User == input.Me && in.self != "" {
		in.row.User = in.self
	}
	if in.row.Action == RevokeSessions {
		in.rec.Kind = KindSessions
	}
	if !slices.Contains(Outcomes, in.row.Outcome) {
		return &LogError{in.n, fmt.Sprintf("the outcome %q is not known: the log is damaged, or of another "+
			"version of tapsweep", safetext.Printable(string(in.row.Outcome)))}
	}
	return nil
}
