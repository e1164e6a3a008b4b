package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// Earlier is what the runs before have settled, as their log tells. The last row
// of a pair counts. It keeps a hash of each pair and no more, so that a log of a
// million rows can be resumed.
type Earlier struct {
	Counts map[Outcome]int // of the pairs that are settled
	Runs   int             // runs that the log tells of, killed ones included

	Verified int // of the pairs that are settled, those whose user was seen without a pass

	Users int // users that scans have looked at without a find

	seed    maphash.Seed
	settled map[uint64]uint8    // index into Outcomes, and verifiedBit
	doubted map[uint64]*Doubt   // done, and to be verified
	failed  map[uint64]struct{} // users whom a scan could not look at
	open    map[uint64][]string // passes of a user that were found and are Undecided
	perhaps map[uint64]bool     // of pairs that are tried again: whether an earlier run may have deleted the pass
	killed  bool                // a run has no last line
	lines   int                 // that the log has
	scanned map[uint64]struct{}
	sources map[string]bool
}

// verifiedBit marks pairs that are verified.
const verifiedBit = 0x80

// Settled tells whether a pair needs no further run.
func (e *Earlier) Settled(p *input.Pair) bool {
	if e == nil || len(e.settled) == 0 {
		return false
	}
	for _, key := range e.pairKeys(p) {
		if _, ok := e.settled[key]; ok {
			return true
		}
	}
	return false
}

// Looked tells whether a scan has looked at the user before, and what it found is
// settled.
func (e *Earlier) Looked(user string) bool {
	if e == nil {
		return false
	}
	if _, ok := e.scanned[e.userKey(user)]; ok {
		return true
	}
	_, ok := e.settled[e.userKey(user)]
	return ok
}

// ScanSource is the source of rows that come from a scan in place of a list. Their
// line is 0, since users come in any order.
const ScanSource = "scan"

// FromScan tells the rows of a scan from those of a list that happens to be called so.
func FromScan(source string, line int) bool { return source == ScanSource && line == 0 }

// A Doubt is the last row of a pair of which nobody has seen that the pass is gone:
// done, or Found or Unknown where a run was to delete it and whether it did is not known.
type Doubt struct{ Row }

// Intended reports whether an earlier run was about to delete the pass, or has sent the
// delete, but did not record the result.
func (d *Doubt) Intended() bool { return d.Outcome == Found || d.Outcome == Unknown }

// Doubted tells whether a pair is done and yet to be verified, with
// ResumeOptions.Verify, or is Intended. Nil is neither.
func (e *Earlier) Doubted(p *input.Pair) *Doubt {
	if e == nil || len(e.doubted) == 0 {
		return nil
	}
	return e.doubted[e.doubtKey(&Row{Source: p.Source, Line: p.Line, User: p.User, Method: p.Method}, e.pairKeys(p)[0])]
}

// Perhaps reports whether an earlier run may have deleted the pass that a list names without
// a row that says so: it was killed during the delete, the answers to the delete were errors,
// or the pass was still listed afterwards. For passes found by a scan it returns false,
// because they have a row before the delete.
func (e *Earlier) Perhaps(p *input.Pair) bool {
	if e == nil || p.Method == "" || FromScan(p.Source, p.Line) {
		return false
	}
	if perhaps, told := e.perhaps[e.pairKeys(p)[0]]; told {
		return perhaps
	}
	return e.killed
}

// Doubts are all of them, in no order.
func (e *Earlier) Doubts() []*Doubt {
	if e == nil {
		return nil
	}
	return slices.Collect(maps.Values(e.doubted))
}

// Failed tells whether a scan could not look at the user.
func (e *Earlier) Failed(user string) bool {
	if e == nil {
		return false
	}
	_, ok := e.failed[e.userKey(user)]
	return ok
}

// Undecided are the passes of a user that a sweep has found, and ended before it was
// decided whether they go. The user is looked at again.
func (e *Earlier) Undecided(user string) []string {
	if e == nil || len(e.open) == 0 {
		return nil
	}
	return e.open[e.userKey(user)]
}

// Len is the number of settled pairs.
func (e *Earlier) Len() int {
	if e == nil {
		return 0
	}
	return len(e.settled)
}

// Sources are the lists that the log names.
func (e *Earlier) Sources() (names []string) {
	if e == nil {
		return nil
	}
	for name := range e.sources {
		names = append(names, name)
	}
	return names
}

// ResumeOptions say how to go on with a log.
type ResumeOptions struct {
	// Again tells outcomes of pairs that are to be tried again. Nil is Outcome.Again.
	Again func(Outcome) bool

	// Protected tells users who are protected still: more rows would say so again. Nil
	// is nobody.
	Protected func(user string) bool

	// AnyPass has a pair mean whatever pass there is. Otherwise one whose user was given
	// another pass is settled: the list names the one that is gone.
	AnyPass bool

	// Verify has pairs that are done, and not verified, be doubted in place of settled.
	Verify bool

	// Anew has a log whose last run came to its end count for nothing: a scan that is
	// over says nothing about the next night.
	Anew bool

	// Each gets the rows that are settled, as they come. Nil is nobody.
	Each func(*Row)
}

