package input

import (
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
	Creation          Creation
	Left              Left
	Err               error // why the row is refused, nil if it is not
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
	checked.left, checked.creation = r.Left, r.Creation
	switch {
	case checked.isLeftOut():
		checked.err = nil
	case r.Err != nil:
		checked = checked.refuse(r.Err)
	}
	return checked
}

// userRow checks a row of a list of users, in which every user counts: also one whose pair is
// left out of a list of pairs.
func (r *Row) userRow() row {
	rec := record{nameUser: r.User, nameUPN: r.UPN}
	checked := rec.row(r.Line)
	if checked.left = r.Left; checked.left == LeftRefused && checked.err != nil {
		checked.err.Msg = "the run of this log refused the row, and it names no user: " +
			"name the user in a list of its own"
	}
	return checked
}

// isLeftOut reports whether a row is not a pair of the list.
func (r *row) isLeftOut() bool {
	return r.left == LeftDone || r.left == LeftProtected || r.left == LeftUnknown
}

// askReader sets foreign if the Reader knows the form of the list, which begins with start.
func (s *source) askReader(read Reader, start []byte) error {
	rows, err := read(s.name, start, func() (io.ReadCloser, error) {
		f, err := s.open()
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{Decode(f), f}, nil
	})
	if bad, ok := errors.AsType[*LineError](err); ok {
		rows, err = func(yield func(Row, error) bool) { yield(Row{}, bad) }, nil // as the first pass finds
	}
	s.foreign = rows
	return err
}

// readForeign yields the rows that the Reader reads.
func (s *source) readForeign(yield func(row) bool) error {
	for r, err := range s.foreign {
		if err != nil {
			return err
		}
		checked := r.row()
		if s.usersOnly {
			checked = r.userRow()
		}
		if !yield(checked) {
			return errStop
		}
	}
	return nil
}
