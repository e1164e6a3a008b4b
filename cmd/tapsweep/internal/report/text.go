package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"tapsweep/cmd/tapsweep/internal/results"
)

// maxShown is how many groups of failures the text shows.
const maxShown = 20

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(tw, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(&b, r.Verdict())
	for _, n := range r.Notes() {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintln(&b)
	line("tenant", "%s", orUnknown(r.Tenant))
	line("graph", "%s", orUnknown(r.GraphRoot))
	line("operator", "%s", orUnknown(strings.Join(r.Operators, ", ")))
	for _, l := range r.Lists {
		if l.Pairs == 0 {
			continue // what a scan finds stands on no list
		}
		line("list", "%s, %s, %s", strings.Join(l.Sources, ", "), count(l.Pairs, l.noun()), l.Digest)
	}
	for _, l := range r.Logs {
		line("log", "%s, %s", l.Name, l.Digest)
	}
	line("start", "%s", moment(r.Start))
	line("end", "%s", moment(r.End))
	took := seconds(r.Seconds)
	if pace := r.Pace(); pace != "" {
		took += ", " + pace + "/s"
	}
	line("time", "%s", took)
	if r.Users > 0 {
		line("users", "%s looked at", number(r.Users))
	}
	if r.Waits.Count > 0 || r.Waits.Refused > 0 {
		line("waits", "%s, %s, %s refused", number(r.Waits.Count), seconds(r.Waits.Seconds), count(r.Waits.Refused, "request"))
	}
	for i, run := range r.Runs {
		name := "exit"
		if len(r.Runs) > 1 {
			name = fmt.Sprintf("run %d", i+1)
		}
		text := run.ExitText()
		if len(r.Runs) > 1 {
			text = fmt.Sprintf("%s, %s, %s: exit %s", moment(run.Start), long(run.Took()), count(run.Rows, "row"), text)
		}
		if run.Stopped != "" {
			text += ": " + run.Stopped
		}
		line(name, "%s, tapsweep %s", text, run.Version)
	}
	tw.Flush()

	fmt.Fprintln(&b)
	for _, o := range results.Outcomes {
		if n := r.Counts[o]; n > 0 {
			fmt.Fprintf(tw, "%s\t%9s\t%s\n", o, number(n), share(n, r.All()))
		}
	}
	if r.WithoutRow > 0 {
		fmt.Fprintf(tw, "no row\t%9s\t%s\n", number(r.WithoutRow), share(r.WithoutRow, r.All()))
	}
	if s := r.Proof(); s != "" {
		fmt.Fprintf(tw, "verified\t%9s\t%s: a look afterwards shows no pass\n", number(r.Verified), strings.TrimSuffix(s[strings.Index(s, "of"):], " verified"))
	}
	for _, g := range r.reasons() {
		for _, reason := range g.Reasons {
			fmt.Fprintf(tw, "%s\t%9s\t%s\n", reason.Name, number(reason.Count), strings.ToLower(g.Title))
		}
	}
	tw.Flush()

	if len(r.Failures) > 0 {
		fmt.Fprintf(&b, "\n%s:\n", strings.ToLower(strings.TrimPrefix(r.LeftTitle(), "What is ")))
	}
	for i, f := range r.Failures {
		if i == maxShown {
			fmt.Fprintf(&b, "  and %s\n", count(len(r.Failures)-maxShown, "more group"))
			break
		}
		fmt.Fprintf(&b, "  %s  %s\n    %s\n    such as %s\n", number(f.Count), f.Title(), f.Hint, strings.Join(f.Examples, ", "))
	}
	if len(r.Resume) > 0 {
		fmt.Fprintln(&b, "\nto go on, where the run was started:")
	}
	for _, a := range r.Resume {
		fmt.Fprintf(&b, "  %s\n", a.Text())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Title names a group of failures.
func (f *Failure) Title() string {
	title := string(f.Outcome)
	if f.Status >= 300 {
		title += fmt.Sprintf(" %d", f.Status)
	}
	if f.Code != "" {
		title += " " + f.Code
	}
	return title
}

// Text is the command, or why there is none.
func (a Again) Text() string {
	switch {
	case a.Command == "":
		return fmt.Sprintf("%s, %s: %s", a.Log, pairs(a.Left), a.Note)
	case a.Note != "":
		return a.Command + "   # " + a.Note
	}
	return a.Command
}

func orUnknown(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

type named struct {
	Name  string
	Count int
}

// reasons are counts by methodUsabilityReason, most first.
type reasons struct {
	Title   string
	Reasons []named
}

// reasons tells what passes are apart from what those were that are gone.
func (r *Report) reasons() (groups []reasons) {
	before := make(map[string]int)
	for name, n := range r.Reasons {
		before[name] = n - r.reasonsNow[name]
	}
	for _, g := range []struct {
		title  string
		counts map[string]int
	}{{"What the passes were before", before}, {"What the passes are", r.reasonsNow}} {
		var list []named
		for name, n := range g.counts {
			if n > 0 {
				list = append(list, named{name, n})
			}
		}
		slices.SortFunc(list, func(a, b named) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name)) })
		if len(list) > 0 {
			groups = append(groups, reasons{g.title, list})
		}
	}
	return groups
}
