package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	return status.Refuse(err, fmt.Sprintf("did you mean --%s?", name),
		fmt.Sprintf("see '%s --help'", cmd.CommandPath()))
}

// flagError returns the error for an invalid flag. If the error says what the flag accepts, it
// does not point to the help.
func flagError(cmd *cobra.Command, err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return unknownFlag(cmd, err)
	}
	f := invalid.GetFlag()
	return status.Refuse(fmt.Errorf("--%s %w", f.Name, inOurWords(f.Value, invalid.GetValue(), errors.Unwrap(invalid))))
}
