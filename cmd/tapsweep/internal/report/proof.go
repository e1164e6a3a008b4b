package report

import (
	"cmp"
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
	row   uint32 // the row that it is a note to, in its log; see finish
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
func (ix *index) annotate(p uint32, kind noteKind, r *head) {
	if kind == noNote && int(p) >= len(ix.notes) {
		return
	}
	for int(p) >= len(ix.notes) {
		ix.notes = append(ix.notes, note{})
	}
	n := note{where: r.at.log<<2 | uint32(kind), at: r.offset}
	if kind == verified {
		n.at = utc(r.Time).UnixMilli()
	}
	ix.notes[p] = n
}

func (ix *index) kind(p uint32) noteKind {
	if int(p) < len(ix.notes) {
		return ix.notes[p].kind()
	}
	return noNote
}

// settle makes the row what became of the pair, or a note to it. It returns the pair that the
// row is about, which is another one where another pass came in place of one. seen reports
// whether the pair had a row before.
func (ix *index) settle(p uint32, r *head, seen bool) uint32 {
	for next, ok := ix.instead[p]; seen && ok; next, ok = ix.instead[p] {
		if ix.passOf(r) == ix.pairs[p].pass {
			// The old pass once more, which is gone: its row says what became of it.
			ix.supersede(r.at)
			if last := ix.last(p); r.Outcome == results.Absent && ix.was(last, results.Remains) {
				ix.annotate(last, verified, r)
			}
			return p
		}
		p = next
	}
	old := p
	if seen {
		p = ix.again(p, r)
	}
	delete(ix.pending, old)
	if r.Provisional {
		ix.pending[p] = r.run
	}
	return p
}

// again takes in a further row of a pair, and returns the pair that the row is about.
func (ix *index) again(p uint32, r *head) uint32 {
	run := ix.pending[p]
	kind := ix.annotates(p, run, r)
	if run == nil && kind != noNote && ix.lookOnly(p, r) {
		r.run.settled-- // a run before had
	}
	switch {
	case kind == remains && ix.another(p, r):
		return ix.replace(p, r)
	case kind != noNote:
		ix.supersede(r.at)
		ix.annotate(p, kind, r)
	case ix.gone(p, r) || ix.noNews(p, r):
		ix.supersede(r.at)
	case ix.was(p, results.Revoked) && ix.another(p, r):
		return ix.replace(p, r) // another list means any pass, and the user had been given one
	default:
		ix.take(p, r)
	}
	return p
}

// take makes the row take the place of the one before.
func (ix *index) take(p uint32, r *head) {
	ix.supersede(ix.pairs[p].at)
	ix.pairs[p].settledBy(r, ix.passOf(r))
	ix.annotate(p, noNote, r)
}

// another reports whether a look shows another pass than that of the pair.
func (ix *index) another(p uint32, r *head) bool {
	return r.Method != "" && ix.passOf(r) != ix.pairs[p].pass
}

// namesNone reports whether the row of a pair names no pass.
func (ix *index) namesNone(p uint32) bool { return ix.pairs[p].pass == uint32(ix.hash("")) }

// replace takes in a look that shows another pass than that of the pair. What was said of the
// old one stays, as a row beside: it has the request id, and the time of the delete. The new
// one is what is left to be done of the pair, so it counts.
func (ix *index) replace(p uint32, r *head) uint32 {
	if ix.namesNone(p) || ix.was(p, results.Remains) {
		ix.take(p, r) // nothing is said of any pass, or it was never ours
		return p
	}
	if ix.kind(p) != verified {
		ix.annotate(p, noNote, r)
	}
	next := ix.begin(noList, counted, r)
	ix.name(next, r)
	ix.instead[p] = next
	return next
}

// last is the pair of the pass that is left of the pair.
func (ix *index) last(p uint32) uint32 {
	for next, ok := ix.instead[p]; ok; next, ok = ix.instead[p] {
		p = next
	}
	return p
}

func (ix *index) outcome(p uint32) results.Outcome { return results.Outcomes[ix.pairs[p].outcome] }

func (ix *index) was(p uint32, outcomes ...results.Outcome) bool {
	return ix.pairs[p].role != dropped && slices.Contains(outcomes, ix.outcome(p))
}

// isGone reports whether the row of a pair says that its pass is gone.
func (ix *index) isGone(p uint32) bool { return ix.was(p, results.Revoked, results.Absent) }

// annotates returns the note to the pair that a row of it is. The last row of a pair that is
// verified repeats the answer of the one before; and if a run that resumes verifies what it
// finds done, its row has no answer.
func (ix *index) annotates(p uint32, run *Run, r *head) noteKind {
	base := ix.outcome(p)
	last := run != nil && run == r.run || r.Status == 0 && r.Attempts == 0
	switch {
	case r.Provisional || !ix.isGone(p):
		return noNote
	case r.Outcome == results.Remains:
		return remains
	case r.Outcome != base && r.Outcome != results.Absent:
		return noNote
	case r.Verified && (run != nil || last || r.Outcome != base || ix.lookOnly(p, r)):
		return verified
	case last || ix.lookOnly(p, r):
		return unverified
	}
	return noNote
}

// lookOnly reports whether a row is of a run with --verify that resumed the log, and had
// nothing else to do for the pair than to look: a pass is not deleted twice.
func (ix *index) lookOnly(p uint32, r *head) bool {
	at := ix.pairs[p].at
	return at.log == r.at.log && int(at.row) < r.run.from && r.run.header.Verify && !ix.another(p, r)
}

// noNews reports whether a row says only that a scan has found a pass of which more is known.
func (ix *index) noNews(p uint32, r *head) bool {
	return r.Outcome == results.Found && !ix.was(p, results.Found) && ix.outcome(p).Left()
}

// gone reports whether a row says nothing new about a pass that a run of another log has
// deleted. Such a pass does not come back: the run either did not touch it, or found it
// absent, which confirms the delete.
func (ix *index) gone(p uint32, r *head) bool {
	switch {
	case ix.kind(p) == remains || !ix.isGone(p):
		return false
	case r.Outcome == results.Absent:
		return ix.was(p, results.Revoked)
	}
	return (r.Outcome == results.NotSent || r.Outcome == results.Protected) &&
		r.Method != "" && !ix.another(p, r) && !r.AnyPass && !r.run.header.AnyPass
}

func (ix *index) supersede(at place) { ix.logs.logs[at.log].rows[at.row] = superseded }

// open reports whether the pair is left to be done.
func (ix *index) open(p uint32) bool {
	switch ix.kind(p) {
	case remains:
		return true
	case verified:
		return false
	}
	return ix.pairs[p].role != dropped && ix.outcome(p).Left()
}

// A look is the last row of a proof about a user.
type look struct {
	kind  noteKind
	again bool // tried again, if it failed
	pair  uint32
	log   uint32
}

// proof takes in a row of tapsweep verify. It is about a user, whatever pairs there are, and
// counts as a row only if the log that it is of is not among these.
func (ix *index) proof(lg *log, r *head) {
	kind := unverified
	switch {
	case r.Outcome == results.Remains:
		kind = remains
	case r.Verified:
		kind = verified
	}
	list := ix.logs.lists[lg.listOf]
	pairs := ix.pairsOf(r.who)
	if len(pairs) == 0 || ix.proven(pairs) {
		list.shown = true
		ix.looks[r.who] = look{kind, r.Outcome.Again(), ix.add(lg, r), r.at.log}
		return
	}
	if _, again := ix.looks[r.who]; !again {
		list.saw(r.Source)
	}
	p, isRow := ix.prove(kind, pairs, r)
	if isRow {
		list.shown = true
	} else {
		ix.supersede(r.at)
	}
	ix.looks[r.who] = look{kind, r.Outcome.Again(), p, r.at.log}
}

// prove takes in what a proof says of the pairs of a user, the latest first. It returns the pair
// that it is about, and whether its row counts for that pair.
func (ix *index) prove(kind noteKind, pairs []uint32, r *head) (p uint32, isRow bool) {
	p = pairs[len(pairs)-1]
	same := func(p uint32) bool { return ix.pairs[p].role != dropped && !ix.another(p, r) }
	if i := slices.IndexFunc(pairs, same); i >= 0 {
		p = pairs[i]
	}
	p = ix.last(p)
	switch kind {
	case verified: // which is true of all passes of the user
		for _, each := range pairs {
			if ix.hadPass(each) {
				ix.annotate(each, verified, r)
				delete(ix.pending, each)
			}
		}
	case remains:
		p, isRow = ix.proveRemains(p, pairs, r)
		delete(ix.pending, p)
	case unverified:
		if ix.isGone(p) && ix.kind(p) == noNote {
			ix.annotate(p, unverified, r)
			delete(ix.pending, p)
		}
	}
	return p, isRow
}

// hadPass reports whether the row of a pair says whether there is a pass.
func (ix *index) hadPass(p uint32) bool { return ix.isGone(p) || ix.was(p, results.Remains) }

// proveRemains takes in that a proof shows a pass. It is the pass of one of the pairs, or else
// came in place of one.
func (ix *index) proveRemains(p uint32, pairs []uint32, r *head) (about uint32, isRow bool) {
	own := slices.DeleteFunc(slices.Clone(pairs), func(p uint32) bool { return ix.another(p, r) })
	if i := slices.IndexFunc(own, ix.hadPass); i >= 0 {
		ix.annotate(own[i], remains, r)
		return own[i], false
	}
	if len(own) > 0 {
		return own[0], false // what became of it says so
	}
	last := func(p uint32) bool { return ix.hadPass(p) && p == ix.last(p) }
	if i := slices.IndexFunc(pairs, last); i >= 0 && !ix.hadPass(p) {
		p = pairs[i]
	}
	if !ix.hadPass(p) && ix.namesNone(p) {
		return p, false
	}
	delete(ix.pending, p)
	return ix.replace(p, r), true
}

// proven reports whether all that is known of a user is what a proof has shown.
func (ix *index) proven(pairs []uint32) bool {
	return !slices.ContainsFunc(pairs, func(p uint32) bool {
		list := ix.pairs[p].list
		return list == noList || !ix.logs.lists[list].proof
	})
}

// finish hands what is to be kept to the logs.
func (ix *index) finish() {
	ix.state, ix.latest = results.State{}, nil // from here on there is more to keep, and no more to find
	for i, p := range ix.pairs {
		if p.role == dropped {
			continue
		}
		lg := ix.logs.logs[p.at.log]
		_, replaced := ix.instead[uint32(i)]
		switch {
		case p.role == further:
			ix.logs.further++
		case replaced:
			ix.logs.beside++
		default:
			ix.logs.pairs++
		}
		if p.role == further || replaced {
			lg.rows[p.at.row] = beside
		}
		if ix.kind(uint32(i)) != noNote {
			n := ix.notes[i]
			n.row = p.at.row
			lg.notes = append(lg.notes, n)
		}
	}
	for _, lg := range ix.logs.logs {
		slices.SortFunc(lg.notes, func(a, b note) int { return cmp.Compare(a.row, b.row) })
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
	ix.logs.sessions, ix.logs.withoutSessions = ix.sessions.finish(ix.logs.logs)
}
