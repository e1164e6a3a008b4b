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

// An index finds the row that settled each pair, and what a look afterwards showed.
// It keeps some 17 bytes a pair: a hash of what names it, where its row is, its outcome
// and a hash of its pass; and 16 more for a pair that was verified.
type index struct {
	logs *Logs
	seed maphash.Seed

	last  []place
	base  []uint8           // of the row at last: an index into results.Outcomes, or dropped
	pass  []uint32          // hash of what the row names
	notes []note            // of looks afterwards; shorter than last where none came yet
	of    map[uint64]uint32 // pair by key

	named map[uint64]inAList // pair by user and pass, nil with one list only

	several bitset            // passes of users who held several, which count for no pair
	beside  bitset            // the same, and pairs whose pass is gone, and
	instead map[uint32]uint32 // the pair of the one that came in its place

	pending map[uint32]*Run   // pairs that the run was verifying when last heard of
	waiting map[uint64]uint32 // such pairs of scans, by user
	failed  int               // looks of scans that failed, and were not made up for
	looked  map[uint64]struct{}

	users *byUser // nil if no log is a proof
	looks map[uint64]look
}

// A place is a row: the log, and the how-manieth of its rows.
type place struct{ log, row uint32 }

// dropped is the base of a pair that does not count after all.
const dropped = 255

// inAList is a pair, and the list on which its user and pass were seen first.
type inAList struct {
	pair uint32
	list int
}

// none is no pair.
const none = ^uint32(0)

var outcomeIndex = func() map[results.Outcome]uint8 {
	known := make(map[results.Outcome]uint8)
	for i, o := range results.Outcomes {
		known[o] = uint8(i)
	}
	return known
}()

func newIndex(l *Logs) *index {
	ix := &index{logs: l, seed: maphash.MakeSeed(), of: make(map[uint64]uint32), pending: make(map[uint32]*Run), waiting: make(map[uint64]uint32),
		looked: make(map[uint64]struct{}), looks: make(map[uint64]look), instead: make(map[uint32]uint32)}
	if l.several {
		ix.named = make(map[uint64]inAList)
	}
	if slices.ContainsFunc(l.logs, func(lg *log) bool { return lg.runs[0].kind() == "verify" }) {
		ix.users = &byUser{latest: make(map[uint64]uint32)}
	}
	return ix
}

// key names the pair of a row: of a list by its user and the pass that the list names,
// which it has once, and other rows by where they stand. nth tells apart rows that one run
// wrote about the same: those of a user who is protected, where the list repeats a pair.
func (ix *index) key(list int, r *head, nth int) uint64 {
	if r.scanned() {
		return ix.passKey(r.User, r.Method)
	}
	named, unique := r.Key()
	unique = unique && nth == 0 && r.run.kind() != "verify" // whose rows are about users
	var b [256]byte
	key := append(strconv.AppendInt(b[:0], int64(list), 10), 0)
	if unique {
		key = append(append(key, named.Method...), 0)
	} else {
		for _, n := range []int{nth, r.Line, r.Column} {
			key = append(strconv.AppendInt(key, int64(n), 10), 0)
		}
		key = append(append(key, r.Source...), 0)
	}
	return maphash.Bytes(ix.seed, append(key, strings.ToLower(r.User)...))
}

// passKey names what a scan found: the same pass in any scan, on no line of a list.
func (ix *index) passKey(user, method string) uint64 {
	var b [256]byte
	key := append(append(b[:0], 0), strings.ToLower(user)...) // the 0 is no list's number
	key = append(key, 0)
	return maphash.Bytes(ix.seed, append(key, strings.ToLower(method)...))
}

// passOf is a hash of a pass. The user is known, so it need not be long.
func (ix *index) passOf(r *head) uint32 { return uint32(ix.hash(r.Method)) }

func (ix *index) hash(s string) uint64 { return maphash.String(ix.seed, strings.ToLower(s)) }

// A head is a row, and where it stands.
type head struct {
	results.Row

	at     place
	offset int64  // of its line in the log
	run    *Run   // that wrote it
	who    uint64 // hash of the user
}

// scanned tells rows of a scan or sweep from those of a list.
func (r *head) scanned() bool { return r.FromScan() }

// failedLook tells rows of users whose passes could not be listed.
func (r *head) failedLook() bool { return r.scanned() && r.Method == "" }

// line takes in the line that a cursor is at.
func (ix *index) line(c *cursor) error {
	lg, run := c.lg, c.run
	switch c.rec.Kind {
	case results.KindRun:
		if err := ix.logs.fits(run); err != nil {
			return err
		}
		lg.began(run)
		run.from = lg.rows
		lg.listOf = ix.logs.list(run)
		ix.logs.odd += run.odd
	case results.KindWait:
		ix.logs.wait(wait{*c.rec.Wait, run})
	case results.KindEnd:
		run.end(*c.rec.End)
		ix.logs.note(run.End)
	case results.KindScanned:
		for _, user := range c.rec.Scanned.Users {
			ix.look(ix.hash(user), user)
		}
	case results.KindRow:
		ix.takeRow(c)
	}
	return nil
}

