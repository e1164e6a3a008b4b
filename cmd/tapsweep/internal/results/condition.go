package results

import (
	"bytes"
	"cmp"
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/input"
)

// A Condition records whether a log file has exactly the lines that its runs wrote. Read fills it. A file may
// contain several logs, one after another.
type Condition struct {
	Whole int64 // the length in bytes of the file up to the end of its last complete line
	Torn  bool  // the last line is incomplete, and was skipped

	Foreign      int              // the number of skipped lines that are not part of a log, without empty lines
	firstForeign *input.LineError // the first skipped line, which may be empty

	// Lacks is how many lines are missing, such as "2 of its 40 lines". It is empty if none is missing.
	Lacks string

	run            *Header // the last run, nil before the first
	open           bool    // the last run has no End so far
	counted        int     // the line number of the last Header or End, which has the number of lines before it
	lines          int     // the lines of the log so far
	rows           int     // the rows about passes so far, including those of earlier runs that the log may resume
	lacksLineBreak bool    // the last complete line lacks its line break

	damage  *input.LineError // an error in the file that a resumed run cannot repair
	noEnd   *input.LineError // a run has no End; this is damage unless the next run resumes it
	missing *input.LineError // lines that were missing at the counted line; a resumed run writes them again
}

// skip counts a line that is not part of a log.
func (c *Condition) skip(line *input.LineError, text []byte) {
	if len(bytes.TrimSpace(text)) > 0 {
		c.Foreign++
	}
	c.firstForeign = cmp.Or(c.firstForeign, line)
}

// Skipped returns the warning about lines that are not part of the log. It is empty if there are none.
func (c *Condition) Skipped(name string) string {
	if c.Foreign == 0 {
		return ""
	}
	return fmt.Sprintf("%s: skipped %s not part of a results log, starting at line %d", name,
		format.Plural(c.Foreign, "line that is", "lines that are"), c.firstForeign.Line)
}

func (c *Condition) add(rec *Record) {
	c.lacksLineBreak = !bytes.HasSuffix(rec.Text, []byte("\n"))
	switch {
	case rec.Run != nil && rec.Run.Lines == 0:
		c.begin(rec)
	case rec.Run != nil:
		if c.run != nil && c.run.Digest != rec.Run.Digest && c.damage == nil {
			c.damage = lineError(rec.Line, "the results log resumes a log of another list"+wantWhole)
		}
		c.run, c.open = rec.Run, true
		c.count(rec.Line, c.lines, rec.Run.Lines, "lines")
	case !c.open && c.damage == nil:
		c.damage = lineError(rec.Line, "the results log continues after its last line: it contains a part of "+
			"another log"+wantWhole)
	case rec.End != nil && rec.End.Lines == 0: // an older version wrote it, and counted only rows
		says := 0
		for _, n := range rec.End.Counts {
			says += n
		}
		c.open = false
		c.count(rec.Line, min(c.rows, says), says, "rows") // a pass may have several rows
	case rec.End != nil:
		c.open = false
		c.count(rec.Line, c.lines, rec.End.Lines, "lines")
	case rec.Row != nil && rec.Row.Action != RevokeSessions:
		c.rows++
	}
	c.lines++
}

// begin processes the first line of a log. In older versions, a run that resumed a log also began with such a
// line, and the End counted the rows of all runs instead of the lines. So a run of the same list may resume the
// run before it. The next number of lines or rows shows whether it does.
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

// count compares the number of lines (or rows) before a line with the number that the line has. Each Header and
// each End has such a number, except for the first line of a log.
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
		c.missing = lineError(line, "the results log has %d lines before this line, but this line says %d: "+
			"it contains lines of another log"+wantWhole, have, says)
	case have < says:
		c.Lacks = fmt.Sprintf("%d of its %d %s", says-have, says, what)
		c.missing = lineError(line, "the results log is not complete: it lacks %s"+wantWhole, c.Lacks)
	}
}

// wantWhole is what to do about a log that is not complete.
const wantWhole = "; use the complete log, or the list of its run"

// problem returns an error if the file is not exactly what its runs wrote, or if one of its logs has no End. The error
// contains the command that resumes the run; path is the log in this command. It is nil before the first run.
func (c *Condition) problem(path string) *input.LineError {
	if c.damage != nil || !c.open {
		return cmp.Or(c.damage, c.missing)
	}
	resume := "(--resume)"
	if words := c.run.ResumeWith(path, false); path != "" && len(words) > 0 {
		resume = "with " + CommandLine(words)
	}
	return lineError(c.counted, "the results log has no last line, because its run was killed, could not write, "+
		"or is still running: passes may be missing in it; first resume that run %s, or use its list", resume)
}
