package input

import (
	"errors"
	"fmt"
)

// wantWhole says what to do about a log that was filtered, for example with jq.
const wantWhole = "use the whole log, or the list of its run; to revoke some rows of the log, write only their " +
	"user and method to a list (jq '{user,method}'), in which a row without a method means any pass"

// LogLines finds out whether a file of one or several results logs, one after another, has
// exactly the lines that were written. The zero value is ready to use.
type LogLines struct {
	began, open bool   // a run has begun, and has no end so far
	list        string // of the last run
	have        int    // lines of the log so far
	rows        int    // rows about that list so far
	missing     error  // as the last run or end says
}

// Add counts a line of the type kind. Of a run, list is the digest of its list. Of a run or an
// end, before is the number of lines of the log that come before it, as the line says, or 0. Of
// an end, counted is the sum of its counts, which is used if before is 0. Add returns an error if
// the line belongs to no run, or if another log begins and the one before is not whole.
func (l *LogLines) Add(kind, list string, before, counted int) error {
	switch {
	case kind == "run":
		if err := l.begin(list, before); err != nil {
			return err
		}
	case !l.began:
		return errors.New("it is not a whole results log: its first line does not describe a run; " + wantWhole)
	case !l.open:
		return errors.New("the results log goes on after its end without a line that describes a run: " +
			"it holds a part of another log; " + wantWhole)
	case kind == "end":
		l.open = false
	case kind == "result":
		l.rows++
	}
	if kind == "run" || kind == "end" {
		// A run that resumes a damaged log does again what is missing, so the last line decides.
		l.missing = nil
		switch {
		case before > 0 && l.have > before:
			l.missing = fmt.Errorf("the results log has %d lines before this one, which says %d: "+
				"it holds lines of another log; %s", l.have, before, wantWhole)
		case before > 0:
			l.missing = lacks("lines", before, l.have)
		default: // of a version that did not count lines
			l.missing = lacks("rows", counted, l.rows)
		}
	}
	l.have++
	return nil
}

// begin takes in that a run begins. A run that resumes another says how many lines come before
// it. Older versions did not say so, but their run is of the same list.
func (l *LogLines) begin(list string, before int) error {
	another := l.list != list
	switch {
	case l.began && before > 0 && another:
		return errors.New("the run resumes a log of another list; " + wantWhole)
	case !l.began || before > 0:
	case l.open && another, l.missing != nil:
		return l.Whole()
	case !l.open:
		l.have = 0
	}
	if another {
		l.rows = 0
	}
	l.began, l.open, l.list = true, true, list
	return nil
}

func lacks(what string, want, have int) error {
	if have >= want {
		return nil
	}
	return fmt.Errorf("the results log is not whole: it lacks %d of its %d %s; %s",
		want-have, want, what, wantWhole)
}

// Began reports whether a run has begun.
func (l *LogLines) Began() bool { return l.began }

// Open reports whether the last run has no end.
func (l *LogLines) Open() bool { return l.open }

// Whole returns an error if the last run has no end, or if lines are missing.
func (l *LogLines) Whole() error {
	if l.open {
		return errors.New("the results log has no end, because its run was killed, could not write on, " +
			"or is still going on: pairs may be missing in it, so resume that run first (--resume), or use its list")
	}
	return l.missing
}

// A runLine is what a line of a results log says about its run.
type runLine struct {
	self, list      string // who the rows Me meant, and the digest of the list
	tenant, root    string
	before, counted int // see LogLines
}

// A LogRun is where a run in a results log took place, and the line of the list that says so.
type LogRun struct {
	Source            string
	Line              int
	Tenant, GraphRoot string
}

// LogRuns returns the runs of the lists that are results logs, one for each tenant and Graph
// root in each log.
func (l *List) LogRuns() []LogRun {
	var runs []LogRun
	for _, s := range l.sources {
		runs = append(runs, s.content.runs...)
	}
	return runs
}