// takeRow takes in the row that a cursor is at.
func (ix *index) takeRow(c *cursor) {
	lg, run, r := c.lg, c.run, &c.head
	r.at, r.offset, r.run = place{uint32(c.i), uint32(lg.rows)}, c.rec.Offset, run
	lg.rows++
	run.row(r.Time, r.Outcome, r.Pending || r.Beside)
	if r.Pending && r.Outcome == results.Found {
		// A sweep was about to delete it, and this may be all that it tells.
		r.Outcome, r.Pending = results.Unknown, false
	}
	ix.logs.note(utc(r.Time))
	lg.lined, lg.columns = lg.lined || r.Line != 0, lg.columns || r.Column != 0
	r.who = ix.hash(r.User)
	if r.Beside {
		ix.further(r)
		return
	}
	pair := ix.row(lg, r)
	if len(ix.logs.logs) > 1 {
		lg.at.set(c.rec.Line, pair, uint32(r.who))
	}
}

// row takes in a row and returns its pair.
func (ix *index) row(lg *log, r *head) uint32 {
	if r.run.kind() == "verify" {
		return ix.proof(lg, r)
	}
	if r.scanned() && !r.failedLook() {
		ix.look(r.who, r.User)
	} else if ix.failed > 0 && !r.failedLook() {
		ix.drop(r.User)
	}
	return ix.add(lg, r)
}

// add gives a row to its pair, which it may begin.
func (ix *index) add(lg *log, r *head) uint32 {
	key := ix.key(lg.listOf, r, 0)
	pair, seen := ix.of[key]
	for nth := 1; seen && ix.repeated(pair, r); nth++ {
		key = ix.key(lg.listOf, r, nth)
		pair, seen = ix.of[key]
	}
	if !seen {
		ix.logs.lists[lg.listOf].saw(r.Source)
		if pair, seen = ix.elsewhere(r); !seen {
			pair, seen = ix.onAnotherList(lg, r)
		}
		if !seen {
			pair = ix.begin(r)
			if r.failedLook() {
				ix.failed++
			}
		}
		ix.of[key] = pair
		// The list that a scan printed may name users in the other way.
		if r.Outcome == results.Found && r.UPN != "" && len(ix.logs.logs) > 1 {
			ix.of[ix.passKey(r.UPN, r.Method)] = pair
		}
	}
	pair = ix.settle(pair, r, seen)
	ix.name(lg, pair, r)
	return pair
}

// repeated tells whether the run has written its row about the pair before. What was only
// to be deleted when last heard of is unknown, and another row follows.
func (ix *index) repeated(pair uint32, r *head) bool {
	last := ix.last[pair]
	return !r.scanned() && r.run.kind() != "verify" && last.log == r.at.log && int(last.row) >= r.run.from &&
		ix.pending[pair] != r.run && ix.base[pair] != dropped && ix.base[pair] != outcomeIndex[results.Unknown]
}

// name notes whom and which pass a row is about, for other lists.
func (ix *index) name(lg *log, pair uint32, r *head) {
	if !ix.joins(r) {
		return
	}
	for _, key := range ix.names(r) {
		if _, known := ix.named[key]; !known {
			ix.named[key] = inAList{pair, lg.listOf}
		}
	}
}

// onAnotherList finds the pair of a row whose user and pass stand on another list, too.
// One list tells of that itself: its further rows are duplicates.
func (ix *index) onAnotherList(lg *log, r *head) (pair uint32, ok bool) {
	if !ix.joins(r) || r.scanned() && r.Outcome == results.Found { // which is no news of what became of it
		return 0, false
	}
	for _, key := range ix.names(r) {
		n, ok := ix.named[key]
		if ok && n.list != lg.listOf && ix.pass[n.pair] == ix.passOf(r) && ix.base[n.pair] != dropped {
			return n.pair, true
		}
	}
	return 0, false
}

// joins tells whether a row is of a pass that may stand on several lists. The rows of a
// proof find their pairs by themselves.
func (ix *index) joins(r *head) bool {
	return ix.named != nil && r.Method != "" && r.Outcome != results.Duplicate && r.Outcome != results.Invalid && r.run.kind() != "verify"
}

// names are what a user and a pass are known by.
func (ix *index) names(r *head) (keys []uint64) {
	for _, name := range []string{r.User, r.UPN} {
		if name != "" {
			keys = append(keys, ix.passKey(name, r.Method))
		}
	}
	return keys
}

