package revoke

import "tapsweep/cmd/tapsweep/internal/results"

// abort watches the first outcomes of a run for a missing permission. It is the number of denied
// answers that end the run. Zero or less never ends it.
type abort int

// note counts the outcome of a row, and returns true if the first answers were all denied. One
// answer that an app without the permission could not get turns it off for good. A row without an
// answer, or one whose attempts all failed, says nothing about permissions.
func (a *abort) note(o results.Outcome) bool {
	switch o {
	case results.Denied:
		*a--
		return *a == 0
	case results.Revoked, results.Absent, results.Planned, results.Replaced, results.UnknownUser, results.Rejected:
		*a = 0
	}
	return false
}
