package report

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
)

// An index finds the row that counts for each results.Key, and the rows that verify it. It needs 24 bytes and an
// element of a map for each key, and 16 bytes more for a verified pass.
type index struct {
	logs    *Logs
	seed    maphash.Seed
	entries []entry
	at      map[uint64]uint32 // entries by the hash of a key, of the line of a list, or of a pass
	notes   []note            // by entry; may be shorter than entries

	latest       map[uint64]uint32   // the last entry of each user; nil if no log is of tapsweep verify
	furtherLists map[uint64]struct{} // further lists of an entry; the key is the entry, shifted, and the list
	looked       map[uint64]struct{} // users whose passes a scan listed
	checked      map[uint64]struct{} // users that a list of tapsweep verify has, by the hash of both
	otherNames   map[uint64]struct{} // the hash of the sessions of the user principal name in a row about sessions
	wants        map[uint64]want     // the users whose sessions a run revokes, by the hash of the sessions
}

// A want is the last row about a pass of a user whose sessions a run revokes.
type want struct {
	entry uint32
	log   *sourceLog
}

// An entry is about a pass, the sessions of a user, or a line of a list.
type entry struct {
	at       place  // the row that counts
	pass     uint32 // a hash of the pass in the row; it is short, because it only distinguishes passes of one user
	before   uint32 // the previous entry of the same user, or none
	list     uint32 // the first list that has the entry
	line     uint16 // a hash of the line of the list, for a protected pass
	outcome  uint8  // the outcome of the row: an index into results.Outcomes
	sessions bool   // it is about the sessions of a user
}

// A place is a row: the log, and the number of the row in it, from 0.
type place struct{ log, row uint32 }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.log, q.log), cmp.Compare(p.row, q.row))
}

const none = ^uint32(0) // no entry

// rowSize is the usual minimum size of a row in bytes. newIndex uses it to allocate all entries at once.
const rowSize = 250

func newIndex(l *Logs) *index {
	size := int64(0)
	for _, lg := range l.logs {
		size += lg.size
	}
	ix := &index{entries: make([]entry, 0, min(size/rowSize, 1<<21)),
		logs: l, seed: maphash.MakeSeed(), at: make(map[uint64]uint32), furtherLists: make(map[uint64]struct{}),
		looked: make(map[uint64]struct{}), checked: make(map[uint64]struct{}), otherNames: make(map[uint64]struct{}),
		wants: make(map[uint64]want)}
	if slices.ContainsFunc(l.logs, func(lg *sourceLog) bool { return lg.first.Kind() == "verify" }) {
		ix.latest = make(map[uint64]uint32)
	}
	return ix
}

// hash returns the hash of a kind and texts. It ignores case, because Graph ignores case in names.
func (ix *index) hash(kind string, texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(ix.seed)
	h.WriteString(kind)
	for _, text := range texts {
		h.WriteByte(0)
		h.WriteString(strings.ToLower(text))
	}
	return h.Sum64()
}

func (ix *index) userOf(name string) uint64 { return ix.hash("user", name) }

func (ix *index) passOf(r *indexedRow) uint32 { return uint32(ix.hash("", r.Method)) }

// lineOf returns the hash of the line of a list that a row is about.
func (ix *index) lineOf(lg *sourceLog, r *indexedRow) uint64 {
	return ix.hash("line", r.run.header.LineOf(&r.Row), strconv.Itoa(lg.listOf))
}

// lineOfLog returns the hash of a line of a log. It ignores the directory, because the log may have been moved.
func (ix *index) lineOfLog(log string, line int) uint64 {
	return ix.hash("log", filepath.Base(log), strconv.Itoa(line))
}

// An indexedRow is a row, and its place in the log.
type indexedRow struct {
	results.Row

	at     place
	line   int          // the line of the log
	offset int64        // the offset of that line
	run    *ReportedRun // the run that wrote it
	who    uint64
}

