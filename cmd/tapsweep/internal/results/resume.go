package results

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/input"
)

// A ResumeState is what a run must know about the log that it resumes. The zero value is a log without rows.
type ResumeState struct {
	Len int // the number of completed passes and lines of a list

	// First is the first run that counts, see IgnoreFinishedRuns. Nil means that there is none.
	First *Header

	// IDsMatch is set if a scan found a pass whose ID is in its audit record.
	IDsMatch bool

	state          State
	unconfirmed    map[uint64]*Row // by key
	runsWithoutEnd int             // the number of runs without an End, because they were killed

	// wanted has users whose sessions must still be revoked, by the key of their sessions. The row is about a
	// pass of the user that a scan found and that is gone.
	wanted map[uint64]*Row

	opts     ResumeOptions
	run      *Header // the run whose lines are being read
	hasPass  bool    // that run has a row about a pass
	next     *Header // the run that resumes the log
	sessions bool    // a run that did not complete revokes sessions
	verify   bool    // a run that did not complete verifies
	protect  *Header // the first run that did not complete and protects users
}

// Completed reports whether a resumed run has nothing to do for a pair.
func (e *ResumeState) Completed(p *input.Pair) bool {
	if len(e.state.words) == 0 {
		return false
	}
	id := e.key(p)
	if p.Err != nil || p.FirstOf != nil {
		id = e.state.lineID(e.next, &Row{User: p.User, Source: p.Source, Line: p.Line, Column: p.Column})
	}
	return e.state.words[id].has(completed)
}

func (e *ResumeState) key(p *input.Pair) uint64 { return e.state.key(passKey(p.User, p.Method)) }

// PassOutcome returns the outcome of a completed pair, and "" for any other.
func (e *ResumeState) PassOutcome(user, method string) Outcome {
	w := e.state.words[e.state.key(passKey(user, method))]
	switch o := Outcomes[w.outcome]; {
	case !w.has(completed):
		return ""
	case o == Remains: // the row is about another pass than the one that the list names
		return Replaced
	default:
		return o
	}
}

// Scanned reports whether a scan listed the passes of the user, and all passes that it found are completed.
func (e *ResumeState) Scanned(user string) bool {
	l, ok := e.state.users[e.state.hash("", user)]
	return ok && (l.none || l.open == 0)
}

// HasFound reports whether a scan found passes of the user, and all of them are completed.
func (e *ResumeState) HasFound(user string) bool {
	return e.Scanned(user) && !e.state.users[e.state.hash("", user)].none
}

// Unconfirmed returns the last row of a pair if its pass may be gone, but no run confirmed it. Either the pass
// was deleted and not verified, or a run intended to delete it (see Row.Intended). It returns nil for
// any other pair.
func (e *ResumeState) Unconfirmed(p *input.Pair) *Row {
	if len(e.unconfirmed) == 0 {
		return nil
	}
	return e.unconfirmed[e.key(p)]
}

// Intended reports whether an earlier run intended to delete the pass, and may have sent the delete, but did not
// record the result.
func (r *Row) Intended() bool { return r.Outcome == Found || r.Outcome == Unknown }

// AllUnconfirmed returns the rows of all unconfirmed passes, in no order.
func (e *ResumeState) AllUnconfirmed() []*Row { return e.unconfirmedOf("") }

func (e *ResumeState) unconfirmedOf(action Action) (rows []*Row) {
	for _, r := range e.unconfirmed {
		if r.Action == action {
			rows = append(rows, r)
		}
	}
	return rows
}

// MaybeDeleted reports whether an earlier run may have deleted the pass without a row that says so. There are three
// cases:
//   - the run was killed during the delete;
//   - the answers to the delete were errors;
//   - Graph still listed the pass after the delete.
//
// It returns false for a pass that a scan found, because such a pass has a row before its delete.
func (e *ResumeState) MaybeDeleted(p *input.Pair) bool {
	if p.Method == "" || p.Source == ScanSource && p.Line == 0 {
		return false
	}
	w, known := e.state.words[e.key(p)]
	return w.has(maybeGone) || e.runsWithoutEnd > 0 && (!known || Outcomes[w.outcome] == NotSent)
}

// WasDenied reports whether the last row of an earlier run with the key of this row is denied.
func (e *ResumeState) WasDenied(r *Row) bool {
	key, ok := r.Key()
	w, known := e.state.words[e.state.key(key)]
	return ok && known && Outcomes[w.outcome] == Denied
}

// ResumeOptions are the options of Resume.
type ResumeOptions struct {
	// Protected reports whether a user is still protected. Such a user gets no new row. Nil means that nobody is
	// protected.
	Protected func(user string) bool

	// IgnoreFinishedRuns ignores complete runs, except for their unconfirmed passes, because a scan must
	// look again each night. It also ignores runs that were refused and scanned another window than the next run.
	IgnoreFinishedRuns bool

	// OnCompleted is called in order with each completed row of runs that are not ignored. It may be nil.
	OnCompleted func(*Row)
}

