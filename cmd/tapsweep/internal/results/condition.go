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
	lacksLineBreak bool    // the last complete line lacks its line break

	damage  *input.LineError // an error in the file that a resumed run cannot repair
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
		c.count(rec.Line, rec.Run.Lines)
	case !c.open && c.damage == nil:
		c.damage = lineError(rec.Line, "the results log continues after its last line: it contains a part of "+
			"another log"+wantWhole)
	case rec.End != nil:
		c.open = false
		c.count(rec.Line, rec.End.Lines)
	}
	c.lines++
}

// begin processes the first line of a log, which may follow another log.
func (c *Condition) begin(rec *Record) {
	if c.run != nil {
		c.damage = c.problem("")
	}
	c.run, c.open, c.counted, c.lines = rec.Run, true, rec.Line, 0
}

// count compares the number of lines before a line with the number that the line has. Each Header and each End has
// such a number, except for the first line of a log.
func (c *Condition) count(line, says int) {
	c.counted, c.missing = line, nil
	if c.damage == nil {
		c.Lacks = ""
	}
	switch {
	case c.lines > says:
		c.missing = lineError(line, "the results log has %d lines before this line, but this line says %d: "+
			"it contains lines of another log"+wantWhole, c.lines, says)
	case c.lines < says:
		c.Lacks = fmt.Sprintf("%d of its %d lines", says-c.lines, says)
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
		if note := c.run.SignInNote("the log"); note != "" {
			resume += " (" + note + ")"
		}
	}
	return lineError(c.counted, "the results log has no last line, because its run was killed, could not write, "+
		"or is still running: passes may be missing in it; first resume that run %s, or use its list", resume)
}
