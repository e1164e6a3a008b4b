package revoke

import (
	"tapsweep/cmd/tapsweep/internal/results"
)

// abort watches the first outcomes of a run for a permission that is missing.
type abort struct {
	limit  int
	denied int
	off    bool
}

// newAbort returns an abort for n outcomes. Zero or less never aborts.
func newAbort(n int) *abort { return &abort{limit: n, off: n <= 0} }

// note takes in the outcome of the next row. It tells once, with the row that makes
// it n, that the first n answers were all denied. One answer that a denied app
// could not have got switches it off for good; a row without an answer, or one that
// failed to the last attempt, says nothing about permissions.
func (a *abort) note(o results.Outcome) bool {
	switch o {
	case results.Denied:
		a.denied++
	case results.Revoked, results.Absent, results.Planned, results.Replaced, results.UnknownUser, results.Rejected:
		a.off = true
	}
	if a.off || a.denied < a.limit {
		return false
	}
	a.off = true
	return true
}
