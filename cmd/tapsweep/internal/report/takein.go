package report

import (
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A pass that is gone stays gone until a LIST shows a pass. So a row that only verifies does not replace the row that
// counts: that row keeps its time and its answer, and gets a note.

// A note is the result of a verification of the row that counts.
type note struct {
	at    int64  // for a verified pass the time, in milliseconds of Unix time; otherwise the offset of the row
	where uint32 // the log of that row, shifted, and the kind
	row   uint32 // the row that the note is about, in its log; see finish
}

type noteKind uint32

const (
	noNote     noteKind = iota
	verified            // a LIST shows no pass
	remains             // a LIST shows the pass
	unverified          // the passes could not be listed
)

func (n note) kind() noteKind { return noteKind(n.where & 3) }
func (n note) log() int       { return int(n.where >> 2) }

// annotate sets the note of an entry.
func (ix *index) annotate(p uint32, kind noteKind, r *indexedRow) {
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

func (ix *index) hasOutcome(p uint32, outcomes ...results.Outcome) bool {
	return slices.Contains(outcomes, results.Outcomes[ix.entries[p].outcome])
}

// isGone reports whether the pass is gone, or the sessions are revoked, according to the row that counts.
func (ix *index) isGone(p uint32) bool { return ix.hasOutcome(p, results.Revoked, results.Absent) }

// A rowEffect is what a further row changes in an entry.
type rowEffect uint8

const (
	nothing  rowEffect = iota // the row has nothing new
	replaces                  // the row counts instead of the previous row
	follows                   // the row counts; the previous row stays listed as an earlier deleted pass
	notes                     // the row becomes a note to the previous row
)

// takeIn processes a further row for an entry.
func (ix *index) takeIn(p uint32, r *indexedRow) {
	does, kind := ix.effectOf(p, r)
	before := ix.entries[p].at
	ix.setFate(r.at, superseded)
	switch does {
	case notes:
		ix.annotate(p, kind, r)
	case replaces, follows:
		ix.setFate(before, superseded)
		if does == follows && ix.entries[p].pass != uint32(ix.hash("", "")) {
			ix.setFate(before, beside)
			ix.logs.beside++
		}
		ix.setRow(p, r)
		ix.annotate(p, noNote, r)
	}
}

// effectOf returns the effect of a further row, and the kind of its note.
func (ix *index) effectOf(p uint32, r *indexedRow) (rowEffect, noteKind) {
	e, gone := &ix.entries[p], ix.isGone(p)
	fromVerify := r.run.kind() == "verify" && !ix.logs.lists[e.list].ofVerify // the entry is of another command
	clear := r.Verified && (r.Outcome == results.Revoked || r.Outcome == results.Absent)
	another := r.Method != "" && ix.passOf(r) != e.pass
	switch {
	case ix.deletesLate(p, r):
		return replaces, noNote
	case clear && (gone && !another || fromVerify && (gone || e.about == aPass)):
		return notes, verified
	case r.Outcome == results.Remains && gone && !another:
		return notes, remains
	case another && (gone || fromVerify && r.Outcome == results.Remains):
		return follows, noNote
	case fromVerify && gone && ix.kind(p) == noNote:
		return notes, unverified
	case fromVerify:
		return nothing, noNote
	case !gone || ix.kind(p) == remains:
		return ix.effectOnLeft(p, r), noNote
	}
	return ix.effectOnGone(p, r)
}

// deletesLate reports whether the row is about a pass that a run deleted after a LIST had shown no pass, or about
// sessions that a run revoked again.
func (ix *index) deletesLate(p uint32, r *indexedRow) bool {
	again := ix.hasOutcome(p, results.Absent) || ix.entries[p].about == sessions && !r.Verified
	return r.Outcome == results.Revoked && r.run.kind() != "verify" && again
}

// effectOnLeft returns the effect of a row on a pass that is not gone. If a scan only finds the pass again, the
// previous row counts, because it shows why the pass is left.
func (ix *index) effectOnLeft(p uint32, r *indexedRow) rowEffect {
	left := results.Outcomes[ix.entries[p].outcome].Left()
	if r.Outcome == results.Found && left {
		return nothing
	}
	return replaces
}

// effectOnGone returns the effect of a row without a pass on a pass that is gone.
func (ix *index) effectOnGone(p uint32, r *indexedRow) (rowEffect, noteKind) {
	switch r.Outcome {
	case results.Revoked, results.Absent:
		if r.run.header.Verify && !r.Provisional && ix.kind(p) == noNote {
			return notes, unverified
		}
		return nothing, noNote
	case results.NotSent, results.Protected:
		if !r.AnyPass && !r.run.header.AnyPass { // with AnyPass, the row also means a newer pass
			return nothing, noNote
		}
	}
	return replaces, noNote
}

// takeInVerify processes a row of tapsweep verify about a user with passes in other runs. If the user holds no pass,
// all of these passes are verified.
func (ix *index) takeInVerify(lg *sourceLog, r *indexedRow, passes []uint32) {
	ix.addSource(passes[len(passes)-1], lg.listOf, r.Source, true)
	ix.setFate(r.at, superseded)
	if r.Outcome == results.Remains {
		passes = passes[ix.whichRemains(passes, r):][:1]
	}
	for _, p := range passes {
		ix.takeIn(p, r)
	}
	if r.Outcome == results.Remains {
		ix.name(passes[0], r)
	}
}

// whichRemains returns the index of the pass that the row is about. It tries in order: the pass in the row if it is
// gone, the pass in the row, a pass that is gone, the latest pass.
func (ix *index) whichRemains(passes []uint32, r *indexedRow) int {
	named := func(p uint32) bool { return ix.entries[p].pass == ix.passOf(r) }
	namedGone := func(p uint32) bool { return named(p) && ix.isGone(p) }
	for _, is := range []func(uint32) bool{namedGone, named, ix.isGone} {
		if i := slices.IndexFunc(passes, is); i >= 0 {
			return i
		}
	}
	return 0
}
