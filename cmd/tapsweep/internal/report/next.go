package report

import (
	"cmp"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A NextCommand is a command that handles what a log left.
type NextCommand struct {
	Log     string `json:"log"`
	Left    int    `json:"left"`           // passes or users to do or to verify, and list rows without a row
	Command string `json:"command"`        // empty if there is none; then Note says why
	Note    string `json:"note,omitempty"` // further information

	nextTask
	noun       string // "pass" or "user": the thing that Left counts
	unverified int    // how many of Left are gone but not verified
	withoutRow int    // how many of Left are rows of the list without a row in the log

	Causes []causeCount `json:"-"` // see steps
}

// A nextTask is what the next run does with a log: it resumes the run of the log, or uses the log as its list. The zero
// task means no run.
type nextTask struct {
	log  *sourceLog
	list bool
}

// taskOf returns the task that tries a row again.
func taskOf(row *reportedRow) nextTask {
	run := row.log.last()
	byVerify := row.verifyLog != nil || run.kind() == "verify"
	// A verify that was not stopped writes not_sent if the logs have no call that revokes the sessions.
	neverCalled := row.Action == results.RevokeSessions && row.Outcome == results.NotSent &&
		run.kind() == "verify" && run.Exit != nil && run.Stopped == ""
	switch {
	case neverCalled:
		return nextTask{row.log, true}
	case row.Outcome == results.Remains && (row.Action != results.RevokeSessions || byVerify):
		lg := cmp.Or(row.verifyLog, row.log)
		return nextTask{lg, lg.last().Exit != nil} // a log without an end cannot be a list
	case row.Retryable(), row.unverified:
		return nextTask{row.log, false}
	}
	return nextTask{}
}

// nextCommands finds the commands for the rows that are left.
func (r *Report) nextCommands(l *Logs) {
	withoutRow := l.withoutRow()
	for _, lg := range l.logs {
		run, name := lg.last(), safetext.Printable(lg.name)
		resume := NextCommand{Log: name, nextTask: nextTask{lg, false}, Left: r.tasks[nextTask{lg, false}],
			noun: "pass", unverified: r.unverified[lg], withoutRow: withoutRow[lg]}
		if run.kind() == "scan" || run.kind() == "verify" {
			resume.noun = "user"
		}
		resume.Left = plus(resume.Left+resume.unverified, resume.withoutRow)
		if resume.Left > 0 || run.unfinished() {
			verify := resume.unverified > 0 && run.kind() != "verify"
			resume.Command, resume.Note = resumeCommand(lg.name, &run.header, verify)
			if run.refused() && resume.Command != "" {
				resume.Note = strings.TrimPrefix(resume.Note+", after you fix what it was refused for", ", ")
			}
			r.Resume = append(r.Resume, resume)
		}
		revoke := NextCommand{Log: name, nextTask: nextTask{lg, true}, Left: r.tasks[nextTask{lg, true}], noun: "pass"}
		if revoke.Left > 0 {
			words := run.header.RevokeWith(lg.name)
			if r.Sessions.tasks[revoke.nextTask] {
				words = run.header.RevokeSessionsWith(lg.name)
			}
			revoke.Command, revoke.Note = commandOf(&run.header, words)
			if r.unnamed[lg] && revoke.Command != "" {
				revoke.Note = "may also delete passes that no list names"
			}
			r.Resume = append(r.Resume, revoke)
		}
	}
}

// withoutRow returns how many rows of each list have no row in the last log of the list.
func (l *Logs) withoutRow() map[*sourceLog]int {
	without := make(map[*sourceLog]int)
	for i, list := range l.lists {
		var last *sourceLog
		for _, lg := range l.logs {
			if lg.listOf == i && (last == nil || !lg.last().Start.Before(last.last().Start)) {
				last = lg
			}
		}
		if last != nil {
			without[last] = list.WithoutRow
		}
	}
	return without
}

// resumeCommand returns the command line that resumes a run with its log. For note, see commandOf.
func resumeCommand(log string, run *results.Header, verify bool) (command, note string) {
	command, note = commandOf(run, run.ResumeWith(log, verify))
	if command != "" && slices.Contains(run.Command, "-") {
		note = "with the same list on standard input"
	}
	return command, note
}

// commandOf returns the words of a command for the log of a run as a command line. The log may be forged, so a command
// that cannot be shown safely is empty, and note says why.
func commandOf(run *results.Header, words []string) (command, note string) {
	switch command = results.CommandLine(words); {
	case run.Simulated:
		return "", "the run was a simulation, and its tenant is gone"
	case words == nil:
		return "", "the log does not have the command of its run"
	case command == "":
		return "", "the command of the run has characters that cannot be shown"
	}
	return command, ""
}

// Heading returns what the command does, and for how many rows.
func (c *NextCommand) Heading() string {
	switch {
	case c.log == nil:
		return count(c.Left, c.noun) + " that no run tries again"
	case c.list:
		return count(c.Left, c.noun) + " still held: revoke " + verb(c.Left, "it", "them")
	case c.Left == 0:
		return "Users that were not scanned: resume the scan"
	}
	return count(c.Left, c.noun) + ": resume the run"
}

// A causeCount is the number of rows of a Failure that a command handles.
type causeCount struct {
	*Failure
	Count int
}

// Steps returns the commands for what is left. The last step has the rows that no command tries again.
func (r *Report) Steps() []NextCommand {
	steps := slices.Clone(r.Resume)
	last := NextCommand{noun: r.Words().LeftNoun}
	replaced := 0
	for _, c := range r.causesFor(nextTask{}) {
		last.Left += c.Count
		if c.Outcome == results.Replaced {
			replaced += c.Count
		}
	}
	if last.Left > 0 {
		last.Note = "fix the cause, and write a list of " + verb(last.Left, "it", "them")
		switch replaced {
		case 0:
		case last.Left:
			last.Command, last.Note = "tapsweep revoke --user NAME", "deletes any pass that the user holds now"
		default:
			last.Command = "tapsweep revoke --user NAME"
			last.Note = "for a replaced pass; for the others, fix the cause, and write a list of them"
		}
		steps = append(steps, last)
	}
	for i := range steps {
		s := &steps[i]
		s.Causes = r.causesFor(s.nextTask)
		s.add(s.withoutRow, noRow, r.whyNoRow()+"; requests may have been sent for some")
		s.add(s.unverified, "not verified", "gone, and no LIST since then shows that the user holds no pass")
	}
	return steps
}

// add adds a cause without a Failure.
func (c *NextCommand) add(n int, name results.Outcome, hint string) {
	if n > 0 {
		c.Causes = append(c.Causes, causeCount{&Failure{failureCause: failureCause{Outcome: name, Hint: hint}}, n})
	}
}

// causesFor returns the causes of the rows that a task tries again. Causes of tasks without a command belong to the
// zero nextTask.
func (r *Report) causesFor(want nextTask) (causes []causeCount) {
	for _, f := range r.Failures {
		n := 0
		for t, count := range f.tasks {
			if !slices.ContainsFunc(r.Resume, func(c NextCommand) bool { return c.nextTask == t }) {
				t = nextTask{}
			}
			if t == want {
				n += count
			}
		}
		if n > 0 {
			causes = append(causes, causeCount{f, n})
		}
	}
	return causes
}
