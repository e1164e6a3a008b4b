package results

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// Lists reads results logs: as lists of the passes that are not done, and as lists of users. The zero value is
// ready to use.
type Lists struct {
	// Sessions makes Read keep the users whose passes are gone, for SessionsLeft.
	Sessions bool

	Runs     []ListRun     // the runs of the logs
	Warnings []string      // about lines that are not part of a log, and scans that ended early
	Users    []*LoggedUser // see ReadUsers; in the order of the logs
	Invalid  int           // see ReadUsers: the rows that were invalid

	users map[string]*LoggedUser // by name in lower case
	state State                  // of all logs whose rows Read has not begun to yield
}

// A ListRun is a run in a log, with the log and the line of the run.
type ListRun struct {
	Source string
	Line   int
	*Header
}

// readLog reads a log and calls each with its records. It returns an error if the log is not complete.
func (l *Lists) readLog(name string, text io.Reader, each func(*Record) error) error {
	var c Condition
	var stopped string // why the last run ended early
	for rec, err := range Read(text, &c) {
		if err == nil {
			err = each(rec)
		}
		if err != nil {
			return err
		}
		if at := rec.Ahead(); !at.IsZero() {
			return lineError(rec.Line, "the line is from the future (%s): it would count in place of each other log; "+
				"check the clock of the computer that wrote it, and of this one", at.UTC().Format(time.RFC3339))
		}
		if rec.Run != nil {
			l.Runs = append(l.Runs, ListRun{name, rec.Line, rec.Run})
		}
		if rec.End != nil {
			stopped = rec.End.Stopped
		}
	}
	if words := c.Skipped(name); words != "" {
		l.Warnings = append(l.Warnings, words)
	}
	if stopped != "" && c.run.Kind() == "scan" {
		l.Warnings = append(l.Warnings, name+": the scan ended early ("+safetext.Printable(stopped)+
			"), so users who were not scanned are not in it: first resume the scan")
	}
	if c.run == nil {
		return ErrNoRun
	}
	if problem := c.problem(name); problem != nil {
		return problem
	}
	return nil
}

// maxAhead is how far the clock of another computer may be ahead.
const maxAhead = time.Hour

// Ahead returns the time of a run or a row if it is from the future, and zero otherwise. In several logs, it would
// count in place of each other log.
func (rec *Record) Ahead() time.Time {
	if at := rec.at(); time.Until(at) > maxAhead {
		return at
	}
	return time.Time{}
}

// at returns the time of a run or a row, zero for other lines.
func (rec *Record) at() time.Time {
	switch {
	case rec.Run != nil:
		return rec.Run.Start
	case rec.Row != nil:
		return rec.Row.Time
	}
	return time.Time{}
}

// hasRun matches the first line of a log. Lines that are not part of the log may come before it.
var hasRun = regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(firstBytes))

// isPart matches the beginning of files that other programs make from a log: some of its lines, its lines
// reformatted by jq, and the CSV file of a report.
var isPart = regexp.MustCompile(`"type"\s*:\s*"(run|result|wait|scanned|end)"|\A[^\n]*\boutcome\b[^\n]*\brequestId\b`)

// errPart is the error for a file that isPart matches.
var errPart = &input.LineError{Line: 1, Msg: "it is not a complete results log, because its first line does not " +
	"describe a run: use the log as tapsweep wrote it; passes that are done are left out"}

// Read is an input.Reader for logs. It yields the last row of each Key; of two logs, the one that was written later
// counts. It refuses a log that is not complete, because passes may be missing in it.
func (l *Lists) Read(name string, start []byte, text func() io.Reader) (
	iter.Seq2[input.ListRow, error], error) {
	switch {
	case hasRun.Match(start):
	case isPart.Match(start):
		return nil, errPart
	default:
		return nil, nil
	}
	first := len(l.state.last)
	l.state.others = first
	err := l.readLog(name, text(), func(rec *Record) error {
		l.state.apply(rec, false)
		if rec.Row != nil {
			l.state.times = append(l.state.times, l.state.now)
		}
		if r := rec.Row; r != nil && r.Outcome != Planned && r.User != input.Me &&
			(r.Action == RevokeSessions || r.Outcome == Protected || l.Sessions && r.sessionsFollow()) {
			return l.addUser(name, rec)
		}
		return nil
	})
	end := len(l.state.last)
	return func(yield func(input.ListRow, error) bool) {
		l.state.words, l.state.users = nil, nil // every log is read, so only the rows of last matter
		yieldLast(text(), l.state.last[first:end], yield)
	}, err
}

// yieldLast yields the rows about passes: the last row of each key, and in place of any other row OutSuperseded.
// SessionsLeft is for the sessions. It yields an error if the log has become shorter, because passes are missing then.
func yieldLast(text io.Reader, last []bool, yield func(input.ListRow, error) bool) {
	n := 0
	for rec, err := range Read(text, new(Condition)) {
		if err != nil {
			yield(input.ListRow{}, err)
			return
		}
		switch {
		case n == len(last):
			return // a run has made the log longer
		case rec.Row == nil:
			continue
		}
		row := input.ListRow{Out: input.OutSuperseded}
		if last[n] {
			row = asListRow(rec)
		}
		if rec.Row.Action != RevokeSessions && !yield(row, nil) {
			return
		}
		n++
	}
	if n < len(last) {
		yield(input.ListRow{}, fmt.Errorf("the log was truncated while it was read: %d of its %d rows are left%s",
			n, len(last), wantWhole))
	}
}

// SessionsLeft returns the users whose passes are gone according to the logs, and who are not signed out. The pairs
// name no pass.
func (l *Lists) SessionsLeft() (pairs []input.Pair) {
	for _, u := range l.Users {
		u.chooseSessions()
		if u.passGone && !u.signedOut() && !u.keepsSessions && !u.protected() {
			pairs = append(pairs, input.Pair{Source: u.Source, Line: u.Line, User: u.User, UPN: u.UPN})
		}
	}
	return pairs
}

// SessionsMissed returns the number of users whose sessions a run should have revoked, but did not.
func (l *Lists) SessionsMissed() (n int) {
	for _, u := range l.Users {
		u.chooseSessions()
		if u.Sessions != nil && !u.Sessions.done() && !u.protected() {
			n++
		}
	}
	return n
}

// asListRow converts a row of a log to a row of a list. It marks a pass that is done as done: as a row for any pass, it
// would delete a new pass of the user. A protected user stays protected, even without the protect list.
func asListRow(rec *Record) input.ListRow {
	r := rec.Row
	row := input.ListRow{Pair: input.Pair{Line: rec.Line, User: r.User, UPN: r.UPN, Method: r.Method,
		Creation: r.Creation}}
	hasPass := r.Method != "" || r.AnyPass
	switch {
	case r.Outcome == Revoked, r.Outcome == Absent, r.Outcome == Duplicate:
		row.Out = input.OutDone
	case r.Outcome == Protected:
		row.Out = input.OutProtected
	case r.Outcome == Invalid:
		row.Out = input.OutRefused
		row.Err = errors.New("the row was refused in an earlier run: fix it in the original list")
	case !hasPass && r.Outcome == UnknownUser: // a user who does not exist has no pass
		row.Out = input.OutDone
	case !hasPass: // a scan could not list the passes of the user
		row.Out = input.OutRefused
		row.Err = errors.New("the row is about a user without a pass: scan again, or name the user in a list")
	}
	return row
}
