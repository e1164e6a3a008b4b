package revoke

import (
	"fmt"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A BoundError ends a run before it deletes more passes than Options.MaxDeletes.
type BoundError struct {
	Max  int    // Options.MaxDeletes
	User string // the user whose pass would exceed it
}

func (e *BoundError) Error() string {
	return fmt.Sprintf("--max-items %d would be exceeded by a pass of %s", e.Max, safetext.Printable(e.User))
}

// mayDelete reports whether the pass of a pair may be deleted, and counts it. If not, it writes the
// pair's row and stops the run.
func (j *Job) mayDelete(s *pairState) bool {
	if j.opts.MaxDeletes <= 0 || j.deletes < j.opts.MaxDeletes {
		j.deletes++
		return true
	}
	if j.bound == nil {
		j.bound = &BoundError{Max: j.opts.MaxDeletes, User: s.pair.User}
		j.stop(j.bound)
	}
	j.finish(s, results.Row{Outcome: results.NotSent, Message: j.bound.Error()})
	return false
}