// Resume opens the log at path to continue its run. It removes an incomplete last line. If another line is not part
// of a log, Resume returns an *input.LineError and changes nothing. It also returns an error and changes nothing if
// the log has another list, tenant or Graph root than next, or if it is not trusted (see CheckTrust). If there is no
// log at path, Resume creates one.
//
// If next verifies, pairs that are done but not verified are unconfirmed instead of completed. If next has AnyPass, a
// pair whose named pass is gone is not completed if its user has another pass.
func Resume(path string, next *Header, opts ResumeOptions) (*Log, *ResumeState, error) {
	e := &ResumeState{unconfirmed: make(map[uint64]*Row), wanted: make(map[uint64]*Row), opts: opts, next: next}
	f, err := openTrusted(path)
	if errors.Is(err, fs.ErrNotExist) {
		log, err := Create(path, false)
		return log, e, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("resuming: %w", err)
	}
	lock, err := lockLog(f)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming: %w", err), f.Close())
	}
	target, _ := filepath.EvalSymlinks(path) // if this fails, the path is used
	log := newFileLog(&logFile{file: f, path: path, target: target, lock: lock})
	if err := e.resume(log); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming %s: %w", path, err), log.Close())
	}
	e.Len = e.state.completed()
	return log, e, nil
}

// gcWhileReading is the value of GOGC while a log is read. Each row leaves garbage of its own size. With more
// frequent collections, the process stays below 160 MB for a log of a million rows.
const gcWhileReading = 40

// resume reads a log. If the log can be resumed, it removes an incomplete last line. If only the last line break
// is missing, it adds it.
func (e *ResumeState) resume(log *Log) error {
	defer debug.SetGCPercent(debug.SetGCPercent(gcWhileReading))
	var c Condition
	f := log.file.file
	from, err := e.read(f, &c)
	if err == nil && e.opts.OnCompleted != nil {
		err = e.each(io.NewSectionReader(f, from, c.Whole-from))
	}
	if err == nil && c.Torn {
		err = f.Truncate(c.Whole)
	}
	if err == nil {
		log.before, log.file.size = c.lines, c.Whole
		_, err = f.Seek(c.Whole, io.SeekStart)
	}
	if err == nil && c.lacksLineBreak {
		_, err = log.file.Write([]byte{'\n'})
	}
	return err
}

// read reads a log, and returns the offset of the first line that counts.
func (e *ResumeState) read(r io.Reader, c *Condition) (from int64, err error) {
	for rec, err := range Read(r, c) {
		if err != nil {
			return 0, err
		}
		switch {
		case rec.Run != nil:
			if err := rec.Run.same(e.next); err != nil {
				return 0, err
			}
			e.run, e.First, e.hasPass = rec.Run, cmp.Or(e.First, rec.Run), false
			e.sessions, e.verify = e.sessions || rec.Run.Sessions, e.verify || rec.Run.Verify
			if e.protect == nil && len(rec.Run.protectFlags()) > 0 { // even if it has no row about a protected user yet
				e.protect = rec.Run
			}
			e.runsWithoutEnd++
			e.state.apply(rec, false)
		case rec.Row != nil:
			if err := rec.checkUser(); err != nil {
				return 0, err
			}
			e.row(rec)
		case rec.Scanned != nil:
			e.state.apply(rec, false)
		case rec.End != nil:
			e.runsWithoutEnd--
			e.state.apply(rec, false)
			complete := rec.End.Stopped == ""
			if !e.opts.IgnoreFinishedRuns || !complete && !e.isRefused(rec.End) {
				continue
			}
			e.forget()
			from = c.Whole
			if complete { // a run that was refused is still resumed only with its flags
				e.sessions, e.verify, e.protect = false, false, nil
			}
		}
	}
	if c.firstForeign != nil {
		return 0, c.firstForeign
	}
	return from, e.checkFlags()
}

// checkFlags returns a *MissingFlagError if the next run lacks a flag of a run that counts.
func (e *ResumeState) checkFlags() error {
	if e.protect != nil && len(e.next.protectFlags()) == 0 {
		return &MissingFlagError{"protects users", cmp.Or(CommandLine(e.protect.protectFlags()), "--protect")}
	}
	if !e.next.Sessions && (e.sessions || len(e.wanted) > 0) {
		return &MissingFlagError{"also revokes sessions", "--revoke-sessions"}
	}
	if !e.next.Verify && e.verify {
		return &MissingFlagError{"also verifies passes", "--verify"}
	}
	return nil
}

// exitRefused is status.Usage, which promises that no pass was deleted.
const exitRefused = 64

// isRefused reports whether a run that ends was refused or not confirmed, resumes no other run, and scanned another
// window than the next run. Otherwise the window would begin at the age of a run that did nothing.
func (e *ResumeState) isRefused(end *End) bool {
	return end.Exit == exitRefused && !e.hasPass && e.First == e.run && !e.run.Since.Equal(e.next.Since)
}

