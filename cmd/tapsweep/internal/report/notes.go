package report

import (
	"fmt"
	"slices"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Notes returns sentences that a reader must know first, except about rows that are not done.
func (r *Report) Notes() (notes []string) {
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.DryRun {
		say("This was a dry run: nothing was changed.")
	}
	if slices.ContainsFunc(r.Runs, func(run *ReportedRun) bool { return run.header.Simulated }) {
		say("This was a simulation: no real tenant was changed.")
	}
	for _, run := range r.Runs {
		if note := run.note(); note != "" {
			say("The run of %s %s.", timestamp(run.Start), note)
		}
	}
	if len(r.Resume) > 0 || r.Sessions != nil && len(r.Sessions.Resume) > 0 {
		notes = append(notes, r.signInNotes()...)
	}
	for _, lg := range r.Logs {
		if lg.Lacks != "" {
			say("This report is not complete: %s lacks %s.", lg.Name, lg.Lacks)
		}
		for _, words := range []string{lg.skipped, lg.ahead} {
			if words != "" {
				say("%s.", words)
			}
		}
		if lg.Torn {
			say("The last line of %s is incomplete and was left out.", lg.Name)
		}
	}
	if q, ok := r.Waits.Quotas[results.NoConnection]; ok {
		say("There was no connection for %s in all, in which nothing could be sent.", seconds(q.Seconds))
	}
	if r.beside > 0 {
		say("%s %s listed and not counted: another pass of the same user counts for %s.", count(r.beside, "pass"),
			verb(r.beside, "is", "are"), verb(r.beside, "it", "them"))
	}
	if r.twoNames > 0 {
		say("The sessions of %s have rows by object ID and by name, and count twice.", count(r.twoNames, "user"))
	}
	if r.unverifiedUsers > 0 {
		say("The proof is not complete: %s %s not checked.",
			count(r.unverifiedUsers, "user"), verb(r.unverifiedUsers, "was", "were"))
	}
	return notes
}

// aheadWords says that a log has a line from the future. It is empty if there is none. The log is not refused, because
// evidence has a report even if the clock was wrong.
func (lg *sourceLog) aheadWords() string {
	if lg.ahead.IsZero() {
		return ""
	}
	return fmt.Sprintf("Line %d of %s is from the future (%s), so it may count in place of each other log: check the "+
		"clock of the computer that wrote it, and of this one", lg.aheadLine, safetext.Printable(lg.name),
		lg.ahead.UTC().Format(time.RFC3339))
}

// signInNotes names the flags that the commands of the report lack.
func (r *Report) signInNotes() (notes []string) {
	for _, run := range r.Runs {
		note := run.header.SignInNote(run.Log) + "."
		if note != "." && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}

// note returns a sentence about a run that did not complete.
func (r *ReportedRun) note() string {
	switch {
	case r.Exit == nil && r.resumed:
		return "was killed or could not write any more; a later run resumed it"
	case r.Exit == nil:
		return "was killed, could not write any more, or is still running: " + r.Log + " has no last line of it"
	case !r.unfinished():
		return ""
	case r.refused():
		return "was refused: " + r.Stopped
	}
	return "was stopped: " + r.Stopped + ". It had not scanned all users"
}
