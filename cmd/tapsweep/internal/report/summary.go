// Package report tells people what a run did.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// A Summary is what is printed at the end of a run.
type Summary struct {
	Counts    revoke.Counts
	Took      time.Duration
	Results   string // name of the results log
	Stopped   error  // why the run stopped early
	DryRun    bool
	Simulated bool

	Incomplete bool // rows could not be written to the results log

	Earlier    int          // rows that earlier runs on this log have settled
	Scan       *scan.Counts // of the scan before or in it, nil without one
	Output     string       // where a scan printed the passes
	Verify     bool         // users were looked at again afterwards
	AnyPass    int          // rows that named no pass
	DoneBefore int          // rows of a results log that were left out
}

// hints say, for each outcome that leaves something to do, what that is.
var hints = map[results.Outcome]string{
	results.Remains:     "deleted, but the tenant still lists a pass; --resume tries again",
	results.Replaced:    "the user holds another pass; list the user alone to revoke it",
	results.UnknownUser: "no such user in this tenant; check the name, or use the object id",
	results.Denied:      "Graph answers 403; the hint in each row says why it may",
	results.Rejected:    "Graph refuses the request itself; see code and message in the results log",
	results.Failed:      "errors to the last attempt; try again later with --resume",
	results.Unknown:     "sent, and no answer came; --resume finds out",
	results.NotSent:     "the run stopped before; go on with --resume",
	results.Protected:   "on a --protect list, and not touched",
	results.Invalid:     "not a user and a pass; mend the rows and run them again",
}

// Print writes the summary.
func (s *Summary) Print(w io.Writer) {
	total := s.Counts.Total()
	what := "tapsweep"
	if s.Simulated {
		what = "tapsweep (simulated tenant)"
	}
	if s.DryRun {
		what += " (dry run, nothing was changed)"
	}
	size := rows(total)
	if s.Scan != nil {
		size = plural(s.Scan.Users, "user", "users") + " looked at"
	}
	fmt.Fprintf(w, "%s: %s in %s", what, size, round(s.Took))
	if sec := s.Took.Seconds(); sec > 0 && s.Counts.Requests > 0 {
		fmt.Fprintf(w, ", %.1f requests/s", float64(s.Counts.Requests)/sec)
	}
	if s.Counts.Throttled > 0 {
		fmt.Fprintf(w, ", throttled %d times", s.Counts.Throttled)
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range results.Outcomes {
		if n := s.Counts.Outcomes[o]; n > 0 {
			fmt.Fprintln(tw, strings.TrimRight(fmt.Sprintf("  %s\t%6d\t%s", o, n, hints[o]), "\t"))
		}
	}
	tw.Flush()
	if codes := s.codes(); codes != "" {
		fmt.Fprintf(w, "  codes: %s\n", codes)
	}
	s.scan(w)
	s.verified(w)
	if s.Earlier > 0 {
		fmt.Fprintf(w, "%s settled by an earlier run\n", rows(s.Earlier))
	}
	if s.AnyPass > 0 {
		fmt.Fprintf(w, "%s named no pass: whatever pass the user held was meant\n", rows(s.AnyPass))
	}
	if s.DoneBefore > 0 {
		fmt.Fprintf(w, "%s left out, done by the earlier run\n", rows(s.DoneBefore))
	}
	if s.Stopped != nil {
		fmt.Fprintf(w, "stopped early: %s\n", batch.Printable(s.Stopped.Error()))
	}
	if s.Output != "" && s.Output != "-" {
		fmt.Fprintf(w, "passes: %s\n", s.Output)
	}
	if s.Results != "" && s.Results != "-" {
		fmt.Fprintf(w, "results: %s\n", s.Results)
	}
	if s.Incomplete {
		fmt.Fprintln(w, "the results log is not complete: go on with it (--resume), or run the list again, which is harmless")
	}
	if left := s.Counts.Left(); left > 0 {
		fmt.Fprintf(w, "%d of %s not done\n", left, rows(total))
	}
}

// scan tells what a scan has seen and left alone.
func (s *Summary) scan(w io.Writer) {
	c := s.Scan
	if c == nil {
		return
	}
	var seen []string
	for _, reason := range append(slices.Clone(passes.Reasons), passes.Unknown) {
		if n := c.Passes[reason]; n > 0 {
			seen = append(seen, fmt.Sprintf("%d %s", n, reason))
		}
	}
	if len(seen) > 0 {
		fmt.Fprintf(w, "  passes seen: %s\n", strings.Join(seen, ", "))
	}
	for _, left := range []struct {
		n    int
		what string
	}{
		{c.Recent, "passes too recent, left alone"},
		{c.Guests, "guests left out"}, {c.Disabled, "disabled accounts left out"},
		{c.Earlier, "users looked at before"}, {c.NotSeen, "users not looked at"},
	} {
		if left.n > 0 {
			fmt.Fprintf(w, "  %d %s\n", left.n, left.what)
		}
	}
	if n := c.Passes[passes.Unknown]; n > 0 {
		fmt.Fprintf(w, "%s a reason that is not known, and is never deleted without --any-pass or its id\n", plural(n, "pass has", "passes have"))
	}
}

// verified tells whether the looks afterwards show what they should.
func (s *Summary) verified(w io.Writer) {
	if !s.Verify {
		return
	}
	fmt.Fprintf(w, "%s seen without a pass afterwards\n", plural(s.Counts.Verified, "row's user was", "rows' users were"))
	if n := s.Counts.Unverified; n > 0 {
		fmt.Fprintf(w, "%s not be looked at: tapsweep verify tries that again\n", plural(n, "row's user could", "rows' users could"))
	}
}

func rows(n int) string { return plural(n, "row", "rows") }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// codes lists the error codes of the rows that are not done, most first.
func (s *Summary) codes() string {
	type count struct {
		code string
		n    int
	}
	var list []count
	for code, n := range s.Counts.Codes {
		list = append(list, count{code, n})
	}
	slices.SortFunc(list, func(a, b count) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.code, b.code))
	})
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%s %d", c.code, c.n))
	}
	if more := len(parts) - 8; more > 0 {
		parts = append(parts[:8], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

func round(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
