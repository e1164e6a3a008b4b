package report

import (
	"regexp"
	"slices"
	"strings"

	"tapsweep/batch"
)

// again works out the commands that go on with what is left.
func (r *Report) again(l *Logs, left map[*log]int) {
	// Pairs without a row are in the list of the last log of it.
	without := make(map[*log]int)
	for i, list := range l.lists {
		for _, lg := range slices.Backward(l.logs) {
			if list.WithoutRow > 0 && lg.listOf == i {
				without[lg] = list.WithoutRow
				break
			}
		}
	}
	for _, lg := range l.logs {
		if n := left[lg] + without[lg]; n > 0 {
			a := Again{Log: batch.Printable(lg.name), Left: n}
			a.Command, a.Note = resumeCommand(lg.name, lg.runs[len(lg.runs)-1].args)
			r.Resume = append(r.Resume, a)
		}
	}
}

// resumeCommand is the command line of a run, made to go on with its log. The
// log is not to be trusted, so what is not the command line of a run that can be
// shown is left out.
func resumeCommand(log string, args []string) (command, note string) {
	if len(args) == 0 || !slices.Contains([]string{"revoke", "sweep", "scan", "verify"}, args[0]) {
		return "", "the log does not tell the command of its run"
	}
	words := []string{"tapsweep", args[0], "--resume", "--results", log}
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
		case name == "--simulate":
			return "", "the run was a drill against a simulated tenant, which is gone"
		case name == "--results":
			skip = !hasValue
			continue
		case name == "--resume" || name == "--overwrite":
			continue
		case arg == "-":
			note = "with the same list on standard input"
		}
		words = append(words, arg)
	}
	for i, word := range words {
		if clip(word) != word {
			return "", "the command of the run has characters that cannot be shown"
		}
		words[i] = quote(word)
	}
	return strings.Join(words, " "), note
}

// plain needs no quotes in any shell.
var plain = regexp.MustCompile(`^[\w./:@%+,-][\w./:@%+,=-]*$`)

// quote makes one word of a POSIX shell's command line.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
