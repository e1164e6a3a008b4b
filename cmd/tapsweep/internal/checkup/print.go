package checkup

import (
	"cmp"
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

// printCommands prints which commands work, and what the others lack. It leaves out commands that need another kind of
// sign-in.
func (c *Checkup) printCommands(w io.Writer) {
	shown := slices.DeleteFunc(slices.Clone(c.Commands), func(v token.CommandVerdict) bool {
		return v.UserOnly && c.Kind == token.App
	})
	if len(shown) == 0 {
		return
	}
	missing := ""
	if slices.ContainsFunc(shown, func(v token.CommandVerdict) bool { return v.Missing != "" }) {
		missing = "missing permission"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "command\tworks\t%s\n", missing)
	for _, v := range shown {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", v.Command, v.Works, v.Missing)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func (c *Checkup) printPasses(w io.Writer, user string) error {
	read := func(s Finding) bool { return s.Step == "read" && s.Result == "ok" }
	if user == "" || !slices.ContainsFunc(c.Steps, read) {
		return nil
	}
	if len(c.Passes) == 0 {
		_, err := fmt.Fprintf(w, "%s holds no pass.\n\n", safetext.Printable(user))
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

// stepNames has the names of steps for people, if they differ from the names in the JSON.
var stepNames = map[string]string{"claims": "permissions", "read": "passes"}

// printSteps prints the steps that succeeded in one line, then the others with what to do, and last whether revoke
// works.
func (c *Checkup) printSteps(w io.Writer, to *console.Console) {
	named := func(step string) string { return cmp.Or(stepNames[step], step) }
	var well []string
	for _, s := range c.Steps {
		if s.Result == "ok" {
			well = append(well, named(s.Step))
		}
	}
	if len(well) > 0 {
		fmt.Fprintf(w, "ok: %s\n", strings.Join(well, ", "))
	}
	for _, s := range c.Steps {
		if s.Result == "ok" || s.Result == "skipped" && c.Exit != 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %s: %s\n", s.Result, named(s.Step),
			strings.ReplaceAll(to.Visible(s.Detail), "\n", "\n  "))
		for _, h := range s.Hints {
			fmt.Fprintf(w, "hint: %s\n", to.Visible(h))
		}
	}
	verdicts := map[token.Access]string{token.Yes: "tapsweep revoke works with this sign-in.",
		token.Perhaps: "tapsweep revoke may work with this sign-in: see above.",
		token.No:      "tapsweep revoke does not work with this sign-in: see above."}
	for _, v := range c.Commands {
		if v.Command == "revoke" {
			fmt.Fprintln(w, verdicts[v.Works])
		}
	}
}
