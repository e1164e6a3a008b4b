package results

import (
	"hash/maphash"
	"strconv"
	"strings"
)

// A State is the last word of a log on each Key. The zero value is an empty log. It keeps a
// hash of each key and no text: some 30 bytes for each.
type State struct {
	seed   maphash.Seed
	words  map[uint64]word
	users  map[uint64]listed // by user, of scans
	digest string            // of the list of the run
	rows   uint32            // so far
}

// A word is the last row of a key.
type word struct {
	row     uint32 // its number in the log, from 1
	place   uint32 // a hash of the place on its list
	outcome uint8  // an index into Outcomes
	flags   flags
}

// flags are what else is known of a word.
type flags uint8

const (
	settled      flags = 1 << iota // a resumed run leaves it out
	verified                       // see Row.Verified
	perhaps                        // an earlier run may have deleted the pass, although the row does not say so
	perhapsKnown                   // whether that is so is known
)

func (w word) has(f flags) bool { return w.flags&f == f }

// listed is what is known of a user whose passes a scan has listed.
type listed struct {
	open int32 // words of the user that are not settled
	none bool  // none of the passes that the scan looks for was there
}

// outcomeIndex finds outcomes in Outcomes.
var outcomeIndex = func() map[Outcome]uint8 {
	index := make(map[Outcome]uint8)
	for i, o := range Outcomes {
		index[o] = uint8(i)
	}
	return index
}()

func (s *State) init() {
	if s.words == nil {
		s.seed, s.words, s.users = maphash.MakeSeed(), make(map[uint64]word), make(map[uint64]listed)
	}
}

// Apply takes in the next record of the log. If it is a row, done says that its key needs no
// further run.
func (s *State) Apply(rec *Record, done bool) {
	s.init()
	switch {
	case rec.Run != nil:
		s.digest = rec.Run.Digest
	case rec.Scanned != nil:
		for _, user := range rec.Scanned.Users {
			u := s.hash("", user)
			s.users[u] = listed{open: s.users[u].open, none: true}
			s.forgetFailure(user)
		}
	case rec.Row != nil:
		s.rows++
		s.row(rec.Row, done)
	}
}

// row takes in a row.
func (s *State) row(r *Row, done bool) {
	if r.Beside {
		return // the key has another row
	}
	id := s.id(r)
	before, w := s.words[id], word{row: s.rows, place: s.place(r), outcome: outcomeIndex[r.Outcome]}
	if done {
		w.flags |= settled
	}
	if r.Verified {
		w.flags |= verified
	}
	switch r.Outcome {
	case NotSent: // which says nothing of the requests before it
		w.flags |= before.flags & (perhaps | perhapsKnown)
	case Failed, Remains:
		w.flags |= perhapsKnown
		if r.Outcome == Failed || r.InPlaceOf == "" && !r.AnyPass {
			w.flags |= perhaps
		}
	case Unknown:
	default:
		w.flags |= perhapsKnown
	}
	s.words[id] = w
	if r.FromScan() {
		s.list(r, before, w)
	}
}

// list takes in that a scan has found a pass of a user, or could not list the passes.
func (s *State) list(r *Row, before, w word) {
	if r.Method != "" {
		s.forgetFailure(r.User)
	}
	u := s.hash("", r.User)
	l := s.users[u]
	l.none = false
	if before.row > 0 && !before.has(settled) {
		l.open--
	}
	if !w.has(settled) {
		l.open++
	}
	s.users[u] = l
}

// forgetFailure takes in that the passes of a user could be listed after all.
func (s *State) forgetFailure(user string) {
	id := s.key(listKey(user))
	w, ok := s.words[id]
	if !ok {
		return
	}
	delete(s.words, id)
	if u := s.hash("", user); !w.has(settled) {
		l := s.users[u]
		l.open--
		s.users[u] = l
	}
}

// id returns the hash by which the row is known: that of its key, or that of its place if it is
// about a line of its list and no more. That is also a further row about a protected user,
// which repeats the key of an earlier line.
func (s *State) id(r *Row) uint64 {
	key, ok := r.Key()
	if !ok {
		return s.lineID(r, s.digest)
	}
	id := s.key(key)
	w, known := s.words[id]
	if known && r.Outcome == Protected && Outcomes[w.outcome] == Protected && w.place != s.place(r) {
		return s.lineID(r, s.digest)
	}
	return id
}

// IsLast reports whether the row number n of the log, from 1, is the last word on its key. r is
// that row, and digest is that of its run's list.
func (s *State) IsLast(n int, r *Row, digest string) bool {
	for _, id := range []uint64{s.lineID(r, digest), s.rowKey(r)} {
		if w, ok := s.words[id]; ok && int(w.row) == n {
			return true
		}
	}
	return false
}

func (s *State) rowKey(r *Row) uint64 {
	key, _ := r.Key()
	return s.key(key)
}

func (s *State) key(k Key) uint64 { return s.hash(string(k.Action), k.User, k.Method) }

// lineID is the hash of the line of a list on which a row stands, and of its user.
func (s *State) lineID(r *Row, digest string) uint64 {
	return s.hash("line", r.User, r.Source, strconv.Itoa(r.Line), strconv.Itoa(r.Column), digest)
}

// place is a hash of the place of a row on its list.
func (s *State) place(r *Row) uint32 {
	return uint32(s.hash("place", "", r.Source, strconv.Itoa(r.Line), strconv.Itoa(r.Column)))
}

func (s *State) hash(kind, user string, more ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(kind)
	h.WriteByte(0)
	h.WriteString(strings.ToLower(user))
	for _, text := range more {
		h.WriteByte(0)
		h.WriteString(text)
	}
	return h.Sum64()
}

// counts are the settled words by outcome, and how many of these are verified.
func (s *State) counts() (counts map[Outcome]int, all, proven int) {
	counts = make(map[Outcome]int)
	for _, w := range s.words {
		if w.has(settled) {
			all++
			counts[Outcomes[w.outcome]]++
		}
		if w.has(settled | verified) {
			proven++
		}
	}
	return counts, all, proven
}
