package input

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
)

// A pairSet recognizes pairs that it has seen, without keeping them. It holds 128 bits of keyed
// hash for each. Two pairs collide neither by chance nor by the design of a list's author, so
// no pair is lost as a repeat of another.
//
// It is a hash table of its own: it takes 28 bytes a pair, where a map[[16]byte]uint32 takes 49.
type pairSet struct {
	seeds  [2]maphash.Seed
	chunks []*[chunkPairs]knownPair // grows without copying
	count  uint32
	slots  []uint32 // the number of a pair + 1, or 0; the length is a power of two

	users  map[uint64]struct{} // for the count alone, where 64 bits will do
	claims map[uint64]claim    // by the hash of the object ID and of the user principal name
}

// A claim says that two names are of one user: the hash of the other name, and the place of
// the first row that gives both.
type claim struct{ other, source, line uint32 }

const chunkPairs = 1 << 12

// A knownPair has no 64-bit field, which would pad it to 24 bytes.
type knownPair struct {
	hash [4]uint32
	line uint32
}

func newPairSet() *pairSet {
	return &pairSet{
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		slots:  make([]uint32, 1<<10),
		users:  make(map[uint64]struct{}),
		claims: make(map[uint64]claim),
	}
}

// pairKey is the text that equal pairs share. Entra compares ids and user principal names
// without case, and they hold no NUL.
func pairKey(r row) []byte {
	return []byte(strings.ToLower(r.user) + "\x00" + strings.ToLower(r.method))
}

func (s *pairSet) hash(key []byte) [4]uint32 {
	a, b := maphash.Bytes(s.seeds[0], key), maphash.Bytes(s.seeds[1], key)
	return [4]uint32{uint32(a), uint32(a >> 32), uint32(b), uint32(b >> 32)}
}

func (s *pairSet) at(i uint32) *knownPair { return &s.chunks[i/chunkPairs][i%chunkPairs] }

// line returns the first line of the unique pair number i.
func (s *pairSet) line(i uint32) int { return int(s.at(i).line) }

// slot returns the slot of the pair with that hash, or the free slot where it belongs.
func (s *pairSet) slot(h [4]uint32) *uint32 {
	mask := uint32(len(s.slots) - 1)
	for i := h[0] & mask; ; i = (i + 1) & mask {
		if n := s.slots[i]; n == 0 || s.at(n-1).hash == h {
			return &s.slots[i]
		}
	}
}

// find returns the number of a pair, counted from 0.
func (s *pairSet) find(key []byte) (uint32, bool) {
	n := *s.slot(s.hash(key))
	return n - 1, n > 0
}

// add reports whether the pair is new, and remembers it.
func (s *pairSet) add(key []byte, line int) bool {
	h := s.hash(key)
	slot := s.slot(h)
	if *slot > 0 {
		return false
	}
	if int(s.count/chunkPairs) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkPairs]knownPair))
	}
	*s.at(s.count) = knownPair{hash: h, line: uint32(line)}
	s.count++
	*slot = s.count
	if int(s.count) > len(s.slots)/4*3 {
		s.slots = make([]uint32, 2*len(s.slots))
		for i := range s.count {
			*s.slot(s.at(i).hash) = i + 1
		}
	}
	user, _, _ := bytes.Cut(key, []byte{0})
	s.users[maphash.Bytes(s.seeds[0], user)] = struct{}{}
	return true
}

// contradiction returns an error if a row gives an object ID and a user principal name, and an
// earlier row gives one of them with another name. sources are the lists so far.
func (s *pairSet) contradiction(r row, sources []*source) *LineError {
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
			return &LineError{Source: here, Line: r.line, Column: r.column,
				Msg: fmt.Sprintf("the %s %s is given with %s here and with another name at %s: "+
					"correct the wrong row, or remove the name that is out of date", kind,
					unquoted(showUser(names[i])), unquoted(showUser(names[1-i])),
					place(sources[c.source].name, int(c.line), 0))}
		}
		if !known {
			s.claims[hashes[i]] = claim{other: other, source: uint32(len(sources) - 1), line: uint32(r.line)}
		}
	}
	return nil
}

// countUsers returns the number of distinct users, and forgets what only the first pass needs.
func (s *pairSet) countUsers() int {
	n := len(s.users)
	s.users, s.claims = nil, nil
	return n
}
