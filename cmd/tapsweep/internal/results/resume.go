package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// A ResumeState is the State of a log that a run resumes, and what follows from it for the run. The
// zero value is a log without rows.
type ResumeState struct {
	Counts   map[Outcome]int // of the completed keys that are about passes or lines of a list
	Len      int             // the sum of Counts
	Verified int             // of these, those whose user was seen without a pass

	// SessionCounts and SessionsVerified are Counts and Verified for the sessions of users.
	SessionCounts    map[Outcome]int
	SessionsVerified int

	// IDsMatch is set if a scan has found a pass under the id in its audit record.
	IDsMatch bool

	state       State
	unconfirmed map[uint64]*Row // by key
	unended     int             // runs that have no end, because they were killed

	// wanted are rows of passes that a scan has found and that are gone, by the key of the user's
	// sessions, of runs that were to revoke the sessions and have no row that says they did.
	wanted map[uint64]*Row

	opts     ResumeOptions
	run      *Run // that is being read
	next     *Run // that resumes the log
	sessions bool // a run that is not over revokes sessions
}

// Completed reports whether a pair needs no further run.
func (e *ResumeState) Completed(p *input.Pair) bool {
	id := e.key(p)
	if p.Err != nil || p.FirstOf != nil {
		id = e.state.lineID(&Row{User: p.User, Source: p.Source, Line: p.Line, Column: p.Column}, e.state.digest)
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
	case o == Remains: // another pass, in place of the one that the list names
		return Replaced
	default:
		return o
	}
}

// Scanned reports whether a scan has listed the passes of the user, and all that it found is
// completed.
func (e *ResumeState) Scanned(user string) bool {
	l, ok := e.state.users[e.state.hash("", user)]
	return ok && (l.none || l.open == 0)
}

// HasFound is like Scanned, but false if the scan found no pass of the user.
func (e *ResumeState) HasFound(user string) bool {
	return e.Scanned(user) && !e.state.users[e.state.hash("", user)].none
}

// Unconfirmed returns the last row of a pair whose pass should be gone, and is not known to be: it was
// deleted and is to be verified, or a run was to delete it, see Row.Intended. It returns nil for any
// other pair.
func (e *ResumeState) Unconfirmed(p *input.Pair) *Row {
	if len(e.unconfirmed) == 0 {
		return nil
	}
	return e.unconfirmed[e.key(p)]
}

// Intended reports whether an earlier run was about to delete the unconfirmed pass, or has sent the
// delete, but did not record the result.
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

// MaybeDeleted reports whether an earlier run may have deleted the pass that a list names without
// a row that says so: it was killed during the delete, the answers to the delete were errors,
// or the pass was still listed afterwards. For passes found by a scan it returns false,
// because they have a row before the delete.
func (e *ResumeState) MaybeDeleted(p *input.Pair) bool {
	if p.Method == "" || fromScan(p) {
		return false
	}
	w, known := e.state.words[e.key(p)]
	return w.has(maybeGone) || e.unended > 0 && (!known || Outcomes[w.outcome] == NotSent)
}

// ResumeOptions say how to resume a log.
type ResumeOptions struct {
	// Protected reports whether a user is still protected: a further row would say the same
	// again. Nil is nobody.
	Protected func(user string) bool

	// AnyPass makes each pair mean any pass of its user. Otherwise a pair whose user was given
	// another pass is completed: the list names the one that is gone.
	AnyPass bool

	// Verify makes pairs that are done, and not verified, unconfirmed in place of completed.
	Verify bool

	// IgnoreFinishedRuns ignores runs that came to their end, except for passes that are unconfirmed: a scan that is
	// over says nothing about the next night.
	IgnoreFinishedRuns bool

	// OnCompleted is called with each completed row of runs that are not ignored, in order. Nil is nobody.
	OnCompleted func(*Row)
}

// Resume opens the log at path to continue its run. It removes an incomplete last line. For any other
// line that is not part of a log it returns a *LogError and changes nothing. It also returns an
// error and changes nothing if the log is of another list, tenant or Graph root than next, or is not
// trusted (see CheckTrust). If there is no log at path, Resume creates one.
func Resume(path string, next *Run, opts ResumeOptions) (*Log, *ResumeState, error) {
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
	log := newFileLog(&logFile{file: f, path: path, lock: lock})
	if err := e.resume(log); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming %s: %w", path, err), log.Close())
	}
	e.Counts, e.Len, e.Verified = e.state.counts(false)
	e.SessionCounts, _, e.SessionsVerified = e.state.counts(true)
	return log, e, nil
}

// gcWhileReading is the GOGC while a log is read. Each row leaves garbage of its own size behind.
// Collected more often, a log of a million rows keeps the process below 160 MB.
const gcWhileReading = 40

