package input

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
)

// repeats recognises pairs that were there before without keeping them. It
// holds 128 bits of keyed hash for each: two pairs that a list's author cannot
// make collide, and that do not by chance, so a pair is never lost as a repeat
// of another.
//
// It is a hash table of its own because a map of the same takes twice the
// memory: here it is 20 bytes a pair and 5 to 11 for finding it.
type repeats struct {
	seeds [2]maphash.Seed
	seen  []*[chunkPairs]seenPair // grows without copying
	count uint32
	slots []uint32 // a pair's number + 1, or 0; the length is a power of two

	users  map[uint64]struct{} // for the count alone, where 64 bits will do
	claims map[uint64]claim    // by the hash of the object ID and of the user principal name
}

// A claim says that two names are of one user: the hash of the other name, and the place of
// the first row that gives both.
type claim struct{ other, source, line uint32 }

const chunkPairs = 1 << 12

// A seenPair has no 64-bit field, which would pad it to 24 bytes.
type seenPair struct {
	hash [4]uint32
	line uint32
}

func newRepeats() *repeats {
	return &repeats{
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		slots:  make([]uint32, 1<<10),
		users:  make(map[uint64]struct{}),
		claims: make(map[uint64]claim),
	}
}

// canonical is the text that equal pairs share. Entra ids and user principal
// names compare without case, and hold no NUL.
func canonical(r row) []byte {
	return []byte(strings.ToLower(r.user) + "\x00" + strings.ToLower(r.method))
}

func (s *repeats) hash(k []byte) [4]uint32 {
	a, b := maphash.Bytes(s.seeds[0], k), maphash.Bytes(s.seeds[1], k)
	return [4]uint32{uint32(a), uint32(a >> 32), uint32(b), uint32(b >> 32)}
}

func (s *repeats) at(i uint32) *seenPair { return &s.seen[i/chunkPairs][i%chunkPairs] }

// line returns the line of the unique pair number i, which is the first one it stands on.
func (s *repeats) line(i uint32) int { return int(s.at(i).line) }

// slot returns where the pair with that hash is, or where it belongs.
func (s *repeats) slot(h [4]uint32) *uint32 {
	mask := uint32(len(s.slots) - 1)
	for i := h[0] & mask; ; i = (i + 1) & mask {
		if n := s.slots[i]; n == 0 || s.at(n-1).hash == h {
			return &s.slots[i]
		}
	}
}

// find returns the number of the unique pair that k is.
func (s *repeats) find(k []byte) (uint32, bool) {
	n := *s.slot(s.hash(k))
	return n - 1, n > 0
}

// add reports whether the pair is new, and remembers it.
func (s *repeats) add(k []byte, line int) bool {
	h := s.hash(k)
	slot := s.slot(h)
	if *slot > 0 {
		return false
	}
	if int(s.count/chunkPairs) == len(s.seen) {
		s.seen = append(s.seen, new([chunkPairs]seenPair))
	}
	*s.at(s.count) = seenPair{hash: h, line: uint32(line)}
	s.count++
	*slot = s.count
	if int(s.count) > len(s.slots)/4*3 {
		s.slots = make([]uint32, 2*len(s.slots))
		for i := range s.count {
			*s.slot(s.at(i).hash) = i + 1
		}
	}
	user, _, _ := bytes.Cut(k, []byte{0})
	s.users[maphash.Bytes(s.seeds[0], user)] = struct{}{}
	return true
}

// contradiction returns an error if a row gives an object ID and a user principal name, and an
// earlier row gives one of them with another name. sources are the lists so far.
func (s *repeats) contradiction(r row, sources []*source) *LineError {
	if r.upn == "" {
		return nil
	}
	names := [2]string{r.user, r.upn}
	var hashes [2]uint64
	for i, name := range names {
		hashes[i] = maphash.String(s.seeds[0], strings.ToLower(name))
	}
	here := sources[len(sources)-1].name
	for i, kind := range [2]string{"object ID", "user principal name"} {
		c, known := s.claims[hashes[i]]
		other := uint32(hashes[1-i])
		if known && c.other != other {
			return &LineError{Source: here, Line: r.line, Column: r.column, Field: "user",
				Msg: fmt.Sprintf("the %s %s is given with %s here and with another name at %s:%d: correct the wrong row, "+
					"or remove the name that is out of date", kind, printableUser(names[i]), printableUser(names[1-i]),
					sources[c.source].name, c.line)}
		}
		if !known {
			s.claims[hashes[i]] = claim{other: other, source: uint32(len(sources) - 1), line: uint32(r.line)}
		}
	}
	return nil
}

// countUsers returns the number of distinct users, and forgets what only the first pass needs.
func (s *repeats) countUsers() int {
	n := len(s.users)
	s.users, s.claims = nil, nil
	return n
}
