package revoke

import "tapsweep/cmd/tapsweep/internal/results"

// abort is the number of further denied answers that end a run whose first answers are all denied. Zero or less
// never ends the run.
type abort int

// note counts the outcome of a row, and returns true if the first answers were all denied. An answer that needs
// the permission turns the check off. A row without an answer, or with only failed attempts, does not count.
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
