package results

import (
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
)

// AboutPass reports whether the row is about a pass. Other rows are about a user whose passes are not known, or who has
// none, or about an invalid row of a list.
func (r *Row) AboutPass() bool {
	switch r.Outcome {
	case Revoked, Planned, Found, Remains, Replaced:
		return true
	case UnknownUser, Invalid:
		return false
	}
	return r.Method != ""
}

// Unseen says that the scan of a run ended early, so the log does not know all passes.
const Unseen = "The scan ended early: users who were not scanned may have passes."

// A Tally has the numbers for the sentences with which a run and a report say what happened to the passes.
type Tally struct {
	Rows        map[Outcome]int // the rows by outcome
	NoPass      map[Outcome]int // those that are not about a pass, see Row.AboutPass
	NoRow       int             // rows of the list without a row in the log
	Unverified  int             // rows about passes that are gone, and that should have been verified
	DryRun      bool
	Scans       bool // the users come from a scan, not from a list
	ScanStopped bool // the scan did not end
}

// Gone returns the number of passes that are gone.
func (t *Tally) Gone() int { return t.passes(Revoked) + t.passes(Absent) }

// LeftPasses returns the number of passes for which something is left to do.
func (t *Tally) LeftPasses() int { return t.left(t.passes) }

// leftUsers returns the number of users whose passes are not known. Users that do not exist have no passes.
func (t *Tally) leftUsers() int {
	return t.left(func(o Outcome) int { return t.NoPass[o] }) - t.NoPass[UnknownUser] - t.NoPass[Invalid]
}

func (t *Tally) left(count func(Outcome) int) (n int) {
	for _, o := range Outcomes {
		if o.Left() {
			n += count(o)
		}
	}
	return n
}

func (t *Tally) passes(o Outcome) int { return t.Rows[o] - t.NoPass[o] }

// Passes returns a sentence with the number of passes that are gone, and of those that are left. It says "all" only if
// no pass can be left that is not known.
func (t *Tally) Passes() string {
	done, left, gone := t.Gone(), t.LeftPasses(), "gone"
	if t.DryRun {
		done += t.passes(Planned)
		gone = "gone, or can be deleted"
	}
	all := done + left
	complete := t.leftUsers()+t.NoPass[UnknownUser]+t.NoPass[Invalid]+t.NoRow == 0 && !t.ScanStopped
	switch passes := format.Plural(all, "pass is", "passes are"); {
	case all == 0 && complete:
		return "There was no pass to delete."
	case all == 0:
		return "No pass was deleted."
	case left > 0:
		return fmt.Sprintf("%s of %s %s, %s left.", format.Number(done), passes, gone, format.Plural(left, "is", "are"))
	case all == 1:
		return fmt.Sprintf("The pass is %s.", gone)
	case complete:
		return fmt.Sprintf("All %s %s.", passes, gone)
	default:
		return fmt.Sprintf("%s %s.", passes, gone)
	}
}

// Rest returns sentences about everything that Passes does not count.
func (t *Tally) Rest() (sentences []string) {
	add := func(n int, one, many string) {
		if n > 0 {
			sentences = append(sentences, format.Plural(n, one, many)+".")
		}
	}
	if t.Scans {
		add(t.leftUsers(), "user could not be scanned", "users could not be scanned")
	} else {
		add(t.leftUsers(), "user is left", "users are left")
	}
	add(t.NoPass[UnknownUser], "user does not exist", "users do not exist")
	add(t.NoPass[Invalid], "row is invalid", "rows are invalid")
	add(t.NoRow, "row of the list has no result", "rows of the list have no result")
	add(t.NoPass[Absent], "user has no pass", "users have no pass")
	add(t.passes(Found), "pass was found and not touched", "passes were found and not touched")
	add(t.Unverified, "pass is not verified", "passes are not verified")
	add(t.Rows[Protected], "row of a protected user is left out", "rows of protected users are left out")
	return sentences
}
