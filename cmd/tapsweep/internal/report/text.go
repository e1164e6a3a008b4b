package report

import (
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
		line("list", "%s, %s, %s", strings.Join(l.Sources, ", "), pairs(l.Pairs), l.Digest)
	}
	for _, l := range r.Logs {
		line("log", "%s, %s", l.Name, l.Digest)
	}
	line("start", "%s", moment(r.Start))
	line("end", "%s", moment(r.End))
	line("time", "%s, %.1f pairs/s", seconds(r.Seconds), r.PairsPerSecond)
	if r.Waits.Count > 0 {
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
			fmt.Fprintf(tw, "%s\t%9s\t%s\n", o, number(n), share(n, r.Pairs))
		}
	}
	if r.Verified > 0 {
		fmt.Fprintf(tw, "verified\t%9s\t%s\n", number(r.Verified), "a look afterwards shows no pass")
	}
	for _, reason := range r.reasons() {
		fmt.Fprintf(tw, "%s\t%9s\t%s\n", reason.Name, number(reason.Count), "what the pass was before")
	}
	tw.Flush()

	if len(r.Failures) > 0 {
		fmt.Fprintln(&b, "\nnot done:")
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

// Verdict says in one sentence how it stands.
func (r *Report) Verdict() string {
	all := r.Pairs + r.WithoutRow
	done, left := "done", r.Left+r.WithoutRow
	if r.DryRun {
		done = "ready to be revoked, or need nothing"
	}
	switch {
	case all == 0:
		return "The logs tell of no pair."
	case left == 0:
		return fmt.Sprintf("All %s are %s.", pairs(all), done)
	}
	is := "are"
	if left == 1 {
		is = "is"
	}
	return fmt.Sprintf("%s of %s are %s, %s %s not.", number(r.Done), pairs(all), done, number(left), is)
}

// Notes are what a reader has to know before all else.
func (r *Report) Notes() (notes []string) {
	if r.DryRun {
		notes = append(notes, "This was a dry run: nothing was changed.")
	}
	if slices.ContainsFunc(r.Runs, func(run *Run) bool { return slices.Contains(run.Command, "--simulate") }) {
		notes = append(notes, "This was a drill against a simulated tenant.")
	}
	for _, run := range r.Killed() {
		if run.resumed {
			notes = append(notes, fmt.Sprintf("The run of %s was killed; a later one went on with it.", moment(run.Start)))
			continue
		}
		notes = append(notes, fmt.Sprintf("The run of %s was killed or is still going on: %s has no last line of it.", moment(run.Start), run.Log))
	}
	for _, lg := range r.Logs {
		if lg.Torn {
			notes = append(notes, fmt.Sprintf("The last line of %s is torn and was left out.", lg.Name))
		}
	}
	if r.WithoutRow > 0 {
		notes = append(notes, fmt.Sprintf("No row tells what became of %s; requests may have been sent for some.", pairs(r.WithoutRow)))
	}
	return notes
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

// reasons are the counts by methodUsabilityReason, most first.
func (r *Report) reasons() (list []named) {
	for name, n := range r.Reasons {
		list = append(list, named{name, n})
	}
	slices.SortFunc(list, func(a, b named) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}
