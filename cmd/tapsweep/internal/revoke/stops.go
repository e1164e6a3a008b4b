package revoke

import (
	"fmt"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A BoundError is the error of a run that would otherwise delete more passes than Options.MaxDeletes.
type BoundError struct {
	Max  int    // Options.MaxDeletes
	User string // the user whose passes would exceed it
	Held int    // how many passes of this user the run would have deleted; 0 means one
}

func (e *BoundError) Error() string {
	passes := "a pass"
	if e.Held > 1 {
		passes = fmt.Sprintf("the %d passes", e.Held)
	}
	return fmt.Sprintf("--max-items %d would be exceeded by %s of %s", e.Max, passes, safetext.Printable(e.User))
}

// mayDelete reports whether the run may delete n more passes for a pair, and counts them. It counts all passes of
// a user before the first one is deleted: if they exceed the limit, none of them is deleted. Then mayDelete writes
// the row of the pair and stops the run.
func (j *Job) mayDelete(s *subject, n int) bool {
	if j.opts.MaxDeletes <= 0 || j.deletes+n <= j.opts.MaxDeletes {
		j.deletes += n
		return true
	}
	if j.bound == nil {
		j.bound = &BoundError{Max: j.opts.MaxDeletes, User: s.pair.User, Held: n}
		j.stop(j.bound)
	}
	j.writeLastRow(s, results.Row{Outcome: results.NotSent, Message: j.bound.Error()})
	return false
}

// denialsLeft is the number of further denied answers that end a run whose first answers are all denied. Zero or less
// never ends the run.
type denialsLeft int

// note counts the outcome of a row, and returns true if the first answers were all denied. An answer that needs
// the permission turns the check off. A row without an answer, or with only failed attempts, does not count.
func (a *denialsLeft) note(o results.Outcome) bool {
	switch o {
	case results.Denied:
		*a--
		return *a == 0
	case results.Revoked, results.Absent, results.Planned, results.Replaced, results.UnknownUser, results.Rejected:
		*a = 0
	}
	return false
}