// Resume opens the log at path to continue its run. If the run was killed, Resume removes an
// incomplete last line. For any other line that is not part of a log it returns a *LineError
// and changes nothing. It also returns an error and changes nothing if the log is of another
// list, tenant or Graph root than next, or is not trusted (see CheckTrust). If there is no log
// at path, Resume creates one.
func Resume(path string, next *Run, opts ResumeOptions) (*Log, *Earlier, error) {
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
	e := &Earlier{Counts: make(map[Outcome]int), seed: maphash.MakeSeed(), settled: make(map[uint64]uint8),
		scanned: make(map[uint64]struct{}), doubted: make(map[uint64]*Doubt), perhaps: make(map[uint64]bool),
		failed: make(map[uint64]struct{}), open: make(map[uint64][]string), sources: make(map[string]bool)}
	if opts.Again == nil {
		opts.Again = Outcome.Again
	}
	size, err := e.take(f, next, opts)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming %s: %w", path, err), unlock(lock), f.Close())
	}
	for _, i := range e.settled {
		e.Counts[Outcomes[i&^verifiedBit]]++
		if i&verifiedBit != 0 {
			e.Verified++
		}
	}
	e.Users = len(e.scanned)
	log := newLog(path, f, f.Sync, lock).at(&place{path: path, file: f, size: size})
	log.before = e.lines
	return log, e, nil
}

// take reads the log. If all whole lines are valid, it removes an incomplete last line.
func (e *Earlier) take(f *os.File, next *Run, opts ResumeOptions) (size int64, err error) {
	if err := checkUTF8(f); err != nil {
		return 0, err
	}
	var from int64
	if opts.Anew {
		if from, err = afterLastEnd(f); err != nil {
			return 0, err
		}
	}
	whole, err := e.read(f, next, opts, from)
	if err != nil {
		return 0, err
	}
	if info, err := f.Stat(); err != nil || info.Size() == whole {
		return whole, err
	}
	if err := f.Truncate(whole); err != nil {
		return 0, err
	}
	_, err = f.Seek(whole, io.SeekStart)
	return whole, err
}

// afterLastEnd finds where the log goes on after the last run in it that came to its
// end; 0 if none did.
func afterLastEnd(f io.ReadSeeker) (from int64, err error) {
	br := bufio.NewReaderSize(f, 1<<20)
	for at := int64(0); ; {
		line, err := br.ReadSlice('\n')
		at += int64(len(line))
		if err == io.EOF || errors.Is(err, bufio.ErrBufferFull) { // read refuses a line that is too long
			_, err = f.Seek(0, io.SeekStart)
			return from, err
		}
		if err != nil {
			return 0, err
		}
		var end End
		if bytes.HasPrefix(line, []byte(`{"type":"end"`)) && json.Unmarshal(line, &end) == nil && end.Stopped == "" {
			from = at
		}
	}
}

var errNotRun = errors.New("it is not a results log: its first line does not describe a run")