// begin makes a pair of a row.
func (ix *index) begin(r *head) uint32 {
	pair := uint32(len(ix.last))
	ix.last, ix.base, ix.pass = append(ix.last, r.at), append(ix.base, outcomeIndex[r.Outcome]), append(ix.pass, ix.passOf(r))
	ix.users.add(pair, r.who)
	return pair
}

// further adds a row that counts for no pair, because the pair has another row.
func (ix *index) further(r *head) {
	pair := len(ix.last)
	ix.last, ix.base, ix.pass = append(ix.last, r.at), append(ix.base, outcomeIndex[r.Outcome]), append(ix.pass,
		ix.passOf(r))
	ix.beside.set(pair)
	ix.several.set(pair)
}

// elsewhere finds the pair of a row that is known by another key.
func (ix *index) elsewhere(r *head) (pair uint32, ok bool) {
	if r.scanned() {
		// A pass that came in place of the one that was to be verified.
		if pair, ok = ix.waiting[r.who]; ok && !r.Pending && !r.failedLook() {
			return pair, ix.pending[pair] == r.run || r.Verified || r.Outcome == results.Remains
		}
		return 0, false
	}
	if pair, ok = ix.inList(r, false); ok {
		return pair, true
	}
	// What a scan found may have become a list under any name.
	pair, ok = ix.of[ix.passKey(r.User, r.Method)]
	return pair, ok && ix.base[pair] == outcomeIndex[results.Found]
}

// inList finds the pair of a row whose list was one of the logs before: what was left
// over by one run is often the list of the next. The log has to have that user on
// that line: the same path comes first, then the newest. A proof is always of a log,
// which may have another name by now.
func (ix *index) inList(r *head, proof bool) (pair uint32, ok bool) {
	for _, exact := range []bool{true, false} {
		for _, lg := range slices.Backward(ix.logs.logs[:r.at.log]) {
			if filepath.Clean(lg.name) != filepath.Clean(r.Source) && (exact || !proof && filepath.Base(lg.name) != filepath.Base(r.Source)) {
				continue
			}
			lg, n := lg.original(r.Line)
			if pair, ok = lg.at.get(n, uint32(r.who)); ok && ix.base[pair] != dropped {
				return pair, true
			}
		}
	}
	return 0, false
}

// look notes that a scan has looked at a user.
func (ix *index) look(who uint64, user string) {
	ix.looked[who] = struct{}{}
	if ix.failed > 0 {
		ix.drop(user)
	}
}

// drop lets a look that failed not count, now that more is known of the user.
func (ix *index) drop(user string) {
	key := ix.passKey(user, "")
	if pair, ok := ix.of[key]; ok {
		delete(ix.of, key)
		ix.supersede(ix.last[pair])
		ix.base[pair] = dropped
		ix.failed--
	}
}

// A byLine finds the pair, and a hash of the user, of the rows of a log by their
// lines, for other logs whose list this one was.
type byLine struct{ pairs, users []uint32 }

func (b *byLine) set(n int, pair, who uint32) {
	for len(b.pairs) <= n {
		b.pairs, b.users = append(b.pairs, none), append(b.users, 0)
	}
	b.pairs[n], b.users[n] = pair, who
}

func (b *byLine) get(n int, who uint32) (uint32, bool) {
	if n < 0 || n >= len(b.pairs) || b.pairs[n] == none || b.users[n] != who {
		return 0, false
	}
	return b.pairs[n], true
}

// fits refuses what makes no sense in one report.
func (l *Logs) fits(run *Run) error {
	if l.first == nil {
		l.first = run
	}
	if l.tenant == "" {
		l.tenant, l.tenantOf = run.tenant, run.Log
	}
	switch {
	case run.tenant != "" && !strings.EqualFold(l.tenant, run.tenant):
		return fmt.Errorf("it is of tenant %s, and %s is of %s", show(run.tenant), l.tenantOf, show(l.tenant))
	case l.first.graphRoot != run.graphRoot:
		return fmt.Errorf("it is of %s, and %s of %s", show(run.graphRoot), l.first.Log, show(l.first.graphRoot))
	case l.first.DryRun != run.DryRun:
		return fmt.Errorf("one of it and %s is a dry run, and the other is not", l.first.Log)
	}
	return nil
}

// list returns the index of the run's list. The pair "me" is another one for
// each signed-in user.
func (l *Logs) list(run *Run) int {
	i := slices.IndexFunc(l.lists, func(li *List) bool {
		return li.Digest == run.digest && li.self == run.self && li.proof == (run.kind() == "verify")
	})
	if i < 0 {
		i = len(l.lists)
		l.lists = append(l.lists, &List{Digest: run.digest, self: run.self, proof: run.kind() == "verify", Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
