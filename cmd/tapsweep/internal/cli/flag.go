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
	kind  string   // of the value, in the help
	words []string // that the flag takes, nil if it does not take words
	get   func() string
	set   func(string) error
}

func (f *checkedFlag) Set(text string) error { return f.set(text) }
func (f *checkedFlag) String() string        { return f.get() }
func (f *checkedFlag) Type() string          { return f.kind }

// addEnum adds a flag that takes one of words.
func addEnum(fl *pflag.FlagSet, p *string, name, value string, words []string, usage string) {
	*p = value
	kind := strings.ToUpper(name[strings.LastIndex(name, "-")+1:])
	fl.Var(&checkedFlag{kind, words, func() string { return *p }, func(word string) error {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%q is not %s", word, oneOf(words))
		}
		*p = word
		return nil
	}}, name, usage)
}

// oneOf writes words for people.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// addInt adds a number with limits.
func addInt(fl *pflag.FlagSet, p *int, name string, value, least, most int, usage string) {
	*p = value
	want := fmt.Sprintf("a number between %d and %d", least, most)
	if most == math.MaxInt {
		want = fmt.Sprintf("a number of at least %d", least)
	}
	fl.Var(&checkedFlag{"N", nil, func() string { return strconv.Itoa(*p) }, func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not %s", text, want)
		}
		*p = n
		return nil
	}}, name, usage)
}

// addDuration adds a time that is at least as long as least.
func addDuration(fl *pflag.FlagSet, p *time.Duration, name string, value, least time.Duration, usage string) {
	*p = value
	fl.Var(&checkedFlag{"TIME", nil, func() string { return shortDuration(*p) }, func(text string) error {
		d, err := parseDuration(text)
		if err == nil && d < least {
			err = fmt.Errorf("%q is not a time of at least %v", text, least)
		}
		if err == nil {
			*p = d
		}
		return err
	}}, name, usage)
}

// parseDuration parses a duration that may be given in days.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 90s, 15m, 24h or 7d", text)
	}
	return d, nil
}

// shortDuration writes a duration without zeros at its end. The help leaves out "0".
func shortDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if short, ok := strings.CutSuffix(text, zero); ok {
			text = short + zero[:1]
		}
	}
	return text
}

// checkFilled refuses flags that are set to nothing: an empty filter or guard, such as --created-by or
// --protect, would silently do nothing, and the run would do more than was meant. An empty
// --metrics-file means none, so that a schedule can leave out the metrics of one job.
func checkFilled(fl *pflag.FlagSet) (err error) {
	fl.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		isEmpty := func(value string) bool { return strings.TrimSpace(value) == "" }
		if slices.ContainsFunc(values, isEmpty) && f.Name != "metrics-file" {
			err = status.Refuse(fmt.Errorf("--%s is empty: give it a value, or leave it out", f.Name))
		}
	})
	return err
}

// flagError returns the error for an invalid flag. If the error says what the flag takes, it does not
// point to the help.
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

// valueError says what is wrong with a value. The errors of pflag name functions of Go.
func valueError(invalid *pflag.InvalidValueError) error {
	if _, ours := invalid.GetFlag().Value.(*checkedFlag); ours {
		return errors.Unwrap(invalid)
	}
	return fmt.Errorf("%q is not true or false", invalid.GetValue()) // pflag refuses no other value
}

func seeHelp(cmd *cobra.Command) string { return fmt.Sprintf("see '%s --help'", cmd.CommandPath()) }

// completeWords makes a shell complete the flags of a command that take words.
func completeWords(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if v, ok := f.Value.(*checkedFlag); ok && v.words != nil {
			cmd.RegisterFlagCompletionFunc(f.Name, // fails for a flag that does not exist
				cobra.FixedCompletions(v.words, cobra.ShellCompDirectiveNoFileComp))
		}
	})
}
