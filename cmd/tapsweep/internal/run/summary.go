package run

import (
	"fmt"
	"io"
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
// a rate needs the time in which its rows were completed.
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

	Earlier        int // rows that earlier runs on this log have completed
	VerifiedBefore int // of these rows

	First map[results.Outcome][]string // names of users, of a dry run

	Scan            *scan.Counts // of the scan before or in it, nil without one
	CreatorDoubt    string       // why it is not known whether the --created-by user exists, empty if known
	NoCreator       bool         // the tenant has no such user
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
	printLines(w, s.further())
	printLines(w, s.kept())
	printLines(w, []line{{s.Incomplete, "The results log is not complete: " + s.complete()}})
	printLines(w, s.verdict())
}

// conclude prints how the run ended. If all went well, a quiet run prints nothing, and a sweep
// that nobody watches at most one line.
func (r *run) conclude(code int) {
	s, w := &r.summary, r.console.Err
	night := s.Run.Kind() == "sweep" && !s.Run.DryRun && !r.console.IsTerminal(w)
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
	printLines(w, []line{{s.ProtectedPasses > 0, passes(s.ProtectedPasses) + " of protected users left alone"}})
}

// brief writes one line about a sweep that went well.
func (s *summary) brief(w io.Writer) {
	more := ""
	if n := s.Counts.Outcomes[results.Absent]; n > 0 {
		more = fmt.Sprintf(", %d gone before", n)
	}
	if n := s.Scan.Earlier; n > 0 {
		more += ", " + format.Plural(n, "user", "users") + " scanned by an earlier run"
	}
	fmt.Fprintf(w, "tapsweep: %s %s of %s (%s)%s in %v; results: %s\n",
		passes(s.Counts.Outcomes[results.Revoked]), results.Revoked,
		format.Plural(s.Scan.Users, "user", "users"), byReason(s.Counts.Reasons), more, s.Took.Round(time.Second),
		safetext.Visible(s.Results, ""))
	if s.Counts.Sessions != nil {
		fmt.Fprintf(w, "tapsweep:%s\n", s.sessionSentence())
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
	switch {
	case s.Scan != nil:
		size = format.Plural(s.Scan.Users, "user", "users") + " scanned"
		if s.Run.Kind() == "scan" && s.Scan.Found == 0 && s.Log[results.Found] == 0 {
			size = "no pass found, " + size
		}
	case s.Run.Kind() == "verify":
		size = format.Plural(s.Counts.Total(), "user", "users")
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

// further says what became of the rows that the run did not have to do, and what else it did.
func (s *summary) further() []line {
	would := "was to be deleted"
	if s.Run.DryRun {
		would = "would be deleted"
	}
	proven, before := s.VerifiedBefore+s.Counts.Verified, ""
	if s.VerifiedBefore > 0 {
		before = fmt.Sprintf(", %d of them checked in this run", s.Counts.Verified)
	}
	return []line{
		{s.Run.Verify && s.Run.Kind() != "verify", "Verified: the users of " + rows(proven) + " hold no pass" + before},
		{s.Run.Kind() == "verify" && s.VerifiedBefore > 0, holders(proven) + " no pass" + before},
		{s.Earlier > 0, rows(s.Earlier) + " completed by an earlier run"},
		{s.Lists.AnyPass > 0, format.Plural(s.Lists.AnyPass, "row names", "rows name") +
			" no pass ID: ANY Temporary Access Pass of " + those(s.Lists.AnyPass) + " " + would},
		{s.Counts.Beside > 0, format.Plural(s.Counts.Beside, "further pass", "further passes") +
			" of users who had several were also deleted; each has a row in the log"},
		{s.Lists.Done > 0, rows(s.Lists.Done) + " left out, done by the earlier run"},
		{s.Lists.Protected > 0, rows(s.Lists.Protected) + " left out, protected in the earlier run: " +
			"to revoke them, name them in a separate list"},
		{s.Stopped != nil, "stopped early: " + safetext.Printable(s.stopped())},
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

func (s *summary) stopped() string {
	if s.Stopped == nil {
		return ""
	}
	return format.Error(s.Stopped)
}

func (s *summary) evidence() string {
	return "evidence: " + safetext.Visible(s.Evidence, "") + ", SHA-256 of its SHA256SUMS " + s.Sealed
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
		ways = append(ways, "run the list again, which also deletes passes that users received meanwhile")
	default:
		ways = append(ways, "run the list again, which is harmless")
	}
	return strings.Join(ways, ", or ")
}

// wrongCreator reports whether --created-by names nobody: the tenant has no such user, and no record
// of the audit log names one.
func (s *summary) wrongCreator() bool {
	return s.NoCreator && s.Scan != nil && s.Scan.Audit != nil && s.Scan.Audit.By == 0
}

// metrics returns what the metrics file says of the run.
func (s *summary) metrics() metrics.Result {
	return metrics.Result{Outcomes: s.Counts.Outcomes, Log: s.Log, Refused: s.Counts.Throttled, Scan: s.Scan,
		Complete: s.Stopped == nil, Sessions: s.whole().Sessions.All()}
}
