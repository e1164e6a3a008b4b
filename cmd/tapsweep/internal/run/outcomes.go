package run

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
)

// outcomes writes a table of the outcomes, with what is left to do.
func (s *summary) outcomes(w io.Writer) {
	t := outcomeTable{&s.Counts, s.Log, results.Outcome.Meaning}
	t.print(w)
}

// An outcomeTable has the outcomes of one kind of rows.
type outcomeTable struct {
	counts  *revoke.Counts
	log     map[results.Outcome]int // rows of the whole log, nil if they are the same
	meaning func(results.Outcome) string
}

func (t *outcomeTable) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if t.log != nil {
		fmt.Fprintln(tw, "  \tthis run\twhole log")
	}
	for _, o := range results.Outcomes {
		hint := ""
		if !o.Done() {
			hint = t.meaning(o)
		}
		switch n := t.counts.Outcomes[o]; {
		case n == 0 && t.log[o] == 0:
			continue
		case t.log == nil:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%6d\t%s", o, n, hint), "\t"))
		default:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%8d\t%9d\t%s", o, n, t.log[o], hint), "\t"))
		}
		t.causes(tw, o)
	}
	tw.Flush()
}

func rows(n int) string { return format.Plural(n, "row", "rows") }

// mostCauses is how many causes of one outcome are listed.
const mostCauses = 8

// causes lists why rows have an outcome, the most frequent first, and what to do about each.
func (t *outcomeTable) causes(w io.Writer, o results.Outcome) {
	var list []revoke.Cause
	for c := range t.counts.Causes {
		if c.Outcome == o && c.Code != "" {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b revoke.Cause) int {
		return cmp.Or(cmp.Compare(t.counts.Causes[b].Rows, t.counts.Causes[a].Rows), cmp.Compare(a.Code, b.Code))
	})
	column, log := "  \t%6d\t", ""
	if t.log != nil { // of whose earlier rows the causes are not known
		column, log = "  \t%8d\t\t", "\t"
	}
	for i, c := range list {
		if i == mostCauses {
			fmt.Fprintf(w, "  \t\t%sand %d other causes\n", log, len(list)-i)
			return
		}
		tally := t.counts.Causes[c]
		text := c.Code
		if tally.Hint != "" {
			text += ": " + tally.Hint
		}
		fmt.Fprintf(w, column+"%s\n", tally.Rows, text)
	}
}

func round(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// scan writes what a scan has seen and left alone.
func (s *summary) scan(w io.Writer) {
	c := s.Scan
	if c == nil {
		return
	}
	s.auditLog(w)
	when := ""
	if s.Log != nil {
		when = " in this run"
	}
	seen := byReason(c.Passes)
	lines := []line{{seen != "", "  passes seen" + when + ": " + seen}}
	for _, left := range []struct {
		n    int
		what string
	}{
		{c.Recent, "passes too recent, left alone"}, {c.Older, "passes created before --created-since, left out"},
		{c.Guests, "guests left out"}, {c.Disabled, "disabled accounts left out"},
		{c.Untold, "accounts left out that do not say whether they are members, or enabled"},
		{c.Earlier, "users looked at before"}, {c.NotSeen, "users or more not looked at"},
	} {
		lines = append(lines, line{left.n > 0, fmt.Sprintf("  %d %s", left.n, left.what)})
	}
	unknown := c.Passes[pass.Unknown]
	printLines(w, append(lines, line{unknown > 0, format.Plural(unknown, "pass has", "passes have") +
		" a reason that is not known, and is never deleted without --any-pass or its id"}))
}

// byReason lists how many passes there are of each reason.
func byReason(counts map[pass.Reason]int) string {
	var parts []string
	for _, reason := range append(slices.Clone(pass.Reasons), pass.Unknown) {
		if n := counts[reason]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, reason))
		}
	}
	return strings.Join(parts, ", ")
}

// allClear writes what was read from the audit log if the run found no pass, or left out
// passes that had been replaced. A quiet run calls it too, because a misspelt name must not
// look like an all-clear. It writes nothing if the run did not read the audit log.
func (s *summary) allClear(w io.Writer) {
	if s.Scan != nil && s.Scan.Audit != nil && (s.Scan.Found == 0 || s.Scan.Audit.Replaced.Count > 0) {
		s.auditLog(w)
	}
}

// auditLog writes what was read from the audit log, if the run read it.
func (s *summary) auditLog(w io.Writer) {
	if s.Scan == nil || s.Scan.Audit == nil {
		return
	}
	a := s.Scan.Audit
	name := safetext.Printable(a.Name)
	create := "create a pass"
	if a.Made == 1 {
		create = "creates a pass"
	}
	fmt.Fprintf(w, "%s read, %d %s", format.Plural(a.Records, "audit record", "audit records"), a.Made, create)
	if name != "" {
		fmt.Fprintf(w, ", %d by %s", a.By, name)
	}
	fmt.Fprintln(w)
	if s.CreatorDoubt != "" && a.By == 0 {
		fmt.Fprintf(w, "warning: %s\n", s.CreatorDoubt)
	}
	for _, r := range a.Replaced.First {
		by := "somebody whom no audit record names yet"
		if r.By != "" {
			by = r.By
		}
		fmt.Fprintf(w, "%s: the pass of %s by %s was replaced at %s by %s; the new pass is not listed\n",
			cmp.Or(r.UPN, r.User), second(r.Made), name, second(r.At), by)
	}
	others(w, a.Replaced.Count-len(a.Replaced.First), "that were replaced")
	if a.Odd.Count > 0 {
		fmt.Fprintf(w, "%s left out, because the user, the time or the creator of the pass is missing; check: %s\n",
			format.Plural(a.Odd.Count, "audit record was", "audit records were"), strings.Join(a.Odd.First, ", "))
		others(w, a.Odd.Count-len(a.Odd.First), "that were left out")
	}
}

func others(w io.Writer, n int, what string) {
	if n > 0 {
		fmt.Fprintf(w, "and %d more %s\n", n, what)
	}
}

func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }
