package results

import (
	"path/filepath"
	"regexp"
	"runtime"
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
	if r.Kind() == "" || r.Simulated {
		return nil
	}
	args, evidence := withoutLog(r.Command[1:])
	where := []string{"--results", path}
	if evidence && filepath.Base(path) == EvidenceLog {
		where = []string{"--evidence", filepath.Dir(path)}
	}
	if verify && !r.Verify {
		where = append(where, "--verify")
	}
	return r.words(slices.Concat([]string{r.Kind(), "--resume"}, where), args)
}

// RevokeWith returns the words of the command that revokes the passes that are left in the log at path.
func (r *Header) RevokeWith(path string) []string { return r.revokeWith(path, r.Sessions) }

// RevokeAnyWith returns the words of the command that revokes any pass of the users whose passes are left in the log at
// path.
func (r *Header) RevokeAnyWith(path string) []string {
	words := r.RevokeWith(path)
	return slices.Insert(words, len(words)-1, "--any-pass")
}

// RevokeSessionsWith returns the words of the command that revokes the sessions that are left in the log at path.
func (r *Header) RevokeSessionsWith(path string) []string { return r.revokeWith(path, true) }

func (r *Header) revokeWith(path string, sessions bool) []string {
	var flags []string
	if r.Kind() != "" {
		args, _ := withoutLog(r.Command[1:])
		_, flags = splitSignIn(args)
		flags = append(flags, r.protectFlags()...)
	}
	if r.Verify {
		flags = append(flags, "--verify")
	}
	if sessions {
		flags = append(flags, "--revoke-sessions")
	}
	return append(r.words([]string{"revoke"}, flags), path)
}

// words returns the words of a command. The flags may come from a forged log, which must not choose where a token goes,
// nor confirm a delete. So only the process that made the header also prints these flags.
func (r *Header) words(command, flags []string) []string {
	if !r.Own {
		flags, _ = splitSignIn(flags)
	}
	return slices.Concat([]string{"tapsweep"}, command, flags)
}

// SignInNote says which flags of the named log are not in its commands. It is empty if there are none.
func (r *Header) SignInNote(log string) string {
	if r.Own || r.Kind() == "" {
		return ""
	}
	_, signIn := splitSignIn(r.Command[1:])
	if flags := CommandLine(signIn); flags != "" {
		return log + " was written with " + flags + ", which its commands lack: add this if you trust the log"
	}
	return ""
}

// SignInFlags are the flags about the tenant and how to sign in. All commands that connect to a tenant have them.
var SignInFlags = []string{"auth", "tenant", "client-id", "certificate", "secret-file", "token-file", signInAgain,
	"cloud", "graph-url", "api-version"}

const signInAgain = "sign-in-again" // the only one without a value

// confirms matches the flag -y, also together with -q.
var confirms = regexp.MustCompile(`^-q*y[qy]*$`)

// splitSignIn splits the arguments of a command into the SignInFlags and the rest. It removes --yes and -y, also
// if they are the values of other flags. It does not stop at "--", which may be such a value.
func splitSignIn(args []string) (rest, signIn []string) {
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(args[i], "=")
		long, isLong := strings.CutPrefix(name, "--")
		switch {
		case isLong && slices.Contains(SignInFlags, long):
			signIn = append(signIn, args[i])
			if !hasValue && long != signInAgain && i+1 < len(args) {
				i++
				signIn = append(signIn, args[i])
			}
		case name == "--yes", confirms.MatchString(name):
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, signIn
}

// onlyProtect returns the --protect flags of the arguments of a command, each with its value.
func onlyProtect(args []string) (words []string) {
	for i, arg := range args {
		name, _, hasValue := strings.Cut(arg, "=")
		switch {
		case name != "--protect":
		case hasValue:
			words = append(words, arg)
		case i+1 < len(args):
			words = append(words, arg, args[i+1])
		}
	}
	return words
}

// protectFlags returns the flags with the lists of protected users. It returns nil if the run protects nobody.
func (r *Header) protectFlags() []string {
	return onlyProtect(slices.Concat(r.Command, r.ProtectFlags))
}

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

// CommandLine returns words as a command line for the shell of this system. It returns "" if there are no words, or if
// one of them has characters that cannot be shown, because the words may come from a forged log.
func CommandLine(words []string) string { return commandLine(runtime.GOOS, words) }

func commandLine(system string, words []string) string {
	quote := quotePOSIX
	if system == "windows" {
		quote = quotePowerShell
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		if safetext.Printable(word) != word {
			return ""
		}
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// plain matches a word that needs no quotes in a POSIX shell.
var plain = regexp.MustCompile(`^[\w./:@%+,-][\w./:@%+,=-]*$`)

func quotePOSIX(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plainPowerShell matches a word that needs no quotes in PowerShell. There a comma separates two words, and so does a
// dot in a word that begins with a hyphen.
var plainPowerShell = regexp.MustCompile(`^(-[\w-]*|[\w./:\\][\w./:\\@+-]*)$`)

// singleQuotes are all characters that PowerShell accepts as a single quote. Two of them stand for one.
// Source: learn.microsoft.com/powershell, about_Quoting_Rules.
var singleQuotes = regexp.MustCompile("['\u2018\u2019\u201a\u201b]")

func quotePowerShell(word string) string {
	if plainPowerShell.MatchString(word) {
		return word
	}
	return "'" + singleQuotes.ReplaceAllString(word, "$0$0") + "'"
}
