package report

import (
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/format"
)

// notes are sentences.
type notes []string

func (n *notes) say(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

// Notes are what a reader has to know first.
func (r *Report) Notes() []string {
	var n notes
	if r.DryRun {
		n.say("This was a dry run: nothing was changed.")
	}
	if slices.ContainsFunc(r.Runs, (*Run).simulated) {
		n.say("This was a simulation: no real tenant was changed.")
	}
	r.runNotes(&n)
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
	r.countNotes(&n)
	return n
}

// runNotes are about runs that did not come to their end.
func (r *Report) runNotes(n *notes) {
	for _, run := range r.Runs {
		switch {
		case run.Exit != nil:
		case run.resumed:
			n.say("The run of %s was killed or could not write any more; a later run resumed it.", timestamp(run.Start))
		default:
			n.say("The run of %s was killed, could not write any more, or is still running: %s has no last line of it.",
				timestamp(run.Start), run.Log)
		}
	}
	for _, run := range r.Runs {
		switch {
		case !run.unfinished():
		case run.refused():
			n.say("The run of %s was refused: %s.", timestamp(run.Start), run.Stopped)
		case run.Stopped != "":
			n.say("The scan of %s was stopped: %s. It had not looked at all users.", timestamp(run.Start), run.Stopped)
		default:
			n.say("The scan of %s had not looked at all users.", timestamp(run.Start))
		}
	}
}

// countNotes are about pairs and users that are not what they seem, or of which something is missing.
func (r *Report) countNotes(n *notes) {
	if q, ok := r.offline(); ok {
		n.say("There was no connection for %s in all, in which nothing could be sent.", seconds(q.Seconds))
	}
	if r.replacedRows > 0 {
		n.say("Users held other passes in place of %s when they were verified: "+
			"each pass has a row, and the later one counts.", count(r.replacedRows, "pass"))
	}
	if r.furtherRows > 0 {
		n.say("%s of users who had several %s an additional row; the last row counts.",
			count(r.furtherRows, "pass"), verb(r.furtherRows, "has", "have"))
	}
	if r.unverifiedUsers > 0 {
		n.say("The proof is not complete: %s %s not looked at.",
			count(r.unverifiedUsers, "user"), verb(r.unverifiedUsers, "was", "were"))
	}
	switch {
	case r.implausible == 1:
		n.say("The logs have a time or number that cannot be true, such as a year before 2000; it was left out or cut.")
	case r.implausible > 1:
		n.say("The logs have %s times or numbers that cannot be true, such as years before 2000; "+
			"they were left out or cut.", format.Number(r.implausible))
	}
}
