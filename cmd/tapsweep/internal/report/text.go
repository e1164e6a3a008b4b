package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"tapsweep/cmd/tapsweep/internal/format"
)

// maxShown is the maximum number of causes of a step in the text.
const maxShown = 20

// writeText writes the report for a terminal, in the order of the page, without the chart and the rows.
func (r *Report) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.Verdict())
	for _, n := range r.Notes() {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	table(&b, r.facts())
	r.leftText(&b)
	table(&b, r.figures())
	r.Sessions.text(&b)
	table(&b, r.sources())
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes rows in columns, below an empty line.
func table(w io.Writer, rows [][]string) {
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	tw.Flush()
}

// facts returns the tenant of the runs, who started them, and when.
func (r *Report) facts() [][]string {
	took := seconds(r.Seconds)
	if pace := r.Pace(); pace != "" {
		took += ", " + pace + "/s"
	}
	rows := [][]string{
		{"tenant", r.TenantName()},
		{"graph", known(r.GraphRoot)},
		{"operator", known(strings.Join(r.Operators, ", "))},
		{"start", timestamp(r.Start)},
		{"end", timestamp(r.End)},
		{"time", took},
	}
	if by := r.TaskOperators; by != nil {
		rows = append(rows, []string{"deleted by", strings.Join(by.DeletedBy, ", ")},
			[]string{"verified by", strings.Join(by.VerifiedBy, ", ")})
	}
	if r.Users > 0 {
		rows = append(rows, []string{"users", format.Number(r.Users) + " scanned"})
	}
	if w := r.Waits; w.Count > 0 || w.Refused > 0 {
		rows = append(rows, []string{"waits",
			fmt.Sprintf("%s, %s, %s throttled", format.Number(w.Count), seconds(w.Seconds),
				count(w.Refused, "request"))})
	}
	return rows
}

// TenantName returns the domain and the ID of the tenant, as far as they are known.
func (r *Report) TenantName() string {
	if r.domain != "" {
		return fmt.Sprintf("%s (%s)", r.domain, known(r.Tenant))
	}
	return known(r.Tenant)
}

// sources returns the lists, the logs and their runs.
func (r *Report) sources() (rows [][]string) {
	for _, l := range r.Lists {
		if l.Pairs > 0 { // a scan has no list
			noun := "row"
			if l.ofVerify {
				noun = "user"
			}
			rows = append(rows, []string{"list",
				strings.Join(l.Sources, ", ") + ", " + count(l.Pairs, noun)})
		}
	}
	for _, f := range r.Files {
		name := "file"
		if f.What == "protect" {
			name = f.What
		}
		rows = append(rows, []string{name, f.Name + ", " + f.Digest})
	}
	for _, l := range r.Logs {
		rows = append(rows, []string{"log", l.Name + ", " + l.Digest})
	}
	for i, run := range r.Runs {
		name, text := "exit", run.ExitText()
		if len(r.Runs) > 1 {
			name = fmt.Sprintf("run %d", i+1)
			text = fmt.Sprintf("%s, %s, %s: exit %s",
				timestamp(run.Start), format.Duration(run.End.Sub(run.Start)), count(run.Rows, "row"), text)
		}
		if run.Stopped != "" {
			text += ": " + run.Stopped
		}
		rows = append(rows, []string{name, text + ", tapsweep " + run.Version})
	}
	return rows
}

// figures returns the counts: outcomes, verified passes and reasons.
func (r *Report) figures() (rows [][]string) {
	add := func(name string, n int, text string) {
		rows = append(rows, []string{name, fmt.Sprintf("%9s", format.Number(n)), text})
	}
	for _, s := range r.Shares() {
		add(s.Name, s.Count, s.Share)
	}
	if r.Proof() != "" {
		add("verified", r.Verified, fmt.Sprintf("of %s: Graph no longer lists a pass", format.Number(r.deleted())))
	}
	for _, group := range r.Names() {
		for _, c := range group.Counts {
			add(c.Name, c.N, strings.ToLower(group.Title))
		}
	}
	return rows
}

// leftText writes each step for what is left, with its causes and its command.
func (r *Report) leftText(w io.Writer) {
	steps := r.Steps()
	if len(steps) > 0 {
		fmt.Fprintf(w, "\n%s:\n", r.Words().Left)
	}
	for _, s := range steps {
		fmt.Fprintf(w, "  %s\n", s.Heading())
		for _, c := range s.Causes[:min(len(s.Causes), maxShown)] {
			fmt.Fprintf(w, "    %s %s: %s\n", format.Number(c.Count), c.Title(), c.Hint)
			if len(c.Examples) > 0 {
				fmt.Fprintf(w, "      such as %s\n", strings.Join(c.Examples, ", "))
			}
		}
		if n := len(s.Causes) - maxShown; n > 0 {
			fmt.Fprintf(w, "    and %s\n", count(n, "more cause"))
		}
		fmt.Fprintf(w, "    %s\n", &s)
	}
}

// String returns the command with its note, or the reason why there is no command.
func (c *NextCommand) String() string {
	switch {
	case c.Command == "":
		return "no command: " + c.Note
	case c.Note != "":
		return c.Command + "   # " + c.Note
	}
	return c.Command
}

// names has the number of passes for each name, the most frequent first.
type names struct {
	Title   string
	Column  string // heading of the names
	Counted string // heading of the numbers
	Counts  []format.Count
}

// Names returns the passes by reason and by creator, as far as they are known.
func (r *Report) Names() (groups []names) {
	counted, creators := "Passes", "Who created the passes"
	if r.kind == "verify" {
		counted = "Users"
	}
	if r.creatorsOfList {
		creators += ", according to the list"
	}
	for _, g := range []struct {
		title, column string
		counts        map[string]int
	}{
		{"Usability of the passes", "Usability", r.Reasons},
		{creators, "Creator", r.Creators},
	} {
		if counts := format.Counts(g.counts); len(counts) > 0 {
			groups = append(groups, names{g.title, g.column, counted, counts})
		}
	}
	return groups
}
