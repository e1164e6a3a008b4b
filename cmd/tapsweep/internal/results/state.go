package results

import (
	"hash/maphash"
	"slices"
	"strings"
)

// A State finds the last row of each Key of one or more logs. The zero value is an empty log. For each key it keeps a
// hash and no text, which takes about 38 bytes, and for each row one byte.
type State struct {
	seed   maphash.Seed
	words  map[uint64]word        // by the hash of the key, or of the line of the list
	users  map[uint64]scannedUser // the users whose passes a scan listed, by hash of the user
	run    *Header                // the run whose rows are being read
	last   []bool                 // by row: it is the last row of its key, or of its line
	before int                    // the number of rows of the log before that run
	now    int64                  // the time of the last row or run, in ms since 1970

	// These are only set if several logs are read.
	others int     // the number of rows of the logs before this one
	times  []int64 // by row: its time, in ms since 1970
}

// A word is the last row of a key. It is small, because a log may have millions of keys.
type word struct {
	ref     uint32 // the number of the row in the log, from 1; see noteSessions
	outcome uint8  // an index into Outcomes
	flags   flags
}

// flags are further properties of a word.
type flags uint8

const (
	completed flags = 1 << iota // a resumed run skips it
	verified                    // see Row.Verified
	sessions                    // the row is about the sessions of a user
	maybeGone                   // the pass may be gone, although the row does not show it
	noPass                      // see Row.AboutPass
	lapses                      // see Row.Lapses; or sessions without a row, see noteSessions
	replaced                    // the run that resumes the log has another row for the key
)

func (w word) has(f flags) bool { return w.flags&f == f }

// scannedUser is the state of a user whose passes a scan listed.
type scannedUser struct {
	open int32 // how many words of the user are not completed
	none bool  // the user had no pass that the scan looks for
}

// apply processes the next record of the log. If it is a row, done is set if a resumed run has nothing to do for
// its key.
func (s *State) apply(rec *Record, done bool) {
	switch {
	case rec.Run != nil:
		s.run, s.before, s.now = rec.Run, len(s.last), rec.Run.Start.UnixMilli()
	case rec.Scanned != nil:
		for _, user := range rec.Scanned.Users {
			u := s.hash("", user)
			s.users[u] = scannedUser{open: s.users[u].open, none: true}
			s.forgetFailure(user)
		}
	case rec.Row != nil:
		s.last, s.now = append(s.last, false), rec.Row.Time.UnixMilli()
		s.row(rec.Row, done)
	case rec.End != nil:
		if s.run.ScanComplete(rec.End) {
			s.dropNotFound(s.before)
		}
	}
}

// dropNotFound drops what earlier runs of the log left, and the last run did not find again. Only the first rows are of
// earlier runs.
func (s *State) dropNotFound(rows int) {
	for id, w := range s.words {
		if w.has(lapses) && int(w.ref) > s.others && int(w.ref) <= rows {
			s.supersede(w)
			w.flags |= replaced
			s.words[id] = w
		}
	}
}

func (s *State) row(r *Row, done bool) {
	if r.Beside {
		return // the key has another row
	}
	id := s.id(s.run, r)
	before := s.words[id]
	if s.isNewer(before) {
		return
	}
	s.supersede(before)
	s.last[len(s.last)-1] = true
	w := word{ref: uint32(len(s.last)), outcome: uint8(slices.Index(Outcomes, r.Result()))}
	if done {
		w.flags |= completed
	}
	if r.Verified {
		w.flags |= verified
	}
	if r.Action == RevokeSessions {
		w.flags |= sessions
	}
	if !r.AboutPass() {
		w.flags |= noPass
	}
	if r.Lapses() {
		w.flags |= lapses
	}
	switch {
	case r.Outcome == NotSent: // an earlier run may have sent the delete
		w.flags |= before.flags & maybeGone
	case r.Outcome == Failed, r.Outcome == Unknown, r.Outcome == Remains && r.InPlaceOf == "":
		w.flags |= maybeGone
	}
	s.words[id] = w
	if r.Action != RevokeSessions && r.FromScan() {
		s.noteListing(r, before, w)
	}
}

// isNewer reports whether a word, which may be zero, is of another log and newer than the record. In one log, the order
// of the rows decides which is the last one.
func (s *State) isNewer(w word) bool {
	return w.ref > 0 && int(w.ref) <= s.others && s.times[w.ref-1] > s.now
}

// supersede records that a word, which may be zero, is not the last row of its key.
func (s *State) supersede(w word) {
	if w.ref > 0 {
		s.last[w.ref-1] = false
	}
}

// noteListing processes a row of a scan: the scan found a pass of the user, or could not list the passes.
func (s *State) noteListing(r *Row, before, w word) {
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

// forgetFailure removes the row about passes that could not be listed, because a later request listed them.
func (s *State) forgetFailure(user string) {
	id := s.key(listKey(user))
	w, known := s.words[id]
	if s.isNewer(w) {
		return
	}
	if l, ok := s.users[s.hash("", user)]; ok && known && !w.has(completed) {
		l.open--
		s.users[s.hash("", user)] = l
	}
	s.supersede(w)
	delete(s.words, id)
}

func (s *State) key(k Key) uint64 { return s.hash(string(k.Action), k.User, k.Method) }

// id returns the hash of what a row of a run is about.
func (s *State) id(run *Header, r *Row) uint64 {
	if key, ok := r.Key(); ok {
		return s.key(key)
	}
	return s.lineID(run, r)
}

// lineID returns the hash of what Header.LineOf returns for a row of a run.
func (s *State) lineID(run *Header, r *Row) uint64 { return s.hash("line", run.LineOf(r), run.Digest) }

// hash returns the key of a map. The first call makes the maps.
func (s *State) hash(kind, user string, more ...string) uint64 {
	if s.words == nil {
		s.seed, s.words, s.users = maphash.MakeSeed(), make(map[uint64]word), make(map[uint64]scannedUser)
	}
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

// replace says that another row, which is not in the State, counts in place of a word.
func (s *State) replace(id uint64) {
	if w, known := s.words[id]; known {
		w.flags |= replaced
		s.words[id] = w
	}
}

// completed returns the number of completed words that are not about sessions.
func (s *State) completed() (n int) {
	for _, w := range s.words {
		if w.has(completed) && !w.has(sessions) {
			n++
		}
	}
	return n
}

// Totals has the totals of what rows are about.
type Totals struct {
	Outcomes map[Outcome]int
	NoPass   map[Outcome]int // those of Outcomes that are not about a pass, see Row.AboutPass
	Verified int
	Unnamed  int // Remains, and completed: a run completes it only for a pass that no list names
}

// totals returns the totals of the words that are not replaced: either of those about sessions, or of all others.
func (s *State) totals(ofSessions bool) Totals {
	t := Totals{Outcomes: make(map[Outcome]int), NoPass: make(map[Outcome]int)}
	for _, w := range s.words {
		if w.has(replaced) || w.has(sessions) != ofSessions {
			continue
		}
		o := Outcomes[w.outcome]
		t.Outcomes[o]++
		if w.has(noPass) {
			t.NoPass[o]++
		}
		if w.has(verified) {
			t.Verified++
		}
		if w.has(completed) && o == Remains {
			t.Unnamed++
		}
	}
	return t
}
