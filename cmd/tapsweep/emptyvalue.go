package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// emptyIsNone are the flags whose empty value means none: a schedule may leave the metrics
// out for one job. All others refuse it. What narrows or guards a run, such as --created-by
// or --protect, would do nothing without a word, and the run would be wider than was meant.
var emptyIsNone = []string{"metrics-file"}

// errEmpty is why an empty value is refused.
var errEmpty = errors.New("is empty: give it a value, or leave it out")

// A filled is the value of a flag that refuses an empty one, blanks included.
type filled struct{ pflag.Value }

func (f *filled) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errEmpty
	}
	return f.Value.Set(text)
}

// refuseEmpty has the flags of the commands refuse an empty value, whether it comes from
// the command line or from a variable.
func refuseEmpty(commands []*cobra.Command) {
	for _, cmd := range commands {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains(emptyIsNone, f.Name) {
				return
			}
			f.Value = &filled{f.Value}
			switch f.DefValue { // help knows that these are nothing for pflag's own values only
			case "[]":
				f.DefValue = ""
			case "0s":
				f.DefValue = "0"
			}
		})
	}
}

// valueOf is the value of a flag as its command has made it.
func valueOf(f *pflag.Flag) pflag.Value {
	if v, ok := f.Value.(*filled); ok {
		return v.Value
	}
	return f.Value
}
