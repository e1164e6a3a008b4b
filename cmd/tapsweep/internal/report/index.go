package report

import (
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tapsweep/cmd/tapsweep/internal/results"
)

// An index finds the row that counts for each results.Key, and what rows that verify say. It keeps 24 bytes a
// key and its place in a map, and 16 bytes more for a pass that was verified.
type index struct {
	logs    *Logs
	seed    maphash.Seed
	entries []entry
	at      map[uint64]uint32 // entries by the hash of a key, of the line of a list, or of a pass
	notes   []note            // by entry; shorter than entries where none came yet

	latest map[uint64]uint32     // of each user, the entry that came last; nil if no log is of tapsweep verify
	also   map[uint64]struct{}   // further lists that have an entry: the entry, shifted, and the list
	looked map[uint64]struct{}   // users whose passes scans have listed
	wants  map[uint64]*sourceLog // by the key of their sessions, of users with a pass, the last log that revokes them
}

// An entry is what is known of a pass, of the sessions of a user, or of a line of a list.
type entry struct {
	at      place  // the row that counts
	pass    uint32 // hash of the pass that the row names; the user is known, so it need not be long
	before  uint32 // the entry of the same user that came before, or none
	list    uint32 // the first list that has it
	line    uint16 // hash of the line of the list, of a protected pass
	outcome uint8  // of the row: an index into results.Outcomes
	about   about
}

// An about says what an entry is about.
type about uint8

const (
	aPass     about = iota // a pass, or a line of a list
	sessions               // the sessions of a user
	madeUpFor              // nothing any more: a scan could not list the passes of a user, and a later one could
)

// A place is a row: the log, and the number of the row in it, from 0.
type place struct{ log, row uint32 }

const none = ^uint32(0) // no entry

// rowSize is how many bytes a row has at least, most often. Room for all entries from the start leaves no garbage.
const rowSize = 300

func newIndex(l *Logs) *index {
	size := int64(0)
	for _, lg := range l.logs {
		size += lg.size
	}
	ix := &index{entries: make([]entry, 0, min(size/rowSize, 1<<21)),
		logs: l, seed: maphash.MakeSeed(), at: make(map[uint64]uint32), also: make(map[uint64]struct{}),
		looked: make(map[uint64]struct{}), wants: make(map[uint64]*sourceLog)}
	if slices.ContainsFunc(l.logs, func(lg *sourceLog) bool { return lg.first.Kind() == "verify" }) {
		ix.latest = make(map[uint64]uint32)
	}
	return ix
}

// hash returns the hash of texts of some kind. Graph compares names without case.
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

func (ix *index) passOf(r *head) uint32 { return uint32(ix.hash("", r.Method)) }

// lineOf returns the hash of the line of a list on which a row is.
func (ix *index) lineOf(lg *sourceLog, r *head) uint64 {
	return ix.hash("line", r.User, r.Source, strconv.Itoa(r.Line), strconv.Itoa(r.Column), strconv.Itoa(lg.listOf))
}

// lineOfLog returns the hash of a line of a log. The log may have another directory by now.
func (ix *index) lineOfLog(log string, line int) uint64 {
	return ix.hash("log", filepath.Base(log), strconv.Itoa(line))
}

// A head is a row, and its place in the log.
type head struct {
	results.Row

	at     place
	line   int          // of the log
	offset int64        // of that line
	run    *ReportedRun // that wrote it
	who    uint64
}

// failedLook reports whether the row is of a user whose passes could not be listed.
func (r *head) failedLook() bool { return r.FromScan() && r.Method == "" }

// line takes in the line that a cursor is at.
func (ix *index) line(c *cursor) error {
	switch lg := c.lg; c.rec.Kind {
	case results.KindRun:
		if err := ix.logs.checkSameTenant(c.run, c.rec.Text); err != nil {
			return err
		}
		lg.began(c.run)
		lg.listOf = ix.logs.list(c.run)
	case results.KindWait:
		ix.logs.waits = append(ix.logs.waits, waitOfRun{*c.rec.Wait, c.run})
	case results.KindEnd:
		c.run.end(*c.rec.End)
	case results.KindScanned:
		for _, user := range c.rec.Scanned.Users {
			ix.looked[ix.userOf(user)] = struct{}{}
			ix.dropFailure(user)
		}
	case results.KindRow, results.KindSessions:
		ix.row(lg, c.i, &c.head)
	}
	return nil
}