// read takes in a log, of which what comes before from counts for nothing, and
// returns how many bytes of it are whole lines.
func (e *Earlier) read(r io.Reader, next *Run, opts ResumeOptions, from int64) (whole int64, err error) {
	index := make(map[Outcome]uint8)
	for i, o := range Outcomes {
		index[o] = uint8(i)
	}
	br := bufio.NewReaderSize(r, 1<<20)
	ended := true
	for n := 1; ; n++ {
		line, err := br.ReadSlice('\n')
		if err == io.EOF {
			e.killed, e.lines = e.killed || !ended, n-1
			if k := min(len(line), len(firstBytes)); n == 1 && !bytes.Equal(line[:k], firstBytes[:k]) {
				return 0, errNotRun
			}
			return whole, nil // what is left is torn, or nothing
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, &LineError{n, "is longer than 1 MiB"}
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		size := int64(len(line))
		if n == 1 {
			line = bytes.TrimPrefix(line, utf8Mark)
		}
		var l struct {
			Run
			Line    int     `json:"line"`
			Column  int     `json:"column"`
			Source  string  `json:"source"`
			User    string  `json:"user"`
			Outcome Outcome `json:"outcome"`

			Users     []string `json:"users"`
			Method    string   `json:"method"`
			AnyPass   bool     `json:"anyPass"`
			InPlaceOf string   `json:"inPlaceOf"`
			Verified  bool     `json:"verified"`
			Pending   bool     `json:"pending"`
			Beside    bool     `json:"beside"`

			Undecided bool `json:"undecided"`
		}
		if err := json.Unmarshal(line, &l); err != nil || l.Type == "" {
			return 0, notALine(n, line, err)
		}
		switch {
		case l.Type == "run":
			if err := l.Run.same(next); err != nil {
				return 0, err
			}
			e.Runs++
			e.killed, ended = whole >= from && (e.killed || !ended), false
		case n == 1:
			return 0, errNotRun
		case l.Type == "end":
			ended = true
		case l.Type == "result":
			i, known := index[l.Outcome]
			if !known {
				return 0, fmt.Errorf("line %d has the unknown outcome %q: it is of another version of tapsweep", n, l.Outcome)
			}
			if l.Verified {
				i |= verifiedBit
			}
			e.sources[l.Source] = true
			if l.Beside { // the pair has another row, or is tried again
				e.forgetIntent(&Row{Source: l.Source, Line: l.Line, User: l.User, Method: l.Method, AnyPass: l.AnyPass,
					InPlaceOf: l.InPlaceOf})
				break
			}
			key, others := e.rowKey(&Row{Source: l.Source, Line: l.Line, Column: l.Column, User: l.User, Method: l.Method,
				AnyPass: l.AnyPass, InPlaceOf: l.InPlaceOf, Outcome: l.Outcome})
			doubt := e.doubtKey(&Row{Source: l.Source, Line: l.Line, User: l.User, Method: l.Method,
				InPlaceOf: l.InPlaceOf}, key)
			for _, k := range append(others, key, doubt) {
				delete(e.settled, k)
				delete(e.doubted, k)
				if l.Outcome != NotSent { // which says nothing of the requests before it
					delete(e.perhaps, k)
				}
			}
			delete(e.failed, key)
			if !l.Undecided {
				delete(e.open, key)
			}
			doubted := l.Outcome == Found && l.Pending || opts.Verify && !l.Verified && (l.Outcome == Revoked || l.Outcome == Absent)
			over := whole < from // what a run before has ended with counts no more
			doubted = doubted || l.Outcome == Unknown && l.Method != "" && !over && opts.Again(Unknown)
			var row *Row
			if doubted || opts.Each != nil && !over {
				row = new(Row)
				if err := json.Unmarshal(line, row); err != nil {
					return 0, fmt.Errorf("line %d: %w", n, err)
				}
			}
			switch {
			case doubted:
				row.Pending = false
				e.doubted[doubt] = &Doubt{*row}
			case FromScan(l.Source, l.Line) && l.Method == "" && !l.Outcome.Done():
				e.failed[key] = struct{}{} // whatever it was, nobody has seen the user's passes
			case over:
			case l.Undecided:
				e.open[key] = append(e.open[key], l.Method)
			case l.Outcome == Protected && opts.Protected != nil && opts.Protected(l.User),
				l.Outcome == Remains && l.InPlaceOf != "" && !FromScan(l.Source, l.Line) && !opts.AnyPass: // a scan finds the other one, too
				e.settle(key, i, row, opts.Each)
			case opts.Again(l.Outcome):
				if l.Outcome != NotSent {
					e.perhaps[key] = l.Outcome == Failed || l.Outcome == Remains && l.InPlaceOf == "" && !l.AnyPass
				}
			default:
				e.settle(key, i, row, opts.Each)
			}
		case l.Type == "scanned" && whole >= from:
			for _, user := range l.Users {
				e.scanned[e.userKey(user)] = struct{}{}
			}
		}
		whole += size
	}
}

// forgetIntent takes in that a pass whose delete was announced has a final row.
func (e *Earlier) forgetIntent(row *Row) {
	key, _ := e.rowKey(row)
	doubt := e.doubtKey(row, key)
	if d := e.doubted[doubt]; d != nil && strings.EqualFold(d.Method, row.Method) {
		delete(e.doubted, doubt)
	}
}

func (e *Earlier) settle(key uint64, outcome uint8, row *Row, each func(*Row)) {
	e.settled[key] = outcome
	if each != nil {
		each(row)
	}
}

// same is an error unless next goes on with r: the same pairs, at the same place.
func (r *Run) same(next *Run) error {
	switch {
	case r.Digest != next.Digest && next.Pairs == 0: // of a scan, which has no list
		return fmt.Errorf("it is the log of a run that looked for something else: %s",
			batch.Printable("tapsweep "+strings.Join(r.Command, " ")))
	case r.Digest != next.Digest:
		return errors.New("it is the log of another list")
	case r.Self != next.Self:
		return fmt.Errorf("the user of its rows %q was %s, and is now %s", "me", r.Self, next.Self)
	case r.DryRun != next.DryRun:
		return errors.New("one is a dry run and the other is not")
	}
	return r.Elsewhere(next.Tenant, next.GraphRoot)
}
