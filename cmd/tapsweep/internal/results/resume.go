package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// A ResumeState is the State of a log that a run resumes, and what follows from it for the run. All
// methods may be called on nil, which is a log without rows.
type ResumeState struct {
	Counts map[Outcome]int // of the keys that are settled
	Runs   int             // runs in the log, including killed ones

	Verified int // of the settled keys, those whose user was seen without a pass

	Users int // users for whom scans have found nothing

	state   State
	len     int
	doubts  map[uint64]*Row // by key
	killed  bool            // a run has no last line
	lines   int             // in the log
	sources map[string]bool
	opts    ResumeOptions

	sessions sessionState
	run      *Run // that is being read
	next     *Run // that resumes the log
}

// Completed reports whether a pair needs no further run.
func (e *ResumeState) Completed(p *input.Pair) bool {
	if e == nil {
		return false
	}
	place := e.state.lineID(&Row{User: p.User, Source: p.Source, Line: p.Line, Column: p.Column}, e.state.digest)
	switch {
	case p.Err != nil:
		return e.settled(place, Invalid)
	case p.FirstOf != nil:
		return e.settled(place, Duplicate) || e.settled(place, Protected)
	}
	w := e.state.words[e.key(p)]
	return w.has(settled)
}

// settled reports whether a line of the list has a row with that outcome that settles it.
func (e *ResumeState) settled(place uint64, o Outcome) bool {
	w, ok := e.state.words[place]
	return ok && w.has(settled) && Outcomes[w.outcome] == o
}

func (e *ResumeState) key(p *input.Pair) uint64 { return e.state.key(PassKey(p.User, p.Method)) }

// Looked reports whether a scan has listed the passes of the user, and all that it found is
// settled.
func (e *ResumeState) Looked(user string) bool {
	if e == nil {
		return false
	}
	l, ok := e.state.users[e.state.hash("", user)]
	return ok && (l.none || l.open == 0)
}

// Unconfirmed returns the last row of a pair whose pass should be gone, and is not known to be: it was
// deleted and is to be verified, or a run was to delete it, see Row.Intended. It returns nil for any
// other pair.
func (e *ResumeState) Unconfirmed(p *input.Pair) *Row {
	if e == nil || len(e.doubts) == 0 {
		return nil
	}
	return e.doubts[e.key(p)]
}

// Intended reports whether an earlier run was about to delete the unconfirmed pass, or has sent the
// delete, but did not record the result.
func (r *Row) Intended() bool { return r.Outcome == Found || r.Outcome == Unknown }

// AllUnconfirmed returns the rows of all unconfirmed passes, in no order.
func (e *ResumeState) AllUnconfirmed() []*Row {
	if e == nil {
		return nil
	}
	return slices.Collect(maps.Values(e.doubts))
}

// MaybeDeleted reports whether an earlier run may have deleted the pass that a list names without
// a row that says so: it was killed during the delete, the answers to the delete were errors,
// or the pass was still listed afterwards. For passes found by a scan it returns false,
// because they have a row before the delete.
func (e *ResumeState) MaybeDeleted(p *input.Pair) bool {
	if e == nil || p.Method == "" || fromScan(p) {
		return false
	}
	if w := e.state.words[e.key(p)]; w.has(perhapsKnown) {
		return w.has(perhaps)
	}
	return e.killed
}

// Failed reports whether a scan could not list the passes of the user.
func (e *ResumeState) Failed(user string) bool {
	if e == nil {
		return false
	}
	w, ok := e.state.words[e.state.key(listKey(user))]
	return ok && !w.has(settled)
}

// Len returns the number of settled keys.
func (e *ResumeState) Len() int {
	if e == nil {
		return 0
	}
	return e.len
}

// Sources returns the lists that the log names.
func (e *ResumeState) Sources() []string {
	if e == nil {
		return nil
	}
	return slices.Collect(maps.Keys(e.sources))
}

// ResumeOptions say how to resume a log.
type ResumeOptions struct {
	// Protected reports whether a user is still protected: a further row would say the same
	// again. Nil is nobody.
	Protected func(user string) bool

	// AnyPass makes each pair mean any pass of its user. Otherwise a pair whose user was given
	// another pass is settled: the list names the one that is gone.
	AnyPass bool

	// Verify makes pairs that are done, and not verified, unconfirmed in place of completed.
	Verify bool

	// Anew ignores runs that came to their end: a scan that is over says nothing about the
	// next night.
	Anew bool

	// Each is called with each row that is settled, in order. Nil is nobody.
	Each func(*Row)
}

