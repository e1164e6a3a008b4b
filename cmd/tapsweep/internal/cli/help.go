package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/markdown"
)

// A section is a group of flags in the help.
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
)

var sections = []section{whatToRevoke, whereToLook, whatToFind, whatToServe, safety, resultsLog, signingIn, pace,
	output}

// Annotations of flags.
const (
	inSection   = "section"
	placeholder = "placeholder"
	isRare      = "rare"
)

func init() { cobra.EnableCommandSorting = false } // the help lists commands in the order of their use

// inHelp puts flags into a section of the help. A name may have a placeholder for the value: "user=USER".
func inHelp(fl *pflag.FlagSet, s section, names ...string) {
	for _, name := range names {
		name, value, _ := strings.Cut(name, "=")
		fl.SetAnnotation(name, inSection, []string{string(s)}) // fails for a flag that does not exist
		fl.SetAnnotation(name, placeholder, []string{value})
		delete(fl.Lookup(name).Annotations, isRare)
	}
}

// inFlagsHelp is inHelp for flags that few people need. Only "tapsweep help flags" shows them.
func inFlagsHelp(fl *pflag.FlagSet, s section, names ...string) {
	inHelp(fl, s, names...)
	for _, name := range names {
		name, _, _ := strings.Cut(name, "=")
		fl.SetAnnotation(name, isRare, nil)
	}
}

func annotation(f *pflag.Flag, key string) string { return strings.Join(f.Annotations[key], "") }

// isCommon reports whether the help of a command shows a flag.
func isCommon(f *pflag.Flag) bool {
	_, rare := f.Annotations[isRare]
	return !rare && !f.Hidden
}

// The width of the help, in columns. Longer lines are hard to read.
const (
	defaultWidth = 80
	leastWidth   = 40
	mostWidth    = 120
)

// helpWidth returns the columns that the help may use: COLUMNS, else those of the terminal, else 80.
func (p *program) helpWidth() int {
	width, err := strconv.Atoi(p.getenv("COLUMNS"))
	if err != nil || width <= 0 {
		width = cmp.Or(p.console.Columns(), defaultWidth)
	}
	return min(max(width, leastWidth), mostWidth)
}

// help prints the help of a command.
func (p *program) help(cmd *cobra.Command, _ []string) {
	w, width := cmd.OutOrStdout(), p.helpWidth()
	fmt.Fprintln(w, strings.TrimRight(wrapText(cmp.Or(cmd.Long, cmd.Short), width), "\n"))
	if cmd.Runnable() {
		fmt.Fprintf(w, "\nUsage:\n%s", markdown.Wrap(cmd.UseLine(), width, "  ", "      "))
	} else {
		fmt.Fprintf(w, "\nUsage:\n  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	p.printCommands(w, cmd, width)
	var flags []*helpFlag
	rare := false
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if isCommon(f) {
			flags = append(flags, &helpFlag{Flag: f})
		}
		rare = rare || !isCommon(f) && !f.Hidden
	})
	printFlags(w, flags, width)
	switch {
	case rare:
		fmt.Fprintf(w, "\nFurther flags: tapsweep help flags\n")
	case cmd.HasAvailableSubCommands():
		fmt.Fprintf(w, "\nThe help of a command: %s COMMAND --help\n", cmd.CommandPath())
	}
}

// printCommands lists the commands below cmd, and the pages of the help.
func (p *program) printCommands(w io.Writer, cmd *cobra.Command, width int) {
	var commands, pages []*cobra.Command
	for _, sub := range cmd.Commands() {
		switch {
		case sub.IsAdditionalHelpTopicCommand():
			pages = append(pages, sub)
		case sub.IsAvailableCommand() || sub.Name() == "help":
			commands = append(commands, sub)
		}
	}
	for _, list := range []struct {
		title, before string
		column        int
		commands      []*cobra.Command
	}{{"Commands", "", 12, commands}, {"Pages of the help", "help ", 20, pages}} {
		if len(list.commands) > 0 {
			fmt.Fprintf(w, "\n%s:\n", list.title)
		}
		for _, sub := range list.commands {
			printItem(w, list.before+sub.Name(), sub.Short, list.column, width)
		}
	}
}

