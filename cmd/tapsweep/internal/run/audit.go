package run

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// audit returns the counts of the audit log, nil if the run does not read it.
func (s *summary) audit() *scan.AuditCounts {
	if s.Scan == nil {
		return nil
	}
	return s.Scan.Audit
}

// wrongCreator reports whether --created-by is wrong: the tenant has no such user, and no audit record has
// the name.
func (s *summary) wrongCreator() bool {
	a := s.audit()
	return s.NoCreator && a != nil && a.By == 0
}

// scanned writes how many passes a scan found, and how many it left out.
func (s *summary) scanned(w io.Writer) {
	c := s.Scan
	if c == nil {
		return
	}
	if s.Scan.Audit != nil {
		s.printAudit(w, s.Scan.Audit)
	}
	printLines(w, summaryLine{s.seen() != "", "  passes seen: " + s.seen()})
	for _, left := range []struct {
		n    int
		what string
	}{
		{c.Recent, "left alone, because the pass is too recent"},
		{c.Older, "left out, because the pass was created before --created-since"},
		{c.Guests, "left out, because the user is a guest, or the account has no type"},
		{c.Disabled, "left out, because the account is disabled"},
		{c.Earlier, "scanned by an earlier run"}, {c.Failed, "could not be scanned"},
		{c.NotSeen, "or more not scanned"},
		{c.Passes[pass.Unknown], "of unknown reason: sweep does not delete them, revoke can"},
	} {
		printLines(w, summaryLine{left.n > 0, fmt.Sprintf("  %d %s", left.n, left.what)})
	}
}

// seen returns how many passes of each reason a scan found.
func (s *summary) seen() string {
	var seen []string
	for _, reason := range append(slices.Clone(pass.Reasons), pass.Unknown) {
		if n := s.Scan.Passes[reason]; n > 0 {
			seen = append(seen, fmt.Sprintf("%d %s", n, reason))
		}
	}
	return strings.Join(seen, ", ")
}

func (s *summary) printAudit(w io.Writer, a *scan.AuditCounts) {
	name := safetext.Printable(a.Name)
	fmt.Fprintf(w, "%s read, %s created", format.Plural(a.Records, "audit record", "audit records"), passes(a.Made))
	if name != "" {
		fmt.Fprintf(w, ", %d by %s", a.By, name)
	}
	fmt.Fprintf(w, "; %d still there", a.There)
	if s.Scan.Earlier > 0 {
		fmt.Fprint(w, ", not counting the users of earlier runs")
	}
	fmt.Fprintln(w)
	var by []string
	for _, c := range a.Creators {
		by = append(by, fmt.Sprintf("%s %d", c.Name, c.N))
	}
	if a.Others > 0 {
		by = append(by, fmt.Sprintf("others %d", a.Others))
	}
	printLines(w,
		summaryLine{len(by) > 0, "  created by: " + strings.Join(by, ", ")},
		summaryLine{s.Scan.ByTime > 0,
			fmt.Sprintf("  %d matched with the audit log by time, not by ID", s.Scan.ByTime)})
	for _, u := range a.Unlisted.First {
		fmt.Fprintln(w, unlisted(&u, name))
	}
	more := a.Unlisted.Count - len(a.Unlisted.First)
	printLines(w, summaryLine{more > 0, fmt.Sprintf("and %d more", more)})
	printNames(w, "users who hold no pass any more", a.Gone)
	printLines(w, summaryLine{a.NoID > 0,
		fmt.Sprintf("  %d left out, because no record has the ID of the pass", a.NoID)})
	printNames(w, "audit records to check, because they lack the user, time, creator or pass ID", a.Odd)
}

// printNames writes how many names there are, and the first of them.
func printNames(w io.Writer, what string, names scan.Examples[string]) {
	if names.Count == 0 {
		return
	}
	fmt.Fprintf(w, "  %s: %d: %s\n", what, names.Count, firstOf(names.First, names.Count))
}

// firstOf joins the first of n names, and adds how many more there are.
func firstOf(first []string, n int) string {
	text := strings.Join(first, ", ")
	if more := n - len(first); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// unlisted describes a pass of the creator that the scan does not list.
func unlisted(u *scan.Unlisted, creator string) string {
	text := fmt.Sprintf("%s: the pass of %s by %s ", cmp.Or(u.UPN, u.User), second(u.Made), creator)
	if u.Doubtful {
		return text + fmt.Sprintf("may be the pass of %s that the user holds, but their IDs differ, so it is not "+
			"listed: tapsweep scan --user %s shows it", second(u.At), u.User)
	}
	return text + fmt.Sprintf("was replaced at %s by %s; the new pass is not listed", second(u.At),
		cmp.Or(u.By, "somebody whom no audit record names yet"))
}

func second(t time.Time) string { return format.Time(t, time.RFC3339, "an unknown time") }
