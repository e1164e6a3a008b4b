package results

import (
	"hash/maphash"
	"strconv"
	"strings"
)

// A State is the last word of a log on each Key. The zero value is an empty log. It keeps a
// hash of each key and no text: some 40 bytes for each. Keys are numbered from 0 in the order
// in which they come.
type State struct {
	seed   maphash.Seed
	ids    map[uint64]uint32 // the number of a key or a line, by its hash
	words  []word            // by number
	users  map[uint64]listed // by user, of scans
	digest string            // of the list of the run
	rows   uint32            // so far
}

// A word is the last row of a key.
type word struct {
	row     uint32 // its number in the log, from 1; 0 if the key does not count any more
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
	if s.ids == nil {
		s.seed, s.ids, s.users = maphash.MakeSeed(), make(map[uint64]uint32), make(map[uint64]listed)
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
	n := s.Add(r, s.digest)
	before, w := s.words[n], word{row: s.rows, place: s.place(r), outcome: outcomeIndex[r.Outcome]}
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
	s.words[n] = w
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
	n, known := s.ForgetFailure(user)
	if !known {
		return
	}
	if !s.words[n].has(settled) {
		u := s.hash("", user)
		l := s.users[u]
		l.open--
		s.users[u] = l
	}
	s.words[n] = word{}
}

// Find returns the number of what a row is about: its key, or the line of a list with that
// digest if it is about no more than that. That is also a further row about a protected user,
// which repeats the key of an earlier line.
func (s *State) Find(r *Row, digest string) (n uint32, known bool) {
	_, n, known = s.find(r, digest)
	return n, known
}

// Add is Find, but gives a number to what is new.
func (s *State) Add(r *Row, digest string) uint32 {
	s.init()
	id, n, known := s.find(r, digest)
	if !known {
		n = uint32(len(s.words))
		s.ids[id] = n
		s.words = append(s.words, word{place: s.place(r), outcome: outcomeIndex[r.Outcome]})
	}
	return n
}

func (s *State) find(r *Row, digest string) (id uint64, n uint32, known bool) {
	key, ok := r.Key()
	if ok {
		id = s.key(key)
		n, known = s.ids[id]
	}
	if !ok || known && r.Outcome == Protected && s.word(n).outcome == outcomeIndex[Protected] &&
		s.word(n).place != s.place(r) {
		id = s.lineID(r, digest)
		n, known = s.ids[id]
	}
	return id, n, known
}

func (s *State) word(n uint32) word { return s.words[n] }

// Bind makes a row find the number n, which another key has.
func (s *State) Bind(r *Row, digest string, n uint32) {
	id, _, _ := s.find(r, digest)
	s.ids[id] = n
}

// New returns a number that nothing finds, for what a row is about.
func (s *State) New(r *Row) uint32 {
	s.words = append(s.words, word{place: s.place(r), outcome: outcomeIndex[r.Outcome]})
	return uint32(len(s.words) - 1)
}

// Set makes the row the last word on the number n.
func (s *State) Set(n uint32, r *Row) {
	s.words[n] = word{place: s.place(r), outcome: outcomeIndex[r.Outcome]}
}

// Note notes that the last word on the number n is about a pass, which may be another one than
// that of its key: the list names any pass, or names it by another name of the user.
func (s *State) Note(user, method string, n uint32) { s.ids[s.about(user, method)] = n }

// About returns a number whose last word is about a pass, as noted.
func (s *State) About(user, method string) (n uint32, known bool) {
	n, known = s.ids[s.about(user, method)]
	return n, known
}

func (s *State) about(user, method string) uint64 {
	return s.hash("about", user, strings.ToLower(method))
}

// ForgetFailure forgets that the passes of a user could not be listed, and returns the number of
// that.
func (s *State) ForgetFailure(user string) (n uint32, known bool) {
	id := s.key(listKey(user))
	n, known = s.ids[id]
	delete(s.ids, id)
	return n, known
}

// get returns the last word on a key, by its hash.
func (s *State) get(id uint64) (w word, known bool) {
	n, known := s.ids[id]
	if known {
		w = s.words[n]
	}
	return w, known
}

// IsLast reports whether the row number n of the log, from 1, is the last word on its key. r is
// that row, and digest is that of its run's list.
func (s *State) IsLast(n int, r *Row, digest string) bool {
	for _, id := range []uint64{s.lineID(r, digest), s.rowKey(r)} {
		if w, ok := s.get(id); ok && int(w.row) == n {
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
	s.init()
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
