package revoke

import (
	"fmt"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/answer"
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

// denials counts the denied answers of a run that gets no other answer.
type denials struct {
	limit  int  // how many of them end the run; zero or less never ends it
	all    int  // the denied answers
	first  int  // those of all that no earlier run got
	others bool // an answer came that needs the permission
}

// note counts the outcome of a row, and returns true if it ends the run. again is set if an earlier run was denied the
// same. A row without an answer, or with only failed attempts, does not count.
func (d *denials) note(o results.Outcome, again bool) bool {
	switch o {
	case results.Denied:
		d.all++
		if again {
			return false
		}
		d.first++
		return d.first == d.limit && !d.others
	case results.Revoked, results.Absent, results.Planned, results.Replaced, results.UnknownUser, results.Rejected:
		d.others = true
	}
	return false
}

// reached reports whether the run got as many denied answers as end a run, and no other answer.
func (d *denials) reached() bool { return d.limit > 0 && d.all >= d.limit && !d.others }

// abortIfDenied ends the run if the first answers were all denied.
func (j *Job) abortIfDenied(d *denials, row *results.Row) {
	again := row.Outcome == results.Denied && j.opts.Earlier.WasDenied(row)
	if d.note(row.Outcome, again) {
		j.stop(fmt.Errorf("%w: the first %d answers", answer.ErrAllDenied, j.opts.AbortAfter))
	}
}

// AllDenied returns answer.ErrAllDenied if the answers were all denied, and at least AbortAfter. It also counts those
// that an earlier run was denied, which do not end the run.
func (j *Job) AllDenied() error {
	if j.denials.reached() || j.scanDenials.reached() {
		return answer.ErrAllDenied
	}
	return nil
}
