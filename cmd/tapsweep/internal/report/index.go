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

// An index finds the row that counts for each pair of a user and a pass, and what rows that verify
// say. It keeps 24 bytes a pair, also its State, and 16 more for a pair that was verified.
type index struct {
	logs  *Logs
	seed  maphash.Seed
	state results.State // which row is about which pair, by its index in pairs
	pairs []pair
	notes []note // by pair, of rows that verify; shorter than pairs where none came yet

	also    map[uint64]struct{} // further lists that have a pair: its index, shifted, and the list
	instead map[uint32]uint32   // of a pair whose pass is gone, the pair of the pass that came in its place
	pending map[uint32]*Run     // pairs that the run is verifying, by its last row
	looked  map[uint64]struct{} // users whose passes scans have listed

	sessions sessionIndex

	latest map[uint64]uint32 // of each user, the pair that came last; nil if no log is a proof
	looks  map[uint64]look   // of users, by proofs
}

// A pair is what is known of a user and a pass, or of a pass that no list names.
type pair struct {
	at      place  // its row that counts
	pass    uint32 // hash of the pass that the row names; the user is known, so it need not be long
	before  uint32 // the pair of the same user that came before, or none
	list    uint16 // the first list that has the pair, or noList
	outcome uint8  // of the row: an index into results.Outcomes
	role    role
}

// A role is how a pair counts in the report.
type role uint8

const (
	counted role = iota
	further      // not: it is a further pass of a user who had several
	dropped      // not: a scan could not list the passes of a user, and a later one could
)

// A place is a row: the log, and the number of the row in it, from 0.
type place struct{ log, row uint32 }

const (
	none   = ^uint32(0) // no pair
	noList = 1<<16 - 1  // the list of pairs that no list has
)

func newIndex(l *Logs) *index {
	ix := &index{logs: l, seed: maphash.MakeSeed(), also: make(map[uint64]struct{}),
		instead: make(map[uint32]uint32), pending: make(map[uint32]*Run), looked: make(map[uint64]struct{}),
		looks: make(map[uint64]look), sessions: newSessionIndex()}
	if slices.ContainsFunc(l.logs, func(lg *log) bool { return lg.runs[0].kind() == "verify" }) {
		ix.latest = make(map[uint64]uint32)
	}
	return ix
}

func (ix *index) passOf(r *head) uint32 { return uint32(ix.hash(r.Method)) }

func (ix *index) hash(s string) uint64 { return maphash.String(ix.seed, strings.ToLower(s)) }

// A head is a row, and its place in the log.
type head struct {
	results.Row

	at      place
	logLine int    // its line in the log
	offset  int64  // of that line
	run     *Run   // that wrote it
	who     uint64 // hash of the user
}

// failedLook reports whether the row is of a user whose passes could not be listed.
func (r *head) failedLook() bool { return r.FromScan() && r.Method == "" }

// isOfPass reports whether the row is about a pass of a user, and not about a line of a list.
func (r *head) isOfPass() bool {
	return r.Method != "" && r.Outcome != results.Duplicate && r.Outcome != results.Invalid
}

// line takes in the line that a cursor is at.
func (ix *index) line(c *cursor) error {
	lg, run := c.lg, c.run
	switch c.rec.Kind {
	case results.KindRun:
		if err := ix.logs.fits(run); err != nil {
			return err
		}
		lg.began(run)
		run.from = len(lg.rows)
		lg.listOf = ix.logs.list(run)
	case results.KindWait:
		ix.logs.waits = append(ix.logs.waits, wait{*c.rec.Wait, run})
	case results.KindEnd:
		run.end(*c.rec.End)
	case results.KindScanned:
		for _, user := range c.rec.Scanned.Users {
			ix.looked[ix.hash(user)] = struct{}{}
			ix.dropFailure(user)
		}
	case results.KindRow:
		ix.row(c)
	case results.KindSessions:
		c.head.run, c.head.offset = run, c.rec.Offset
		run.saw(utc(c.head.Time))
		ix.sessions.row(ix.hash(c.head.User), lg, &c.head)
	}
	return nil
}

// row takes in the row that a cursor is at.
func (ix *index) row(c *cursor) {
	lg, run, r := c.lg, c.run, &c.head
	r.at, r.logLine, r.offset = place{uint32(c.i), uint32(len(lg.rows))}, c.rec.Line, c.rec.Offset
	r.run, r.who = run, ix.hash(r.User)
	lg.rows = append(lg.rows, counts)
	ix.sessions.expect(lg, r)
	run.row(r.Time, r.Outcome, r.Provisional || r.Beside)
	if r.Provisional && r.Outcome == results.Found {
		// A sweep was about to delete it, and this may be the last row about it.
		r.Outcome, r.Provisional = results.Unknown, false
	}
	lg.lined, lg.columns = lg.lined || r.Line != 0, lg.columns || r.Column != 0
	switch {
	case r.Beside:
		ix.begin(noList, further, r)
		return
	case run.kind() == "verify":
		ix.proof(lg, r)
		return
	case !r.failedLook():
		ix.dropFailure(r.User)
	}
	if r.FromScan() && !r.failedLook() {
		ix.looked[r.who] = struct{}{}
	}
	ix.add(lg, r)
}

// dropFailure makes a failed listing of the passes of a user count no more: more is known now.
func (ix *index) dropFailure(user string) {
	if p, ok := ix.state.ForgetFailure(user); ok {
		ix.supersede(ix.pairs[p].at)
		ix.pairs[p].role = dropped
	}
}

