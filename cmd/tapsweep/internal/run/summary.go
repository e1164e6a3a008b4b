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
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

type summary struct {
	Run     results.Header // the first line of its log
	Lists   input.Stats    // the counts of the lists, zero without lists
	Took    time.Duration
	Results string // the name of the results log
	Stopped error  // why the run stopped early

	// Counts cover the whole log, except for Requests and Throttled, which cover this run.
	Counts  revoke.Counts
	First   map[results.Outcome][]string // the first users of each outcome, for a dry run
	Rows    int                          // rows about passes that this run has written
	Earlier int                          // rows about passes that earlier runs on the log have completed

	Incomplete bool   // rows could not be written to the results log
	Evidence   string // the directory of the evidence
	Sealed     string // the SHA-256 of its manifest, in hex

	Mixed bool // the list has object IDs and user principal names

	Scan         *scan.Totals // nil for a run that does not look for passes
	ScanStopped  bool         // the scan did not end, so users may hold passes that the run has not seen
	CreatorByID  bool         // --created-by gives an ID, not a name
	CreatorDoubt string       // why it is not known whether the --created-by user exists, empty if known
	Output       string       // where a scan printed the passes
	NotWritten   string       // why Output was not written, empty if it was
	NotScanned   int          // passes in Output that may still exist, because their users could not be scanned
}

// printIf writes a line if show is set.
func printIf(show bool, w io.Writer, text ...string) {
	if show {
		fmt.Fprintln(w, strings.Join(text, ""))
	}
}

// A count is a number of things, and what happened to them.
type count struct {
	n    int
	what string
}