func (ix *index) line(lg *sourceLog, rec *results.Record) error {
	if at := rec.Ahead(); lg.ahead.IsZero() && !at.IsZero() {
		lg.ahead, lg.aheadLine = at, rec.Line
	}
	switch {
	case rec.Run != nil:
		run := newRun(lg.name, rec.Run)
		if err := ix.logs.checkSameTenant(run, rec.Text); err != nil {
			return err
		}
		if len(lg.runs) > 0 {
			lg.last().resumed = true
		}
		lg.runs, lg.earlier = append(lg.runs, run), uint32(len(lg.rows))
		lg.listOf = ix.logs.list(run)
	case rec.Wait != nil:
		ix.logs.waits = append(ix.logs.waits, waitOfRun{*rec.Wait, lg.last()})
	case rec.End != nil:
		run, end := lg.last(), rec.End
		run.Exit, run.Stopped, run.End = &end.Exit, safetext.Printable(end.Stopped), utc(end.End)
		if run.header.ScanComplete(end) {
			run.scanned = true
			ix.dropNotFound(lg)
		}
	case rec.Scanned != nil:
		for _, user := range rec.Scanned.Users {
			ix.looked[ix.userOf(user)] = struct{}{}
			ix.dropFailure(user)
		}
	case rec.Row != nil:
		ix.row(lg, &indexedRow{Row: *rec.Row, at: place{lg.number, uint32(len(lg.rows))}, line: rec.Line,
			offset: rec.Offset, run: lg.last(), who: ix.userOf(rec.Row.User)})
	}
	return nil
}

func (ix *index) row(lg *sourceLog, r *indexedRow) {
	lg.rows = append(lg.rows, counts)
	if !r.Provisional && !r.Beside {
		r.run.Rows++
	}
	r.run.extendTo(utc(r.Time))
	r.run.scanned = r.run.scanned || r.FromScan() && r.Provisional && r.Outcome == results.Found
	if o := r.Result(); o != r.Outcome {
		r.Outcome, r.Provisional = o, false
	}
	if r.Action == results.RevokeSessions {
		if r.UPN != "" {
			ix.otherNames[ix.hash(string(results.RevokeSessions), r.UPN, "")] = struct{}{}
		}
		ix.add(lg, r)
		return
	}
	if r.FromScan() && r.Method != "" {
		ix.looked[r.who] = struct{}{}
		ix.dropFailure(r.User)
	}
	switch passes := ix.passesOf(r.who); {
	case r.Beside:
		*ix.fate(r.at) = beside
	case r.run.header.Kind() == "verify" && len(passes) > 0:
		ix.takeInVerify(lg, r, passes)
	default:
		ix.add(lg, r)
	}
}

// dropFailure removes the row that says that the passes of a user could not be listed. A later request listed them.
func (ix *index) dropFailure(user string) {
	id := ix.hash(string(results.ListPasses), user, "")
	if p, ok := ix.at[id]; ok {
		*ix.fate(ix.entries[p].at) = superseded
		delete(ix.at, id)
	}
}

// dropNotFound removes what earlier runs of a log left, and its last run did not find again. The scan of that run was
// complete.
func (ix *index) dropNotFound(lg *sourceLog) {
	lg.lapsing = slices.DeleteFunc(lg.lapsing, func(l lapsing) bool {
		if ix.entries[l.entry].at != (place{lg.number, l.row}) {
			return true // a later row counts
		}
		if l.row < lg.earlier {
			*ix.fate(place{lg.number, l.row}) = superseded
		}
		return l.row < lg.earlier
	})
}

// add adds a row to its entry. If the row has no entry yet, add creates one.
func (ix *index) add(lg *sourceLog, r *indexedRow) {
	p, id, known := ix.find(lg, r)
	if !known {
		p = ix.begin(lg, r)
	}
	ix.at[id] = p
	ix.addSource(p, lg.listOf, r, known)
	if known {
		ix.takeIn(p, r)
	}
	ix.name(p, r)
	if r.run.header.WantsSessions(&r.Row) {
		ix.wants[ix.hash(string(results.RevokeSessions), r.User, "")] = want{p, lg}
	}
}

