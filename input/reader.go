package input

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// A Reader reads lists in a form that this package does not know. start is the beginning of the
// list as UTF-8, up to 64 KiB, and open returns the whole of it. A Reader returns nil if it does
// not know the form either. The rows are read several times, and must be the same each time. An
// error that is a *LineError, of the Reader or after a row, means that the rest of the list
// cannot be read.
type Reader func(name string, start []byte, open func() (io.ReadCloser, error)) (iter.Seq2[Row, error], error)

// A Row is one row of a list that a Reader reads. User, UPN and Method are checked as in any
// other list.
type Row struct {
	Line              int // on which the row starts, counted from 1
	User, UPN, Method string
	Left              Left

	// Err says why the row is refused. Field is "user" or "method" if one of them is to blame.
	Err   error
	Field string
}

// Left says why a row is left out.
type Left int

// The reasons.
const (
	LeftNone      Left = iota // it is not left out
	LeftDone                  // nothing is left to do for it
	LeftProtected             // it was protected
	LeftRefused               // it was refused earlier, as Err says; the list is not refused because of it
	LeftUnknown               // it says nothing of what became of its pair
)

// row checks a row as one of any other list.
func (r *Row) row() row {
	rec := record{nameUser: r.User, nameUPN: r.UPN, nameMethod: r.Method}
	checked := rec.row(r.Line)
	checked.left = r.Left
	switch {
	case checked.isLeftOut():
		checked.err = nil
	case r.Err != nil:
		checked = checked.refuse(r.Field, r.Err)
	}
	return checked
}

// isLeftOut reports whether a row is not a pair of the list.
func (r *row) isLeftOut() bool {
	return r.left == LeftDone || r.left == LeftProtected || r.left == LeftUnknown
}

// recognise finds out whether the list is empty, and whether the Reader knows its form.
func (s *source) recognise(read Reader) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	start, _ := decode(f).Peek(bufferBytes) // an error comes again with the first read
	err = f.Close()
	if s.blank = len(bytes.TrimSpace(start)) == 0; err != nil || s.blank || read == nil || s.format == formatNamed {
		return err
	}
	s.foreign, err = read(s.name, start, func() (io.ReadCloser, error) {
		f, err := s.open()
		if err != nil {
			return nil, err
		}
		return decoded{decode(f), f}, nil
	})
	if _, ok := errors.AsType[*LineError](err); ok {
		s.foreign = func(yield func(Row, error) bool) { yield(Row{}, err) } // as the first pass finds
		return nil
	}
	return err
}

// decoded is a list as UTF-8.
type decoded struct {
	io.Reader
	io.Closer
}

// readForeign yields the rows that the Reader reads.
func (s *source) readForeign(yield func(row) bool) error {
	for r, err := range s.foreign {
		if err != nil {
			return err
		}
		if !yield(r.row()) {
			return errStop
		}
	}
	return nil
}
