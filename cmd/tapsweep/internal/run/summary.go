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
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// A Summary is what is printed at the end of a run. Its numbers are of this run, except those of the
// whole log, because a rate needs the time in which its rows were settled.
type Summary struct {
	Counts    revoke.Counts
	Log       map[results.Outcome]int // rows of the log with those of earlier runs, nil if there are none
	Took      time.Duration
	Results   string // name of the results log
	Run       results.Run
	Stopped   error // why the run stopped early
	DryRun    bool
	Simulated bool

	Evidence string // directory of the evidence
	Sealed   string // SHA-256 of its manifest, in hex

	Incomplete bool // rows could not be written to the results log

	Earlier        int          // rows that earlier runs on this log have settled
	Scan           *scan.Counts // of the scan before or in it, nil without one
	CreatorDoubt   string       // why it is not known whether the --created-by user exists, empty if known
	Output         string       // where a scan printed the passes
	Verify         bool         // users were looked at again afterwards
	AnyPass        int          // rows that named no pass
	VerifiedBefore int          // of the rows that earlier runs have settled

	// Pairs of a results log as the list that were left out: done, and protected.
	DoneBefore, ProtectedBefore int
}

// Print writes the summary.
func (s *Summary) Print(w io.Writer) {
	s.headline(w)
	s.outcomes(w)
	s.scan(w)
	s.verified(w)
	s.leftOut(w)
	if s.Stopped != nil {
		fmt.Fprintf(w, "stopped early: %s\n", safetext.Printable(s.Stopped.Error()))
	}
	if s.Output != "" && s.Output != "-" {
		fmt.Fprintf(w, "passes: %s\n", safetext.Visible(s.Output, ""))
	}
	s.Kept(w)
	if s.Incomplete {
		fmt.Fprintf(w, "the results log is not complete: %s\n", s.complete())
	}
	s.left(w)
	s.whole().next(w)
}

// headline writes how much was done in which time.
func (s *Summary) headline(w io.Writer) {
	what := "tapsweep"
	if s.Simulated {
		what = "tapsweep (simulated tenant)"
	}
	if s.DryRun {
		what += " (dry run, nothing was changed)"
	}
	size := rows(s.Counts.Total())
	if s.Scan != nil {
		size = format.Plural(s.Scan.Users, "user", "users") + " looked at"
	}
	fmt.Fprintf(w, "%s: %s in %s", what, size, round(s.Took))
	if sec := s.Took.Seconds(); sec > 0 && s.Counts.Requests > 0 {
		fmt.Fprintf(w, ", %.1f requests/s", float64(s.Counts.Requests)/sec)
	}
	if s.Counts.Throttled > 0 {
		fmt.Fprintf(w, ", throttled: %s refused", format.Plural(s.Counts.Throttled, "request", "requests"))
	}
	fmt.Fprintln(w)
}

// outcomes writes a table of the outcomes, with what is left to do.
func (s *Summary) outcomes(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if s.Log != nil {
		fmt.Fprintln(tw, "  \tthis run\twhole log")
	}
	for _, o := range results.Outcomes {
		hint := ""
		if !o.Done() {
			hint = o.Meaning()
		}
		switch n := s.Counts.Outcomes[o]; {
		case n == 0 && s.Log[o] == 0:
			continue
		case s.Log == nil:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%6d\t%s", o, n, hint), "\t"))
		default:
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%8d\t%9d\t%s", o, n, s.Log[o], hint), "\t"))
		}
		s.causes(tw, o)
	}
	tw.Flush()
}

// leftOut writes which rows were settled before, or meant any pass.
func (s *Summary) leftOut(w io.Writer) {
	meant := "was meant"
	if s.DryRun {
		meant = "would be deleted"
	}
	for _, line := range []struct {
		n    int
		what string
	}{
		{s.Earlier, rows(s.Earlier) + " settled by an earlier run"},
		{s.AnyPass, rows(s.AnyPass) + " named no pass: ANY Temporary Access Pass of these users " + meant},
		{s.Counts.Beside, format.Plural(s.Counts.Beside, "further pass", "further passes") +
			" of users who had several were also deleted; each has a row in the log"},
		{s.DoneBefore, rows(s.DoneBefore) + " left out, done by the earlier run"},
		{s.ProtectedBefore, rows(s.ProtectedBefore) + " left out, protected in the earlier run: " +
			"to revoke them, name them in a list of their own"},
	} {
		if line.n > 0 {
			fmt.Fprintln(w, line.what)
		}
	}
}

// left writes how many rows of the whole log are not done, protected or not proven.
func (s *Summary) left(w io.Writer) {
	whole := s.whole()
	all := rows(whole.Counts.Total()) + s.within()
	if left := whole.Counts.Left() - s.Counts.Unverified; left > 0 {
		fmt.Fprintf(w, "%d of %s not done\n", left, all)
	}
	if n := whole.Counts.Outcomes[results.Protected]; n > 0 {
		fmt.Fprintf(w, "%s protected, left alone%s\n", format.Number(n), s.within())
	}
	if n := s.Counts.Unverified; n > 0 {
		fmt.Fprintf(w, "%d of %s done and not proven: the look afterwards failed\n", n, all)
	}
}

// whole returns the summary with the rows of the whole log, because what is left is left by all runs.
func (s *Summary) whole() *Summary {
	whole := *s
	if s.Log != nil {
		whole.Counts.Outcomes = s.Log
	}
	return &whole
}

