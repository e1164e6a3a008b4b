package results

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// A State is the last word of a log on each Key. The zero value is an empty log. It keeps a
// hash of each key and no text: some 38 bytes for each.
type State struct {
	seed   maphash.Seed
	words  map[uint64]word        // by the hash of the key, or of the line
	users  map[uint64]scannedUser // by user, of scans
	digest string                 // of the list of the run
	rows   uint32                 // so far
}

// A word is the last row of a key. It is small, because a log may have millions.
type word struct {
	ref     uint32 // the number of the row in the log, from 1
	outcome uint8  // an index into Outcomes
	flags   flags
}

// flags are what else is known of a word.
type flags uint8

const (
	completed flags = 1 << iota // a resumed run leaves it out
	verified                    // see Row.Verified
	sessions                    // it is about the sessions of a user
	maybeGone                   // the pass may be deleted, although the row does not say so
)

func (w word) has(f flags) bool { return w.flags&f == f }

// scannedUser is what is known of a user whose passes a scan has listed.
type scannedUser struct {
	open int32 // words of the user that are not completed
	none bool  // none of the passes that the scan looks for was there
}

func (s *State) init() {
	if s.words == nil {
		s.seed, s.words, s.users = maphash.MakeSeed(), make(map[uint64]word), make(map[uint64]scannedUser)
	}
}

// apply takes in the next record of the log. If it is a row, done says that its key needs no
// further run.
func (s *State) apply(rec *Record, done bool) {
	s.init()
	switch rec.Kind {
	case KindRun:
		s.digest = rec.Run.Digest
	case KindScanned:
		for _, user := range rec.Scanned.Users {
			u := s.hash("", user)
			s.users[u] = scannedUser{open: s.users[u].open, none: true}
			s.forgetFailure(user)
		}
	case KindRow, KindSessions:
		s.rows++
		s.row(rec.Row, done)
	}
}

// row takes in a row.
func (s *State) row(r *Row, done bool) {
	if r.Beside {
		return // the key has another row
	}
	id := s.id(r, s.digest)
	before := s.words[id]
	w := word{ref: s.rows, outcome: uint8(slices.Index(Outcomes, r.Outcome))}
	if done {
		w.flags |= completed
	}
	if r.Verified {
		w.flags |= verified
	}
	if r.Action == RevokeSessions {
		w.flags |= sessions
	}
	switch {
	case r.Outcome == NotSent: // which says nothing of the requests before it
		w.flags |= before.flags & maybeGone
	case r.Outcome == Failed, r.Outcome == Unknown, r.Outcome == Remains && r.InPlaceOf == "" && !r.AnyPass:
		w.flags |= maybeGone
	}
	s.words[id] = w
	if r.Action != RevokeSessions && r.FromScan() {
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
	if before.ref > 0 && !before.has(completed) {
		l.open--
	}
	if !w.has(completed) {
		l.open++
	}
	s.users[u] = l
}

// forgetFailure forgets that the passes of a user could not be listed, because they could be later.
func (s *State) forgetFailure(user string) {
	id := s.key(listKey(user))
	w, known := s.words[id]
	if l, ok := s.users[s.hash("", user)]; ok && known && !w.has(completed) {
		l.open--
		s.users[s.hash("", user)] = l
	}
	delete(s.words, id)
}

// id is the hash of what a row is about.
func (s *State) id(r *Row, digest string) uint64 {
	if key, ok := r.Key(); ok {
		return s.key(key)
	}
	return s.lineID(r, digest)
}

// isLast reports whether the row number n of the log, from 1, is the last word on its key. r is
// that row, and digest is that of its run's list.
func (s *State) isLast(n int, r *Row, digest string) bool {
	return int(s.words[s.id(r, digest)].ref) == n
}

func (s *State) key(k Key) uint64 { return s.hash(string(k.Action), k.User, k.Method) }

// lineID is the hash of the line of a list on which a row stands, and of its user.
func (s *State) lineID(r *Row, digest string) uint64 {
	return s.hash("line", r.User, r.Source, strconv.Itoa(r.Line), strconv.Itoa(r.Column), digest)
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

// counts are the completed words by outcome, those about sessions or the others, and how many of these
// are verified.
func (s *State) counts(ofSessions bool) (counts map[Outcome]int, all, proven int) {
	counts = make(map[Outcome]int)
	for _, w := range s.words {
		if !w.has(completed) || w.has(sessions) != ofSessions {
			continue
		}
		all++
		counts[Outcomes[w.outcome]]++
		if w.has(verified) {
			proven++
		}
	}
	return counts, all, proven
}
