package results

import (
	"errors"
	"io"
	"iter"
	"regexp"

	"tapsweep/input"
)

// Lists reads results logs as lists of what is left to do. The zero value is ready to use.
type Lists struct {
	// Sessions makes Read keep the users whose passes are gone, for SessionsLeft.
	Sessions bool

	// Skipped are warnings about logs in which lines were skipped that are not part of them.
	Skipped []string

	runs  []ListRun
	users userSet
}

// A ListRun is where a run in a log took place, and the line of the log that says so.
type ListRun struct {
	Source string
	Line   int
	*Run
}

// Runs returns the runs of the logs that were read.
func (l *Lists) Runs() []ListRun { return l.runs }

// hasRun matches the beginning of a log. Lines that are not part of it may come before.
var hasRun = regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(firstBytes))

// isPart matches the beginning of what is made of a log: some of its lines, its lines as another program
// lays them out, such as jq, and the CSV file of a report.
var isPart = regexp.MustCompile(`"type"\s*:\s*"(run|result|wait|scanned|end)"|\A[^\n]*\boutcome\b[^\n]*\brequestId\b`)

// errPart is the error for that.
var errPart = &input.LineError{Line: 1, Msg: "it is not a whole results log, because its first line does not " +
	"describe a run: use the log as its run has written it; to revoke some of its rows, write only their user and " +
	"method to a list (jq '{user,method}'), in which a row without a method means any pass"}

// Read is an input.Reader of logs. It refuses a log that is not complete, because passes would be
// missing. Of each Key it yields the last row.
func (l *Lists) Read(name string, start []byte, text func() io.Reader) (
	iter.Seq2[input.Row, error], error) {
	switch {
	case hasRun.Match(start):
	case isPart.Match(start):
		return nil, errPart
	default:
		return nil, nil
	}
	list := &logAsList{text: text}
	var c Condition
	for rec, err := range Read(text(), &c) {
		if err != nil {
			return nil, listError(err)
		}
		if rec.Run != nil {
			l.runs = append(l.runs, ListRun{name, rec.Line, rec.Run})
		}
		l.noteSessions(name, rec)
		list.state.apply(rec, false)
	}
	if words := c.Skipped(name); words != "" {
		l.Skipped = append(l.Skipped, words)
	}
	return list.rows, listError(c.complete(name))
}

// noteSessions keeps a user whose sessions have a row and, with the option Sessions, one whose pass is
// gone.
func (l *Lists) noteSessions(name string, rec *Record) {
	if r := rec.Row; r != nil && r.Outcome != Planned && r.User != input.Me &&
		(rec.Kind == KindSessions || l.Sessions && r.sessionsFollow()) {
		l.users.add(name, rec)
	}
}

// SessionsLeft returns the users whose passes are gone, as logs say, and whose sessions no run
// has revoked. The pairs name no pass.
func (l *Lists) SessionsLeft() (pairs []input.Pair) {
	for _, u := range l.users.all {
		if u.passGone && !u.Sessions.done() {
			pairs = append(pairs, input.Pair{Source: u.Source, Line: u.Line, User: u.User, UPN: u.UPN})
		}
	}
	return pairs
}

// SessionsMissed returns how many users have sessions that a run was to revoke and did not.
func (l *Lists) SessionsMissed() (n int) {
	for _, u := range l.users.all {
		if u.Sessions != nil && !u.Sessions.done() {
			n++
		}
	}
	return n
}

// A logAsList is one log that is read as a list.
type logAsList struct {
	text  func() io.Reader
	state State
}

// rows yields the rows about passes that are the last word on their key. For sessions, see SessionsLeft.
func (l *logAsList) rows(yield func(input.Row, error) bool) {
	n, digest := 0, ""
	for rec, err := range Read(l.text(), new(Condition)) {
		switch {
		case err != nil:
			yield(input.Row{}, listError(err))
			return
		case rec.Run != nil:
			digest = rec.Run.Digest
		case rec.Row != nil:
			n++
			if rec.Kind == KindRow && l.state.isLast(n, rec.Row, digest) && !yield(asListRow(rec), nil) {
				return
			}
		}
	}
}

// asListRow returns what a log says of a pass as a row of a list. What is done stays done: a row
// without a pass would otherwise mean a pass that the user was given since. A protected user
// stays protected: the protect list need not be named again.
func asListRow(rec *Record) input.Row {
	r := rec.Row
	row := input.Row{Line: rec.Line, User: r.User, UPN: r.UPN, Method: r.Method, Creation: r.Creation}
	hasPass := r.Method != "" || r.AnyPass
	switch {
	case r.Outcome == Revoked, r.Outcome == Absent, r.Outcome == Duplicate:
		row.Out = input.OutDone
	case r.Outcome == Protected:
		row.Out = input.OutProtected
	case r.Outcome == Invalid:
		row.Out = input.OutRefused
		row.Err = errors.New("the row was refused in an earlier run: fix it in the original list")
	case !hasPass && r.Outcome == UnknownUser: // who has no pass
		row.Out = input.OutDone
	case !hasPass: // such as of a user whose passes a scan could not list
		row.Out = input.OutRefused
		row.Err = errors.New("the row is about a user without a pass: scan again, or name the user in a list")
	}
	return row
}

// listError returns an error about a log as one of input.
func listError(err error) error {
	if line, ok := errors.AsType[*LogError](err); ok {
		return &input.LineError{Line: line.Line, Msg: line.What, Err: err}
	}
	return err
}
