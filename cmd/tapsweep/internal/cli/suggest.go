package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/status"
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

// unknownFlag returns the error for an unknown flag, with the name that was probably meant. It also
// handles a long name after a single dash, which pflag parses as short flags.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	typed := unknown.GetSpecifiedName()
	shown := "--" + typed
	if letters, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "="); letters != "" {
		if shown = "-" + typed; len(letters) > 1 {
			typed, shown = letters, "-"+letters
		}
	}
	hints := []string{seeHelp(cmd)}
	if name := nearest(strings.ToLower(typed), flagNames(cmd)); name != "" && len(typed) > 1 {
		hints = append([]string{fmt.Sprintf("did you mean --%s?", name)}, hints...)
	}
	return status.Refuse(fmt.Errorf("unknown flag: %s", safetext.Printable(shown)), hints...)
}

// noPage returns the error for a word after help, with the command or page that was probably meant.
func noPage(root *cobra.Command, word string) error {
	var names []string
	for _, cmd := range root.Commands() {
		names = append(names, cmd.Name())
	}
	hints := []string{"see 'tapsweep --help'"}
	if name := nearest(strings.ToLower(word), names); name != "" {
		hints = append([]string{"did you mean tapsweep help " + name + "?"}, hints...)
	}
	return status.Refuse(fmt.Errorf("unknown command or page %q", safetext.Printable(word)), hints...)
}

func seeHelp(cmd *cobra.Command) string { return fmt.Sprintf("see '%s --help'", cmd.CommandPath()) }

// flagError returns the error for an invalid flag in our words. If the error says what the flag accepts,
// it does not point to the help.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := invalid.GetFlag()
		return status.Refuse(fmt.Errorf("--%s %w", f.Name,
			inOurWords(f.Value, invalid.GetValue(), errors.Unwrap(invalid))))
	}
	if without, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		f := &helpFlag{Flag: without.GetFlag()}
		return status.Refuse(fmt.Errorf("--%s needs a value: --%s %s", f.Name, f.Name, f.value()), seeHelp(cmd))
	}
	if wrong, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return status.Refuse(fmt.Errorf("%s is not a flag", safetext.Printable(wrong.GetSpecifiedFlag())), seeHelp(cmd))
	}
	return err
}
