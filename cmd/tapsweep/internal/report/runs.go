package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A ReportedRun is one run in a log.
type ReportedRun struct {
	Log      string    `json:"log"` // the file
	Version  string    `json:"version"`
	Operator string    `json:"operator"`
	Command  []string  `json:"command"`
	DryRun   bool      `json:"dryRun"`
	Pairs    int       `json:"pairs"` // of its list
	Rows     int       `json:"rows"`  // that it wrote, without those that a later row of the run replaces
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`     // the time of the last line if the run has no End
	Exit     *int      `json:"exit"`    // null if it was killed, or is still running
	Stopped  string    `json:"stopped"` // why it stopped early

	header      results.Header
	first, last time.Time // of its lines
	resumed     bool      // a later run is on the same log
	scanned     bool      // its scan was complete, because a sweep began to delete, or the last line says so
}

func newRun(name string, r *results.Header) *ReportedRun {
	start, safe := utc(r.Start), safetext.Printable
	run := &ReportedRun{Log: safe(name), Version: safe(r.Version), Operator: safe(r.Operator), header: *r,
		Command: make([]string, len(r.Command)), DryRun: r.DryRun, Pairs: bounded(r.Pairs), Start: start, last: start}
	for i, arg := range r.Command {
		run.Command[i] = safe(arg)
	}
	return run
}

// unfinished reports whether the scan of the run did not complete, and the run was not resumed.
func (r *ReportedRun) unfinished() bool {
	return r.scans() && !r.scanned && !r.resumed && (r.Exit == nil || r.Stopped != "")
}

// scans reports whether the run looks for passes.
func (r *ReportedRun) scans() bool { return r.header.Kind() == "scan" || r.header.Kind() == "sweep" }

// refused reports whether a guard ended the run before anything was deleted.
func (r *ReportedRun) refused() bool { return r.Exit != nil && *r.Exit == 64 }

func (r *ReportedRun) extendTo(at time.Time) {
	if at.After(r.last) {
		r.last = at
	}
	if !at.IsZero() && (r.first.IsZero() || at.Before(r.first)) {
		r.first = at
	}
}

// exits has what exit codes mean. The page troubleshooting of the manual has more.
var exits = map[int]string{0: "all is done", 1: "something is left", 3: "no access",
	4: "stopped early", 64: "refused, nothing was deleted"}

// ExitText returns how the run ended.
func (r *ReportedRun) ExitText() string {
	switch {
	case r.Exit == nil && r.resumed:
		return "none, the run was killed or could not write any more"
	case r.Exit == nil:
		return "none, the run was killed, could not write any more, or is still running"
	}
	if *r.Exit == 1 && r.header.Verify {
		return "1, something is left or not verified"
	}
	if text, known := exits[*r.Exit]; known {
		return fmt.Sprintf("%d, %s", *r.Exit, text)
	}
	return strconv.Itoa(*r.Exit)
}

// utc returns the time in UTC. It returns zero for a time outside of this century: no run can have such a time, and
// spans of two thousand years would make sums overflow.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 2000 || t.Year() > 2100 {
		return time.Time{}
	}
	return t
}

// maxCount is the limit of every count in a log.
const maxCount = math.MaxInt32

func bounded(n int) int { return min(max(n, 0), maxCount) }

// plus adds counts, up to maxCount.
func plus(a, b int) int { return a + min(bounded(b), maxCount-a) }

// clip makes a text from a log safe to show. It is fast for safe texts, because a list can have millions of names.
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

// endRuns sets the End of runs without an end to the time of their last line.
func (l *Logs) endRuns() {
	for _, w := range l.waits {
		if w.run.Exit == nil {
			w.run.extendTo(utc(w.Time))
		}
	}
	for _, run := range l.allRuns() {
		if run.Start.IsZero() {
			run.Start = cmp.Or(run.first, run.End)
		}
		if run.Exit == nil || run.End.IsZero() {
			run.End = run.last
		}
		if run.End.Before(run.Start) {
			run.End = run.Start
		}
	}
}

func (l *Logs) allRuns() (runs []*ReportedRun) {
	for _, lg := range l.logs {
		runs = append(runs, lg.runs...)
	}
	slices.SortStableFunc(runs, func(a, b *ReportedRun) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Log, b.Log))
	})
	return runs
}
