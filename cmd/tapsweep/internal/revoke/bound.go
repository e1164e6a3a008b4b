package revoke

import (
	"fmt"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/passes"
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

// room reports whether the passes may be deleted for a pair, and counts those that it has not
// counted for the pair yet. If they may not, it stops the run before one of them is deleted.
func (j *Job) room(w *work, held ...passes.Pass) bool {
	if j.opts.MaxDeletes <= 0 {
		return true
	}
	var more []string
	for _, p := range held {
		if !w.hasCounted(p.ID) {
			more = append(more, p.ID)
		}
	}
	if j.deletes+len(more) <= j.opts.MaxDeletes {
		j.deletes += len(more)
		w.counted = append(w.counted, more...)
		return true
	}
	if j.full == nil {
		j.full = &BoundError{Max: j.opts.MaxDeletes, User: w.pair.User, Held: len(more)}
		j.stop(j.full)
	}
	return false
}

func (w *work) hasCounted(pass string) bool {
	return slices.ContainsFunc(w.counted, func(id string) bool { return strings.EqualFold(id, pass) })
}

// uncount takes back that room has counted a pass: its DELETE deleted nothing.
func (j *Job) uncount(w *work, pass string) {
	if w.hasCounted(pass) {
		j.deletes--
		w.counted = slices.DeleteFunc(w.counted, func(id string) bool { return strings.EqualFold(id, pass) })
	}
}

// noRoom returns the row of a pair for which room has returned false. A run that resumes this
// one tries the pair again, with either outcome.
func (j *Job) noRoom(w *work) results.Row {
	row := results.Row{Outcome: results.NotSent, Message: j.full.Error()}
	if w.revoked {
		row.Outcome = results.Remains // other passes of the user were deleted
	}
	return row
}

// noRoomFor is noRoom for passes that a look has found. The row names the pass that the pair
// was about, if it is still there, or else the first of them.
func (j *Job) noRoomFor(w *work, held []passes.Pass) results.Row {
	if passes.Find(held, w.method) == nil {
		w.method, w.reason = held[0].ID, ""
	}
	w.uncertain = false // what was to be deleted is there, or has a row of its own
	return j.noRoom(w)
}
