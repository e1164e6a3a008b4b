package report

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tapsweep/batch"
)

// A leftover is what a log leaves to a further run on it.
type leftover struct {
	again      int // pairs that it tries again
	remain     int // passes that are there all the same, for a run with the log as its list
	unverified int // pairs that it verifies
}

// again works out the commands that go on with what is left.
func (r *Report) again(l *Logs, left map[*log]leftover) {
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
		name, rest := batch.Printable(lg.name), left[lg]
		n, args, noun := plus(rest.again+rest.unverified, without[lg]), run.args, "pair"
		if run.kind() == "scan" {
			noun = "user"
		}
		remain := plus(lg.remain, rest.remain)
		if run.Exit == nil { // a log without its end is not taken as a list
			n, remain = plus(n, rest.remain), 0
		}
		if run.kind() == "verify" {
			n, noun = plus(lg.unseen, without[lg]), "user"
			remain = lg.remain
		} else if rest.unverified > 0 && !given(args, "--verify") && len(args) > 0 {
			args = slices.Insert(slices.Clone(args), 1, "--verify")
		}
		// A scan that was stopped leaves users of whom no row tells.
		if n > 0 || run.unfinished() && !run.copied {
			a := Again{Log: name, Left: n, noun: noun}
			a.Command, a.Note = ResumeCommand(lg.name, args)
			if run.refused() && a.Command != "" {
				a.Note = strings.TrimPrefix(a.Note+", once what it was refused for is changed", ", ")
			}
			r.Resume = append(r.Resume, a)
		}
		if remain > 0 && run.Exit != nil {
			a := Again{Log: name, Left: remain, list: true}
			if given(run.args, "--simulate") {
				a.Note = drill
			} else if a.Command = ListCommand(lg.name, run.args); a.Command == "" {
				a.Note = "its command or its name has characters that cannot be shown"
			}
			r.Resume = append(r.Resume, a)
		}
	}
}

const drill = "the run was a drill against a simulated tenant, which is gone"

// Does says what the command does.
func (a Again) Does() string {
	switch {
	case a.list:
		return fmt.Sprintf("To revoke the %s of which %s tells", count(a.Left, "pass"), a.Log)
	case a.Left == 0:
		return "To go on with the scan of " + a.Log
	}
	return fmt.Sprintf("To go on with the %s of %s that a further run takes up", count(a.Left, a.noun), a.Log)
}

// ResumeCommand returns the command that resumes the log of a run with these arguments, and a note on
// it. The log is not to be trusted, so the command is empty if it is not that of a run, or cannot
// be shown.
func ResumeCommand(log string, args []string) (command, note string) {
	if len(args) == 0 || !slices.Contains([]string{"revoke", "sweep", "scan", "verify"}, args[0]) {
		return "", "the log does not tell the command of its run"
	}
	words := []string{"tapsweep", args[0], "--resume", "--results", log}
	if filepath.Base(log) == EvidenceLog && slices.ContainsFunc(args, isEvidence) {
		words = append(words[:3], "--evidence", filepath.Dir(log))
	}
	skip, flags := false, true
	for _, arg := range args[1:] {
		name, _, hasValue := strings.Cut(arg, "=")
		switch {
		case skip:
			skip = false
			continue
		case !flags:
		case arg == "--":
			flags = false
		case name == "--simulate" && given([]string{arg}, name):
			return "", drill
		case name == "--results" || isEvidence(arg):
			skip = !hasValue
			continue
		case name == "--resume" || name == "--overwrite":
			continue
		case arg == "-":
			note = "with the same list on standard input"
		}
		words = append(words, arg)
	}
	if command = commandLine(words); command == "" {
		return "", "the command of the run has characters that cannot be shown"
	}
	return command, note
}

// ListCommand returns the command that revokes a log as a list in the same tenant, with the same
// protected users. It is empty if it cannot be shown.
func ListCommand(log string, args []string) string {
	if log == "-" {
		return ""
	}
	words := []string{"tapsweep", "revoke"}
	for i, arg := range args {
		name, _, hasValue := strings.Cut(arg, "=")
		if slices.Contains(connecting, name) || name == "--protect" {
			words = append(words, arg)
			if !hasValue && i+1 < len(args) {
				words = append(words, args[i+1])
			}
		}
	}
	if given(args, "--verify") {
		words = append(words, "--verify")
	}
	return commandLine(append(words, log))
}

// connecting are the flags about where a run goes to, and as whom. Each takes a value.
var connecting = []string{"--auth", "--tenant", "--client-id", "--certificate", "--secret-file", "--token-file",
	"--cloud", "--graph-url", "--api-version"}

// given tells whether a switch is on the command line of a run.
func given(args []string, flag string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, hasValue := strings.Cut(arg, "=")
		on, err := strconv.ParseBool(value)
		return name == flag && (!hasValue || on && err == nil)
	})
}

// commandLine is a command for a shell, and empty if it cannot be shown.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if clip(word) != word {
			return ""
		}
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// EvidenceLog is the results log in a directory of evidence.
const EvidenceLog = "results.jsonl"

// isEvidence tells whether an argument is --evidence, its value included or not.
func isEvidence(arg string) bool { return arg == "--evidence" || strings.HasPrefix(arg, "--evidence=") }

// plain needs no quotes in any shell.
var plain = regexp.MustCompile(`^[\w./:@%+,-][\w./:@%+,=-]*$`)

// quote makes one word of a POSIX shell's command line.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
