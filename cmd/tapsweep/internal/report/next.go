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

// A nextTask is what the next run does with a log: it resumes the run of the log, or uses the log as its list, perhaps
// with --any-pass. The zero task means no run.
type nextTask struct {
	log           *sourceLog
	list, anyPass bool
}

// taskOf returns the task that tries a row again.
func taskOf(row *reportedRow) nextTask {
	run := row.log.last()
	byVerify := row.verifyLog != nil || run.header.Kind() == "verify"
	// A verify that was not stopped writes not_sent if the logs have no call that revokes the sessions.
	neverCalled := row.Action == results.RevokeSessions && row.Outcome == results.NotSent &&
		run.header.Kind() == "verify" && run.Exit != nil && run.Stopped == ""
	resume := nextTask{log: row.log}
	asList := resume
	asList.list = run.Exit != nil // a log without an end cannot be a list
	switch {
	case neverCalled:
		return asList
	case row.Outcome == results.Remains && (row.Action != results.RevokeSessions || byVerify):
		lg := cmp.Or(row.verifyLog, row.log)
		return nextTask{log: lg, list: lg.last().Exit != nil}
	case row.Retryable(), row.unverified:
		return resume
	case run.header.Kind() == "verify":
		return nextTask{}
	case row.Outcome == results.Replaced:
		asList.anyPass = asList.list
		return asList
	case row.Outcome == results.Rejected:
		return asList
	}
	return nextTask{}
}

// nextCommands finds the commands for the rows that are left.
func (r *Report) nextCommands(l *Logs) {
	withoutRow := l.withoutRow()
	for _, lg := range l.logs {
		run, name := lg.last(), safetext.Printable(lg.name)
		resume := NextCommand{Log: name, nextTask: nextTask{log: lg}, Left: r.tasks[nextTask{log: lg}],
			users: r.users[nextTask{log: lg}], rows: withoutRow[lg],
			unverified: r.unverified[lg], withoutRow: withoutRow[lg]}
		resume.Left = plus(resume.Left+resume.unverified, resume.withoutRow)
		if run.header.Kind() == "scan" || run.header.Kind() == "verify" {
			resume.users, resume.rows = resume.Left, 0
		}
		if resume.Left > 0 || run.unfinished() {
			verify := resume.unverified > 0 && run.header.Kind() != "verify"
			resume.Command, resume.Note = resumeCommand(lg.name, &run.header, verify)
			if run.refused() && resume.Command != "" {
				resume.Note = strings.TrimPrefix(resume.Note+", after you fix what it was refused for", ", ")
			}
			r.Resume = append(r.Resume, resume)
		}
		r.revokeCommand(nextTask{log: lg, list: true})
		r.revokeCommand(nextTask{log: lg, list: true, anyPass: true})
	}
}

// revokeCommand finds the command for a task with a log as its list.
func (r *Report) revokeCommand(t nextTask) {
	c := NextCommand{Log: safetext.Printable(t.log.name), nextTask: t, Left: r.tasks[t], users: r.users[t]}
	if c.Left == 0 {
		return
	}
	run := &t.log.last().header
	words, note := run.RevokeWith(t.log.name), ""
	switch {
	case t.anyPass:
		words, note = run.RevokeAnyWith(t.log.name), "this deletes any pass that the users have now"
	case r.Sessions.tasks[t]:
		words = run.RevokeSessionsWith(t.log.name)
	}
	if r.unnamed[t.log] && !t.anyPass {
		note = "may also delete passes that no list names"
	}
	if c.Command, c.Note = commandOf(run, words); c.Command != "" {
		c.Note = note
	}
	r.Resume = append(r.Resume, c)
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

// Heading returns what the command does, and for how many passes and users.
func (c *NextCommand) Heading() string {
	switch {
	case c.heading != "":
		return c.what() + " " + c.heading
	case c.Left == 0:
		return "Users that were not scanned: resume the scan"
	case c.Command == "":
		return c.what() + " left"
	case c.anyPass:
		return c.what() + " replaced by another one: revoke " + verb(c.Left, "that one", "those")
	case c.list:
		return c.what() + " " + verb(c.Left, "is left: revoke it", "are left: revoke them")
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
	others := NextCommand{heading: "that --resume does not retry", Note: "fix the cause, and create a new list",
		Causes: r.causesFor(nextTask{})}
	for _, c := range others.Causes {
		others.Left += c.Count
	}
	others.rows = r.NoPass[results.Invalid]
	others.users = others.Left - others.rows
	if r.Words().LeftNoun == "pass" {
		others.users = r.users[nextTask{}] - others.rows
	}
	if others.Left > 0 {
		steps = append(steps, others)
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
