package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// maxShown is how many groups of failures the text shows.
const maxShown = 20

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.Verdict())
	for _, n := range r.Notes() {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	table(&b, r.facts())
	table(&b, r.figures())
	r.Sessions.text(&b)
	r.failures(&b)
	if len(r.Resume) > 0 {
		fmt.Fprintln(&b, "\nnext, where the run was started:")
	}
	for _, a := range r.Resume {
		fmt.Fprintf(&b, "  %s\n", a)
	}
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

// facts are about the runs and where they went.
func (r *Report) facts() [][]string {
	rows := [][]string{
		{"tenant", known(r.Tenant)},
		{"graph", known(r.GraphRoot)},
		{"operator", known(strings.Join(r.Operators, ", "))},
	}
	if by := r.Readers; by != nil {
		rows = append(rows, []string{"deleted by", strings.Join(by.DeletedBy, ", ")},
			[]string{"verified by", strings.Join(by.VerifiedBy, ", ")})
	}
	for _, l := range r.Lists {
		if l.Pairs > 0 { // what a scan finds is on no list
			name := strings.Join(l.Sources, ", ")
			rows = append(rows, []string{"list", fmt.Sprintf("%s, %s, %s", name, count(l.Pairs, l.noun()), l.Digest)})
		}
	}
	for _, l := range r.Logs {
		rows = append(rows, []string{"log", l.Name + ", " + l.Digest})
	}
	took := seconds(r.Seconds)
	if pace := r.Pace(); pace != "" {
		took += ", " + pace + "/s"
	}
	rows = append(rows, [][]string{
		{"start", timestamp(r.Start)},
		{"end", timestamp(r.End)},
		{"time", took},
	}...)
	if r.Users > 0 {
		rows = append(rows, []string{"users", format.Number(r.Users) + " looked at"})
	}
	if w := r.Waits; w.Count > 0 || w.Refused > 0 {
		rows = append(rows, []string{"waits",
			fmt.Sprintf("%s, %s, %s refused", format.Number(w.Count), seconds(w.Seconds), count(w.Refused, "request"))})
	}
	for i, run := range r.Runs {
		name, text := "exit", run.ExitText()
		if len(r.Runs) > 1 {
			name = fmt.Sprintf("run %d", i+1)
			text = fmt.Sprintf("%s, %s, %s: exit %s",
				timestamp(run.Start), duration(run.Took()), count(run.Rows, "row"), text)
		}
		if run.Stopped != "" {
			text += ": " + run.Stopped
		}
		rows = append(rows, []string{name, text + ", tapsweep " + run.Version})
	}
	return rows
}

// figures are the counts: outcomes, proofs and reasons.
func (r *Report) figures() (rows [][]string) {
	add := func(name string, n int, text string) {
		rows = append(rows, []string{name, fmt.Sprintf("%9s", format.Number(n)), text})
	}
	for _, o := range results.Outcomes {
		if n := r.Counts[o]; n > 0 {
			add(string(o), n, share(n, r.All()))
		}
	}
	if r.WithoutRow > 0 {
		add("no row", r.WithoutRow, share(r.WithoutRow, r.All()))
	}
	if r.Proof() != "" {
		add("verified", r.Verified, fmt.Sprintf("of %s: a look afterwards shows no pass", format.Number(r.deleted())))
	}
	for _, group := range r.reasons() {
		for _, reason := range group.Reasons {
			add(reason.Name, reason.Count, strings.ToLower(group.Title))
		}
	}
	return rows
}

// failures writes what is not done, by cause.
func (r *Report) failures(w io.Writer) {
	if len(r.Failures) > 0 {
		fmt.Fprintf(w, "\n%s:\n", strings.ToLower(strings.TrimPrefix(r.Words().Left, "What is ")))
	}
	for _, f := range r.Failures[:min(len(r.Failures), maxShown)] {
		fmt.Fprintf(w, "  %s  %s\n    %s\n    such as %s\n",
			format.Number(f.Count), f.Title(), f.Hint, strings.Join(f.Examples, ", "))
	}
	if n := len(r.Failures) - maxShown; n > 0 {
		fmt.Fprintf(w, "  and %s\n", count(n, "more group"))
	}
}

// String returns the command, or why there is none.
func (a NextCommand) String() string {
	switch {
	case a.Command == "":
		return fmt.Sprintf("%s, %s: %s", a.Log, pairs(a.Left), a.Note)
	case a.Note != "":
		return a.Command + "   # " + a.Note
	}
	return a.Command
}

// A reasonCount is how many passes have a methodUsabilityReason.
type reasonCount struct {
	Name  string
	Count int
}

// reasonCounts are the reasons of some passes, the most frequent first.
type reasonCounts struct {
	Title   string
	Reasons []reasonCount
}

// reasons returns the reasons of passes that are gone apart from those of passes that are not.
func (r *Report) reasons() (groups []reasonCounts) {
	before := reasonCounts{Title: "What the passes were before"}
	now := reasonCounts{Title: "What the passes are"}
	for name, n := range r.Reasons {
		before.add(name, n-r.reasonsNow[name])
		now.add(name, r.reasonsNow[name])
	}
	for _, g := range []reasonCounts{before, now} {
		slices.SortFunc(g.Reasons, func(a, b reasonCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
		})
		if len(g.Reasons) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func (g *reasonCounts) add(name string, n int) {
	if n > 0 {
		g.Reasons = append(g.Reasons, reasonCount{name, n})
	}
}
