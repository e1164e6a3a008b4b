package run

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
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

// unknownCreator reports whether no audit record has the user or app of --created-by, and it is not known
// whether they exist.
func (s *summary) unknownCreator() bool {
	a := s.audit()
	return a != nil && a.By == 0 && s.CreatorDoubt != ""
}

// wrongCreator reports whether an unknown creator may be a misspelled name. An ID is copied, not typed.
func (s *summary) wrongCreator() bool { return s.unknownCreator() && !s.CreatorByID }

// scanned writes how many passes a scan found, and how many it left out.
func (s *summary) scanned(w io.Writer) {
	c := s.Scan
	if c == nil {
		return
	}
	if c.Audit != nil {
		s.printAudit(w, c.Audit)
	}
	printIf(s.seen() != "", w, "  passes seen: ", s.seen())
	for _, left := range nonZero(
		count{c.Recent, "skipped: the pass is too recent"},
		count{c.Older, "skipped: the pass was created before --created-since"},
		count{c.Guests, "skipped: guest, or userType is empty"},
		count{c.Disabled, "skipped: the account is disabled"},
		s.protected(),
		count{c.Earlier, "scanned by an earlier run"}, s.unscanned(),
		count{c.NotSeen, "or more not scanned"},
		count{c.Passes[pass.Unknown], "of unknown reason: sweep does not delete them, revoke can"},
	) {
		fmt.Fprintln(w, "  "+left)
	}
}

// unscanned returns how many users could not be scanned, and the first of them.
func (s *summary) unscanned() count {
	failed := &s.Scan.Failed
	return count{failed.Count, "could not be scanned: " + safetext.Printable(firstOf(failed.First, failed.Count))}
}

// protected returns how many users a scan left out, because they are protected.
func (s *summary) protected() count {
	return count{s.Scan.Protected, "skipped: protected users"}
}

// seen returns how many passes of each reason a scan found.
func (s *summary) seen() string {
	var seen []count
	for _, reason := range append(slices.Clone(pass.Reasons), pass.Unknown) {
		seen = append(seen, count{s.Scan.Passes[reason], string(reason)})
	}
	return strings.Join(nonZero(seen...), ", ")
}

func (s *summary) printAudit(w io.Writer, a *scan.AuditCounts) {
	name := safetext.Printable(a.Name)
	fmt.Fprintf(w, "%s read, %s created", format.Plural(a.Records, "audit record", "audit records"), passes(a.Made))
	if name != "" {
		fmt.Fprintf(w, ", %d by %s", a.By, name)
	}
	fmt.Fprintf(w, "; %d still there", a.There)
	if a.NotKnown > 0 {
		fmt.Fprintf(w, ", %d not known", a.NotKnown)
	}
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
	printIf(len(by) > 0, w, "  created by: ", strings.Join(by, ", "))
	printIf(s.Scan.ByTime > 0, w, "  ", strconv.Itoa(s.Scan.ByTime), " matched with the audit log by time, not by ID")
	for _, u := range a.Unlisted.First {
		fmt.Fprintln(w, unlisted(&u, name))
	}
	more := a.Unlisted.Count - len(a.Unlisted.First)
	printIf(more > 0, w, "and ", strconv.Itoa(more), " more")
	printNames(w, "users who have no pass any more", a.Gone)
	printIf(s.NotScanned > 0, w, "  ", strconv.Itoa(s.NotScanned), ` listed with the reason "`, string(scan.NotScanned),
		`", for revoke to try`)
	printNames(w, "users skipped: no record has the ID of the pass", a.NoID)
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
		return text + fmt.Sprintf("may be the same as the pass of %s that the user has. Their IDs differ, so "+
			"it was left out. To see it: tapsweep scan --user %s", second(u.At), u.User)
	}
	return text + fmt.Sprintf("was replaced at %s by %s; the new pass is not listed", second(u.At),
		cmp.Or(u.By, "somebody whom no audit record names yet"))
}

func second(t time.Time) string { return format.Time(t, time.RFC3339, "an unknown time") }
