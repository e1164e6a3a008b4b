package checkup

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
)

// print prints the result as text or as JSON. The tenant is nil without a token.
func (c *Checkup) print(to *console.Console, o *Options, t *tenant.Tenant) error {
	if o.JSON {
		e := json.NewEncoder(to.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(c)
	}
	var b strings.Builder
	if t != nil {
		t.Token.Print(&b, token.Task{})
		b.WriteByte('\n')
	}
	c.printCommands(&b)
	if err := c.printPasses(&b, o.User); err != nil {
		return err
	}
	c.printVariables(&b)
	c.printSteps(&b, to)
	for text := range strings.Lines(b.String()) { // the last columns may be empty
		if _, err := fmt.Fprintln(to.Out, strings.TrimRight(text, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printCommands prints which commands work, and what the others lack.
func (c *Checkup) printCommands(w io.Writer) {
	if len(c.Commands) == 0 {
		return
	}
	missing := ""
	if slices.ContainsFunc(c.Commands, func(v token.CommandVerdict) bool { return v.Missing != "" }) {
		missing = "missing permission"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "command\tworks\t%s\n", missing)
	for _, v := range c.Commands {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", v.Command, v.Works, v.Missing)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func (c *Checkup) printPasses(w io.Writer, user string) error {
	read := func(s Finding) bool { return s.Step == "passes" && s.Result == "ok" }
	if user == "" || !slices.ContainsFunc(c.Steps, read) {
		return nil
	}
	if len(c.Passes) == 0 {
		_, err := fmt.Fprintf(w, "%s has no pass.\n\n", safetext.Printable(user))
		return err
	}
	table, err := scan.NewWriter(w, "table", false)
	for i := range c.Passes {
		if err == nil {
			err = table.Write(&c.Passes[i])
		}
	}
	if err == nil {
		err = table.Close()
	}
	fmt.Fprintln(w)
	return err
}

func (c *Checkup) printVariables(w io.Writer) {
	if len(c.Variables) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "variable\tvalue\tfor")
	for _, v := range c.Variables {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", v.Variable, v.Value, strings.Join(v.Commands, ", "))
	}
	tw.Flush()
	fmt.Fprintln(w)
}

// printSteps prints the steps that succeeded in one line, then the others with what to do, and last what works.
func (c *Checkup) printSteps(w io.Writer, to *console.Console) {
	var well []string
	for _, s := range c.Steps {
		if s.Result == "ok" {
			well = append(well, s.Step)
		}
	}
	if len(well) > 0 {
		fmt.Fprintf(w, "ok: %s\n", strings.Join(well, ", "))
	}
	for _, s := range c.Steps {
		if s.Result == "ok" || s.Result == "skipped" && c.Exit != 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %s: %s\n", s.Result, s.Step,
			strings.ReplaceAll(to.Visible(s.Detail), "\n", "\n  "))
		for _, h := range s.Hints {
			fmt.Fprintf(w, "hint: %s\n", to.Visible(h))
		}
	}
	if verdict := c.verdict(); verdict != "" {
		fmt.Fprintln(w, verdict)
	}
}

// verdict returns a sentence about what works. It is empty without a token.
func (c *Checkup) verdict() string {
	works := make(map[string]token.Access)
	for _, v := range c.Commands {
		works[v.Command] = v.Works
	}
	who := "This app"
	if c.Kind == token.User {
		who = "This user"
	}
	switch revoke := works["revoke"]; {
	case revoke == token.Yes:
		return "tapsweep revoke works with this sign-in."
	case revoke == token.Perhaps:
		return "tapsweep revoke may work with this sign-in: see above."
	case works["revoke --self"] == token.Yes:
		return "tapsweep revoke works with this sign-in only for the user's own passes: --self."
	case works["verify"] == token.Yes:
		return who + " can only read. verify and scan work; revoke does not."
	case works["verify"] == token.Perhaps:
		return who + " can only read. verify and scan may work: see above. revoke does not."
	case revoke == token.No:
		return "tapsweep revoke does not work with this sign-in: see above."
	}
	return ""
}
