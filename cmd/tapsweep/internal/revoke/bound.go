package revoke

import (
	"fmt"

	"tapsweep/batch"
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
	return fmt.Sprintf("--max-items %d would be exceeded by %s of %s", e.Max, passes, batch.Printable(e.User))
}

// room reports whether n passes of a pair's user may be deleted, and counts them. If not, it
// stops the run before the first of them is deleted.
func (j *Job) room(w *work, n int) bool {
	if j.opts.MaxDeletes <= 0 || j.deletes+n <= j.opts.MaxDeletes {
		j.deletes += n
		return true
	}
	if j.full == nil {
		j.full = &BoundError{Max: j.opts.MaxDeletes, User: w.pair.User, Held: n}
		j.stop(j.full)
	}
	return false
}

// uncounted returns how many of the passes in held room has not counted yet. A pass that the
// pair names was counted when the pair began.
func (j *Job) uncounted(w *work, held []passes.Pass) int {
	switch {
	case w.method == "":
		return len(held)
	case !j.any(w), j.opts.DryRun:
		return 0
	case passes.Find(held, w.method) != nil:
		return len(held) - 1
	}
	return len(held)
}

// noRoom returns the row of a pair for which room has returned false.
func (j *Job) noRoom(w *work) results.Row {
	row := results.Row{Outcome: results.NotSent, Message: j.full.Error()}
	if w.revoked || w.uncertain {
		row.Outcome = results.Replaced // a delete was sent, and the user has another pass
	}
	return row
}
