package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// emptyIsNone lists the flags whose empty value means none, so that a schedule can omit the
// metrics for one job. All other flags refuse an empty value: an empty filter or guard, such
// as --created-by or --protect, would silently do nothing, and the run would do more than was
// meant.
var emptyIsNone = []string{"metrics-file"}

// errEmpty is the error for an empty value.
var errEmpty = errors.New("is empty: give it a value, or leave it out")

// A filled is a flag value that refuses empty text and text of blanks only. It says in our words
// what is wrong with other text.
type filled struct{ pflag.Value }

func (f *filled) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errEmpty
	}
	return inOurWords(f.Value, text, f.Value.Set(text))
}

// wants says what flags of pflag's types take. The errors of pflag name functions of Go.
var wants = map[string]string{"bool": "true or false", "int": "a whole number of up to 18 digits",
	"float64": "a number", "duration": "a time such as 90s, 15m or 24h", "stringSlice": "a list with commas"}

// inOurWords returns err, which Set returned for a text, unless pflag has made it.
func inOurWords(v pflag.Value, text string, err error) error {
	_, ours := errors.AsType[*valueError](err)
	want, known := wants[v.Type()]
	if err == nil || ours || errors.Is(err, errEmpty) || !known {
		return err
	}
	return &valueError{strconv.Quote(text), want}
}

// refuseEmpty makes the flags of the commands refuse an empty value, both on the command line
// and in a variable.
func refuseEmpty(commands []*cobra.Command) {
	for _, cmd := range commands {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains(emptyIsNone, f.Name) {
				return
			}
			f.Value = &filled{f.Value}
			switch f.DefValue { // help hides these defaults only for pflag's own types
			case "[]":
				f.DefValue = ""
			case "0s":
				f.DefValue = "0"
			}
		})
	}
}

// valueOf returns the value of a flag as its command created it.
func valueOf(f *pflag.Flag) pflag.Value {
	if v, ok := f.Value.(*filled); ok {
		return v.Value
	}
	return f.Value
}