// find returns the entry of a row, the hash to store it under, and whether there is an entry. The hash is that of the
// key, or of the line of the list if the row has no key or repeats the key of a protected pass. If no entry has the
// key, find looks for one with the same pass, which another list may name under another user name. If the list is a
// log with two rows about one pass, the line of the log tells their entries apart.
func (ix *index) find(lg *sourceLog, r *indexedRow) (p uint32, id uint64, known bool) {
	key, ok := r.Key()
	if ok {
		id = ix.hash(string(key.Action), key.User, key.Method)
		if len(ix.logs.logs) > 1 && r.Method != "" {
			p, known = ix.at[ix.lineOfLog(r.Source, r.Line)]
			if known && ix.entries[p].pass == ix.passOf(r) {
				return p, id, true
			}
		}
		p, known = ix.at[id]
	}
	if !ok || known && ix.hasOutcome(p, results.Protected) && r.Outcome == results.Protected &&
		ix.entries[p].line != uint16(ix.lineOf(lg, r)) {
		id = ix.lineOf(lg, r)
		if p, known = ix.at[id]; !known && !ok {
			p, known = ix.at[ix.lineOfLog(r.Source, r.Line)]
		}
		return p, id, known
	}
	for _, user := range []string{r.User, r.UPN} {
		if !known && r.Method != "" {
			p, known = ix.at[ix.hash("named", user, r.Method)]
			known = known && (int(ix.entries[p].list) != lg.listOf || ix.hasOutcome(p, results.Found))
		}
	}
	return p, id, known
}

// name adds the hash of the pass in a row to an entry, for other logs. It also adds the hash of the line of the log,
// for a run with this log as its list.
func (ix *index) name(p uint32, r *indexedRow) {
	if len(ix.logs.logs) == 1 {
		return
	}
	key, ok := r.Key()
	named := ix.hash("named", r.User, r.Method)
	other, known := ix.at[named] // differs from p if a list names the pass and the pass also replaced another one
	if !ok || key.Method != strings.ToLower(r.Method) || known && other != p {
		ix.at[ix.lineOfLog(ix.logs.logs[r.at.log].name, r.line)] = p
	}
	if !ok || r.Method == "" {
		return
	}
	ix.at[named] = p
	if r.UPN != "" {
		ix.at[ix.hash("named", r.UPN, r.Method)] = p
	}
}

// addSource records that a list has an entry. A list has passes, or users for tapsweep verify; sessions
// are counted in neither. A user may have several entries, or share one with the same user under another name.
func (ix *index) addSource(p uint32, list int, r *indexedRow, known bool) {
	if ix.entries[p].sessions {
		return
	}
	if ix.logs.lists[list].ofVerify {
		user := ix.hash("checked", r.User, strconv.Itoa(list))
		if _, listed := ix.checked[user]; !listed {
			ix.checked[user] = struct{}{}
			ix.logs.lists[list].addSource(r.Source)
		}
		return
	}
	key := uint64(p)<<32 | uint64(list)
	if _, listed := ix.furtherLists[key]; known && (listed || int(ix.entries[p].list) == list) {
		return
	}
	if known {
		ix.furtherLists[key] = struct{}{}
	}
	ix.logs.lists[list].addSource(r.Source)
}

// begin creates the entry for a row.
func (ix *index) begin(lg *sourceLog, r *indexedRow) uint32 {
	p := uint32(len(ix.entries))
	e := entry{before: none, list: uint32(lg.listOf), sessions: r.Action == results.RevokeSessions}
	if _, ok := r.Key(); ok && !e.sessions && ix.latest != nil {
		if latest, ok := ix.latest[r.who]; ok {
			e.before = latest
		}
		ix.latest[r.who] = p
	}
	if r.Outcome == results.Protected {
		e.line = uint16(ix.lineOf(lg, r))
	}
	ix.entries = append(ix.entries, e)
	ix.setRow(p, r)
	return p
}

