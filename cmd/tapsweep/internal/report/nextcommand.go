package report

import (
	"cmp"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A NextCommand is a command that continues what a log left.
type NextCommand struct {
	Log     string `json:"log"`
	Left    int    `json:"left"`           // passes that it tries again, and those without a row
	Command string `json:"command"`        // empty if there is none; then Note says why
	Note    string `json:"note,omitempty"` // what else to know

	task
	noun       string // what Left counts
	unverified int    // of Left, passes that are gone and not verified
	withoutRow int    // of Left, rows of the list that the log does not have
}

// A task is what a further run does with a log: it resumes the run of the log, or takes the log as
// its list. The zero task stands for no run.
type task struct {
	log  *log
	list bool
}

// taskOf returns the task that tries the pass of a row again.
func taskOf(row *Row) task {
	switch {
	case row.Outcome == results.Remains:
		lg := cmp.Or(row.proof, row.log)
		return task{lg, lg.last().Exit != nil} // a log without its end is no list
	case row.Outcome.Again():
		return task{row.log, false}
	}
	return task{}
}

// nextCommands finds the commands for what is left.
func (r *Report) nextCommands(l *Logs) {
	withoutRow := l.withoutRow()
	for _, lg := range l.logs {
		run, name := lg.last(), safetext.Printable(lg.name)
		resume := NextCommand{Log: name, task: task{lg, false}, Left: r.tasks[task{lg, false}], noun: "pass",
			unverified: r.unverified[lg], withoutRow: withoutRow[lg]}
		revoke := NextCommand{Log: name, task: task{lg, true}, Left: r.tasks[task{lg, true}], noun: "pass"}
		switch run.kind() {
		case "scan":
			resume.noun = "user"
		case "verify":
			resume.noun, resume.unverified = "user", 0
			resume.Left, revoke.Left = lg.unseen, lg.remain
		}
		resume.Left = plus(resume.Left+resume.unverified, resume.withoutRow)
		if resume.Left > 0 || run.unfinished() && !run.copied {
			resume.Command, resume.Note = ResumeCommand(lg.name, &lg.resumable().header, resume.unverified > 0)
			if run.refused() && resume.Command != "" {
				resume.Note = strings.TrimPrefix(resume.Note+", after you fix what it was refused for", ", ")
			}
			r.Resume = append(r.Resume, resume)
		}
		if revoke.Left > 0 && run.Exit != nil {
			revoke.Command, revoke.Note = ListCommand(lg.name, &run.header)
			r.Resume = append(r.Resume, revoke)
		}
	}
}

// withoutRow returns how many rows of its list the last log of each list does not have.
func (l *Logs) withoutRow() map[*log]int {
	without := make(map[*log]int)
	for i, list := range l.lists {
		var last *log
		for _, lg := range l.logs {
			if lg.listOf == i && !lg.last().copied && (last == nil || !lg.last().Start.Before(last.last().Start)) {
				last = lg
			}
		}
		if last != nil {
			without[last] = list.WithoutRow
		}
	}
	return without
}

const (
	wasSimulated = "the run was a simulation, and its tenant is gone"
	unshowable   = "the command of the run has characters that cannot be shown"
)

// ResumeCommand returns the command line that resumes a run with its log. The log is not to be
// trusted, so a command that cannot be shown is left out, and note says why.
func ResumeCommand(log string, run *results.Run, verify bool) (command, note string) {
	words := run.ResumeWith(log, verify)
	switch command = results.CommandLine(words); {
	case run.Simulated:
		return "", wasSimulated
	case words == nil:
		return "", "the log does not have the command of its run"
	case command == "":
		return "", unshowable
	case slices.Contains(run.Resume, "-"):
		note = "with the same list on standard input"
	}
	return command, note
}

// ListCommand returns the command line that revokes what is left in a log, in the tenant of its
// run. It protects the users that the run protected. See ResumeCommand about note.
func ListCommand(log string, run *results.Run) (command, note string) {
	switch command = results.CommandLine(run.RevokeWith(log)); {
	case run.Simulated:
		return "", wasSimulated
	case command == "":
		return "", unshowable
	}
	return command, ""
}

// Heading says what the command does, and for how much.
func (c *NextCommand) Heading() string {
	switch {
	case c.list && c.Left == 1:
		return "1 pass that a user still holds: revoke it"
	case c.list:
		return count(c.Left, "pass") + " that users still hold: revoke them"
	case c.Left == 0:
		return "Users that were not scanned: resume the scan"
	}
	return count(c.Left, c.noun) + ": resume the run"
}
