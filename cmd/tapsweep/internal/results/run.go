package results

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
)

// EvidenceLog is the file name of the results log in a directory of evidence.
const EvidenceLog = "results.jsonl"

// commands are the commands that can write a log.
var commands = []string{"revoke", "sweep", "scan", "verify"}

// Kind returns the command of the run, such as "revoke", and "" if it is not known.
func (r *Header) Kind() string {
	if len(r.Command) > 0 && slices.Contains(commands, r.Command[0]) {
		return r.Command[0]
	}
	return ""
}

// ResumeWith returns the words of the command that resumes the run. path is the current path of its log, which
// may have been moved. verify adds --verify. ResumeWith returns nil if the run cannot be resumed.
func (r *Header) ResumeWith(path string, verify bool) []string {
	if r.Kind() == "" || r.Simulated || len(r.Resume) < logWords {
		return nil
	}
	where := []string{"--results", path}
	if r.Resume[2] == "--evidence" && filepath.Base(path) == EvidenceLog {
		where = []string{"--evidence", filepath.Dir(path)}
	}
	if verify && !r.Verify {
		where = append(where, "--verify")
	}
	return slices.Concat([]string{"tapsweep"}, r.Resume[:2], where, r.Resume[logWords:])
}

// logWords is the number of words in Header.Resume before the flags of the run: the command, --resume, and the flag
// that names the log with its value.
const logWords = 4

// RevokeWith returns the words of the command that revokes the passes that are left in the log at path.
func (r *Header) RevokeWith(path string) []string {
	return slices.Concat([]string{"tapsweep", "revoke"}, r.Revoke, []string{path})
}

// RevokeSessionsWith returns the words of the command that revokes the sessions that are left in the log at path.
func (r *Header) RevokeSessionsWith(path string) []string {
	words := r.RevokeWith(path)
	if slices.Contains(words, "--revoke-sessions") {
		return words
	}
	return slices.Insert(words, len(words)-1, "--revoke-sessions")
}

// Describe sets Resume and Revoke from the command line of the run, whose log is at path. Package cli calls it
// for a new run.
func (r *Header) Describe(path string) {
	if r.Kind() == "" {
		return
	}
	args, evidence := withoutLog(r.Command[1:])
	r.Resume = append([]string{r.Command[0], "--resume", "--results", path}, args...)
	if evidence {
		r.Resume[2], r.Resume[3] = "--evidence", filepath.Dir(path)
	}
	r.Revoke = onlyFlags(args, kept...)
	if r.Verify {
		r.Revoke = append(r.Revoke, "--verify")
	}
	if r.Sessions {
		r.Revoke = append(r.Revoke, "--revoke-sessions")
	}
}

// kept are the flags that a run with the log as its list also needs: those about the tenant, the sign-in and
// protected users. Each takes a value.
var kept = []string{"--auth", "--tenant", "--client-id", "--certificate", "--secret-file", "--token-file",
	"--cloud", "--graph-url", "--api-version", "--protect"}

// onlyFlags returns the flags with these names from the arguments of a command, each with its value.
func onlyFlags(args []string, names ...string) (words []string) {
	for i, arg := range args {
		name, _, hasValue := strings.Cut(arg, "=")
		if slices.Contains(names, name) {
			words = append(words, arg)
			if !hasValue && i+1 < len(args) {
				words = append(words, args[i+1])
			}
		}
	}
	return words
}

// protectFlags returns the flags with the lists of protected users. It returns nil if the run protects nobody.
func (r *Header) protectFlags() []string { return onlyFlags(r.Revoke, "--protect") }

// HasProtectList reports whether the run has a list of protected users.
func (r *Header) HasProtectList() bool { return len(r.protectFlags()) > 0 }

// withoutLog removes the flags about the log from the arguments of a command. It also reports whether the log is
// in a directory of evidence.
func withoutLog(args []string) (rest []string, evidence bool) {
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(args[i], "=")
		switch name {
		case "--":
			return append(rest, args[i:]...), evidence
		case "--results", "--evidence":
			evidence = evidence || name == "--evidence"
			if !hasValue {
				i++
			}
		case "--resume", "--overwrite":
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, evidence
}

// CommandLine returns words as a command line for a shell. It returns "" if there are no words, or if one of them
// has characters that cannot be shown, because the words may come from a forged log.
func CommandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if safetext.Printable(word) != word {
			return ""
		}
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// plain matches a word that needs no quotes in any shell.
var plain = regexp.MustCompile(`^[\w./:@%+,-][\w./:@%+,=-]*$`)

// quote quotes a word for a POSIX shell.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
