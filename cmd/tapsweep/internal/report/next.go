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
	heading    string // for a step that is not about one log
	users      int    // how many of Left are users without a known pass
	rows       int    // how many of Left are rows of a list that are invalid, or have no row in the log
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
			users: r.users[nextTask{lg, false}], rows: withoutRow[lg],
			unverified: r.unverified[lg], withoutRow: withoutRow[lg]}
		resume.Left = plus(resume.Left+resume.unverified, resume.withoutRow)
		if run.kind() == "scan" || run.kind() == "verify" {
			resume.users, resume.rows = resume.Left, 0
		}
		if resume.Left > 0 || run.unfinished() {
			verify := resume.unverified > 0 && run.kind() != "verify"
			resume.Command, resume.Note = resumeCommand(lg.name, &run.header, verify)
			if run.refused() && resume.Command != "" {
				resume.Note = strings.TrimPrefix(resume.Note+", after you fix what it was refused for", ", ")
			}
			r.Resume = append(r.Resume, resume)
		}
		revoke := NextCommand{Log: name, nextTask: nextTask{lg, true}, Left: r.tasks[nextTask{lg, true}]}
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
	if command != "" && slices.Contains(run.Resume, "-") {
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

// Heading returns what the command does, and for how many passes and users.
func (c *NextCommand) Heading() string {
	switch {
	case c.heading != "":
		return c.what() + " " + c.heading
	case c.Left == 0:
		return "Users that were not scanned: resume the scan"
	case c.Command == "":
		return c.what() + " left"
	case c.list:
		return c.what() + " " + verb(c.Left, "remains: revoke it", "remain: revoke them")
	}
	return c.what() + ": resume the run"
}

// what returns how many passes, users without a known pass, and rows of a list are left.
func (c *NextCommand) what() string {
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
	}{{c.Left - c.users - c.rows, "pass"}, {c.users, "user"}, {c.rows, "row"}} {
		if part.n > 0 {
			parts = append(parts, count(part.n, part.noun))
		}
	}
	return strings.Join(parts, ", ")
}

// A causeCount is the number of rows of a Failure that a command handles.
type causeCount struct {
	*Failure
	Count int
}

// Steps returns the commands for what is left. The last steps have the rows that no resumed run tries again.
func (r *Report) Steps() []NextCommand {
	steps := slices.Clone(r.Resume)
	for i := range steps {
		s := &steps[i]
		s.Causes = r.causesFor(s.nextTask)
		s.add(s.withoutRow, noRow, r.whyNoRow()+"; requests may have been sent for some")
		s.add(s.unverified, "not verified", "gone, and no LIST since then shows that the user has no pass")
	}
	replaced := NextCommand{heading: "replaced by another one", Command: "tapsweep revoke --user NAME",
		Note: "this deletes any pass that the user has now"}
	others := NextCommand{heading: "that --resume does not retry", Note: "fix the cause, and create a new list"}
	for _, c := range r.causesFor(nextTask{}) {
		step := &others
		if c.Outcome == results.Replaced {
			step = &replaced
		}
		step.Causes = append(step.Causes, c)
		step.Left += c.Count
	}
	others.rows = r.NoPass[results.Invalid]
	others.users = others.Left - others.rows
	if r.Words().LeftNoun == "pass" {
		others.users = r.users[nextTask{}] - others.rows
	}
	for _, step := range []NextCommand{replaced, others} {
		if step.Left > 0 {
			steps = append(steps, step)
		}
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
