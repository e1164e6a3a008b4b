package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// didYouMean returns a hint with the name that is most like a misspelt word. It returns no hint if more
// than half of the word differs. cobra compares the words, because it does so for command names.
func didYouMean(word, before string, names []string) []string {
	all := new(cobra.Command)
	for _, name := range names {
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	for n := range max(len(word)/2, 1) {
		all.SuggestionsMinimumDistance = n + 1
		if near := all.SuggestionsFor(word); len(near) > 0 && word != "" {
			return []string{fmt.Sprintf("did you mean %s%s?", before, near[0])}
		}
	}
	return nil
}

// suggestFlag returns the hint for an unknown flag. pflag reads a long name after a single dash as short flags.
func suggestFlag(cmd *cobra.Command, unknown *pflag.NotExistError) []string {
	typed, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "=")
	if typed == "" {
		typed = unknown.GetSpecifiedName()
	}
	if len(typed) == 1 {
		return nil
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return didYouMean(typed, "--", slices.Sorted(slices.Values(names)))
}