// nonZero returns the text of each count above 0.
func nonZero(counts ...count) (texts []string) {
	for _, c := range counts {
		if c.n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return texts
}

// conclude prints the summary. If everything is done, a quiet run prints nothing. A sweep without a terminal
// prints one line, or nothing if there was nothing to do.
func (r *run) conclude(code int) {
	s, w := &r.summary, r.console.Err
	night := s.Run.Kind() == "sweep" && !s.Run.DryRun && !r.console.IsTerminal(w)
	idle := s.Rows+s.Counts.Sessions.Total() == 0
	switch {
	case code == status.Done && (r.opts.Quiet || night && idle):
	case code == status.Done && night && s.audit() == nil: // the counts of the audit log do not fit in one line
		s.brief(w)
	default:
		s.print(w)
	}
	// A wrong name in --created-by must not look like a scan that found nothing suspicious.
	if s.unknownCreator() {
		r.console.Say("warning: %s", s.CreatorDoubt)
	}
}

// brief writes the summary of a sweep in one line.
func (s *summary) brief(w io.Writer) {
	var kept strings.Builder
	s.kept(&kept)
	parts := []string{s.headline()}
	if seen := s.seen(); seen != "" {
		parts = append(parts, "passes seen: "+seen)
	}
	parts = append(parts, nonZero(count{s.Scan.Earlier, "scanned by an earlier run"}, s.protected())...)
	parts = append(parts, s.sentence()+" "+s.sessionSentence())
	text := strings.TrimSpace(strings.Join(parts, "; ")) + " " + kept.String()
	fmt.Fprintln(w, strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
}

func (s *summary) print(w io.Writer) {
	fmt.Fprintln(w, s.headline())
	table := outcomeTable{counts: &s.Counts, meaning: results.Outcome.Meaning, first: s.First,
		ofVerify: s.Run.Kind() == "verify"}
	table.print(w)
	s.scanned(w)
	if s.Counts.Sessions != nil {
		fmt.Fprintln(w, "sessions:")
		table = outcomeTable{counts: s.Counts.Sessions, meaning: results.Outcome.SessionMeaning}
		table.print(w)
	}
	s.further(w)
	s.kept(w)
	s.conclusion(w)
}

// headline returns the first line: how many rows or users, and how long they took.
func (s *summary) headline() string {
	text := "tapsweep"
	if s.Run.Simulated {
		text += " (simulated tenant)"
	}
	if s.Run.DryRun {
		text += " (dry run, nothing was changed)"
	}
	size := rows(s.Rows)
	if s.Scan != nil {
		size = format.Plural(s.Scan.Users+s.Scan.Failed.Count, "user", "users") + " scanned"
		if s.Scan.Failed.Count > 0 {
			size = format.Number(s.Scan.Users) + " of " + size
		}
	} else if s.Run.Kind() == "verify" {
		size = format.Plural(s.Rows, "user", "users")
	}
	text += fmt.Sprintf(": %s in %s", size, format.Duration(s.Took))
	if sec := s.Took.Seconds(); sec > 0 && s.Counts.Requests > 0 {
		text += fmt.Sprintf(", %.1f requests/s", float64(s.Counts.Requests)/sec)
	}
	if s.Counts.Throttled > 0 {
		text += fmt.Sprintf(", %s throttled", format.Plural(s.Counts.Throttled, "request", "requests"))
	}
	return text
}

func rows(n int) string { return format.Plural(n, "row", "rows") }

func passes(n int) string { return format.Plural(n, "pass", "passes") }

type outcomeTable struct {
	counts   *revoke.Counts
	meaning  func(results.Outcome) string
	first    map[results.Outcome][]string // the first users of each outcome, for a dry run
	ofVerify bool                         // the run is a verify, which deletes nothing
}

// print writes the table. Outcomes that are not done have their meaning and their causes.
func (t *outcomeTable) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range results.Outcomes {
		n, name := t.counts.Outcomes[o], string(o)
		switch {
		case t.ofVerify && o == results.Revoked: // an earlier run revoked the pass
			n, name = n+t.counts.Outcomes[results.Absent], "no pass"
		case t.ofVerify && o == results.Absent:
			n = 0
		}
		switch {
		case n == 0:
			continue
		case o.Done():
			fmt.Fprintf(tw, "  %s\t%6d\n", name, n)
		default:
			t.printLeft(tw, name, n, o)
		}
		if first := t.first[o]; len(first) > 0 {
			fmt.Fprintf(tw, "  \t\t%s\n", firstOf(first, n))
		}
	}
	tw.Flush()
}

// printLeft writes an outcome that is not done: its meaning, and its causes. A cause that all rows have is in the same
// line.
func (t *outcomeTable) printLeft(w io.Writer, name string, n int, o results.Outcome) {
	causes, meaning := t.causes(o), t.meaning(o)
	if len(causes) == 1 && t.counts.Causes[causes[0]].Rows == n {
		meaning += " (" + causes[0].Code + ")"
		if hint := t.counts.Causes[causes[0]].Hint; hint != "" {
			meaning += ": " + hint
		}
		causes = nil
	}
	fmt.Fprintf(w, "  %s\t%6d\t%s\n", name, n, meaning)
	for i, c := range causes {
		if i == mostCauses {
			fmt.Fprintf(w, "  \t\tand %d other causes\n", len(causes)-i)
			return
		}
		text := c.Code
		if hint := t.counts.Causes[c].Hint; hint != "" {
			text += ": " + hint
		}
		fmt.Fprintf(w, "  \t%6d\t%s\n", t.counts.Causes[c].Rows, text)
	}
}

// mostCauses is how many causes of one outcome the summary lists.
const mostCauses = 8

// causes returns the known causes of an outcome in this run, the most frequent first.
func (t *outcomeTable) causes(o results.Outcome) (list []revoke.Cause) {
	for c := range t.counts.Causes {
		if c.Outcome == o && c.Code != "" {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b revoke.Cause) int {
		return cmp.Or(t.counts.Causes[b].Rows-t.counts.Causes[a].Rows, strings.Compare(a.Code, b.Code))
	})
	return list
}

// firstNames is how many users of each outcome the summary of a dry run lists.
const firstNames = 3

// name keeps the user of a row, if it is one of the first with its outcome.
func (s *summary) name(row *results.Row) {
	if s.First == nil {
		s.First = make(map[results.Outcome][]string)
	}
	if first := s.First[row.Outcome]; len(first) < firstNames {
		s.First[row.Outcome] = append(first, safetext.Printable(cmp.Or(row.UPN, row.User)))
	}
}

// further writes the lines between the tables and the conclusion.
func (s *summary) further(w io.Writer) {
	c, sessions := &s.Counts, s.Counts.Sessions
	if sessions == nil {
		sessions = new(revoke.Counts)
	}
	left := s.Lists.Done + s.Lists.Protected
	printIf(sessions.Unverified > 0, w, "the sessions of ", format.Plural(sessions.Unverified, "user", "users"),
		" are revoked, but not verified; the log says why")
	printIf(s.Run.Verify && s.Run.Kind() != "verify", w, "Verified: the users of ", rows(c.Verified), " have no pass")
	printIf(s.Earlier > 0, w, rows(s.Earlier), " completed by an earlier run")
	printIf(s.Lists.AnyPass > 0, w, format.Plural(s.Lists.AnyPass, "row has", "rows have"),
		" no pass ID: any Temporary Access Pass of the user was in scope")
	printIf(c.Beside > 0, w, format.Plural(c.Beside, "further pass", "further passes"),
		" of users who had several were also deleted; each has a row in the log")
	printIf(left > 0, w, rows(left), " skipped: completed by an earlier run, or of a protected user")
	printIf(s.Mixed && s.Counts.Sessions != nil, w, "the list has object IDs and names: the sessions of a user with ",
		"both count as those of two users")
	if s.Stopped != nil {
		fmt.Fprintln(w, "stopped early: "+safetext.Printable(s.Stopped.Error()))
	}
}

// kept writes where the output, the log and the evidence are. A run that is refused also has them.
func (s *summary) kept(w io.Writer) {
	file := func(path string) string { return safetext.Visible(path, "") }
	incomplete := ""
	if s.ScanStopped {
		incomplete = " (incomplete: the scan ended early)"
	}
	toFile := s.Output != "" && s.Output != "-"
	printIf(toFile && s.NotWritten == "", w, "passes: ", file(s.Output), incomplete)
	printIf(toFile && s.NotWritten != "", w, file(s.Output), " was not written, because ", s.NotWritten)
	printIf(s.Results != "" && s.Results != "-", w, "results: ", file(s.Results))
	printIf(s.Evidence != "", w, "evidence: ", file(s.Evidence), ", SHA-256 of its SHA256SUMS ", s.Sealed)
	again := "Completed passes are not sent again"
	if (s.Lists.AnyPass > 0 || s.Run.AnyPass) && !s.Run.DryRun {
		again = "Without --resume it also deletes passes that users have received meanwhile"
	}
	printIf(s.Incomplete, w, "The results log is not complete: run the same command again, with --resume if the ",
		"log is a file. ", again)
}
