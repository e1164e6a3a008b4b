package input

import (
	"io"
	"iter"
)

// A Reader reads lists in a form that this package does not know. start is the beginning of the
// list as UTF-8, up to 64 KiB, and text returns the whole of it, from its start, as often as
// wanted. A Reader returns nil if it does not know the form either. An error that is a *LineError,
// of the Reader or after a row, means that the rest of the list cannot be read.
type Reader func(name string, start []byte, text func() io.Reader) (iter.Seq2[Row, error], error)

// A Row is one row of a list. A Reader sets Line, User, UPN, Method, Creation, Out, and in Err why the row is
// refused; User, UPN and Method are then checked as in any other list. After the checks either Err is set, or the
// row names a user. In a refused row, User and Method are as written.
type Row struct {
	Pair
	Out LeftOut // of a row that a Reader reads
}

// LeftOut says why a row is left out.
type LeftOut int

// The reasons.
const (
	OutNone      LeftOut = iota // it is not left out
	OutDone                     // nothing is left to do for it
	OutProtected                // it was protected
	OutRefused                  // it was refused earlier, as Err says; the list is not refused because of it
)

// readForeign yields the rows that a Reader reads.
func (s *source) readForeign(rows iter.Seq2[Row, error], err error) error {
	if err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		next := s.newRow(r.Line)
		next.Creation, next.Out = r.Creation, r.Out
		switch users := []string{r.User, r.UPN}; {
		case s.usersOnly: // every user counts
			next = next.fill(users, nil)
		case r.Out == OutNone, r.Out == OutRefused:
			next = next.fill(users, []string{r.Method})
			if r.Err != nil {
				next = next.refuse(r.Err)
			}
		}
		s.yield(next)
	}
	return nil
}
