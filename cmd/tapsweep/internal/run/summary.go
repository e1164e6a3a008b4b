package run

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// A summary is how a run ended. Its numbers are of this run, except those of the whole log, because
// a rate needs the time in which its rows were settled.
type summary struct {
	Run     results.Run // the first line of its log
	Lists   input.Stats // what the lists hold, zero without lists
	Counts  revoke.Counts
	Log     map[results.Outcome]int // rows of the log with those of earlier runs, nil if there are none
	Took    time.Duration
	Results string // name of the results log
	Stopped error  // why the run stopped early

	Incomplete bool   // rows could not be written to the results log
	Evidence   string // directory of the evidence
	Sealed     string // SHA-256 of its manifest, in hex

	SessionLog           map[results.Outcome]int // Log for the rows about sessions
	SessionsProvenBefore int                     // of these rows, those that earlier runs have verified

	Earlier        int // rows that earlier runs on this log have settled
	VerifiedBefore int // of these rows

	Scan            *scan.Counts // of the scan before or in it, nil without one
	CreatorDoubt    string       // why it is not known whether the --created-by user exists, empty if known
	Output          string       // where a scan printed the passes
	ProtectedPasses int          // that a sweep has found and left alone
}

// A line of the summary is printed if it is to be shown.
type line struct {
	show bool
	text string
}

func printLines(w io.Writer, lines []line) {
	for _, l := range lines {
		if l.show {
			fmt.Fprintln(w, l.text)
		}
	}
}

// print writes the summary.
func (s *summary) print(w io.Writer) {
	s.headline(w)
	s.outcomes(w)
	s.scan(w)
	s.sessions(w)
	printLines(w, s.settled())
	printLines(w, s.kept())
	printLines(w, s.left())
	printLines(w, s.commands())
}

// conclude prints how the run ended. If all went well, a quiet run prints nothing, and a sweep
// that nobody watches at most one line.
func (r *run) conclude(code int) {
	s, w := &r.summary, r.console.Err
	night := s.Run.Kind() == "sweep" && !r.console.IsTerminal(w)
	did := s.Counts.Total() + len(s.Counts.Before) + s.Counts.Sessions.Total()
	switch {
	case code == status.Done && (r.opts.Quiet || night && did == 0):
		s.allClear(w)
		return
	case code == status.Done && night:
		s.brief(w)
	default:
		s.print(w)
	}
	printLines(w, []line{{s.ProtectedPasses > 0,
		format.Plural(s.ProtectedPasses, "pass", "passes") + " of protected users left alone"}})
}

// brief writes one line about a sweep that went well.
func (s *summary) brief(w io.Writer) {
	verb, more := results.Revoked, ""
	if s.Run.DryRun {
		verb = results.Planned
	}
	if n := s.Counts.Outcomes[results.Absent]; n > 0 {
		more = fmt.Sprintf(", %d were gone", n)
	}
	if n := s.Scan.Earlier; n > 0 {
		more += ", " + format.Plural(n, "user", "users") + " looked at by an earlier run"
	}
	fmt.Fprintf(w, "tapsweep: %s %s of %s (%s)%s in %v; results: %s\n",
		format.Plural(s.Counts.Outcomes[results.Revoked]+s.Counts.Outcomes[results.Planned], "pass", "passes"), verb,
		format.Plural(s.Scan.Users, "user", "users"), byReason(s.Counts.Reasons), more, s.Took.Round(time.Second),
		safetext.Visible(s.Results, ""))
	if s.Counts.Sessions != nil {
		fmt.Fprintf(w, "tapsweep: %s\n", s.bothKinds())
	}
	s.auditLog(w)
	if s.Evidence != "" {
		fmt.Fprintf(w, "tapsweep: %s\n", s.evidence())
	}
}

