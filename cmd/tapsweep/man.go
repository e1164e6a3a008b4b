package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// manCommand is for packagers, and for who has nothing but the binary.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the man pages into a directory",
		Example: "  tapsweep man ~/.local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		Hidden:  true,
		RunE: func(_ *cobra.Command, args []string) error {
			return writeManPages(args[0])
		},
	}
}

func writeManPages(dir string) error {
	pages, err := manPages()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for name, page := range pages {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), page, 0o644)
		}
	}
	if err != nil {
		return refuse(fmt.Errorf("writing the man pages: %w", err))
	}
	return nil
}

// manPages returns the man pages of all commands, by file name.
func manPages() (map[string][]byte, error) {
	pages := make(map[string][]byte)
	var add func(cmd *cobra.Command) error
	add = func(cmd *cobra.Command) error {
		var commands strings.Builder
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				commands.WriteString(".TP\n\\fB" + roff(c.Name()) + "\\fP\n" + roff(c.Short) + "\n")
				if err := add(c); err != nil {
					return err
				}
			}
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page, err := manPage(cmd, name, commands.String())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		pages[name+".1"] = page
		return nil
	}
	return pages, add((&app{}).rootCommand())
}

// manPage has cobra write a page, out of what is changed here to read as man pages do,
// and adds the sections that cobra does not know. The command is of no use afterwards.
func manPage(cmd *cobra.Command, name, commands string) ([]byte, error) {
	cmd.DisableAutoGenTag = true
	cmd.InitDefaultHelpFlag()
	cmd.Flags().VisitAll(manFlag)
	long, exits := cutExitCodes(cmd.Long)
	cmd.Long, cmd.Short = markdown.Replace(long), markdown.Replace(cmd.Short)
	cmd.Example = strings.TrimRight(cmd.Example, "\n")
	if commands != "" {
		cmd.Use += " COMMAND [flags]"
		commands = ".SH COMMANDS\n" + commands
	}
	cmd.Use = markdown.Replace(cmd.Use)

	// Without a date cobra takes today's, and two builds of a release would differ.
	// The version tells more.
	none := time.Time{}
	var b bytes.Buffer
	if err := doc.GenMan(cmd, &doc.GenManHeader{
		Title: strings.ToUpper(name), Section: "1", Date: &none, Source: "tapsweep " + buildVersion(), Manual: "tapsweep",
	}, &b); err != nil {
		return nil, err
	}
	page := strings.Replace(b.String(), none.Format("Jan 2006"), "", 1)
	page = strings.Replace(page, ".SH EXAMPLE\n", ".SH EXAMPLES\n", 1)
	page = manOption.ReplaceAllStringFunc(page, func(option string) string {
		m := manOption.FindStringSubmatch(option)
		names, value, optional := m[1], m[2], ""
		if strings.HasSuffix(names, "[") {
			names, value, optional = names[:len(names)-1], strings.TrimSuffix(value, "]"), "]"
		}
		switch {
		case value == "": // a switch
		case optional != "":
			names += `[=\fI` + value + `\fP]`
		default:
			names += `=\fI` + value + `\fP`
		}
		return ".TP\n" + names + "\n" + m[3]
	})

	before, after := page, ""
	for _, next := range []string{".SH SEE ALSO\n", ".SH EXAMPLES\n"} {
		if at := strings.Index(page, next); at >= 0 {
			before, after = page[:at], page[at:]
		}
	}
	return []byte(tidyRoff(before + commands + exits + manVariables(cmd) + after)), nil
}

// manOption is an option as cobra prints it, a paragraph whose second line does not
// hang: its names, its value, and what it is for.
var manOption = regexp.MustCompile(`(?m)(?:^\.PP\n)?^(\\fB-.*?)=(.*)\n\t(.*)$`)

// tidyRoff leaves out empty lines, has no word be hyphenated, and makes what a formatter
// may take for hyphens the minus signs that one types.
func tidyRoff(page string) string {
	var b strings.Builder
	example := false
	for line := range strings.Lines(page) {
		switch {
		case line == "\n" && !example || line == ".nh\n":
			continue
		case line == ".EX\n" || line == ".EE\n":
			example = line == ".EX\n"
		case strings.HasPrefix(line, ".TH "):
			line += ".nh\n" // cobra's stands before .TH, which undoes it
		case !strings.HasPrefix(line, "."):
			line = strings.ReplaceAll(strings.ReplaceAll(line, `\-`, "-"), "-", `\-`)
		}
		b.WriteString(line)
	}
	return b.String()
}

// markdown escapes what cobra takes for Markdown.
var markdown = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "<", `\<`, "#", `\#`, "|", `\|`, "…", "...")

// manFlag has cobra print what takes the place of a flag's value, where it would print
// the default, and the default behind what the flag is for.
func manFlag(f *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(f)
	value = strings.TrimSuffix(value, "Array") // of a repeatable flag, which its text says
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
	default:
		if !strings.Contains(usage, "(default") {
			usage += " (default " + f.DefValue + ")"
		}
	}
	if value == "" {
		f.NoOptDefVal = "" // a switch
	}
	f.Usage, f.DefValue, f.Value = markdown.Replace(usage), markdown.Replace(value), plainValue{f.Value}
}

// A plainValue is one that cobra does not put in quotes.
type plainValue struct{ pflag.Value }

func (plainValue) Type() string { return "" }

// exitMeaning is where the meaning of an exit code begins.
var exitMeaning = regexp.MustCompile(`(?:^|,\s+)([0-4]|64) `)

// cutExitCodes makes a section of the paragraph of a help text that tells what the exit
// codes mean.
func cutExitCodes(long string) (rest, section string) {
	rest, codes, ok := strings.Cut(long, "\n\nExit codes: ")
	if !ok {
		return long, ""
	}
	codes, after, _ := strings.Cut(codes, "\n\n")
	if after != "" {
		rest += "\n\n" + after
	}
	section = ".SH EXIT STATUS\n"
	at := exitMeaning.FindAllStringSubmatchIndex(codes, -1)
	for i, m := range at {
		end := len(codes)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		section += ".TP\n" + roff(codes[m[2]:m[3]]) + "\n" + roff(strings.TrimSuffix(codes[m[1]:end], ".")) + "\n"
	}
	return rest, section
}

// manVariables tells of the variables that stand in for the command's flags.
func manVariables(cmd *cobra.Command) (section string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if section == "" && f.Name != "help" && f.Name != "version" {
			section = fmt.Sprintf(".SH ENVIRONMENT\nEvery option can be given by an environment variable as well: \\fB--%s\\fP by \\fB%s\\fP. One on the command line counts before it.\n",
				f.Name, variable(f.Name))
		}
	})
	return section
}

// roff escapes text for a line of a man page.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "…", "...").Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text // it is no request
	}
	return text
}