// printItem prints a name and, in a column of its own, what is said about it.
func printItem(w io.Writer, name, text string, column, width int) {
	indent := strings.Repeat(" ", column+4)
	first := "  " + name
	if space := column + 2 - utf8.RuneCountInString(name); space >= 2 {
		first += strings.Repeat(" ", space)
	} else {
		fmt.Fprintln(w, first)
		first = indent
	}
	fmt.Fprint(w, markdown.Wrap(text, width, first, indent))
}

// A helpFlag is a flag in the help.
type helpFlag struct {
	*pflag.Flag
	commands []string // that have it, if the help names them
}

// value returns the placeholder for the value of a flag, empty for a flag that takes none.
func (f *helpFlag) value() string {
	if f.NoOptDefVal != "" {
		return ""
	}
	if name := annotation(f.Flag, placeholder); name != "" {
		return name
	}
	if _, file := f.Annotations[cobra.BashCompFilenameExt]; file {
		return "FILE"
	}
	if f.Value.Type() == "duration" {
		return "TIME"
	}
	return strings.ToUpper(f.Name[strings.LastIndex(f.Name, "-")+1:])
}

func (f *helpFlag) left() string {
	left := "    --" + f.Name
	if f.Shorthand != "" {
		left = "-" + f.Shorthand + ", --" + f.Name
	}
	return strings.TrimRight(left+" "+f.value(), " ")
}

// right returns what a flag does and its default. If the help names commands, it also names the variable.
func (f *helpFlag) right() string {
	text := f.Usage
	if f.Name == "help" {
		text = "show this help" // in place of cobra's text
	}
	if !slices.Contains([]string{"", "false", "0", "[]", "0s"}, f.DefValue) {
		value := f.DefValue
		if f.Value.Type() == "duration" { // 15m0s
			value = strings.TrimSuffix(value, "m0s") + strings.Repeat("m", strings.Count(value, "m0s"))
		}
		text += " (default " + value + ")"
	}
	if len(f.commands) > 0 {
		where := strings.Join(f.commands, ", ")
		if _, ok := f.Annotations["environment"]; ok {
			where += "; " + variable(f.Name)
		}
		text += " [" + where + "]"
	}
	return text
}

// printFlags prints flags by section. Those without one come last.
func printFlags(w io.Writer, flags []*helpFlag, width int) {
	const mostColumn = 28
	column := 0
	for _, f := range flags {
		column = max(column, utf8.RuneCountInString(f.left()))
	}
	column = min(column, mostColumn, width/2)
	for _, s := range append(slices.Clone(sections), "") {
		first := true
		for _, f := range flags {
			if annotation(f.Flag, inSection) != string(s) {
				continue
			}
			if first {
				fmt.Fprintf(w, "\n%s:\n", cmp.Or(s, "Help"))
			}
			first = false
			printItem(w, f.left(), f.right(), column, width)
		}
	}
}

// flagsPage is the page of the help with all flags of all commands.
func (p *program) flagsPage() *cobra.Command {
	page := &cobra.Command{
		Use:   "flags",
		Short: "All flags of all commands, and their environment variables",
		Long: `These are all flags of all commands. Behind each flag are the commands that have it and the environment
variable that sets it, if there is one. A flag on the command line overrides its variable. Flags that say what to
revoke, where to look and what to write have no variable.

A TIME is 90s, 15m or 24h.`,
	}
	page.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		w, width := cmd.OutOrStdout(), p.helpWidth()
		fmt.Fprint(w, wrapText(cmd.Long, width))
		printFlags(w, allFlags(cmd.Root()), width)
	})
	return page
}

// allFlags returns the flags of all commands. A flag that means the same in several commands is there once.
func allFlags(root *cobra.Command) (flags []*helpFlag) {
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if annotation(f, inSection) == "" || f.Hidden {
				return
			}
			at := slices.IndexFunc(flags, func(known *helpFlag) bool {
				return known.Name == f.Name && known.Usage == f.Usage
			})
			if at < 0 {
				at, flags = len(flags), append(flags, &helpFlag{Flag: f})
			}
			flags[at].commands = append(flags[at].commands, cmd.Name())
		})
	}
	return flags
}
