package report

import (
	"fmt"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A leftover is what a log leaves to a further run on it.
type leftover struct {
	again      int // pairs that it tries again
	remain     int // passes that users still hold, for a run with the log as its list
	unverified int // pairs that it verifies
}

// nextCommands works out the commands for what is left.
func (r *Report) nextCommands(l *Logs, left map[*log]leftover) {
	// Pairs without a row are in the list of the last log of it.
	without := make(map[*log]int)
	for i, list := range l.lists {
		var last *log
		for _, lg := range l.logs {
			if lg.listOf == i && !lg.last().copied && (last == nil || !lg.last().Start.Before(last.last().Start)) {
				last = lg
			}
		}
		if last != nil && list.WithoutRow > 0 {
			without[last] = list.WithoutRow
		}
	}
	for _, lg := range l.logs {
		run := lg.last()
		name, rest := safetext.Printable(lg.name), left[lg]
		n, noun := plus(rest.again+rest.unverified, without[lg]), "pair"
		if run.kind() == "scan" {
			noun = "user"
		}
		remain := plus(lg.remain, rest.remain)
		if run.Exit == nil { // a log without its end is not taken as a list
			n, remain = plus(n, rest.remain), 0
		}
		verify := rest.unverified > 0 && run.kind() != "verify"
		if run.kind() == "verify" {
			n, noun = plus(lg.unseen, without[lg]), "user"
			remain = lg.remain
		}
		// A scan that was stopped leaves users without a row.
		if n > 0 || run.unfinished() && !run.copied {
			a := NextCommand{Log: name, Left: n, noun: noun}
			a.Command, a.Note = ResumeCommand(lg.name, &run.header, verify)
			if run.refused() && a.Command != "" {
				a.Note = strings.TrimPrefix(a.Note+", once what it was refused for is changed", ", ")
			}
			r.Resume = append(r.Resume, a)
		}
		if remain > 0 && run.Exit != nil {
			a := NextCommand{Log: name, Left: remain, list: true}
			if run.header.Simulated {
				a.Note = drill
			} else if a.Command = ListCommand(lg.name, &run.header); a.Command == "" {
				a.Note = "its command or its name has characters that cannot be shown"
			}
			r.Resume = append(r.Resume, a)
		}
	}
}

const drill = "the run was a drill against a simulated tenant, which is gone"

// Purpose says what the command does.
func (a NextCommand) Purpose() string {
	switch {
	case a.list:
		return fmt.Sprintf("To revoke the %s of which %s tells", count(a.Left, "pass"), a.Log)
	case a.Left == 0:
		return "To resume the scan of " + a.Log
	}
	return fmt.Sprintf("To resume the run of %s, which leaves %s", a.Log, count(a.Left, a.noun))
}

// ResumeCommand returns the command line that resumes a run with its log. The log is not to be
// trusted, so a command that cannot be shown is left out, and note says why.
func ResumeCommand(log string, run *results.Run, verify bool) (command, note string) {
	words := run.ResumeWith(log, verify)
	switch command = results.CommandLine(words); {
	case run.Simulated:
		return "", drill
	case words == nil:
		return "", "the log does not tell the command of its run"
	case command == "":
		return "", "the command of the run has characters that cannot be shown"
	case slices.Contains(run.Resume, "-"):
		note = "with the same list on standard input"
	}
	return command, note
}

// ListCommand returns the command line that revokes what is left in a log, where the run of the
// log went to, and with the same care: it spares whom that run spared.
func ListCommand(log string, run *results.Run) string {
	if log == "-" {
		return ""
	}
	return results.CommandLine(run.RevokeWith(log))
}
