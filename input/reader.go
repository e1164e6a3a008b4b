package input

import (
	"io"
	"iter"
)

// A Reader reads lists in a format that this package does not know. start is the beginning of the list in UTF-8, up to
// 64 KiB. text returns a reader of the whole list, and may be called several times. A Reader returns nil if it does not
// know the format either. If it returns or yields a *LineError, the rest of the list cannot be read. Open calls the
// Reader for all lists before it reads the rows of the first one.
type Reader func(name string, start []byte, text func() io.Reader) (iter.Seq2[ListRow, error], error)

// A ListRow is one row of a list that a Reader reads. User, UPN and Method are checked as in any other list.
type ListRow struct {
	Pair
	Out LeftOut // of a row that a Reader reads

	hasCode bool // the row has the pass itself
}

// LeftOut is the reason why a row is left out.
type LeftOut int

// The reasons.
const (
	OutNone       LeftOut = iota // the row is not left out
	OutDone                      // nothing is left to do for the row
	OutProtected                 // the user of the row was protected
	OutRefused                   // an earlier run refused the row, see Err; the list is not refused because of it
	OutSuperseded                // another row counts in place of the row
)

// readForeign yields the rows that a Reader reads.
func (s *source) readForeign() error {
	if s.foreignErr != nil {
		return s.foreignErr
	}
	for r, err := range s.foreign {
		switch {
		case err != nil:
			return err
		case r.Out == OutSuperseded:
			s.superseded = true
			continue
		}
		next := s.newRow(r.Line)
		next.Creation, next.Out = r.Creation, r.Out
		switch users := []string{r.User, r.UPN}; {
		case s.usersOnly: // a list of users has the users of all rows
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