// headline writes how much was done in which time.
func (s *summary) headline(w io.Writer) {
	what := "tapsweep"
	if s.Run.Simulated {
		what = "tapsweep (simulated tenant)"
	}
	if s.Run.DryRun {
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

// settled says what became of the rows that the run did not have to do, and what else it did.
func (s *summary) settled() []line {
	meant, before := "was meant", ""
	if s.Run.DryRun {
		meant = "would be deleted"
	}
	if s.VerifiedBefore > 0 {
		before = fmt.Sprintf(", %d of them in this run", s.Counts.Verified)
	}
	return []line{
		{s.Run.Verify || s.Run.Kind() == "verify", format.Plural(s.VerifiedBefore+s.Counts.Verified, "row's user was",
			"rows' users were") + " seen without a pass afterwards" + before},
		{s.Earlier > 0, rows(s.Earlier) + " settled by an earlier run"},
		{s.Lists.AnyPass > 0, rows(s.Lists.AnyPass) +
			" named no pass: ANY Temporary Access Pass of these users " + meant},
		{s.Counts.Beside > 0, format.Plural(s.Counts.Beside, "further pass", "further passes") +
			" of users who had several were also deleted; each has a row in the log"},
		{s.Lists.Done > 0, rows(s.Lists.Done) + " left out, done by the earlier run"},
		{s.Lists.Protected > 0, rows(s.Lists.Protected) + " left out, protected in the earlier run: " +
			"to revoke them, name them in a list of their own"},
		{s.Stopped != nil, "stopped early: " + safetext.Printable(fmt.Sprint(s.Stopped))},
		{s.Output != "" && s.Output != "-", "passes: " + safetext.Visible(s.Output, "")},
	}
}

// kept says where the records of the run are. A run that is refused has some as well.
func (s *summary) kept() []line {
	return []line{
		{s.Results != "" && s.Results != "-", "results: " + safetext.Visible(s.Results, "")},
		{s.Evidence != "", s.evidence()},
	}
}

func (s *summary) evidence() string {
	return "evidence: " + safetext.Visible(s.Evidence, "") + ", SHA-256 of its SHA256SUMS " + s.Sealed
}

// left says how many rows of the whole log are not done, protected or not proven.
func (s *summary) left() []line {
	whole, within := s.whole(), ""
	if s.Log != nil {
		within = " in the whole log"
	}
	all := rows(whole.Total()) + within
	protected, unproven := whole.Outcomes[results.Protected], whole.Unverified
	left := whole.Left() - unproven
	if whole.Sessions != nil {
		left -= whole.Sessions.Left()
	}
	return []line{
		{s.Incomplete, "the results log is not complete: " + s.complete()},
		{left > 0, fmt.Sprintf("%d of %s not done", left, all)},
		{protected > 0, format.Number(protected) + " protected, left alone" + within},
		{unproven > 0, fmt.Sprintf("%d of %s done and not proven: the look afterwards failed", unproven, all)},
	}
}

// whole returns the counts with the rows of the whole log, because what is left is left by all runs.
func (s *summary) whole() *revoke.Counts {
	whole := s.Counts
	if s.Log != nil {
		whole.Outcomes = s.Log
	}
	if s.SessionLog != nil {
		sessions := *whole.Sessions
		whole.Sessions, sessions.Outcomes = &sessions, s.SessionLog
	}
	return &whole
}

// commands says how to continue with what is left.
func (s *summary) commands() []line {
	if s.Run.Simulated || s.Results == "" || s.Results == "-" {
		return nil
	}
	whole := s.whole()
	again := whole.Unverified // which are looked at again
	for o, n := range whole.Outcomes {
		if o.Again() && o != results.Remains && o != results.Protected {
			again += n
		}
	}
	again += sessionsToRepeat(whole.Sessions)
	unfinished := again > 0 || s.Stopped != nil
	if !results.CanResume(s.Results) {
		return []line{{unfinished && !s.Incomplete, "to resume: " + s.complete()}}
	}
	note := ""
	if slices.Contains(s.Run.Resume, "-") {
		note = " with the same list on standard input"
	}
	resume := results.CommandLine(s.Run.ResumeWith(s.Results, false))
	// The row names the pass that is there, and the list may name one that is not.
	revoke := results.CommandLine(s.Run.RevokeWith(s.Results))
	return []line{
		{unfinished && resume != "", "to resume" + note + ": " + resume},
		{whole.Outcomes[results.Remains] > 0 && !s.Incomplete && revoke != "", "to revoke what remains: " + revoke},
	}
}

// complete says what makes up for rows that are not in the results log, or for a log from which no run can resume.
func (s *summary) complete() string {
	var ways []string
	switch {
	case s.Results == "-" || s.Run.Simulated:
	case results.CanResume(s.Results):
		ways = append(ways, "resume it (--resume)")
	default: // a pipe or a device
		ways = append(ways, "resume with a file that has every line its reader received (--resume --results FILE)")
	}
	switch {
	case s.Run.Kind() != "revoke":
		ways = append(ways, "run it again, which is harmless") // it finds what there is then
	case !s.Run.DryRun && (s.Lists.AnyPass > 0 || s.Run.AnyPass):
		ways = append(ways, "run the list again, which deletes passes that were given meanwhile, too")
	default:
		ways = append(ways, "run the list again, which is harmless")
	}
	return strings.Join(ways, ", or ")
}

// metrics returns what the metrics file says of the run.
func (s *summary) metrics() metrics.Result {
	return metrics.Result{Outcomes: s.Counts.Outcomes, Log: s.Log, Refused: s.Counts.Throttled, Scan: s.Scan,
		Complete: s.Stopped == nil, Sessions: s.whole().Sessions.All()}
}
