package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/status"
)

// A checkedFlag is the value of a flag that takes a word, a number or a time. A wrong value is refused
// as soon as the flag is set.
type checkedFlag struct {
	kind  string   // what the help calls the value, such as FILE
	words []string // the words that the flag takes, nil for a number or a time
	text  string   // the value, first the default
	set   func(string) error
}

func (f *checkedFlag) Set(text string) error {
	f.text = text
	return f.set(text)
}

func (f *checkedFlag) String() string { return f.text }
func (f *checkedFlag) Type() string   { return f.kind }

func addEnum(fl *pflag.FlagSet, p *string, name, value string, words []string, usage string) {
	*p = value
	kind := strings.ToUpper(name[strings.LastIndex(name, "-")+1:])
	fl.Var(&checkedFlag{kind, words, value, func(word string) error {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%q is not %s", word, oneOf(words))
		}
		*p = word
		return nil
	}}, name, usage)
}

// oneOf returns words as text: "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func addInt(fl *pflag.FlagSet, p *int, name string, value, least, most int, usage string) {
	*p = value
	want := fmt.Sprintf("a number between %d and %d", least, most)
	if most == math.MaxInt {
		want = fmt.Sprintf("a number of at least %d", least)
	}
	fl.Var(&checkedFlag{"N", nil, strconv.Itoa(value), func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not %s", text, want)
		}
		*p = n
		return nil
	}}, name, usage)
}

// addDuration adds a flag that takes a duration of at least least.
func addDuration(fl *pflag.FlagSet, p *time.Duration, name, value string, least time.Duration, usage string) {
	set := func(text string) (err error) {
		*p, err = parseDuration(text)
		if err == nil && *p < least {
			err = fmt.Errorf("%q is not a duration of at least %v", text, least)
		}
		return err
	}
	_ = set(value) // a test sets all defaults
	fl.Var(&checkedFlag{"DURATION", nil, value, set}, name, usage)
}

// parseDuration parses a Go duration, or a number of days such as 7d.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 15m, 24h or 7d", text)
	}
	return d, nil
}

// isOn reports whether a command has a switch, and it is on.
func isOn(cmd *cobra.Command, name string) bool {
	f := cmd.Flags().Lookup(name)
	return f != nil && f.Value.String() == "true"
}

// valuesOf returns the values of a flag, which may be repeatable.
func valuesOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// checkFilled refuses flags with an empty value. An empty filter or guard, such as --created-by or
// --protect, would silently do nothing, and the run would delete more than the user wants. An empty
// --metrics-file means no file, so a scheduled job can switch its metrics off.
func checkFilled(fl *pflag.FlagSet) (err error) {
	fl.Visit(func(f *pflag.Flag) {
		isEmpty := func(value string) bool { return strings.TrimSpace(value) == "" }
		if slices.ContainsFunc(valuesOf(f), isEmpty) && f.Name != "metrics-file" {
			err = status.Refuse(fmt.Errorf("--%s is empty: give a value, or leave the flag out", f.Name))
		}
	})
	return err
}

// flagError returns the error for an invalid flag. It has no hint to the help if the error already says
// which values the flag takes.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return status.Refuse(fmt.Errorf("--%s %w", invalid.GetFlag().Name, valueError(invalid)))
	}
	hints := []string{seeHelp(cmd)}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		hints = append(suggestFlag(cmd, unknown), hints...)
	}
	return status.Refuse(err, hints...)
}

// valueError returns an error without the names of Go functions that the errors of pflag have.
func valueError(invalid *pflag.InvalidValueError) error {
	if _, ours := invalid.GetFlag().Value.(*checkedFlag); ours {
		return errors.Unwrap(invalid)
	}
	return fmt.Errorf("%q is not true or false", invalid.GetValue()) // all other flags take any text
}

func seeHelp(cmd *cobra.Command) string { return fmt.Sprintf("see '%s --help'", cmd.CommandPath()) }

// completeWords makes the shell complete the values of flags that take one of several words.
func completeWords(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if v, ok := f.Value.(*checkedFlag); ok && v.words != nil {
			cmd.RegisterFlagCompletionFunc(f.Name, // fails for a flag that does not exist
				cobra.FixedCompletions(v.words, cobra.ShellCompDirectiveNoFileComp))
		}
	})
}
