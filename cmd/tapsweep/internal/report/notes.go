package report

import (
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// notes are sentences.
type notes []string

func (n *notes) say(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

// Notes are what a reader has to know first, apart from what is not done.
func (r *Report) Notes() []string {
	var n notes
	for _, lg := range r.Logs {
		if lg.Lacks != "" {
			n.say("This report is not complete: %s lacks %s.", lg.Name, lg.Lacks)
		}
	}
	if r.DryRun {
		n.say("This was a dry run: nothing was changed.")
	}
	if slices.ContainsFunc(r.Runs, (*Run).simulated) {
		n.say("This was a simulation: no real tenant was changed.")
	}
	for _, run := range r.Runs {
		run.notes(&n)
	}
	for _, lg := range r.Logs {
		if lg.copied {
			n.say("%s is a copy: its runs are also in another log, and count once.", lg.Name)
		}
		if lg.Torn {
			n.say("The last line of %s is incomplete and was left out.", lg.Name)
		}
		if lg.Stray > 0 {
			n.say("%s.", strayWords(lg.Name, lg.Stray, lg.strayAt))
		}
	}
	if q, ok := r.Waits.Quotas[results.NoConnection]; ok {
		n.say("There was no connection for %s in all, in which nothing could be sent.", seconds(q.Seconds))
	}
	if r.replacedRows > 0 {
		n.say("Users held other passes in place of %s when they were verified: each pass has a row, and the later one "+
			"counts.", count(r.replacedRows, "pass"))
	}
	if r.furtherRows > 0 {
		n.say("%s of users who had several %s an additional row; the last row counts.",
			count(r.furtherRows, "pass"), verb(r.furtherRows, "has", "have"))
	}
	if r.unverifiedUsers > 0 {
		n.say("The proof is not complete: %s %s not checked.",
			count(r.unverifiedUsers, "user"), verb(r.unverifiedUsers, "was", "were"))
	}
	return n
}

// notes adds what to know about a run that did not come to its end.
func (r *Run) notes(n *notes) {
	switch start := timestamp(r.Start); {
	case r.Exit == nil && r.resumed:
		n.say("The run of %s was killed or could not write any more; a later run resumed it.", start)
	case r.Exit == nil:
		n.say("The run of %s was killed, could not write any more, or is still running: %s has no last line of it.",
			start, r.Log)
	case !r.unfinished():
	case r.refused():
		n.say("The run of %s was refused: %s.", start, r.Stopped)
	default:
		n.say("The scan of %s was stopped: %s. It had not scanned all users.", start, r.Stopped)
	}
}