// resume reads a log. If it can be resumed, resume removes an incomplete last line, or ends the last
// line if only its line end is missing.
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
	if err == nil && c.unended {
		_, err = log.file.Write([]byte{'\n'})
	}
	return err
}

// read takes in a log, and returns where the first line is that counts.
func (e *ResumeState) read(r io.Reader, c *Condition) (from int64, err error) {
	for rec, err := range Read(r, c) {
		if err != nil {
			return 0, err
		}
		switch rec.Kind {
		case KindRun:
			if err := rec.Run.same(e.next); err != nil {
				return 0, err
			}
			e.run, e.sessions = rec.Run, e.sessions || rec.Run.Sessions
			e.unended++
			e.state.apply(rec, false)
		case KindRow, KindSessions:
			e.row(rec)
		case KindScanned:
			e.state.apply(rec, false)
		case KindEnd:
			e.unended--
			if rec.End.Stopped == "" && e.opts.IgnoreFinishedRuns {
				e.forget()
				from = c.Whole
			}
		}
	}
	if c.firstForeign != nil {
		return 0, c.firstForeign
	}
	if !e.next.Sessions && (e.sessions || len(e.wanted) > 0) {
		return 0, ErrSessions
	}
	return from, nil
}

// forget drops what the runs so far have completed, because the last one came to its end.
func (e *ResumeState) forget() {
	clear(e.state.words)
	clear(e.state.users)
	e.unended, e.sessions = 0, false
	if !e.run.Sessions {
		clear(e.wanted)
	}
}

// each calls the option OnCompleted with the completed rows of a log.
func (e *ResumeState) each(r io.Reader) error {
	for rec, err := range Read(r, new(Condition), KindRow) {
		if err != nil {
			return err
		}
		if !rec.Row.Beside && e.completes(rec.Row) {
			e.opts.OnCompleted(clone(rec.Row))
		}
	}
	return nil
}

// row takes in a row.
func (e *ResumeState) row(rec *Record) {
	r := rec.Row
	e.IDsMatch = e.IDsMatch || r.Match == input.MatchID
	key, _ := r.Key()
	id := e.state.key(key)
	if r.Beside { // another row is the last word on the key, but the intent is over
		if u := e.unconfirmed[id]; u != nil && strings.EqualFold(u.Method, r.Method) {
			delete(e.unconfirmed, id)
		}
		return
	}
	delete(e.unconfirmed, id)
	if e.isUnconfirmed(r) {
		e.unconfirmed[id] = clone(r)
		e.unconfirmed[id].Provisional = false
	}
	e.state.apply(rec, e.completes(r))
	e.noteSessions(id, r)
}

// clone returns a row that stays valid when the next one is read.
func clone(r *Row) *Row {
	row := *r
	return &row
}

// isUnconfirmed reports whether what the row is about should be gone, and is not known to be.
func (e *ResumeState) isUnconfirmed(r *Row) bool {
	switch r.Outcome {
	case Found:
		return r.Provisional
	case Revoked:
		return e.opts.Verify && !r.Verified && !r.NoProof
	case Absent:
		return e.opts.Verify && !r.Verified
	case Unknown:
		return r.Method != ""
	}
	return false
}

// completes reports whether a further run has nothing to do for what the row is about.
func (e *ResumeState) completes(r *Row) bool {
	switch {
	case e.isUnconfirmed(r):
		return false
	case r.Outcome == Protected:
		return e.opts.Protected != nil && e.opts.Protected(r.User)
	case r.Outcome == Replaced, r.Outcome == Remains && r.InPlaceOf != "" && !r.FromScan():
		return !e.opts.AnyPass // the pass that the list names is gone; a scan finds the other one
	}
	return !r.Outcome.Retryable()
}

// same reports why next must not resume r: another list, tenant, Graph root or user.
func (r *Run) same(next *Run) error {
	command := safetext.Printable("tapsweep " + strings.Join(r.Command, " "))
	switch {
	case r.Digest != next.Digest && next.Pairs == 0: // of a scan, which has no list
		return fmt.Errorf("it is the log of a run that looked for something else: %s", command)
	case r.Digest != next.Digest:
		return fmt.Errorf("it is the log of another list, which has %d passes: %s; the list of now has %d", r.Pairs,
			command, next.Pairs)
	case r.Self != next.Self:
		return fmt.Errorf("the user of its rows %q was %s, and is now %s", "me", r.Self, next.Self)
	case r.DryRun != next.DryRun:
		return errors.New("one of the runs is a dry run and the other is not")
	}
	return r.Elsewhere(next.Tenant, next.GraphRoot)
}
