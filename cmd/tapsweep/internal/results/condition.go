package results

import (
	"bytes"
	"fmt"
)

// wantWhole says what to do about a log that is not whole. wantRows is added where the log is a list,
// because it may have been filtered, for example with jq.
const (
	wantWhole = "; use the whole log, or the list of its run"
	wantRows  = "; to revoke some rows of the log, write only their user and method to a list " +
		"(jq '{user,method}'), in which a row without a method means any pass"
)

// A Condition is what Read finds out about a log as a file: which lines it has skipped, and
// whether the log has exactly the lines that were written.
type Condition struct {
	Lines int   // up to the last line of the log
	Whole int64 // bytes up to the end of the last whole line of the log

	Foreign      int        // skipped lines that are not part of the log
	FirstForeign *LineError // the first of these, nil if there is none

	Torn      bool       // the last line is incomplete, and was skipped
	BrokenEnd *LineError // set if that line is broken although it has a line end

	// Lacks says how many lines are missing, as in "2 of its 40 lines", and is empty if none is.
	Lacks string

	began, open bool   // a run has begun, and has no end so far
	tail        bool   // the torn line begins like a line of a log
	digest      string // of the list of the last run
	have        int    // lines of the log so far
	rows        int    // rows about that list so far
	fault       error  // the first line that belongs to no run, or to another log
	missing     string // what the last run or end says is missing
	last        int    // the line of that run or end
	run         *Run   // the last run
}

// skip takes in a line that is not part of the log. Empty lines are not counted.
func (c *Condition) skip(n int, line []byte) {
	if len(bytes.TrimSpace(line)) > 0 {
		c.Foreign++
	}
	if c.FirstForeign == nil {
		c.FirstForeign = notALine(n, line, nil)
	}
}

// A DamageError says at which line a log turns out not to be what its runs wrote.
type DamageError struct {
	Line int // from 1
	What string

	// Parts is set if the log lacks lines or has those of another log, and not only its end.
	Parts bool
}

func (e *DamageError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.text()) }

// text is the message without the line.
func (e *DamageError) text() string {
	if e.Parts {
		return e.What + wantWhole
	}
	return e.What
}

// Open reports whether the last run has no end: it was killed, or is still going on.
func (c *Condition) Open() bool { return c.open }

// Complete returns an error if the log is not exactly what its runs wrote, or if its last run
// has no end: ErrNoRun, a *LineError or a *DamageError. The path of the log is for the command
// that resumes the run.
func (c *Condition) Complete(path string) error {
	switch {
	case !c.began:
		return ErrNoRun
	case c.fault != nil:
		return c.fault
	case c.open:
		resume := "(--resume)"
		if words := c.run.ResumeWith(path, false); len(words) > 0 {
			resume = "with " + CommandLine(words)
		}
		return noEnd(c.last, resume)
	case c.BrokenEnd != nil:
		return c.BrokenEnd
	case c.Torn && c.tail:
		return &LineError{c.Lines, "is not whole, and follows the end of the log"}
	case c.missing != "":
		return &DamageError{c.last, c.missing, true}
	}
	return nil
}

func noEnd(line int, resume string) error {
	return &DamageError{Line: line, What: "the results log has no end, because its run was killed, could not " +
		"continue writing, or is still running: passes may be missing in it; resume that run first " + resume +
		", or use its list"}
}

// add takes in a line of the log.
func (c *Condition) add(rec *Record) {
	before, counted := 0, 0
	switch {
	case rec.Run != nil:
		before = rec.Run.Lines
		c.begin(rec)
	case !c.open:
		c.fail(rec, "the results log continues after its end without a line that describes a run: "+
			"it holds a part of another log")
	case rec.End != nil:
		c.open, before = false, rec.End.Lines
		for _, n := range rec.End.Counts {
			counted += n
		}
	case rec.Kind == KindRow:
		c.rows++
	}
	if rec.Run != nil || rec.End != nil {
		// A run that resumes a damaged log does again what is missing, so the last line decides.
		c.last, c.missing = rec.Line, c.differs(before, counted)
	}
	c.have++
}

func (c *Condition) fail(rec *Record, what string) {
	if c.fault == nil {
		c.fault = &DamageError{rec.Line, what, true}
	}
}

// begin takes in that a run begins. A run that resumes another says how many lines come before
// it. Older versions did not say so, but their run is of the same list.
func (c *Condition) begin(rec *Record) {
	resumes, another := rec.Run.Lines > 0, c.digest != rec.Run.Digest
	switch {
	case c.began && resumes && another:
		c.fail(rec, "the run resumes a log of another list")
	case !c.began || resumes:
	case c.open && another && c.fault == nil:
		c.fault = noEnd(c.last, "(--resume)")
	case c.missing != "":
		c.fail(rec, c.missing)
	case !c.open:
		c.have = 0
	}
	if another {
		c.rows = 0
	}
	c.began, c.open, c.digest, c.run = true, true, rec.Run.Digest, rec.Run
}

// differs says what is wrong, and sets Lacks, if the log has not as many lines as the line of a run or an end
// says, or, of a version that did not count lines, not as many rows.
func (c *Condition) differs(lines, rows int) string {
	if c.fault == nil {
		c.Lacks = ""
	}
	switch {
	case lines > 0 && c.have > lines:
		return fmt.Sprintf("the results log has %d lines before this one, which says %d: "+
			"it holds lines of another log", c.have, lines)
	case lines > 0 && c.have < lines:
		return c.lack("lines", lines, c.have)
	case lines == 0 && c.rows < rows:
		return c.lack("rows", rows, c.rows)
	}
	return ""
}

func (c *Condition) lack(what string, want, have int) string {
	c.Lacks = fmt.Sprintf("%d of its %d %s", want-have, want, what)
	return "the results log is not whole: it lacks " + c.Lacks
}
