package report

import (
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A look afterwards, by --verify or by tapsweep verify, is no new fate of a pair: the
// row that settled it keeps its time, answer and outcome, and gets a note. Only a pass
// that is there after all changes what became of it.

// A note is what a look afterwards showed.
type note struct {
	at    int64  // when, in milliseconds of Unix time; where the row is, unless it is verified
	where uint32 // the log of that row, shifted, and the kind
}

type noteKind uint32

const (
	noNote     noteKind = iota
	verified            // no pass is there
	remains             // a pass is there
	unverified          // the look failed
)

func (n note) kind() noteKind { return noteKind(n.where & 3) }
func (n note) log() int       { return int(n.where >> 2) }

// annotate gives the pair a note in place of the one before.
func (ix *index) annotate(pair uint32, kind noteKind, r *head) {
	if kind == noNote && int(pair) >= len(ix.notes) {
		return
	}
	for int(pair) >= len(ix.notes) {
		ix.notes = append(ix.notes, note{})
	}
	n := note{where: r.at.log<<2 | uint32(kind)}
	switch kind {
	case verified:
		n.at = utc(r.Time).UnixMilli()
	case remains, unverified:
		n.at = r.offset
	}
	ix.notes[pair] = n
}

func (ix *index) kind(pair uint32) noteKind {
	if int(pair) < len(ix.notes) {
		return ix.notes[pair].kind()
	}
	return noNote
}

// settle has the row be what became of the pair, or a note to it. It returns the pair
// that the row is about, which is another one where another pass came in place of one.
func (ix *index) settle(pair uint32, r *head, again bool) uint32 {
	for next, ok := ix.instead[pair]; again && ok; next, ok = ix.instead[pair] {
		if ix.passOf(r) == ix.pass[pair] {
			// The old pass once more, which is gone: its row says what became of it.
			ix.supersede(r.at)
			if r.Outcome == results.Absent && ix.was(ix.latest(pair), results.Remains) {
				ix.annotate(ix.latest(pair), verified, r)
			}
			return pair
		}
		pair = next
	}
	run := ix.pending[pair]
	kind := noNote
	if again {
		kind = ix.annotates(pair, run, r)
	}
	if run == nil && kind != noNote && ix.lookOnly(pair, r) {
		r.run.settled-- // a run before had
	}
	old := pair
	switch {
	case kind == remains && ix.another(pair, r):
		pair = ix.replace(pair, r)
	case kind != noNote:
		ix.supersede(r.at)
		ix.annotate(pair, kind, r)
	case again && (ix.gone(pair, r) || ix.noNews(pair, r)):
		ix.supersede(r.at)
	case again && ix.was(pair, results.Revoked) && r.Method != "" && ix.another(pair, r):
		pair = ix.replace(pair, r) // another list means any pass, and the user had been given one
	case again:
		ix.take(pair, r)
	}
	switch {
	case r.Pending:
		ix.pending[pair] = r.run
	case run != nil:
		delete(ix.pending, old)
	}
	return pair
}

// take has the row take the place of the one before.
func (ix *index) take(pair uint32, r *head) {
	ix.supersede(ix.last[pair])
	ix.last[pair], ix.base[pair], ix.pass[pair] = r.at, outcomeIndex[r.Outcome], ix.passOf(r)
	ix.annotate(pair, noNote, r)
}

// another tells whether a look shows another pass than that of the pair.
func (ix *index) another(pair uint32, r *head) bool {
	return r.Method != "" && ix.passOf(r) != ix.pass[pair]
}

// replace takes in a look that shows another pass than that of the pair. What was said
// of the old one stays, beside: the log has its request-id, and when it was deleted. The
// new one is what is left to be done of the pair, so that counts.
func (ix *index) replace(pair uint32, r *head) uint32 {
	if ix.pass[pair] == uint32(ix.hash("")) || ix.was(pair, results.Remains) {
		ix.take(pair, r) // nothing is said of any pass, or it was never ours
		return pair
	}
	if ix.kind(pair) != verified {
		ix.annotate(pair, noNote, r)
	}
	next := ix.replacement(r)
	ix.users.add(next, r.who)
	ix.note(next, r)
	ix.beside.set(int(pair))
	ix.instead[pair] = next
	return next
}

// latest is the pair of the pass that is left of the pair.
func (ix *index) latest(pair uint32) uint32 {
	for next, ok := ix.instead[pair]; ok; next, ok = ix.instead[pair] {
		pair = next
	}
	return pair
}

func (ix *index) was(pair uint32, outcomes ...results.Outcome) bool {
	return ix.base[pair] != dropped && slices.Contains(outcomes, results.Outcomes[ix.base[pair]])
}

// annotates tells what note to the pair a row of it is, if it is one. The last row of
// a pair that is verified repeats the answer of the one before; and so that a run
// that is gone on with may verify what it finds done, a row without any answer.
func (ix *index) annotates(pair uint32, run *Run, r *head) noteKind {
	base := results.Outcomes[ix.base[pair]]
	last := run != nil && run == r.run || r.Status == 0 && r.Attempts == 0
	switch {
	case r.Pending || base != results.Revoked && base != results.Absent:
		return noNote
	case r.Outcome == results.Remains:
		return remains
	case r.Outcome != base && r.Outcome != results.Absent:
		return noNote
	case r.Verified && (run != nil || last || r.Outcome != base):
		return verified
	case last:
		return unverified
	case !ix.lookOnly(pair, r):
		return noNote
	case r.Verified:
		return verified
	}
	return unverified
}

// lookOnly tells whether a row is of a run with --verify that went on with the log, and
// had nothing else to do for the pair than to look: a pass is not deleted twice.
func (ix *index) lookOnly(pair uint32, r *head) bool {
	last := ix.last[pair]
	return last.log == r.at.log && int(last.row) < r.run.from && r.run.header.Verify && !ix.another(pair, r)
}

// noNews reports whether a row says only that a scan has found a pass of which more is known.
func (ix *index) noNews(pair uint32, r *head) bool {
	return r.Outcome == results.Found && ix.base[pair] != outcomeIndex[results.Found] &&
		results.Outcomes[ix.base[pair]].Left()
}

// gone reports whether a row says nothing new about a pass that a run of another log has
// deleted. Such a pass does not come back: the run either did not touch it, or found it
// absent, which confirms the delete.
func (ix *index) gone(pair uint32, r *head) bool {
	base := results.Outcomes[ix.base[pair]]
	if r.Outcome == results.Absent && base == results.Revoked && ix.kind(pair) != remains {
		return true
	}
	return (r.Outcome == results.NotSent || r.Outcome == results.Protected) &&
		(base == results.Revoked || base == results.Absent) && ix.kind(pair) != remains &&
		r.Method != "" && ix.passOf(r) == ix.pass[pair] && !r.AnyPass && !r.run.header.AnyPass
}

func (ix *index) supersede(at place) { ix.logs.logs[at.log].superseded.set(int(at.row)) }

// open tells whether the pair is left to be done.
func (ix *index) open(pair uint32) bool {
	switch ix.kind(pair) {
	case remains:
		return true
	case verified:
		return false
	}
	return ix.base[pair] != dropped && results.Outcomes[ix.base[pair]].Left()
}

// A look is the last row of a proof about a user.
type look struct {
	kind  noteKind
	again bool // tried again, if it failed
	pair  uint32
	log   uint32
}

// byUser finds the pairs of a user, the latest first.
type byUser struct {
	latest map[uint64]uint32
	before []uint32
}

func (b *byUser) add(pair uint32, who uint64) {
	if b == nil {
		return
	}
	for len(b.before) <= int(pair) {
		b.before = append(b.before, none)
	}
	if latest, ok := b.latest[who]; ok {
		b.before[pair] = latest
	}
	b.latest[who] = pair
}

func (b *byUser) pairs(who uint64) (pairs []uint32) {
	if b == nil {
		return nil
	}
	pair, ok := b.latest[who]
	for ok && pair != none {
		pairs = append(pairs, pair)
		pair = b.before[pair]
	}
	return pairs
}

// proof takes in a row of tapsweep verify. It is about a user, whatever pairs there
// are, and stands for itself only if the log that it is of is not among these.
func (ix *index) proof(lg *log, r *head) {
	kind := unverified
	switch {
	case r.Outcome == results.Remains:
		kind = remains
	case r.Verified:
		kind = verified
	}
	list := ix.logs.lists[lg.listOf]
	pairs := ix.users.pairs(r.who) // the latest first
	if len(pairs) == 0 || ix.proven(pairs) {
		list.shown = true
		pair := ix.add(lg, r)
		ix.looks[r.who] = look{kind, r.Outcome.Again(), pair, r.at.log}
		return
	}
	pair := pairs[len(pairs)-1]
	if i := slices.IndexFunc(pairs, func(p uint32) bool { return ix.base[p] != dropped && !ix.another(p, r) }); i >= 0 {
		pair = pairs[i]
	}
	if _, again := ix.looks[r.who]; !again {
		list.saw(r.Source)
	}
	pair = ix.latest(pair)
	counts := false // as a row
	switch kind {
	case verified: // which is true of all passes of the user
		for _, p := range pairs {
			if ix.was(p, results.Revoked, results.Absent, results.Remains) {
				ix.annotate(p, verified, r)
				delete(ix.pending, p)
			}
		}
	case remains:
		// The pair of that very pass, or else one of which was said that nothing is there.
		done := func(p uint32) bool { return ix.was(p, results.Revoked, results.Absent, results.Remains) }
		own := slices.DeleteFunc(slices.Clone(pairs), func(p uint32) bool { return ix.another(p, r) })
		i := slices.IndexFunc(own, done)
		switch {
		case i >= 0:
			pair = own[i]
			ix.annotate(pair, remains, r)
		case len(own) > 0:
			pair = own[0] // and what became of it says so
		default:
			if i := slices.IndexFunc(pairs, func(p uint32) bool { return done(p) && p == ix.latest(p) }); i >= 0 && !done(pair) {
				pair = pairs[i]
			}
			if counts = done(pair) || ix.pass[pair] != uint32(ix.hash("")); counts {
				delete(ix.pending, pair)
				pair = ix.replace(pair, r)
				list.shown = true
			}
		}
		delete(ix.pending, pair)
	case unverified:
		if ix.was(pair, results.Revoked, results.Absent) && ix.kind(pair) == noNote {
			ix.annotate(pair, unverified, r)
			delete(ix.pending, pair)
		}
	}
	if !counts {
		ix.supersede(r.at)
	}
	ix.looks[r.who] = look{kind, r.Outcome.Again(), pair, r.at.log}
}

// proven reports whether all that is known of a user is what a proof has shown.
func (ix *index) proven(pairs []uint32) bool {
	return !slices.ContainsFunc(pairs, func(p uint32) bool {
		return int(ix.list[p]) >= len(ix.logs.lists) || !ix.logs.lists[ix.list[p]].proof
	})
}

// A rowNote is the note to a row that counts.
type rowNote struct {
	at         int64
	where, row uint32
}

// finish hands what is to be kept to the logs.
func (ix *index) finish() {
	ix.state, ix.users = results.State{}, nil // from here on there is more to keep, and no more to find
	many := make([]int, len(ix.logs.logs))
	for pair := range ix.notes {
		if ix.notes[pair].kind() != noNote && ix.base[pair] != dropped {
			many[ix.last[pair].log]++
		}
	}
	for i, lg := range ix.logs.logs {
		lg.notes = make([]rowNote, 0, many[i])
	}
	for pair, at := range ix.last {
		if ix.base[pair] == dropped {
			continue
		}
		if ix.beside.has(pair) {
			if ix.several.has(pair) {
				ix.logs.further++
			} else {
				ix.logs.beside++
			}
			ix.logs.logs[at.log].beside.set(int(at.row))
		} else {
			ix.logs.rows++
		}
		if ix.kind(uint32(pair)) != noNote {
			lg := ix.logs.logs[at.log]
			lg.notes = append(lg.notes, rowNote{ix.notes[pair].at, ix.notes[pair].where, at.row})
		}
	}
	for _, lg := range ix.logs.logs {
		slices.SortFunc(lg.notes, func(a, b rowNote) int { return int(a.row) - int(b.row) })
	}
	for _, k := range ix.looks {
		lg := ix.logs.logs[k.log]
		switch {
		case k.kind == remains && ix.open(k.pair):
			lg.remain++
		case k.kind == unverified && k.again:
			lg.unseen++
		}
	}
	ix.logs.users = len(ix.looked)
}