// row takes in a row.
func (ix *index) row(lg *sourceLog, i int, r *head) {
	r.at, r.who = place{uint32(i), uint32(len(lg.rows))}, ix.userOf(r.User)
	lg.rows = append(lg.rows, counts)
	r.run.row(&r.Row)
	if r.Provisional && r.Outcome == results.Found {
		// A sweep was about to delete it, and this may be the last row about it.
		r.Outcome, r.Provisional = results.Unknown, false
	}
	if r.Action == results.RevokeSessions {
		ix.add(lg, r)
		return
	}
	if r.wantsSessions() {
		ix.wants[ix.hash(string(results.RevokeSessions), r.User, "")] = lg
	}
	if r.FromScan() && r.Method != "" {
		ix.looked[r.who] = struct{}{}
		ix.dropFailure(r.User)
	}
	switch passes := ix.passesOf(r.who); {
	case r.Beside:
		ix.setFate(r.at, beside)
		ix.logs.beside++
	case r.run.kind() == "verify" && len(passes) > 0:
		ix.proof(lg, r, passes)
	default:
		ix.add(lg, r)
	}
}

// wantsSessions reports whether the run revokes the sessions of the user of the row.
func (r *head) wantsSessions() bool {
	return r.run.header.Sessions && r.Method+r.User != "" && !r.failedLook() &&
		!slices.Contains([]results.Outcome{results.Duplicate, results.Invalid, results.Protected}, r.Outcome)
}

// dropFailure makes a failed listing of the passes of a user count no more: more is known now.
func (ix *index) dropFailure(user string) {
	id := ix.hash(string(results.ListPasses), user, "")
	if p, ok := ix.at[id]; ok {
		ix.setFate(ix.entries[p].at, superseded)
		ix.entries[p].about = madeUpFor
		delete(ix.at, id)
	}
}

// add gives a row to its entry, which it may begin.
func (ix *index) add(lg *sourceLog, r *head) {
	p, id, known := ix.find(lg, r)
	if !known {
		p = ix.begin(lg, r)
	}
	ix.at[id] = p
	ix.addSource(p, lg.listOf, r.Source, known)
	if known {
		ix.takeIn(p, r)
	}
	ix.name(p, r)
}