// forget drops what the runs so far have completed, because the last of them is complete or was refused.
func (e *ResumeState) forget() {
	clear(e.state.words)
	clear(e.state.users)
	e.First, e.runsWithoutEnd = nil, 0
	if !e.run.Sessions {
		clear(e.wanted)
	}
}

// each calls the option OnCompleted with the completed rows of a log.
func (e *ResumeState) each(r io.Reader) error {
	for rec, err := range Read(r, new(Condition)) {
		if err != nil {
			return err
		}
		if r := rec.Row; r != nil && r.Action != RevokeSessions && !r.Beside && e.completes(rec.Row) {
			e.opts.OnCompleted(new(*rec.Row))
		}
	}
	return nil
}

func (e *ResumeState) row(rec *Record) {
	r := rec.Row
	e.IDsMatch = e.IDsMatch || r.Match == input.MatchID
	e.hasPass = e.hasPass || r.Method != ""
	key, _ := r.Key()
	id := e.state.key(key)
	if r.Beside { // another row counts for the key, but the intent to delete is over
		if u := e.unconfirmed[id]; u != nil && strings.EqualFold(u.Method, r.Method) {
			delete(e.unconfirmed, id)
		}
		return
	}
	delete(e.unconfirmed, id)
	if e.isUnconfirmed(r) {
		e.unconfirmed[id] = new(*r) // r is not valid when the next row is read
		e.unconfirmed[id].Provisional = false
	}
	e.state.apply(rec, e.completes(r))
	e.noteSessions(id, r)
}

// Totals returns the totals of the passes and lines of a list, and of the sessions of users, for which the run that
// resumes the log has no row. They may be completed or not.
func (e *ResumeState) Totals() (passes, sessions Totals) {
	return e.state.totals(false), e.state.totals(true)
}

// Wrote says that the run that resumes the log has written a line. A row counts in place of the row of its key.
func (e *ResumeState) Wrote(line any) {
	if len(e.state.words) == 0 {
		return
	}
	switch line := line.(type) {
	case *Scanned:
		for _, user := range line.Users {
			e.state.replace(e.state.key(listKey(user)))
		}
	case *Row:
		if line.Provisional || line.Beside {
			return
		}
		r := *line
		if r.User == input.Me && e.next.Self != "" {
			r.User = e.next.Self
		}
		e.state.replace(e.state.id(e.next, &r))
		if r.FromScan() && r.Method != "" {
			e.state.replace(e.state.key(listKey(r.User)))
		}
	}
}

// ScanEnded says that the scan of the run that resumes the log is complete, see Header.ScanComplete. What earlier runs
// left, and this one did not find again, no longer counts. Neither do the sessions of such users that have no row.
func (e *ResumeState) ScanEnded() { e.state.dropNotFound(len(e.state.last)) }

// isUnconfirmed reports whether the pass or the sessions of the row should be gone, but nobody knows whether they
// are.
func (e *ResumeState) isUnconfirmed(r *Row) bool {
	switch r.Outcome {
	case Found:
		return r.Provisional
	case Revoked:
		return e.next.Verify && !r.Verified && !r.NoProof
	case Absent:
		return e.next.Verify && !r.Verified
	case Unknown:
		return r.Method != ""
	}
	return false
}

// completes reports whether a resumed run has nothing to do after this row.
func (e *ResumeState) completes(r *Row) bool {
	switch {
	case e.isUnconfirmed(r):
		return false
	case r.Outcome == Protected:
		return e.opts.Protected != nil && e.opts.Protected(r.User)
	case r.Outcome == Replaced, r.Outcome == Remains && r.InPlaceOf != "" && !r.FromScan():
		return !e.next.AnyPass // the pass of the list is gone; a scan finds the other pass
	}
	return !r.Retryable()
}

// A MissingFlagError is returned if a run without a flag resumes the log of a run with this flag, and would forget the
// sessions of its users, its protected users, or to verify its passes.
type MissingFlagError struct {
	does string // what the run of the log does
	flag string
}

func (e *MissingFlagError) Error() string { return "the run of the log " + e.does + ": add " + e.flag }

// same returns an error if next must not resume r, because its list, tenant, Graph root or user differs.
func (r *Header) same(next *Header) error {
	command := safetext.Printable("tapsweep " + strings.Join(r.Command, " "))
	switch {
	case r.Digest != next.Digest && next.Pairs == 0: // a scan has no list
		return fmt.Errorf("it is the log of a run that looked for something else: %s", command)
	case r.Digest != next.Digest:
		return fmt.Errorf("this log belongs to another list: that list has %s, this list has %s\n"+
			"the command of that run was: %s",
			format.Plural(r.Pairs, "row", "rows"), format.Number(next.Pairs), command)
	case r.Self != next.Self:
		return fmt.Errorf("the user of its rows %q was %s, and is now %s", "me", r.Self, next.Self)
	case r.DryRun != next.DryRun:
		return errors.New("one of the runs is a dry run and the other is not")
	}
	return r.Elsewhere(next.Tenant, next.GraphRoot)
}
