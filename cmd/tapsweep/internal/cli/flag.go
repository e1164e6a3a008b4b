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
)

// An enumFlag is the value of a flag that takes one of a few words. Others are refused as soon
// as the flag is set.
type enumFlag struct {
	value *string
	words []cobra.Completion // with a description behind a tab where a word needs one
	also  func(string) bool  // values that are accepted, but not offered
}

// addEnum adds a flag that takes one of words, or its default.
func addEnum(fl *pflag.FlagSet, p *string, name, value string, words []cobra.Completion, usage string) *enumFlag {
	*p = value
	e := &enumFlag{value: p, words: words, also: func(word string) bool { return word == value }}
	fl.Var(e, name, usage)
	return e
}

func (e *enumFlag) Set(word string) error {
	if !e.also(word) && !slices.ContainsFunc(e.words, func(w cobra.Completion) bool { return wordOnly(w) == word }) {
		return notAmong(word, e.words)
	}
	*e.value = word
	return nil
}

func (e *enumFlag) String() string { return *e.value }
func (e *enumFlag) Type() string   { return "string" }

// A valueError says that a flag does not accept a value, and what it does accept.
type valueError struct{ value, want string }

func (e *valueError) Error() string { return e.value + " is not " + e.want }

func notAmong(word string, words []cobra.Completion) error {
	var names []string
	for _, w := range words {
		names = append(names, wordOnly(w))
	}
	return &valueError{strconv.Quote(word), oneOf(names)}
}

// wordOnly returns a word without its description.
func wordOnly(word cobra.Completion) string {
	name, _, _ := strings.Cut(word, "\t")
	return name
}

// oneOf writes words and their descriptions for a usage string.
func oneOf(words []cobra.Completion) string {
	texts := slices.Clone(words)
	for i, w := range words {
		if name, description, ok := strings.Cut(w, "\t"); ok {
			texts[i] = name + " (" + description + ")"
		}
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

// A rangeFlag is the value of a flag that has limits.
type rangeFlag struct {
	pflag.Value
	within func() bool
	want   string
}

func (r *rangeFlag) Set(text string) error {
	before := r.String()
	if err := r.Value.Set(text); err != nil {
		return err
	}
	if !r.within() {
		_ = r.Value.Set(before) // which was within the limits
		return &valueError{text, r.want}
	}
	return nil
}

func setRange(fl *pflag.FlagSet, name, want string, within func() bool) {
	f := fl.Lookup(name)
	f.Value = &rangeFlag{f.Value, within, want}
	if f.DefValue == "0s" {
		f.DefValue = "0" // help leaves this default out, whatever the type
	}
}

// addInt adds a number with limits.
func addInt(fl *pflag.FlagSet, n *int, name string, value, least, most int, usage string) {
	fl.IntVar(n, name, value, usage)
	want := fmt.Sprintf("a number between %d and %d", least, most)
	if most == math.MaxInt {
		want = fmt.Sprintf("a number of at least %d", least)
	}
	setRange(fl, name, want, func() bool { return *n >= least && *n <= most })
}

// addDuration adds a duration that is at least as long as least.
func addDuration(fl *pflag.FlagSet, d *time.Duration, name string, value, least time.Duration, usage string) {
	*d = value
	fl.Var((*days)(d), name, usage)
	setRange(fl, name, fmt.Sprintf("a time of at least %v", least), func() bool { return *d >= least })
}

// addFile adds a flag that names a file, which a shell completes with files that have one of
// the extensions, or with any file.
func addFile(fl *pflag.FlagSet, p *string, name, value, usage string, extensions ...string) {
	fl.StringVar(p, name, value, usage)
	namesFile(fl, name, extensions...)
}

// namesFile makes a shell complete a flag with files.
func namesFile(fl *pflag.FlagSet, name string, extensions ...string) {
	fl.SetAnnotation(name, cobra.BashCompFilenameExt, extensions) // fails for a flag that does not exist
}

// emptyIsNone lists the flags whose empty value means none, so that a schedule can omit the
// metrics for one job. All other flags refuse an empty value: an empty filter or guard, such
// as --created-by or --protect, would silently do nothing, and the run would do more than was
// meant.
var emptyIsNone = []string{"metrics-file"}

// errEmpty is the error for an empty value.
var errEmpty = errors.New("is empty: give it a value, or leave it out")

// A filledFlag is a flag value that refuses empty text and text of blanks only. It says in our
// words what is wrong with other text.
type filledFlag struct{ pflag.Value }

func (f *filledFlag) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errEmpty
	}
	return inOurWords(f.Value, text, f.Value.Set(text))
}

// wants says what flags of pflag's types take. The errors of pflag name functions of Go.
var wants = map[string]string{"bool": "true or false", "int": "a whole number of up to 18 digits",
	"float64": "a number", "stringSlice": "a list with commas"}

// inOurWords returns err, which Set returned for a text, unless pflag has made it.
func inOurWords(v pflag.Value, text string, err error) error {
	_, ours := errors.AsType[*valueError](err)
	want, known := wants[v.Type()]
	if err == nil || ours || errors.Is(err, errEmpty) || !known {
		return err
	}
	return &valueError{strconv.Quote(text), want}
}

// finishFlags makes the flags of the commands refuse an empty value, and makes a shell complete
// their values: with words, with files for those that addFile has added, otherwise with nothing.
func (p *program) finishFlags(commands []*cobra.Command) {
	for _, cmd := range commands {
		if cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			complete := cobra.NoFileCompletions
			switch v := f.Value.(type) {
			case *enumFlag:
				complete = cobra.FixedCompletions(v.words, cobra.ShellCompDirectiveNoFileComp)
			case *reasons:
				complete = p.completeReasons
			}
			_, file := f.Annotations[cobra.BashCompFilenameExt]
			if _, directory := f.Annotations[cobra.BashCompSubdirsInDir]; !file && !directory {
				cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that does not exist
			}
			if slices.Contains(emptyIsNone, f.Name) {
				return
			}
			f.Value = &filledFlag{f.Value}
			switch f.DefValue { // help hides these defaults only for pflag's own types
			case "[]":
				f.DefValue = ""
			case "0s":
				f.DefValue = "0"
			}
		})
	}
}

// filesWith completes an argument with files that have one of the extensions.
func filesWith(extensions ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

// anyFile completes an argument with any file.
var anyFile = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
