package report

import (
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A pass that is gone stays gone until a LIST shows a pass. So a row that only verifies does not replace the row that
// counts: that row keeps its time and its answer, and gets a note.

// A rowEffect is what a further row changes in an entry.
type rowEffect uint8

const (
	nothing  rowEffect = iota // the row has nothing new
	replaces                  // the row counts instead of the previous row
	follows                   // the row counts; the previous row stays listed as an earlier deleted pass

	// The row becomes a note to the row that counts.
	verified   // a LIST shows no pass
	remains    // a LIST shows the pass
	unverified // the passes could not be listed
)

// A note is the result of a verification of the row that counts.
type note struct {
	about  place  // the row that counts; see finish
	at     int64  // for a verified pass the time, in milliseconds of Unix time; otherwise the offset of the row
	log    uint32 // the log of that row
	effect rowEffect
}

func (n note) compare(at place) int { return n.about.compare(at) }

// noted returns the effect of the note of an entry, or nothing.
func (ix *index) noted(p uint32) rowEffect {
	if int(p) < len(ix.notes) {
		return ix.notes[p].effect
	}
	return nothing
}

func (ix *index) setNote(p uint32, n note) {
	if n.effect != nothing && ix.notes == nil {
		ix.notes = make([]note, 0, cap(ix.entries)) // it grows once, because each further step leaves garbage
	}
	for n.effect != nothing && int(p) >= len(ix.notes) {
		ix.notes = append(ix.notes, note{})
	}
	if int(p) < len(ix.notes) {
		ix.notes[p] = n
	}
}

// takeIn processes a further row for an entry.
func (ix *index) takeIn(p uint32, r *indexedRow) {
	before := ix.entries[p].at
	*ix.fate(r.at) = superseded
	switch does := ix.effectOf(p, r); does {
	case nothing:
	case replaces, follows:
		*ix.fate(before) = superseded
		if does == follows && ix.entries[p].pass != uint32(ix.hash("", "")) {
			*ix.fate(before) = beside
		}
		ix.setNote(p, note{})
		ix.setRow(p, r)
	case verified:
		ix.setNote(p, note{at: utc(r.Time).UnixMilli(), log: r.at.log, effect: does})
	default:
		ix.setNote(p, note{at: r.offset, log: r.at.log, effect: does})
	}
}

func (ix *index) effectOf(p uint32, r *indexedRow) rowEffect {
	e, gone, noted := &ix.entries[p], ix.isGone(p), ix.noted(p)
	fromVerify := r.run.header.Kind() == "verify" && !ix.logs.lists[e.list].ofVerify // the entry is of another command
	clear := r.Verified && (r.Outcome == results.Revoked || r.Outcome == results.Absent)
	another := r.Method != "" && ix.passOf(r) != e.pass
	switch {
	case *ix.fate(e.at) == superseded: // by dropNotFound
		return replaces
	case ix.hasOutcome(p, results.Guest) && !clear: // another run may not know that the user is a guest
		return nothing
	case r.Outcome == results.Guest, ix.deletesLate(p, r):
		return replaces
	case e.sessions && r.Outcome == results.NotSent && e.at.log == r.at.log && !fromVerify:
		return replaces // the run deleted another pass, so it had to revoke the sessions again
	case clear && (gone && !another || fromVerify && (gone || !e.sessions)):
		return verified
	case r.Outcome == results.Remains && gone && !another:
		return remains
	case another && (gone || fromVerify && r.Outcome == results.Remains):
		return follows
	case fromVerify && gone && noted == nothing:
		return unverified
	case fromVerify:
		return nothing
	case gone && noted != remains:
		return effectOnGone(r, noted, e.at)
	case r.Outcome == results.Found && results.Outcomes[e.outcome].Left():
		return nothing // a scan only finds the pass again; the previous row shows why it is left
	}
	return replaces
}

func (ix *index) hasOutcome(p uint32, outcomes ...results.Outcome) bool {
	return slices.Contains(outcomes, results.Outcomes[ix.entries[p].outcome])
}

// isGone reports whether the pass is gone, or the sessions are revoked, according to the row that counts.
func (ix *index) isGone(p uint32) bool { return ix.hasOutcome(p, results.Revoked, results.Absent) }

// deletesLate reports whether the row is about a pass that a run deleted after a LIST had shown no pass, or about
// sessions that a run revoked again.
func (ix *index) deletesLate(p uint32, r *indexedRow) bool {
	again := ix.hasOutcome(p, results.Absent) || ix.entries[p].sessions && !r.Verified
	return r.Outcome == results.Revoked && r.run.header.Kind() != "verify" && again
}

// effectOnGone returns the effect of a row without a pass on a pass that is gone according to the row at a place.
func effectOnGone(r *indexedRow, noted rowEffect, at place) rowEffect {
	switch r.Outcome {
	case results.Revoked, results.Absent:
		if r.run.header.Verify && !r.Provisional && noted == nothing {
			return unverified
		}
		return nothing
	case results.NotSent, results.Protected:
		// With AnyPass, the row also means a newer pass, unless its log began before the one with the deleted pass.
		if !r.AnyPass && !r.run.header.AnyPass || r.at.log < at.log {
			return nothing
		}
	}
	return replaces
}

// takeInVerify processes a row of tapsweep verify about a user with passes in other runs. If the user holds no pass,
// all of these passes are verified.
func (ix *index) takeInVerify(lg *sourceLog, r *indexedRow, passes []uint32) {
	ix.addSource(passes[len(passes)-1], lg.listOf, r, true)
	*ix.fate(r.at) = superseded
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