// find finds the entry of a row, and returns the hash that stands for it from now on. That is the key of the row;
// the line of the list, if the row has no key, or repeats the key of a protected pass; or the pass, which another
// list may name in another way. If the list is a log with two rows of a pass, the line tells their entries apart.
func (ix *index) find(lg *sourceLog, r *head) (p uint32, id uint64, known bool) {
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

// name notes the pass that the row of an entry is about, for other logs, and the line of the log, for a run with the
// log as its list.
func (ix *index) name(p uint32, r *head) {
	if len(ix.logs.logs) == 1 {
		return
	}
	key, ok := r.Key()
	named := ix.hash("named", r.User, r.Method)
	other, known := ix.at[named] // another than p if a list names a pass that was also found in place of one
	if !ok || key.Method != strings.ToLower(r.Method) || known && other != p {
		ix.at[ix.lineOfLog(r.run.Log, r.line)] = p
	}
	if !ok || r.Method == "" {
		return
	}
	ix.at[named] = p
	if r.UPN != "" {
		ix.at[ix.hash("named", r.UPN, r.Method)] = p
	}
}

// addSource takes in that a list has an entry.
func (ix *index) addSource(p uint32, list int, source string, known bool) {
	key := uint64(p)<<32 | uint64(list)
	if _, also := ix.also[key]; known && (also || int(ix.entries[p].list) == list) {
		return
	}
	if known {
		ix.also[key] = struct{}{}
	}
	ix.logs.lists[list].addSource(source)
}

// begin makes an entry of a row.
func (ix *index) begin(lg *sourceLog, r *head) uint32 {
	p := uint32(len(ix.entries))
	e := entry{before: none, list: uint32(lg.listOf)}
	if r.Action == results.RevokeSessions {
		e.about = sessions
	}
	if _, ok := r.Key(); ok && e.about == aPass && ix.latest != nil {
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

// setRow makes a row the one that counts.
func (ix *index) setRow(p uint32, r *head) {
	e := &ix.entries[p]
	e.at, e.pass, e.outcome = r.at, ix.passOf(r), uint8(slices.Index(results.Outcomes, r.Outcome))
	ix.setFate(r.at, counts)
}

func (ix *index) setFate(at place, f fate) { ix.logs.logs[at.log].rows[at.row] = f }

// passesOf returns the passes of a user which runs knew that did more than verify, the latest first. It returns
// none if no log is of tapsweep verify.
func (ix *index) passesOf(who uint64) (passes []uint32) {
	p, ok := ix.latest[who]
	for ok && p != none {
		if e := &ix.entries[p]; e.about == aPass && !ix.logs.lists[e.list].proof {
			passes = append(passes, p)
		}
		p = ix.entries[p].before
	}
	return passes
}

// finish hands what is to be kept to the logs.
func (ix *index) finish() {
	l := ix.logs
	for p, e := range ix.entries {
		if e.about == aPass {
			l.pairs++
		}
		if p < len(ix.notes) && ix.notes[p].kind() != noNote {
			n := ix.notes[p]
			n.row = e.at.row
			l.logs[e.at.log].notes = append(l.logs[e.at.log].notes, n)
		}
	}
	for _, lg := range l.logs {
		slices.SortFunc(lg.notes, func(a, b note) int { return int(a.row) - int(b.row) })
	}
	for key, lg := range ix.wants {
		if _, ok := ix.at[key]; !ok && lg.resumable().Exit == nil { // a run with an end has a row for each user
			l.withoutSessions++
		}
	}
	l.users = len(ix.looked)
}

// checkSameTenant refuses what makes no sense in one report. text is the first line of the run.
func (l *Logs) checkSameTenant(run *ReportedRun, text []byte) error {
	if l.first == nil {
		l.first = run
		l.begun = make(map[string]string)
	}
	if l.tenant == "" {
		l.tenant, l.tenantOf = run.header.Tenant, run.Log
	}
	switch other := l.begun[string(text)]; {
	case other != "" && other != run.Log:
		return fmt.Errorf("it has the run of %s, which is in %s too: leave out the log that is a copy, "+
			"or the shorter one", timestamp(run.Start), other)
	case run.header.Tenant != "" && !strings.EqualFold(l.tenant, run.header.Tenant):
		return fmt.Errorf("it is of tenant %s, and %s is of %s", show(run.header.Tenant), l.tenantOf, show(l.tenant))
	case l.first.header.GraphRoot != run.header.GraphRoot:
		return fmt.Errorf("it is of %s, and %s of %s", show(run.header.GraphRoot), l.first.Log,
			show(l.first.header.GraphRoot))
	case l.first.DryRun != run.DryRun:
		return fmt.Errorf("one of it and %s is a dry run, and the other is not", l.first.Log)
	}
	l.begun[string(text)] = run.Log
	return nil
}

// list returns the index of the run's list. Rows of --self are another list for each signed-in user.
func (l *Logs) list(run *ReportedRun) int {
	i := slices.IndexFunc(l.lists, func(li *ReportedList) bool {
		return li.Digest == run.header.Digest && li.self == run.header.Self && li.proof == (run.kind() == "verify")
	})
	if i < 0 {
		i = len(l.lists)
		l.lists = append(l.lists, &ReportedList{Digest: run.header.Digest, self: run.header.Self,
			proof: run.kind() == "verify", Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
