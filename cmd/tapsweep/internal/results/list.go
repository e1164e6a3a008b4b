package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"tapsweep/input"
)

// Lists reads results logs as lists of what is left to do, and so the CSV files of reports. The
// zero value is ready to use.
type Lists struct {
	// Sessions makes Read keep the users whose passes are gone, for SessionsLeft.
	Sessions bool

	lists []*list
	runs  []ListRun
	left  listSessions
}

// A ListRun is where a run in a log took place, and the line of the log that says so.
type ListRun struct {
	Source string
	Line   int
	*Run
}

// Runs returns the runs of the logs that were read: one for each tenant and Graph root in each.
func (l *Lists) Runs() []ListRun { return l.runs }

// Foreign returns a warning for each log in which lines were skipped because they are not part
// of it.
func (l *Lists) Foreign() (warnings []string) {
	for _, list := range l.lists {
		switch {
		case list.foreign == 1:
			warnings = append(warnings, list.name+": skipped 1 line that is not part of the results log")
		case list.foreign > 1:
			warnings = append(warnings,
				fmt.Sprintf("%s: skipped %d lines that are not part of the results log", list.name, list.foreign))
		}
	}
	return warnings
}

// Warnings returns warnings about logs that input.Open has read: those of Foreign, and how many
// rows without a pass were left out because the tenant did not have their users.
func (l *Lists) Warnings() []string {
	warnings := l.Foreign()
	for _, list := range l.lists {
		if list.gone > 0 {
			warnings = append(warnings, fmt.Sprintf(
				"%s: rows left out, because the tenant did not have their users: %d",
				list.name, list.gone))
		}
	}
	return warnings
}

// Read is an input.Reader of logs and of CSV files of reports. It refuses a log that is not
// complete, because passes would be missing. Of each Key it yields the last row.
func (l *Lists) Read(name string, start []byte, text func() io.Reader) (
	iter.Seq2[input.Row, error], error) {
	list := &list{name: name, text: text, format: formatOf(start)}
	if list.format == formatNone {
		return nil, nil
	}
	l.lists = append(l.lists, list)
	var c Condition
	if list.format == formatTable {
		for rec, err := range list.log(&c) {
			if err != nil {
				return nil, listError(err)
			}
			l.left.add(name, rec, l.Sessions)
		}
		return list.rows, nil
	}
	for rec, err := range list.log(&c) {
		if err != nil {
			return nil, listError(err)
		}
		if rec.Run != nil {
			l.add(ListRun{name, rec.Line, rec.Run})
		}
		l.left.add(name, rec, l.Sessions)
		if rec.Kind != KindSessions {
			list.state.Apply(rec, false)
		}
	}
	list.foreign = c.Foreign
	return list.rows, listError(c.Complete(name))
}

// add keeps a run of another tenant or Graph root than those before it in the log.
func (l *Lists) add(run ListRun) {
	same := func(r ListRun) bool { return r.Source == run.Source && r.Elsewhere(run.Tenant, run.GraphRoot) == nil }
	if !slices.ContainsFunc(l.runs, same) {
		l.runs = append(l.runs, run)
	}
}

// A format is the form that a log has as a list.
type format int

const (
	formatNone   format = iota // it is no log
	formatLines                // as a run has written it
	formatArray                // a JSON array of its lines, as jq -s makes
	formatValues               // its lines with another layout, as jq makes
	formatTable                // the CSV file of a report
)

// formatOf returns the form of a text that begins with start.
func formatOf(start []byte) format {
	text := bytes.TrimSpace(start)
	first, _, _ := bytes.Cut(text, []byte("\n"))
	array := bytes.HasPrefix(text, []byte("["))
	if comma, _ := tableHeader(string(first)); comma != 0 {
		return formatTable
	}
	for line := range bytes.Lines(start) {
		kind, ok := bytes.CutPrefix(line, lineMark)
		if ok && !array && bytes.HasPrefix(bytes.TrimLeft(kind, " "), []byte(`"run"`)) {
			return formatLines
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if array {
		_, _ = dec.Token()
	}
	var l struct {
		Type Kind `json:"type"`
	}
	switch err := dec.Decode(&l); {
	case err != nil || !slices.Contains(kinds, l.Type):
		return formatNone
	case array:
		return formatArray
	case json.Valid(first):
		return formatLines // the first of them are missing
	}
	return formatValues
}

// A list is one log or CSV file while it is read as a list.
type list struct {
	name    string
	text    func() io.Reader
	format  format
	state   State
	foreign int

	gone int // rows without a pass about users whom the tenant did not have
}

// log reads the log.
func (l *list) log(c *Condition) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		switch text := l.text(); l.format {
		case formatLines:
			Read(text, c, KindRun, KindRow, KindSessions)(yield)
		case formatTable:
			readTable(text)(yield)
		default:
			Read(newFlattener(text, l.format == formatArray), c, KindRun, KindRow, KindSessions)(yield)
		}
	}
}

