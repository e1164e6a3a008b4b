package report

import (
	"cmp"
	"math"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A Run is one run in a log.
type Run struct {
	Log      string    `json:"log"` // the file
	Version  string    `json:"version"`
	Operator string    `json:"operator"`
	Command  []string  `json:"command"`
	DryRun   bool      `json:"dryRun"`
	Pairs    int       `json:"pairs"` // of its list
	Rows     int       `json:"rows"`  // that it wrote, without those that a later row of the run replaces
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`     // of its last line if it has no end
	Exit     *int      `json:"exit"`    // null if it was killed, or is still running
	Stopped  string    `json:"stopped"` // why it stopped early

	header      results.Run
	from        int       // rows of its log before it
	first, last time.Time // of its lines
	resumed     bool      // a later run is on the same log
	copied      bool      // it counts in another log
	completed   int       // Rows without those that were never sent
}

func newRun(name string, r *results.Run) *Run {
	start := utc(r.Start)
	return &Run{Log: name, Version: r.Version, Operator: r.Operator, header: *r, DryRun: r.DryRun,
		Pairs: bounded(r.Pairs), Start: start, last: start}
}

// kind is the run's command, and empty if it is not known.
func (r *Run) kind() string { return r.header.Kind() }

// simulated reports whether the tenant of the run was simulated.
func (r *Run) simulated() bool { return r.header.Simulated }

// unfinished reports whether the run scanned, did not come to its end and was not resumed.
func (r *Run) unfinished() bool {
	return (r.kind() == "scan" || r.kind() == "sweep") && !r.resumed && (r.Exit == nil || r.Stopped != "")
}

// refused reports whether a guard ended the run before anything was deleted.
func (r *Run) refused() bool { return r.Exit != nil && isRefusal(*r.Exit) }

// isRefusal reports whether an exit code in the last line of a log means wrong usage, bad
// input or a guard. Older logs use 2 for it. A crash also exits with 2, but writes no last
// line.
func isRefusal(code int) bool { return code == 64 || code == 2 }

func (r *Run) row(at time.Time, o results.Outcome, pending bool) {
	if !pending {
		r.Rows++
	}
	if !pending && o != results.NotSent { // a row that was never sent takes no time
		r.completed++
	}
	r.saw(utc(at))
}

func (r *Run) saw(at time.Time) {
	if at.After(r.last) {
		r.last = at
	}
	if !at.IsZero() && (r.first.IsZero() || at.Before(r.first)) {
		r.first = at
	}
}

func (r *Run) end(e results.End) {
	r.Exit, r.Stopped, r.End = &e.Exit, safetext.Printable(e.Stopped), utc(e.End)
}

// Took is how long the run lasted, as far as is known.
func (r *Run) Took() time.Duration { return r.End.Sub(r.Start) }

// utc is the time in UTC, or zero if it is not in this century: no run was then, and spans of two thousand
// years make sums that overflow.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 2000 || t.Year() > 2100 {
		return time.Time{}
	}
	return t
}

// maxCount bounds every count in a log.
const maxCount = math.MaxInt32

func bounded(n int) int { return min(max(n, 0), maxCount) }

// plus adds counts, up to maxCount.
func plus(a, b int) int { return a + min(bounded(b), maxCount-a) }

// clip makes a text of a log safe to be shown. Most texts are safe as they are: a list has millions of names.
func clip(s string) string {
	special := func(r rune) bool { return r < ' ' || r > '~' }
	if len(s) > 200 || strings.Contains(s, "eyJ") || strings.ContainsFunc(s, special) {
		return safetext.Printable(s)
	}
	return s
}

func show(s string) string { return cmp.Or(clip(s), "(not known)") }

func clean(row *results.Row) {
	for _, s := range []*string{&row.Source, &row.User, &row.UPN, &row.Method, &row.Reason} {
		*s = clip(*s)
	}
	for _, s := range []*string{&row.Code, &row.Message, &row.RequestID, &row.Hint, &row.Creation.By, &row.AuditID,
		&row.Match} {
		if *s != "" {
			*s = safetext.Printable(*s)
		}
	}
	row.Time, row.Creation.At = utc(row.Time), utc(row.Creation.At)
	row.Line, row.Column, row.Attempts = max(row.Line, 0), max(row.Column, 0), bounded(row.Attempts)
	if row.Status < 0 || row.Status > 999 {
		row.Status = 0
	}
}

func cleanRun(run *Run) {
	for _, s := range []*string{&run.Log, &run.Version, &run.Operator} {
		*s = safetext.Printable(*s)
	}
	run.Command = make([]string, len(run.header.Command))
	for i, arg := range run.header.Command {
		run.Command[i] = safetext.Printable(arg)
	}
}