// Resume opens the log at path to continue its run. If the run was killed, Resume removes an
// incomplete last line. For any other line that is not part of a log it returns a *LineError
// and changes nothing. It also returns an error and changes nothing if the log is of another
// list, tenant or Graph root than next, or is not trusted (see CheckTrust). If there is no log
// at path, Resume creates one.
func Resume(path string, next *Run, opts ResumeOptions) (*Log, *ResumeState, error) {
	f, err := openTrusted(path)
	if errors.Is(err, fs.ErrNotExist) {
		log, err := Create(path, false)
		return log, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("resuming: %w", err)
	}
	lock, err := lockLog(f)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming: %w", err), f.Close())
	}
	// Each row leaves garbage of its own size behind. Collected more often, a log of a million rows
	// keeps the process below 160 MB.
	defer debug.SetGCPercent(debug.SetGCPercent(gcWhileReading))
	e := &ResumeState{doubts: make(map[uint64]*Row), sources: make(map[string]bool), opts: opts,
		sessions: newSessionState()}
	size, err := e.take(f, next)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming %s: %w", path, err), lock.Close(), f.Close())
	}
	e.Counts, e.len, e.Verified = e.state.counts()
	for _, l := range e.state.users {
		if l.none {
			e.Users++
		}
	}
	log := newFileLog(&logFile{file: f, path: path, lock: lock, size: size})
	log.before = e.lines
	return log, e, nil
}

// gcWhileReading is the GOGC while a log is read.
const gcWhileReading = 40

