package report

import (
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A pass that is gone stays gone until a LIST shows a pass. So a row that only verifies does not count in place of
// the row before: that one keeps its time and its answer, and gets a note.

// A note is what a row that verifies says about the row that counts.
type note struct {
	at    int64  // of a verified pass the time, in milliseconds of Unix time; otherwise the offset of the row
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

// annotate gives an entry a note in place of the one before.
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

func (ix *index) hasOutcome(p uint32, outcomes ...results.Outcome) bool {
	return slices.Contains(outcomes, results.Outcomes[ix.entries[p].outcome])
}

// isGone reports whether the row that counts says that the pass is gone, or that the sessions are revoked.
func (ix *index) isGone(p uint32) bool { return ix.hasOutcome(p, results.Revoked, results.Absent) }

// A rowEffect is what a further row does with an entry.
type rowEffect uint8

const (
	nothing  rowEffect = iota // it says nothing new
	replaces                  // it counts in place of the row before
	follows                   // it counts, and the row before stays listed: that pass was deleted before this one came
	notes                     // it is a note to the row before
)

// takeIn takes in a further row about what an entry is about.
func (ix *index) takeIn(p uint32, r *head) {
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

// effectOf returns what a further row does, and what it says if it verifies.
func (ix *index) effectOf(p uint32, r *head) (rowEffect, noteKind) {
	e, gone := &ix.entries[p], ix.isGone(p)
	proves := r.run.kind() == "verify" && !ix.logs.lists[e.list].proof // a row of another command counts
	clear := r.Verified && (r.Outcome == results.Revoked || r.Outcome == results.Absent)
	another := r.Method != "" && ix.passOf(r) != e.pass
	switch {
	case ix.deletesLate(p, r):
		return replaces, noNote
	case clear && (gone && !another || proves && (gone || e.about == aPass)):
		return notes, verified
	case r.Outcome == results.Remains && gone && !another:
		return notes, remains
	case another && (gone || proves && r.Outcome == results.Remains):
		return follows, noNote
	case proves && gone && ix.kind(p) == noNote:
		return notes, unverified
	case proves:
		return nothing, noNote
	case !gone || ix.kind(p) == remains:
		return ix.effectOnLeft(p, r), noNote
	}
	return ix.effectOnGone(p, r)
}

// deletesLate reports whether the row is of a pass that a run has deleted after a LIST had shown none, or of sessions
// that a run has revoked again.
func (ix *index) deletesLate(p uint32, r *head) bool {
	again := ix.hasOutcome(p, results.Absent) || ix.entries[p].about == sessions && !r.Verified
	return r.Outcome == results.Revoked && r.run.kind() != "verify" && again
}

// effectOnLeft returns what a row does about a pass that is not gone. A scan that finds the pass again says less
// than the row that says why it is left.
func (ix *index) effectOnLeft(p uint32, r *head) rowEffect {
	left := results.Outcomes[ix.entries[p].outcome].Left()
	if r.Outcome == results.Found && left {
		return nothing
	}
	return replaces
}

// effectOnGone returns what a row that shows no pass does about one that is gone.
func (ix *index) effectOnGone(p uint32, r *head) (rowEffect, noteKind) {
	switch r.Outcome {
	case results.Revoked, results.Absent:
		if r.run.header.Verify && !r.Provisional && ix.kind(p) == noNote {
			return notes, unverified
		}
		return nothing, noNote
	case results.NotSent, results.Protected:
		if !r.AnyPass && !r.run.header.AnyPass { // otherwise it means a pass that came since, too
			return nothing, noNote
		}
	}
	return replaces, noNote
}

// proof takes in a row of tapsweep verify about a user of whom other runs knew passes. That the user holds none is
// true of all of them.
func (ix *index) proof(lg *sourceLog, r *head, passes []uint32) {
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

// whichRemains returns which of the passes a row is about: the one that it names, or one that is gone, in whose
// place it came. If two rows name the pass, the one counts that says that it is gone.
func (ix *index) whichRemains(passes []uint32, r *head) int {
	named := func(p uint32) bool { return ix.entries[p].pass == ix.passOf(r) }
	namedGone := func(p uint32) bool { return named(p) && ix.isGone(p) }
	for _, is := range []func(uint32) bool{namedGone, named, ix.isGone} {
		if i := slices.IndexFunc(passes, is); i >= 0 {
			return i
		}
	}
	return 0
}
