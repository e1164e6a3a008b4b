package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What a shell offers for a value.
var (
	anyFile     = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	directories = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	logs        = files("jsonl")
	nothing     = cobra.NoFileCompletions
)

// files are those with one of the extensions, and directories that lead to them.
func files(extensions ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

// textCompletions are how flags that take text are completed, by name. A flag has to be
// here, unless it takes words or numbers.
var textCompletions = map[string]cobra.CompletionFunc{
	"ca-file":       files("pem"),
	"certificate":   files("pem", "pfx", "p12"),
	"client-id":     nothing,
	"created-by":    nothing,
	"created-since": nothing,
	"csv":           files("csv"),
	"evidence":      directories,
	"filter":        nothing,
	"graph-url":     nothing,
	"group":         nothing,
	"html":          files("html", "htm"),
	"json":          files("json"),
	"limit":         nothing,
	"listen":        nothing,
	"metrics-file":  files("prom"),
	"output":        anyFile, // of scan, in any of its formats
	"protect":       anyFile, // a list may have any extension
	"results":       logs,
	"secret-file":   anyFile,
	"seed":          anyFile,
	"tenant":        nothing,
	"token-file":    anyFile,
	"user":          nothing,
	"users":         anyFile,
	"write-list":    files("csv"),
}

// argumentCompletions are how arguments are completed, by command; others take none.
var argumentCompletions = map[string]cobra.CompletionFunc{
	"man":    directories,
	"report": logs,
	"revoke": anyFile,
	"verify": logs,
}

// withCompletions has a shell know what the commands take. Nothing is looked at for it
// but the command line: no file, no tenant, and no variable that stands for a flag.
func (a *app) withCompletions(commands []*cobra.Command) {
	for _, cmd := range commands {
		if cmd.ValidArgsFunction = argumentCompletions[cmd.Name()]; cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = nothing
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if complete := a.completionOf(f); complete != nil {
				cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that is not there
			}
		})
	}
}

// completionOf is how the value of a flag is completed, nil if nothing says it.
func (a *app) completionOf(f *pflag.Flag) cobra.CompletionFunc {
	switch v := valueOf(f).(type) {
	case *choice:
		return cobra.FixedCompletions(v.words, cobra.ShellCompDirectiveNoFileComp)
	case *reasons:
		return func(_ *cobra.Command, _ []string, list string) ([]cobra.Completion, cobra.ShellCompDirective) {
			directive := cobra.ShellCompDirectiveNoFileComp
			// A comma may follow. But in cobra's script for fish string split takes what
			// begins with a dash, as --reason=used does, for an option of its own.
			if last := a.args[len(a.args)-1]; !strings.HasPrefix(last, "-") {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
			return v.complete(list), directive
		}
	}
	switch f.Value.Type() {
	case "bool", "int", "float64", "duration":
		return nothing
	}
	return textCompletions[f.Name]
}

// complete completes the last word of a list with those that are not in it yet.
func (r *reasons) complete(list string) (lists []cobra.Completion) {
	begun := list[:strings.LastIndex(list, ",")+1]
	for _, word := range r.words() {
		if !slices.Contains(strings.Split(begun, ","), word) {
			lists = append(lists, begun+word)
		}
	}
	return lists
}
