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
	"tapsweep/cmd/tapsweep/internal/scan"
)

// outcomes writes a table of the outcomes, with what is left to do.
func (s *summary) outcomes(w io.Writer) {
	t := outcomeTable{counts: &s.Counts, log: s.Log, meaning: results.Outcome.Meaning, first: s.First,
		ofVerify: s.Run.Kind() == "verify"}
	t.print(w)
}

// An outcomeTable has the outcomes of one kind of rows.
type outcomeTable struct {
	counts  *revoke.Counts
	log     map[results.Outcome]int // rows of the whole log, nil if they are the same
	meaning func(results.Outcome) string

	first    map[results.Outcome][]string // names of users, of a dry run
	ofVerify bool                         // the run deletes nothing
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
		n, inLog := t.counts.Outcomes[o], t.log[o]
		name := string(o)
		if t.ofVerify && o == results.Revoked { // nothing was revoked by this run
			name, n, inLog = "no pass", n+t.counts.Outcomes[results.Absent], inLog+t.log[results.Absent]
		} else if t.ofVerify && o == results.Absent {
			continue
		}
		switch {
		case n == 0 && inLog == 0:
			continue
		case t.log == nil:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%6d\t%s", name, n, hint), "\t"))
		default:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%8d\t%9d\t%s", name, n, inLog, hint), "\t"))
		}
		t.names(tw, o)
		t.causes(tw, o)
	}
	tw.Flush()
}

// firstNames is how many users of each outcome a dry run names.
const firstNames = 3

// name remembers the user of a row, if it is one of the first with its outcome.
func (s *summary) name(row *results.Row) {
	if s.First == nil {
		s.First = make(map[results.Outcome][]string)
	}
	if first := s.First[row.Outcome]; len(first) < firstNames {
		s.First[row.Outcome] = append(first, safetext.Printable(cmp.Or(row.UPN, row.User)))
	}
}

// names lists the first users with an outcome.
func (t *outcomeTable) names(w io.Writer, o results.Outcome) {
	first := t.first[o]
	if len(first) == 0 {
		return
	}
	text := strings.Join(first, ", ")
	if more := t.counts.Outcomes[o] - len(first); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	column := "  \t\t"
	if t.log != nil {
		column += "\t"
	}
	fmt.Fprintf(w, "%s%s\n", column, text)
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
		{c.Guests, "guests and accounts without a type, left out"}, {c.Disabled, "disabled accounts left out"},
		{c.Earlier, "users scanned before"}, {c.Failed, "users could not be scanned"},
		{c.NotSeen, "users or more not scanned"},
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

// allClear writes what was read from the audit log if the run found no pass, or if not every pass
// in the log is there. A quiet run calls it too, because a misspelt name must not
// look like an all-clear. It writes nothing if the run did not read the audit log.
func (s *summary) allClear(w io.Writer) {
	if s.Scan != nil && s.Scan.Audit != nil && (s.Scan.Found == 0 || s.Scan.Audit.Unlisted.Count > 0) {
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
	fmt.Fprintf(w, "%s read, %s created", format.Plural(a.Records, "audit record", "audit records"),
		format.Plural(a.Made, "pass", "passes"))
	if name != "" {
		fmt.Fprintf(w, ", %d by %s", a.By, name)
	}
	if a.By > 0 {
		fmt.Fprintf(w, "; %s still there", format.Plural(a.There, "of these is", "of these are"))
	}
	fmt.Fprintln(w)
	if s.CreatorDoubt != "" && a.By == 0 {
		fmt.Fprintf(w, "warning: %s\n", s.CreatorDoubt)
	}
	var by []string
	for _, c := range a.Creators {
		by = append(by, fmt.Sprintf("%s %d", c.Name, c.Passes))
	}
	if a.Others > 0 {
		by = append(by, fmt.Sprintf("others %d", a.Others))
	}
	printLines(w, []line{
		{len(by) > 0, "  created by: " + strings.Join(by, ", ")},
		{s.Scan.ByTime > 0, "  " + format.Plural(s.Scan.ByTime, "pass was matched", "passes were matched") +
			" with the audit log by time, not by id"},
	})
	for _, u := range a.Unlisted.First {
		fmt.Fprintln(w, unlisted(&u, name))
	}
	others(w, a.Unlisted.Count-len(a.Unlisted.First), "whose pass was replaced")
	if a.Gone.Count > 0 {
		fmt.Fprintf(w, "%s no pass any more: %s\n",
			format.Plural(a.Gone.Count, "of these users holds", "of these users hold"),
			strings.Join(a.Gone.First, ", "))
		others(w, a.Gone.Count-len(a.Gone.First), "who hold no pass")
	}
	s.gone(w, a)
	if a.Odd.Count > 0 {
		fmt.Fprintf(w, "%s the user, the time, the creator or a readable pass id; check: %s\n",
			format.Plural(a.Odd.Count, "audit record lacks", "audit records lack"), strings.Join(a.Odd.First, ", "))
		others(w, a.Odd.Count-len(a.Odd.First), "that are odd")
	}
}

// gone writes which users whose pass is gone are on the list.
func (s *summary) gone(w io.Writer, a *scan.AuditCounts) {
	n := a.Gone.Count + a.Unlisted.Count - a.Doubtful
	onList := a.OnList + a.NoID
	printLines(w, []line{
		{s.Run.Kind() == "scan" && n > 0 && onList == 0,
			"  to revoke the sessions of these users also, list them with " +
				"--include-gone"},
		{a.OnList > 0, "  the list also has " + format.Plural(a.OnList, "user whose pass is", "users whose pass is") +
			" gone or replaced, for revoke --revoke-sessions"},
		{a.NoID > 0, "  not on the list, because no record names the ID of the pass: " +
			format.Plural(a.NoID, "user", "users")},
	})
}

// unlisted says what is known of a pass by the creator that is not listed.
func unlisted(u *scan.Unlisted, creator string) string {
	text := fmt.Sprintf("%s: the pass of %s by %s ", cmp.Or(u.UPN, u.User), second(u.Made), creator)
	if u.Doubtful {
		return text + fmt.Sprintf("has another id in the audit log than the pass of %s that the user holds, so it is "+
			"not known whether it is that one; it is not listed: tapsweep scan --user %s shows it",
			second(u.At), u.User)
	}
	return text + fmt.Sprintf("was replaced at %s by %s; the new pass is not listed", second(u.At),
		cmp.Or(u.By, "somebody whom no audit record names yet"))
}

func others(w io.Writer, n int, what string) {
	if n > 0 {
		fmt.Fprintf(w, "and %d more %s\n", n, what)
	}
}

func second(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}
