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

// An index finds the row that settled each pair, and what a look afterwards showed. Pairs are
// the numbers of a results.State. It keeps some 20 bytes a pair besides: where its row is, its
// outcome, its list and a hash of its pass; and 16 more for a pair that was verified.
type index struct {
	logs  *Logs
	seed  maphash.Seed
	state results.State // which row is about which pair

	last  []place
	base  []uint8  // of the row at last: an index into results.Outcomes, or dropped
	pass  []uint32 // hash of what the row names
	list  []uint16 // the first list that has the pair
	notes []note   // of looks afterwards; shorter than last where none came yet

	lines map[lineOfLog]lineRow // rows that stand for another pair if their log is used as a list

	also map[uint64]struct{} // further lists that have a pair: its number, shifted, and the list

	several bitset            // passes of users who held several, which count for no pair
	beside  bitset            // the same, and pairs whose pass is gone, and
	instead map[uint32]uint32 // the pair of the one that came in its place

	pending map[uint32]*Run // pairs that the run was verifying when last heard of
	failed  int             // looks of scans that failed, and were not made up for
	looked  map[uint64]struct{}

	users *byUser // nil if no log is a proof
	looks map[uint64]look
}

// A place is a row: the log, and the number of the row in it, from 0.
type place struct{ log, row uint32 }

// dropped is the base of a pair that does not count after all.
const dropped = 255

// A lineOfLog is a line of a log.
type lineOfLog struct{ log, line int }

// A lineRow is the pair of a row, and a hash of its user.
type lineRow struct {
	pair uint32
	who  uint64
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
	ix := &index{logs: l, seed: maphash.MakeSeed(), also: make(map[uint64]struct{}), lines: make(map[lineOfLog]lineRow),
		pending: make(map[uint32]*Run), looked: make(map[uint64]struct{}), looks: make(map[uint64]look),
		instead: make(map[uint32]uint32)}
	if slices.ContainsFunc(l.logs, func(lg *log) bool { return lg.runs[0].kind() == "verify" }) {
		ix.users = &byUser{latest: make(map[uint64]uint32)}
	}
	return ix
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
	if run.kind() == "verify" {
		ix.proof(lg, r)
		return
	}
	pair := ix.row(lg, r)
	if key, ok := r.Key(); len(ix.logs.logs) > 1 && (!ok || key != results.PassKey(r.User, r.Method)) {
		ix.lines[lineOfLog{c.i, c.rec.Line}] = lineRow{pair, r.who}
	}
}

// row takes in a row and returns its pair.
func (ix *index) row(lg *log, r *head) uint32 {
	if r.scanned() && !r.failedLook() {
		ix.look(r.who, r.User)
	} else if ix.failed > 0 && !r.failedLook() {
		ix.drop(r.User)
	}
	return ix.add(lg, r)
}

// add gives a row to its pair, which it may begin, and returns the pair.
func (ix *index) add(lg *log, r *head) uint32 {
	pair, seen := ix.find(lg, r)
	if !seen {
		pair = ix.begin(ix.state.Add(&r.Row, lg.listName()), lg.listOf, r)
		if r.failedLook() {
			ix.failed++
		}
	} else {
		ix.state.Bind(&r.Row, lg.listName(), pair)
	}
	ix.saw(pair, lg.listOf, r.Source)
	pair = ix.settle(pair, r, seen)
	if len(ix.logs.logs) > 1 {
		ix.note(pair, r)
	}
	return pair
}

// listName names the list of the log's last run, for rows that are about a line of it.
func (lg *log) listName() string { return strconv.Itoa(lg.listOf) }

// isOfPass reports whether the row is about a pass of a user, and not about a line of a list.
func (r *head) isOfPass() bool {
	return r.Method != "" && r.Outcome != results.Duplicate && r.Outcome != results.Invalid
}

// note notes which pass the row of a pair is about, for lists that name that pass or another
// name of the user.
func (ix *index) note(pair uint32, r *head) {
	if !r.isOfPass() {
		return
	}
	ix.state.Note(r.User, r.Method, pair)
	if r.UPN != "" {
		ix.state.Note(r.UPN, r.Method, pair)
	}
}

// find finds the pair of a row: by what the row is about, or by the pass if a list has it
// without a pass, or under another name of its user. One list says itself what it has twice.
func (ix *index) find(lg *log, r *head) (pair uint32, ok bool) {
	if pair, ok = ix.onLine(r); ok {
		return pair, true
	}
	if pair, ok = ix.state.Find(&r.Row, lg.listName()); ok || !r.isOfPass() {
		return pair, ok
	}
	for _, user := range []string{r.User, r.UPN} {
		pair, ok = ix.state.About(user, r.Method)
		if ok && (int(ix.list[pair]) != lg.listOf || ix.was(pair, results.Found)) && ix.base[pair] != dropped {
			return pair, true
		}
	}
	return 0, false
}

// onLine finds the pair of a row whose list was one of the logs before, if the row of that log
// stands for another pair than its own. The log may have another directory by now.
func (ix *index) onLine(r *head) (pair uint32, ok bool) {
	for _, name := range []func(string) string{filepath.Clean, filepath.Base} {
		for i, lg := range slices.Backward(ix.logs.logs[:r.at.log]) {
			row, ok := ix.lines[lineOfLog{i, r.Line}]
			if ok && row.who == r.who && name(lg.name) == name(r.Source) && ix.base[row.pair] != dropped {
				return row.pair, true
			}
		}
	}
	return 0, false
}

// saw takes in that a list has a pair.
func (ix *index) saw(pair uint32, list int, source string) {
	key := uint64(pair)<<16 | uint64(list)
	if _, known := ix.also[key]; known || int(ix.list[pair]) == list {
		return
	}
	ix.also[key] = struct{}{}
	ix.logs.lists[list].saw(source)
}

// begin makes a pair of a row.
func (ix *index) begin(pair uint32, list int, r *head) uint32 {
	ix.push(list, r)
	ix.users.add(pair, r.who)
	ix.logs.lists[list].saw(r.Source)
	return pair
}

// further adds a row that counts for no pair, because the pair has another row.
func (ix *index) further(r *head) {
	pair := ix.replacement(r)
	ix.beside.set(int(pair))
	ix.several.set(int(pair))
}

// replacement makes a pair of a row, which no list has.
func (ix *index) replacement(r *head) uint32 {
	pair := ix.state.New()
	ix.push(noList, r)
	return pair
}

// push keeps what is known of the next pair.
func (ix *index) push(list int, r *head) {
	ix.last, ix.base = append(ix.last, r.at), append(ix.base, outcomeIndex[r.Outcome])
	ix.pass, ix.list = append(ix.pass, ix.passOf(r)), append(ix.list, uint16(list))
}

// noList is the list of pairs that no list has.
const noList = 1<<16 - 1

// look notes that a scan has looked at a user.
func (ix *index) look(who uint64, user string) {
	ix.looked[who] = struct{}{}
	if ix.failed > 0 {
		ix.drop(user)
	}
}

// drop lets a look that failed not count, now that more is known of the user.
func (ix *index) drop(user string) {
	if pair, ok := ix.state.ForgetFailure(user); ok {
		ix.supersede(ix.last[pair])
		ix.base[pair] = dropped
		ix.failed--
	}
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
		l.lists = append(l.lists, &List{Digest: run.digest, self: run.self, proof: run.kind() == "verify",
			Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