// add gives a row to its pair, which it may begin, and returns the pair.
func (ix *index) add(lg *log, r *head) uint32 {
	p, seen := ix.find(lg, r)
	if !seen {
		p = ix.begin(lg.listOf, counted, r)
	}
	ix.state.Bind(&r.Row, lg.listName(), p)
	ix.saw(p, lg.listOf, r.Source, seen)
	p = ix.takeIn(p, r, seen)
	ix.name(p, r)
	return p
}

// listName names the list of the log's last run, for rows that are about a line of it.
func (lg *log) listName() string { return strconv.Itoa(lg.listOf) }

// find finds the pair of a row: by what the row is about, or by one of the names of the pair.
// What a list has twice, its own run has found out.
func (ix *index) find(lg *log, r *head) (p uint32, ok bool) {
	if p, ok = ix.state.About(lineOf(r.Source, r.Line), r.User); ok && ix.pairs[p].role != dropped {
		return p, true
	}
	if p, ok = ix.state.Find(&r.Row, lg.listName()); ok || !r.isOfPass() && !ix.repeatsRowOfLog(r) {
		return p, ok
	}
	for _, user := range []string{r.User, r.UPN} {
		p, ok = ix.state.About(user, r.Method)
		if ok && (int(ix.pairs[p].list) != lg.listOf || ix.was(p, results.Found)) && ix.pairs[p].role != dropped {
			return p, true
		}
	}
	return 0, false
}

// repeatsRowOfLog reports whether a run with a log of the report as its list found a repeat in it.
// Two rows of a log can name one pass, where one of them names it in place of another.
func (ix *index) repeatsRowOfLog(r *head) bool {
	return r.Outcome == results.Duplicate && r.Method != "" && slices.ContainsFunc(ix.logs.logs,
		func(lg *log) bool { return filepath.Base(lg.name) == filepath.Base(r.Source) })
}

// name gives a pair further names, for rows of other logs: the pass that its row is about, for
// lists that name that pass or another name of the user; and the line of the log, for a run with
// the log as its list, to which a row that is not about just that pass is another pair.
func (ix *index) name(p uint32, r *head) {
	if len(ix.logs.logs) == 1 {
		return
	}
	if key, ok := r.Key(); !ok || key != results.PassKey(r.User, r.Method) {
		ix.state.Note(lineOf(r.run.Log, r.logLine), r.User, p)
	}
	if r.isOfPass() {
		ix.state.Note(r.User, r.Method, p)
		if r.UPN != "" {
			ix.state.Note(r.UPN, r.Method, p)
		}
	}
}

// lineOf names a line of a log. The log may have another directory by now.
func lineOf(log string, line int) string { return filepath.Base(log) + ":" + strconv.Itoa(line) }

// saw takes in that a list has a pair.
func (ix *index) saw(p uint32, list int, source string, seen bool) {
	key := uint64(p)<<16 | uint64(list)
	if _, known := ix.also[key]; seen && (known || int(ix.pairs[p].list) == list) {
		return
	}
	if seen {
		ix.also[key] = struct{}{}
	}
	ix.logs.lists[list].saw(source)
}

// begin makes a pair of a row.
func (ix *index) begin(list int, role role, r *head) uint32 {
	p := uint32(len(ix.pairs))
	before := none
	if ix.latest != nil && role != further {
		if latest, ok := ix.latest[r.who]; ok {
			before = latest
		}
		ix.latest[r.who] = p
	}
	ix.pairs = append(ix.pairs, pair{before: before, list: uint16(list), role: role})
	ix.pairs[p].setRow(r, ix.passOf(r))
	return p
}

// setRow makes a row the one that counts.
func (p *pair) setRow(r *head, pass uint32) {
	p.at, p.pass, p.outcome = r.at, pass, uint8(slices.Index(results.Outcomes, r.Outcome))
}

// pairsOf returns the pairs of a user, the latest first.
func (ix *index) pairsOf(who uint64) (pairs []uint32) {
	p, ok := ix.latest[who]
	for ok && p != none {
		pairs = append(pairs, p)
		p = ix.pairs[p].before
	}
	return pairs
}

// fits refuses what makes no sense in one report.
func (l *Logs) fits(run *Run) error {
	if l.first == nil {
		l.first = run
	}
	if l.tenant == "" {
		l.tenant, l.tenantOf = run.header.Tenant, run.Log
	}
	switch {
	case run.header.Tenant != "" && !strings.EqualFold(l.tenant, run.header.Tenant):
		return fmt.Errorf("it is of tenant %s, and %s is of %s", show(run.header.Tenant), l.tenantOf, show(l.tenant))
	case l.first.header.GraphRoot != run.header.GraphRoot:
		return fmt.Errorf("it is of %s, and %s of %s", show(run.header.GraphRoot), l.first.Log,
			show(l.first.header.GraphRoot))
	case l.first.DryRun != run.DryRun:
		return fmt.Errorf("one of it and %s is a dry run, and the other is not", l.first.Log)
	}
	return nil
}

// list returns the index of the run's list. Rows of --self are another list for each signed-in user.
func (l *Logs) list(run *Run) int {
	i := slices.IndexFunc(l.lists, func(li *List) bool {
		return li.Digest == run.header.Digest && li.self == run.header.Self && li.proof == (run.kind() == "verify")
	})
	if i < 0 {
		i = len(l.lists)
		l.lists = append(l.lists, &List{Digest: run.header.Digest, self: run.header.Self, proof: run.kind() == "verify",
			Sources: []string{}})
	}
	l.lists[i].Pairs = max(l.lists[i].Pairs, run.Pairs)
	return i
}