// within says that a number is of the whole log, if that has rows of other runs.
func (s *Summary) within() string {
	if s.Log == nil {
		return ""
	}
	return " in the whole log"
}

// Kept writes where the records of the run are. A run that is refused has some as well.
func (s *Summary) Kept(w io.Writer) {
	if s.Results != "" && s.Results != "-" {
		fmt.Fprintf(w, "results: %s\n", safetext.Visible(s.Results, ""))
	}
	if s.Evidence != "" {
		fmt.Fprintf(w, "evidence: %s, SHA-256 of its SHA256SUMS %s\n", safetext.Visible(s.Evidence, ""), s.Sealed)
	}
}

// scan writes what a scan has seen and left alone.
func (s *Summary) scan(w io.Writer) {
	c := s.Scan
	if c == nil {
		return
	}
	s.AuditLog(w)
	var seen []string
	for _, reason := range append(slices.Clone(passes.Reasons), passes.Unknown) {
		if n := c.Passes[reason]; n > 0 {
			seen = append(seen, fmt.Sprintf("%d %s", n, reason))
		}
	}
	if len(seen) > 0 {
		when := ""
		if s.Log != nil {
			when = " in this run"
		}
		fmt.Fprintf(w, "  passes seen%s: %s\n", when, strings.Join(seen, ", "))
	}
	for _, left := range []struct {
		n    int
		what string
	}{
		{c.Recent, "passes too recent, left alone"}, {c.Older, "passes created before --created-since, left out"},
		{c.Guests, "guests left out"}, {c.Disabled, "disabled accounts left out"},
		{c.Untold, "accounts left out that do not tell whether they are members, or enabled"},
		{c.Earlier, "users looked at before"}, {c.NotSeen, "users or more not looked at"},
	} {
		if left.n > 0 {
			fmt.Fprintf(w, "  %d %s\n", left.n, left.what)
		}
	}
	if n := c.Passes[passes.Unknown]; n > 0 {
		fmt.Fprintf(w, "%s a reason that is not known, and is never deleted without --any-pass or its id\n",
			format.Plural(n, "pass has", "passes have"))
	}
}

// verified writes how many users were seen without a pass afterwards.
func (s *Summary) verified(w io.Writer) {
	if !s.Verify {
		return
	}
	before := ""
	if s.VerifiedBefore > 0 {
		before = fmt.Sprintf(", %d of them in this run", s.Counts.Verified)
	}
	fmt.Fprintf(w, "%s seen without a pass afterwards%s\n", format.Plural(s.VerifiedBefore+s.Counts.Verified,
		"row's user was", "rows' users were"), before)
}

func rows(n int) string { return format.Plural(n, "row", "rows") }

// mostCauses is how many causes of one outcome are listed.
const mostCauses = 8

// causes lists why rows have an outcome, the most frequent first, and what to do about each.
func (s *Summary) causes(w io.Writer, o results.Outcome) {
	var list []revoke.Cause
	for c := range s.Counts.Causes {
		if c.Outcome == o && c.Code != "" {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b revoke.Cause) int {
		return cmp.Or(cmp.Compare(s.Counts.Causes[b].Rows, s.Counts.Causes[a].Rows), cmp.Compare(a.Code, b.Code))
	})
	column, log := "  \t%6d\t", ""
	if s.Log != nil { // of whose earlier rows the causes are not known
		column, log = "  \t%8d\t\t", "\t"
	}
	for i, c := range list {
		if i == mostCauses {
			fmt.Fprintf(w, "  \t\t%sand %d other causes\n", log, len(list)-i)
			return
		}
		t := s.Counts.Causes[c]
		text := c.Code
		if t.Hint != "" {
			text += ": " + t.Hint
		}
		fmt.Fprintf(w, column+"%s\n", t.Rows, text)
	}
}

// next writes the commands that continue with what is left.
func (s *Summary) next(w io.Writer) {
	if s.Simulated || s.Results == "" || s.Results == "-" {
		return
	}
	again := s.Counts.Unverified // which are looked at again
	for o, n := range s.Counts.Outcomes {
		if o.Again() && o != results.Remains && o != results.Protected {
			again += n
		}
	}
	command, note := report.ResumeCommand(s.Results, &s.Run, false)
	if !results.CanResume(s.Results) {
		if (again > 0 || s.Stopped != nil) && !s.Incomplete { // else complete says what to do
			fmt.Fprintf(w, "to go on: %s\n", s.complete())
		}
		return
	}
	if command != "" && (again > 0 || s.Stopped != nil) {
		if note != "" {
			note = " " + note
		}
		fmt.Fprintf(w, "to go on%s: %s\n", note, command)
	}
	// The row names the pass that is there, and the list may name one that is not.
	if s.Counts.Outcomes[results.Remains] > 0 && !s.Incomplete {
		if command := report.ListCommand(s.Results, &s.Run); command != "" {
			fmt.Fprintf(w, "to revoke what remains: %s\n", command)
		}
	}
}

func round(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// metrics returns what the metrics file says of the run.
func (s *Summary) metrics() metrics.Result {
	return metrics.Result{Outcomes: s.Counts.Outcomes, Log: s.Log, Refused: s.Counts.Throttled, Scan: s.Scan,
		Complete: s.Stopped == nil}
}
