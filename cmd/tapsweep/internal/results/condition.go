package results

import (
	"bytes"
	"cmp"
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
)

// A Condition is what Read finds out about a log as a file: whether it has exactly the lines that its
// runs wrote. A file may hold several logs, one after another.
type Condition struct {
	Whole int64 // bytes up to the end of the last whole line
	Torn  bool  // an incomplete last line follows, and was skipped

	Foreign      int       // skipped lines that are not part of a log; empty lines are not counted
	firstForeign *LogError // the first of these, which may be empty

	// Lacks says how many lines are missing, as in "2 of its 40 lines", and is empty if none is.
	Lacks string

	run     *Run // the last one, nil before the first
	open    bool // that run has no end so far
	counted int  // the line of that run or its end, which counts the lines before it
	lines   int  // of the log so far
	rows    int  // about passes so far, also of earlier runs that the log may resume
	unended bool // the last whole line lacks its line end

	damage  *LogError // what is wrong with the file for good
	noEnd   *LogError // a run lacks its end; this is damage unless the next run resumes it
	missing *LogError // what was missing as of the counted line; a run that resumes the log does that again
}

// skip takes in a line that is not part of a log.
func (c *Condition) skip(line *LogError, text []byte) {
	if len(bytes.TrimSpace(text)) > 0 {
		c.Foreign++
	}
	c.firstForeign = cmp.Or(c.firstForeign, line)
}

// Skipped is the warning about lines of the named log that are not part of it, and is empty if there are none.
func (c *Condition) Skipped(name string) string {
	if c.Foreign == 0 {
		return ""
	}
	return fmt.Sprintf("%s: skipped %s not part of a results log, starting at line %d", name,
		format.Plural(c.Foreign, "line that is", "lines that are"), c.firstForeign.Line)
}

// add takes in a line of the log.
func (c *Condition) add(rec *Record) {
	c.unended = !bytes.HasSuffix(rec.Text, []byte("\n"))
	switch {
	case rec.Run != nil && rec.Run.Lines == 0:
		c.begin(rec)
	case rec.Run != nil:
		c.run, c.open = rec.Run, true
		c.count(rec.Line, c.lines, rec.Run.Lines, "lines")
	case !c.open && c.damage == nil:
		c.damage = &LogError{rec.Line, "the results log continues after its end: it holds a part of another log" +
			wantWhole}
	case rec.End != nil && rec.End.Lines == 0: // of an older version, which counted rows only
		says := 0
		for _, n := range rec.End.Counts {
			says += n
		}
		c.open = false
		c.count(rec.Line, min(c.rows, says), says, "rows") // a pass may have several rows
	case rec.End != nil:
		c.open = false
		c.count(rec.Line, c.lines, rec.End.Lines, "lines")
	case rec.Kind == KindRow:
		c.rows++
	}
	c.lines++
}

// begin takes in the first line of a log. In older versions a run that resumed a log began with such a
// line too, and the end counted the rows of all runs, not the lines. So a run of the same list may
// resume the one before it. What is counted next shows whether it does.
func (c *Condition) begin(rec *Record) {
	mayResume := c.run != nil && c.run.same(rec.Run) == nil
	switch {
	case mayResume && c.open:
		c.noEnd = cmp.Or(c.noEnd, c.problem(""))
	case c.run != nil:
		c.damage = c.problem("")
		c.lines = 0
	}
	if !mayResume {
		c.rows = 0
	}
	c.run, c.open, c.counted = rec.Run, true, rec.Line
}

// count compares the number of lines (or rows) before a line with what that line says. Each run and each
// end of a log counts, except for the first line.
func (c *Condition) count(line, have, says int, what string) {
	if what == "lines" && have != says {
		c.damage = cmp.Or(c.damage, c.noEnd)
	}
	c.counted, c.missing, c.noEnd = line, nil, nil
	if c.damage == nil {
		c.Lacks = ""
	}
	switch {
	case says == 0:
	case have > says:
		c.missing = &LogError{line, fmt.Sprintf("the results log has %d lines before this one, which says %d: "+
			"it holds lines of another log", have, says) + wantWhole}
	case have < says:
		c.Lacks = fmt.Sprintf("%d of its %d %s", says-have, says, what)
		c.missing = &LogError{line, "the results log is not whole: it lacks " + c.Lacks + wantWhole}
	}
}

// wantWhole says what to do about a log that is not whole.
const wantWhole = "; use the whole log, or the list of its run"

// complete returns an error if the file is not exactly what the runs of its logs wrote, or if one of
// these has no end: ErrNoRun or a *LogError. The path of the log is for the command that resumes
// the run.
func (c *Condition) complete(path string) error {
	if c.run == nil {
		return ErrNoRun
	}
	if problem := c.problem(path); problem != nil {
		return problem
	}
	return nil
}

func (c *Condition) problem(path string) *LogError {
	if c.damage != nil || !c.open {
		return cmp.Or(c.damage, c.missing)
	}
	resume := "(--resume)"
	if words := c.run.ResumeWith(path, false); path != "" && len(words) > 0 {
		resume = "with " + CommandLine(words)
	}
	return &LogError{c.counted, "the results log has no end, because its run was killed, could not continue " +
		"writing, or is still running: passes may be missing in it; resume that run first " + resume +
		", or use its list"}
}
