package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearest returns the name that was probably meant by a misspelt word: a name that begins with
// it, or else the one that needs the fewest changes. It returns "" if more than half of the
// word would have to change.
func nearest(word string, names []string) (best string) {
	least := max(len(word)/2, 1) + 1
	for _, name := range names {
		n := distance(word, name)
		if word != "" && strings.HasPrefix(name, word) {
			n = min(n, 1)
		}
		if n < least {
			best, least = name, n
		}
	}
	return best
}

// distance returns how many letters must be inserted, removed or replaced to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// flagNames returns the names of the flags that a command's help lists.
func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// unknownFlag adds to the error for an unknown flag the name that was probably meant. It also
// handles a long name after a single dash, which pflag parses as short flags.
func unknownFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	typed := unknown.GetSpecifiedName()
	if letters, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "="); letters != "" {
		if typed = letters; len(typed) == 1 {
			return err
		}
	}
	name := nearest(strings.ToLower(typed), flagNames(cmd))
	if name == "" {
		return err
	}
	return refuse(err, fmt.Sprintf("did you mean --%s?", name), fmt.Sprintf("see '%s --help'", cmd.CommandPath()))
}

// serviceVariable matches the variables that Kubernetes sets in every pod of a namespace for a
// Service whose name begins with tapsweep. They are not typing errors, and no flag has such a
// name.
// Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
var serviceVariable = regexp.MustCompile(`^` + prefix + `([A-Z0-9_]+_)?` +
	`(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// misspelt returns an error that lists the environment variables that begin with our prefix,
// in upper or lower case, and belong to no flag of any command.
func misspelt() error {
	var wrong []string
	for _, s := range (&app{}).settings() {
		if s.misspelt {
			wrong = append(wrong, s.Variable+" is "+s.Problem)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return refuse(errors.New(strings.Join(wrong, "\n")),
		"unset it or correct its name; tapsweep check lists the variables and what each is for")
}

// unknownVariable returns the message for a variable that belongs to no flag, with the name
// that was probably meant. The message follows "is" or a colon.
func unknownVariable(name string) string {
	const problem = "not a variable of tapsweep"
	switch flag := strings.ToUpper(name[len(prefix):]); flag {
	case "HELP", "VERSION":
		return problem + ": give --" + strings.ToLower(flag) + " on the command line"
	}
	var names []string
	for _, cmd := range (&app{}).rootCommand().Commands() {
		for _, flag := range flagNames(cmd) {
			names = append(names, strings.TrimPrefix(variable(flag), prefix))
		}
	}
	best := nearest(strings.ToUpper(name[len(prefix):]), names)
	if best == "" {
		return problem
	}
	return fmt.Sprintf("%s: did you mean %s%s?", problem, prefix, best)
}

// ours returns the environment variables, as NAME=VALUE, that begin with our prefix in upper
// or lower case, except those set by Kubernetes.
func ours() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) || serviceVariable.MatchString(name)
	})
}

// flagError returns the error for an invalid flag. If the error says what the flag accepts, it
// does not point to the help.
func flagError(cmd *cobra.Command, err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return unknownFlag(cmd, err)
	}
	f := invalid.GetFlag()
	return refuse(fmt.Errorf("--%s %w", f.Name, inOurWords(f.Value, invalid.GetValue(), errors.Unwrap(invalid))))
}