// take reads the log. If all whole lines are valid, it removes an incomplete last line, or ends
// the last line if only its line end is missing.
func (e *ResumeState) take(f *os.File, next *Run) (size int64, err error) {
	if err := checkUTF8(f); err != nil {
		return 0, err
	}
	whole, ended, err := wholeLines(f)
	if err != nil {
		return 0, err
	}
	var from int64
	if e.opts.Anew {
		if from, err = afterLastEnd(io.NewSectionReader(f, 0, whole)); err != nil {
			return 0, err
		}
	}
	if err := e.read(io.NewSectionReader(f, 0, whole), next, from); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > whole {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err == nil && !ended {
		_, err = f.Write([]byte{'\n'})
		whole++
	}
	return whole, err
}

// wholeLines returns the size of a log without an incomplete last line, and whether its last
// line has a line end. If that line is longer than any line of a log, it is left to Read, which
// refuses it.
func wholeLines(f *os.File) (size int64, ended bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	from := max(info.Size()-maxLine, 0)
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil && err != io.EOF {
		return 0, false, err
	}
	lines := bytes.LastIndexByte(tail, '\n') + 1
	torn := tail[lines:]
	switch {
	case lines == 0 && from > 0:
		return info.Size(), true, nil
	case lines == 0 && !beginsLike(torn, []byte(firstBytes)):
		return 0, false, ErrNoRun
	case bytes.HasPrefix(torn, lineMark) && json.Valid(torn):
		return info.Size(), false, nil
	}
	return from + int64(lines), true, nil
}

// afterLastEnd returns the offset of the first line after the last run that came to its end,
// or 0 if none did.
func afterLastEnd(r io.Reader) (from int64, err error) {
	var c Condition
	for rec, err := range Read(r, &c, KindEnd) {
		if err != nil {
			return 0, err
		}
		if rec.End.Stopped == "" {
			from = rec.Offset + int64(len(rec.Text))
		}
	}
	return from, nil
}

// read takes in a log. What comes before the offset from counts for nothing, except passes
// that are in doubt, and users whose passes could not be listed.
func (e *ResumeState) read(r io.Reader, next *Run, from int64) error {
	var c Condition
	e.next = next
	open := false    // a run has no end so far
	var revokes *Run // the last run that revokes sessions
	needed := false  // one of these runs still counts
	for rec, err := range Read(r, &c) {
		if err != nil {
			return err
		}
		over := rec.Offset < from
		switch rec.Kind {
		case KindRun:
			if err := rec.Run.same(next); err != nil {
				return err
			}
			e.Runs++
			e.run = rec.Run
			if rec.Run.Sessions {
				revokes, needed = rec.Run, needed || !over
			}
			e.killed, open = !over && (e.killed || open), true
		case KindEnd:
			open = false
		case KindRow:
			e.sources[rec.Row.Source] = true
			e.row(rec, over)
			continue
		case KindSessions:
			e.sessions.row(e.state.rowKey(rec.Row), rec.Row, e.opts.Verify, over)
			continue
		}
		if !over || rec.Run != nil {
			e.state.Apply(rec, false)
		}
	}
	e.killed, e.lines = e.killed || open, c.Lines
	switch {
	case c.FirstForeign != nil:
		return c.FirstForeign
	case c.BrokenEnd != nil:
		return c.BrokenEnd
	case !next.Sessions && (needed || len(e.sessions.wanted) > 0):
		return &SessionsError{revokes}
	}
	return nil
}

// row takes in a row. A row of a run that is over counts no more unless it is in doubt.
func (e *ResumeState) row(rec *Record, over bool) {
	r := rec.Row
	id := e.state.rowKey(r)
	if r.Beside { // another row is the last word on the key, but the intent is over
		if d := e.doubts[id]; d != nil && strings.EqualFold(d.Method, r.Method) {
			delete(e.doubts, id)
		}
		return
	}
	delete(e.doubts, id)
	doubt := e.inDoubt(r, over)
	if doubt {
		row := *r
		row.Provisional = false
		e.doubts[id] = &row
	}
	if e.run.callsAfter(r, e.next.Sessions && !over) {
		e.sessions.want(e.state.key(sessionsKey(r.User)), r)
	}
	key, _ := r.Key()
	if over && key.Action != ListPasses {
		if r.FromScan() {
			e.state.ForgetFailure(r.User)
		}
		return
	}
	done := !doubt && !over && !r.Undecided && e.skips(r)
	e.state.Apply(rec, done)
	if done && e.opts.Each != nil {
		row := *r
		e.opts.Each(&row)
	}
}

// inDoubt reports whether the pass of a row should be gone, and is not known to be.
func (e *ResumeState) inDoubt(r *Row, over bool) bool {
	switch r.Outcome {
	case Found:
		return r.Provisional
	case Revoked, Absent:
		return e.opts.Verify && !r.Verified
	case Unknown:
		return r.Method != "" && !over
	}
	return false
}

// skips reports whether --resume skips a row: a further run has nothing to do for it.
func (e *ResumeState) skips(r *Row) bool {
	switch {
	case r.Outcome == Protected:
		return e.opts.Protected != nil && e.opts.Protected(r.User)
	case r.Outcome == Remains && r.InPlaceOf != "" && !r.FromScan():
		return !e.opts.AnyPass // the pass that the list names is gone; a scan finds the other one
	}
	return !r.Outcome.Again()
}

// listText says how long the list of a run is, and enough of its digest to tell it from others.
func (r *Run) listText() string {
	unit, digest := "rows", r.Digest
	if r.Pairs == 1 {
		unit = "row"
	}
	if short := len("sha256:") + 12; len(digest) > short {
		digest = digest[:short] + "…"
	}
	return fmt.Sprintf("%d %s, %s", r.Pairs, unit, safetext.Printable(digest))
}

// same reports why next must not resume r: another list, tenant, Graph root or user.
func (r *Run) same(next *Run) error {
	switch {
	case r.Digest != next.Digest && next.Pairs == 0: // of a scan, which has no list
		return fmt.Errorf("it is the log of a run that looked for something else: %s",
			safetext.Printable("tapsweep "+strings.Join(r.Command, " ")))
	case r.Digest != next.Digest:
		return fmt.Errorf("it is the log of another list (%s): %s; the list of now has %s", r.listText(),
			safetext.Printable("tapsweep "+strings.Join(r.Command, " ")), next.listText())
	case r.Self != next.Self:
		return fmt.Errorf("the user of its rows %q was %s, and is now %s", "me", r.Self, next.Self)
	case r.DryRun != next.DryRun:
		return errors.New("one of the runs is a dry run and the other is not")
	}
	return r.Elsewhere(next.Tenant, next.GraphRoot)
}