// setRow makes r the row that counts.
func (ix *index) setRow(p uint32, r *indexedRow) {
	e := &ix.entries[p]
	e.at, e.pass, e.outcome = r.at, ix.passOf(r), uint8(slices.Index(results.Outcomes, r.Outcome))
	*ix.fate(r.at) = counts
	if r.Lapses() {
		lg := ix.logs.logs[r.at.log]
		lg.lapsing = append(lg.lapsing, lapsing{p, r.at.row})
	}
}

func (ix *index) fate(at place) *fate { return &ix.logs.logs[at.log].rows[at.row] }

// passesOf returns the user's passes from runs other than verify, the latest first. It returns none if the logs have no
// run of verify.
func (ix *index) passesOf(who uint64) (passes []uint32) {
	for p, ok := ix.latest[who]; ok && p != none; p = ix.entries[p].before {
		if e := &ix.entries[p]; *ix.fate(e.at) == counts && !ix.logs.lists[e.list].ofVerify {
			passes = append(passes, p)
		}
	}
	return passes
}

// finish counts the users, and gives the notes to the logs.
func (ix *index) finish() {
	for p := range ix.notes {
		ix.notes[p].about = ix.entries[p].at
	}
	ix.logs.notes = slices.DeleteFunc(ix.notes, func(n note) bool { return n.effect == nothing })
	slices.SortFunc(ix.logs.notes, func(a, b note) int { return a.about.compare(b.about) })
	for key, w := range ix.wants {
		counted := *ix.fate(ix.entries[w.entry].at) != superseded && !ix.hasOutcome(w.entry, results.Protected)
		if _, ok := ix.at[key]; !ok && counted {
			w.log.withoutSessions++
		}
	}
	for key := range ix.otherNames {
		if _, ok := ix.at[key]; ok {
			ix.logs.twoNames++
		}
	}
	ix.logs.users = len(ix.looked)
}

// checkSameTenant returns an error if a run cannot be in the same report as the others. text is the first
// line of the run.
func (l *Logs) checkSameTenant(run *ReportedRun, text []byte) error {
	if l.first == nil {
		l.first = run
		l.logByFirstLine = make(map[string]string)
	}
	if l.tenant == "" {
		l.tenant, l.tenantOf = run.header.Tenant, run.Log
	}
	switch other := l.logByFirstLine[string(text)]; {
	case other != "" && other != run.Log:
		return fmt.Errorf("it has the run of %s, which is in %s too: leave out the log that is a copy, "+
			"or the shorter one", timestamp(run.Start), other)
	case run.header.Tenant != "" && !strings.EqualFold(l.tenant, run.header.Tenant):
		return fmt.Errorf("it is of tenant %s, and %s is of %s", show(run.header.Tenant), l.tenantOf, show(l.tenant))
	case l.first.header.GraphRoot != run.header.GraphRoot:
		return fmt.Errorf("it is of %s, and %s of %s", show(run.header.GraphRoot), l.first.Log,
			show(l.first.header.GraphRoot))
	case l.first.DryRun != run.DryRun:
		return fmt.Errorf("%s and this log cannot be combined: only one of them is a dry run", l.first.Log)
	}
	l.logByFirstLine[string(text)] = run.Log
	return nil
}

// A listKey is what runs on the same list have in common.
type listKey struct {
	digest, self string
	ofVerify     bool
}

// list returns the index of the list of the run. For --self, each signed-in user has another list.
func (l *Logs) list(run *ReportedRun) int {
	key := listKey{run.header.Digest, run.header.Self, run.header.Kind() == "verify"}
	i, known := l.listOf[key]
	if !known {
		i = len(l.lists)
		l.listOf[key] = i
		l.lists = append(l.lists, &ReportedList{Digest: run.header.Digest, self: run.header.Self,
			ofVerify: key.ofVerify, Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