// rows yields the rows that are the last word on their key. It is called once.
func (l *list) rows(yield func(input.Row, error) bool) {
	n, digest := 0, ""
	for rec, err := range l.log(new(Condition)) {
		switch {
		case err != nil:
			yield(input.Row{}, listError(err))
			return
		case rec.Kind == KindSessions: // see Lists.SessionsLeft
			continue
		case rec.Run != nil:
			digest = rec.Run.Digest
			continue
		}
		n++
		if rec.Row.Beside || l.format != formatTable && !l.state.IsLast(n, rec.Row, digest) {
			continue
		}
		row := asListRow(rec)
		if row.Out == input.OutDone && rec.Row.Outcome == UnknownUser {
			l.gone++
		}
		if !yield(row, nil) {
			return
		}
	}
}

// asListRow returns what a log says of a pass as a row of a list. What is done stays done: a row
// without a pass would otherwise mean a pass that the user was given since. A protected user
// stays protected: the protect list need not be named again.
func asListRow(rec *Record) input.Row {
	r := rec.Row
	row := input.Row{Line: rec.Line, User: r.User, UPN: r.UPN, Method: r.Method, Creation: r.Creation}
	refuse := func(out input.LeftOut, why string) input.Row {
		row.Out, row.Err = out, errors.New(why)
		return row
	}
	switch r.Outcome {
	case Revoked, Absent, Duplicate:
		row.Out = input.OutDone
		return row
	case Protected:
		row.Out = input.OutProtected
		return row
	case Invalid:
		return refuse(input.OutRefused, "the row was refused in an earlier run: fix it in the original list")
	}
	switch {
	case r.Undecided: // a log is no yes to what was refused
		row.Out = input.OutUnknown
	case r.User == input.Me:
		return refuse(input.OutNone,
			`the results log does not say who was signed in, and so who "me" was: name the user`)
	case r.Method != "" || r.AnyPass:
	case r.Outcome == UnknownUser: // who has no pass
		row.Out = input.OutDone
	default: // such as of a user whose passes a scan could not list
		return refuse(input.OutRefused,
			"the row is about a user without a pass: scan again, or name the user in a list")
	}
	return row
}

// listError returns an error of this package as one of input.
func listError(err error) error {
	if err == nil {
		return nil
	}
	if line, ok := errors.AsType[*LineError](err); ok {
		return &input.LineError{Line: line.Line, Msg: "the line " + line.What, Err: err}
	}
	if damage, ok := errors.AsType[*DamageError](err); ok {
		msg := damage.text()
		if damage.Parts {
			msg += wantRows
		}
		return &input.LineError{Line: damage.Line, Msg: msg, Err: err}
	}
	if err == ErrFiltered {
		return &input.LineError{Line: 1, Msg: err.Error() + wantRows, Err: err}
	}
	if err == ErrNoRun {
		return &input.LineError{Line: 1, Msg: err.Error(), Err: err}
	}
	return err
}

// A flattener makes the lines of a log of JSON values with another layout.
type flattener struct {
	capped       *cappedReader
	dec          *json.Decoder
	start, array bool // before an array, and in it
	values       int  // read so far
	line         bytes.Buffer
}

func newFlattener(r io.Reader, isArray bool) *flattener {
	capped := &cappedReader{r: r}
	return &flattener{capped: capped, dec: json.NewDecoder(capped), start: isArray}
}

func (f *flattener) Read(p []byte) (int, error) {
	if f.line.Len() == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	return f.line.Read(p)
}

// next reads the next value.
func (f *flattener) next() error {
	f.values++
	f.capped.limit = f.dec.InputOffset() + maxLine
	err := f.value()
	if errors.Is(err, errTooLong) {
		return &LineError{f.values, "is longer than 1 MiB"}
	}
	return err
}

func (f *flattener) value() error {
	if f.start || f.array && !f.dec.More() {
		f.start, f.array = false, f.start
		if _, err := f.dec.Token(); err != nil {
			return err
		}
	}
	var value json.RawMessage
	if err := f.dec.Decode(&value); err != nil {
		return err
	}
	if err := json.Compact(&f.line, value); err != nil {
		return err
	}
	f.line.WriteByte('\n')
	return nil
}
