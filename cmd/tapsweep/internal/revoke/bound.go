package revoke

import (
	"fmt"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A BoundError ends a run before it deletes more passes than Options.MaxDeletes.
type BoundError struct {
	Max  int    // Options.MaxDeletes
	User string // the user whose passes would exceed it
	Held int    // the number of this user's passes that were to be deleted
}

func (e *BoundError) Error() string {
	passes := "a pass"
	if e.Held > 1 {
		passes = fmt.Sprintf("the %d passes", e.Held)
	}
	return fmt.Sprintf("--max-items %d would be exceeded by %s of %s", e.Max, passes, safetext.Printable(e.User))
}

// reserve reports whether the passes may be deleted for a pair, and counts those that it has not
// counted for the pair yet. If they may not, it stops the run before one of them is deleted.
func (j *Job) reserve(s *pairState, held ...pass.Pass) bool {
	if j.opts.MaxDeletes <= 0 {
		return true
	}
	more := slices.DeleteFunc(slices.Clone(held), func(p pass.Pass) bool {
		return pass.Find(s.counted,
			p.ID) != nil
	})
	if j.deletes+len(more) <= j.opts.MaxDeletes {
		j.deletes += len(more)
		s.counted = append(s.counted, more...)
		return true
	}
	if j.bound == nil {
		j.bound = &BoundError{Max: j.opts.MaxDeletes, User: s.pair.User, Held: len(more)}
		j.stop(j.bound)
	}
	return false
}

// release takes back what reserve has counted for a pass, because its DELETE deleted nothing.
func (j *Job) release(s *pairState, id string) {
	if pass.Find(s.counted, id) != nil {
		j.deletes--
		s.counted = slices.DeleteFunc(s.counted, func(p pass.Pass) bool { return strings.EqualFold(p.ID, id) })
	}
}

// boundRow returns the row of a pair for which reserve has returned false. A run that resumes this
// one tries the pair again, with either outcome.
func (j *Job) boundRow(s *pairState) results.Row {
	row := results.Row{Outcome: results.NotSent, Message: j.bound.Error()}
	if s.revoked {
		row.Outcome = results.Remains // other passes of the user were deleted
	}
	return row
}

// boundRowFor is boundRow for passes that a LIST has shown. The row names the pair's pass if it is
// still there, or else the first of them.
func (j *Job) boundRowFor(s *pairState, held []pass.Pass) results.Row {
	if pass.Find(held, s.method) == nil {
		s.method, s.reason = held[0].ID, ""
	}
	s.uncertain = false // the pass is there, or it has a row of its own
	return j.boundRow(s)
}
