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
	User string // whose passes would have been too many
	Held int    // how many of these were to be deleted
}

func (e *BoundError) Error() string {
	passes := "a pass"
	if e.Held > 1 {
		passes = fmt.Sprintf("the %d passes", e.Held)
	}
	return fmt.Sprintf("--max-items %d would be exceeded by %s of %s", e.Max, passes, batch.Printable(e.User))
}

// room reports whether n passes of a pair's user may be deleted, and counts them. If
// they may not, the run is stopped before the first of them is deleted.
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

// uncounted is how many of the passes that a look has found room has not counted yet. It
// counted the pass that a pair names when the pair began.
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

// noRoom is the row of a pair that room has turned down.
func (j *Job) noRoom(w *work) results.Row {
	row := results.Row{Outcome: results.NotSent, Message: j.full.Error()}
	if w.revoked || w.uncertain {
		row.Outcome = results.Replaced // something was sent, and the user holds a pass
	}
	return row
}
