package results

import (
	"cmp"
	"hash/maphash"
	"strconv"
	"strings"

	"tapsweep/input"
)

// Rows that stand for no request of their own are apart from the pair that they may
// share a line and a user with.
const (
	repeats = "\x01" // is no character of a pass
	refused = "\x02"
)

// pairKey is the key of the rows about a pair.
func (e *Earlier) pairKey(p *input.Pair) uint64 {
	switch {
	case p.Err != nil:
		return e.key(p.Source, p.Line, p.User, refused+p.Method)
	case p.FirstOf != nil:
		return e.key(p.Source, p.Line, p.User, repeats+p.Method)
	}
	return e.key(p.Source, p.Line, p.User, p.Method)
}

// Meant is the pass by which the pair of a list's row is known, beside its line and user:
// in JSON on one line many pairs share those. It is no pass's id where the row stands for
// no request of its own.
func Meant(r *Row) string {
	switch {
	case r.Outcome == Invalid:
		return refused + r.Method
	case r.Outcome == Duplicate:
		return repeats + r.Method
	case r.AnyPass:
		return "" // the row names the one that was there
	}
	return cmp.Or(r.InPlaceOf, r.Method)
}

// rowKey is the key of the pair that a row is about.
func (e *Earlier) rowKey(r *Row) uint64 { return e.key(r.Source, r.Line, r.User, Meant(r)) }

// userKey is the key of the rows that scans and sweeps write about a user.
func (e *Earlier) userKey(user string) uint64 { return e.key(ScanSource, 0, user, "") }

// key tells pairs apart. The pass matters where one line has many pairs, as in compact
// JSON; what a scan finds is known by its user.
func (e *Earlier) key(source string, line int, user, pass string) uint64 {
	var h maphash.Hash
	h.SetSeed(e.seed)
	h.WriteString(source)
	h.WriteByte(0)
	h.WriteString(strconv.Itoa(line))
	h.WriteByte(0)
	h.WriteString(strings.ToLower(user))
	if source != ScanSource {
		h.WriteByte(0)
		h.WriteString(strings.ToLower(pass))
	}
	return h.Sum64()
}
