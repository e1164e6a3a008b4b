package report

import (
	"cmp"
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A row that only verifies, of a run with --verify or of tapsweep verify, does not count in place of
// the row before it: that one keeps its time, answer and outcome, and gets a note. Only a pass that
// is still there changes the outcome.

// A note is what a row that verifies says.
type note struct {
	at    int64  // of a verified pass the time, in milliseconds of Unix time; otherwise the offset of the row
	where uint32 // the log of that row, shifted, and the kind
	row   uint32 // the row that the note is about, in its log; see finish
}

type noteKind uint32

const (
	noNote     noteKind = iota
	verified            // the user holds no pass
	remains             // the user holds a pass
	unverified          // the passes could not be listed
)

func (n note) kind() noteKind { return noteKind(n.where & 3) }
func (n note) log() int       { return int(n.where >> 2) }

// annotate gives the pass a note in place of the one before.
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

// An effect is what a further row about a pass does.
type effect uint8

const (
	takes     effect = iota // it counts in place of the row before
	isNote                  // it is a note to the row before
	isNothing               // it says nothing new
	isAnother               // it is about another pass that came in place of the one before
)

// takeIn takes in a row about a pass. It returns the pass that the row is about, which is another one
// if that came in its place. seen reports whether the pass had a row before.
func (ix *index) takeIn(p uint32, r *head, seen bool) uint32 {
	for next, ok := ix.instead[p]; seen && ok; next, ok = ix.instead[p] {
		if ix.passOf(r) == ix.pairs[p].pass { // the old pass again, which has its row
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

// again takes in a further row about a pass, and returns the pass that the row is about.
func (ix *index) again(p uint32, r *head) uint32 {
	effect, kind := ix.effectOf(p, r)
	if ix.pending[p] == nil && kind != noNote && ix.verifiesOnly(p, r) {
		r.run.completed-- // an earlier run completed it
	}
	switch effect {
	case takes:
		ix.take(p, r)
	case isNote:
		ix.annotate(p, kind, r)
		ix.supersede(r.at)
	case isNothing:
		ix.supersede(r.at)
	case isAnother:
		return ix.replace(p, r)
	}
	return p
}

// effectOf returns what a further row about a pass does, and what it says if it verifies.
func (ix *index) effectOf(p uint32, r *head) (effect, noteKind) {
	kind := ix.noteOf(p, r)
	switch {
	case kind == remains && ix.another(p, r):
		return isAnother, kind
	case kind != noNote:
		return isNote, kind
	case ix.staysGone(p, r), r.Outcome == results.Found && !ix.was(p, results.Found) && ix.outcome(p).Left():
		return isNothing, kind
	case ix.was(p, results.Revoked) && ix.another(p, r): // a list that means any pass, and a new one
		return isAnother, kind
	}
	return takes, kind
}

// noteOf returns what a row says if it only verifies a pass that is gone. The last row of a pass
// that is verified repeats the answer of the row before; a run that resumes and verifies writes rows
// without an answer.
func (ix *index) noteOf(p uint32, r *head) noteKind {
	verifying, base := ix.pending[p], ix.outcome(p)
	only := verifying != nil && verifying == r.run || r.Status == 0 && r.Attempts == 0 || ix.verifiesOnly(p, r)
	switch {
	case r.Provisional || !ix.isGone(p):
		return noNote
	case r.Outcome == results.Remains:
		return remains
	case r.Outcome != base && r.Outcome != results.Absent:
		return noNote
	case r.Verified && (only || verifying != nil || r.Outcome != base):
		return verified
	case only:
		return unverified
	}
	return noNote
}

// verifiesOnly reports whether the row is of a run with --verify that resumed the log of the pass,
// which was gone before: the run deletes no pass twice.
func (ix *index) verifiesOnly(p uint32, r *head) bool {
	at := ix.pairs[p].at
	return at.log == r.at.log && int(at.row) < r.run.from && r.run.header.Verify && !ix.another(p, r)
}

// staysGone reports whether the row says nothing new about a pass that is gone. Such a pass does not
// come back: the run did not touch it, or found it absent, which confirms the delete.
func (ix *index) staysGone(p uint32, r *head) bool {
	switch {
	case ix.kind(p) == remains || !ix.isGone(p):
		return false
	case r.Outcome == results.Absent:
		return ix.was(p, results.Revoked)
	}
	return (r.Outcome == results.NotSent || r.Outcome == results.Protected) &&
		r.Method != "" && !ix.another(p, r) && !r.AnyPass && !r.run.header.AnyPass
}

// take makes the row count in place of the one before.
func (ix *index) take(p uint32, r *head) {
	ix.supersede(ix.pairs[p].at)
	ix.pairs[p].setRow(r, ix.passOf(r))
	ix.annotate(p, noNote, r)
}

// another reports whether the row names another pass.
func (ix *index) another(p uint32, r *head) bool {
	return r.Method != "" && ix.passOf(r) != ix.pairs[p].pass
}

// namesNone reports whether the row that counts names no pass.
func (ix *index) namesNone(p uint32) bool { return ix.pairs[p].pass == uint32(ix.hash("")) }

// replace takes in that the user holds another pass. The row about the old one, which has the
// request id and the time of the delete, stays as a row beside. The new one is left, so it counts.
func (ix *index) replace(p uint32, r *head) uint32 {
	if ix.namesNone(p) || ix.was(p, results.Remains) {
		ix.take(p, r) // the old row is about no pass that was deleted
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

// last returns the last pass that came in place of a pass, or the pass itself.
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

// isGone reports whether the row says that the pass is gone.
func (ix *index) isGone(p uint32) bool { return ix.was(p, results.Revoked, results.Absent) }

// hadPass reports whether the row says that the pass is gone, or is still there.
func (ix *index) hadPass(p uint32) bool { return ix.isGone(p) || ix.was(p, results.Remains) }

// supersede makes a row count no more.
func (ix *index) supersede(at place) { ix.logs.logs[at.log].rows[at.row] = superseded }

// isLeft reports whether something is left to do about a pass.
func (ix *index) isLeft(p uint32) bool {
	switch ix.kind(p) {
	case remains:
		return true
	case verified:
		return false
	}
	return ix.pairs[p].role != dropped && ix.outcome(p).Left()
}

// A look is the last row of tapsweep verify about a user.
type look struct {
	kind  noteKind
	again bool // a run that resumes lists the passes again
	pair  uint32
	log   uint32
}

// proof takes in a row of tapsweep verify. It is about a user, whatever passes are known. It counts
// as a row only if the log that it verifies is not in the report.
func (ix *index) proof(lg *log, r *head) {
	kind := unverified
	switch {
	case r.Outcome == results.Remains:
		kind = remains
	case r.Verified:
		kind = verified
	}
	list, pairs := ix.logs.lists[lg.listOf], ix.pairsOf(r.who)
	_, again := ix.looks[r.who]
	var p uint32
	counts := slices.IndexFunc(pairs, ix.isOfLog) < 0
	if counts {
		p = ix.add(lg, r)
	} else {
		if !again {
			list.saw(r.Source)
		}
		if p, counts = ix.prove(kind, pairs, r); !counts {
			ix.supersede(r.at)
		}
	}
	list.shown = list.shown || counts
	ix.looks[r.who] = look{kind, r.Outcome.Again(), p, r.at.log}
}

// isOfLog reports whether a pass is known from a run that does more than verify.
func (ix *index) isOfLog(p uint32) bool {
	list := ix.pairs[p].list
	return list == noList || !ix.logs.lists[list].proof
}

// prove takes in what a row of tapsweep verify says about the passes of a user, the latest first. It
// returns the pass that it is about, and whether the row counts for that pass.
func (ix *index) prove(kind noteKind, pairs []uint32, r *head) (p uint32, counts bool) {
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
		p, counts = ix.proveRemains(p, pairs, r)
		delete(ix.pending, p)
	case unverified:
		if ix.isGone(p) && ix.kind(p) == noNote {
			ix.annotate(p, unverified, r)
			delete(ix.pending, p)
		}
	}
	return p, counts
}

// proveRemains takes in that the user holds a pass: one that is known, or another in place of one.
func (ix *index) proveRemains(p uint32, pairs []uint32, r *head) (about uint32, counts bool) {
	own := slices.DeleteFunc(slices.Clone(pairs), func(p uint32) bool { return ix.another(p, r) })
	if i := slices.IndexFunc(own, ix.hadPass); i >= 0 {
		ix.annotate(own[i], remains, r)
		return own[i], false
	}
	if len(own) > 0 {
		return own[0], false // its row says already that it is left
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

// finish hands what is to be kept to the logs.
func (ix *index) finish() {
	ix.state, ix.latest = results.State{}, nil // which nothing needs any more
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
		case k.kind == remains && ix.isLeft(k.pair):
			lg.remain++
		case k.kind == unverified && k.again:
			lg.unseen++
		}
	}
	ix.logs.users = len(ix.looked)
	ix.logs.sessions, ix.logs.withoutSessions = ix.sessions.finish(ix.logs.logs)
}
