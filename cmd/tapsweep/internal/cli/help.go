package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type section string

// The sections, in the order of the help.
const (
	whatToRevoke section = "What to revoke"
	whereToLook  section = "Where to look"
	whatToFind   section = "Which passes"
	whatToServe  section = "The simulated tenant"
	safety       section = "Safety"
	resultsLog   section = "Results"
	signingIn    section = "Signing in"
	pace         section = "Pace"
	output       section = "Output"
	others       section = ""
)

var sections = []section{whatToRevoke, whereToLook, whatToFind, whatToServe, safety, resultsLog, signingIn, pace,
	output, others}

// Annotations of flags.
const (
	inSection = "section"
	isRare    = "rare"
)

// helpTemplate is the help of a command.
const helpTemplate = "{{or .Long .Short}}\n\n{{.UsageString}}"

// usageTemplate is the help of a command below its description.
const usageTemplate = `Usage:
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}} COMMAND{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name 12}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasHelpSubCommands}}

Pages of the manual:{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  help {{rpad .Name 16}} {{.Short}}{{end}}{{end}}{{end}}
{{commonFlags .}}{{if .HasAvailableSubCommands}}
The help of a command: {{.CommandPath}} COMMAND --help
{{end}}`

func init() {
	cobra.EnableCommandSorting = false // the help lists commands in the order of their use
	cobra.AddTemplateFunc("commonFlags", commonFlags)
}

func inHelp(fl *pflag.FlagSet, s section, names ...string) {
	for _, name := range names {
		fl.SetAnnotation(name, inSection, []string{string(s)}) // fails for a flag that does not exist
		delete(fl.Lookup(name).Annotations, isRare)
	}
}

// inFlagsHelp adds flags that few people need. Only "tapsweep help flags" shows them.
func inFlagsHelp(fl *pflag.FlagSet, s section, names ...string) {
	inHelp(fl, s, names...)
	for _, name := range names {
		fl.SetAnnotation(name, isRare, nil)
	}
}

func sectionOf(f *pflag.Flag) section { return section(strings.Join(f.Annotations[inSection], "")) }

// commonFlags returns the help of all flags of a command except the rare ones.
func commonFlags(cmd *cobra.Command) string {
	var common []*pflag.Flag
	rare := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Annotations[isRare]; ok {
			rare = "\nFurther flags: tapsweep help flags\n"
			return
		}
		common = append(common, f)
	})
	return flagUsages(common) + rare
}

// withoutValues returns a flag that pflag shows without [=true|false] if it is boolean: pflag adds that if the value
// has a method IsBoolFlag.
func withoutValues(f *pflag.Flag) *pflag.Flag {
	shown := *f
	if f.Value.Type() == "bool" {
		shown.Value = struct{ pflag.Value }{f.Value}
	}
	return &shown
}

func flagUsages(flags []*pflag.Flag) string {
	var b strings.Builder
	for _, s := range sections {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		for _, f := range flags {
			if sectionOf(f) == s {
				set.AddFlag(withoutValues(f))
			}
		}
		if usages := set.FlagUsagesWrapped(80); usages != "" {
			fmt.Fprintf(&b, "\n%s:\n%s", cmp.Or(string(s), "Help"), usages)
		}
	}
	return b.String()
}

// flagsPage is the page of the help with all flags of all commands.
func flagsPage() *cobra.Command {
	page := &cobra.Command{
		Use:   "flags",
		Short: "All flags of all commands, and their variables",
		Long: `All flags of each command. Square brackets show the environment variable that
also sets the flag, if there is one. A flag on the command line overrides its
variable. Flags that say what to revoke, where to look and what to write have
no variable.

A DURATION is a number with a unit, such as 90s, 15m, 24h or 7d. A TIME is such
a duration before now, or a date or a time.`,
	}
	page.SetHelpFunc(func(page *cobra.Command, _ []string) {
		fmt.Fprintln(page.OutOrStdout(), page.Long)
		for _, cmd := range page.Root().Commands() {
			if flags := allFlags(cmd); len(flags) > 0 {
				fmt.Fprintf(page.OutOrStdout(), "\n%s\n%s", strings.ToUpper(cmd.CommandPath()), flagUsages(flags))
			}
		}
	})
	return page
}

// allFlags returns copies of the flags of a command, with their variables.
func allFlags(cmd *cobra.Command) (flags []*pflag.Flag) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if sectionOf(f) == others {
			return
		}
		known := *f
		if hasEnvironment(f) {
			known.Usage += " [" + variable(f.Name) + "]"
		}
		flags = append(flags, &known)
	})
	return flags
}
