package revoke

import (
	"fmt"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A BoundError ends a run before it deletes more passes than Options.MaxDeletes.
type BoundError struct {
	Max  int    // Options.MaxDeletes
	User string // the user whose passes would exceed it
	Held int    // how many of this user's passes were to be deleted; 0 means one
}

func (e *BoundError) Error() string {
	passes := "a pass"
	if e.Held > 1 {
		passes = fmt.Sprintf("the %d passes", e.Held)
	}
	return fmt.Sprintf("--max-items %d would be exceeded by %s of %s", e.Max, passes, safetext.Printable(e.User))
}

// mayDelete reports whether n more passes may be deleted for a pair, and counts them. It counts passes when
// they are found: if a user holds too many, none of them is deleted. If they may not be deleted, it writes
// the pair's row and stops the run.
func (j *Job) mayDelete(s *pairState, n int) bool {
	if j.opts.MaxDeletes <= 0 || j.deletes+n <= j.opts.MaxDeletes {
		j.deletes += n
		return true
	}
	if j.bound == nil {
		j.bound = &BoundError{Max: j.opts.MaxDeletes, User: s.pair.User, Held: n}
		j.stop(j.bound)
	}
	j.finish(s, results.Row{Outcome: results.NotSent, Message: j.bound.Error()})
	return false
}
