package results

import (
	"cmp"
	"hash/maphash"
	"strconv"
	"strings"

	"tapsweep/input"
)

// Of a list (its digest), a pair is known by its user and the pass that it names, which
// are there once. Where it stands may change: the digest does not count repetitions, bad
// rows and blanks. Other rows of a list share user and pass with a pair, and are known by
// where they stand.
const (
	repeats   = "repeats"
	refused   = "refused"
	protected = "protected" // each row of the user is
)

// Meant is the pass that the list names for the pair of a row, which may tell of another.
// It is false for rows that are about no pair.
func Meant(r *Row) (pass string, ok bool) {
	switch {
	case r.Outcome == Duplicate, r.Outcome == Invalid:
		return "", false
	case r.AnyPass:
		return "", true // the row names the one that was there
	}
	return cmp.Or(r.InPlaceOf, r.Method), true
}

// pairKeys are those by which the rows of a pair are known.
func (e *Earlier) pairKeys(p *input.Pair) []uint64 {
	place := func(kind string) uint64 { return e.placeKey(kind, p.Source, p.Line, p.Column, p.User) }
	switch {
	case FromScan(p.Source, p.Line):
		return []uint64{e.userKey(p.User)}
	case p.Err != nil:
		return []uint64{place(refused)}
	case p.FirstOf != nil:
		return []uint64{place(repeats), place(protected)}
	}
	return []uint64{e.uniqueKey(p.User, p.Method), place(protected)}
}

// rowKey is the key of a row, and those of rows that count no more once it is there.
func (e *Earlier) rowKey(r *Row) (key uint64, others []uint64) {
	if FromScan(r.Source, r.Line) {
		return e.userKey(r.User), nil
	}
	place := func(kind string) uint64 { return e.placeKey(kind, r.Source, r.Line, r.Column, r.User) }
	pass, _ := Meant(r)
	switch r.Outcome {
	case Protected:
		return place(protected), []uint64{e.uniqueKey(r.User, pass)}
	case Duplicate:
		return place(repeats), []uint64{place(protected)}
	case Invalid:
		return place(refused), []uint64{place(protected)}
	}
	return e.uniqueKey(r.User, pass), []uint64{place(protected)}
}

// userKey is the key of the rows that scans and sweeps write about a user.
func (e *Earlier) userKey(user string) uint64 { return e.key(ScanSource, user) }

// doubtKey returns the key of a Doubt. It is the key of the pair, but for rows of a scan it
// is a key of the pass, because a scan may find several passes of a user.
func (e *Earlier) doubtKey(r *Row, pair uint64) uint64 {
	if FromScan(r.Source, r.Line) {
		return e.key(ScanSource, r.User, strings.ToLower(cmp.Or(r.InPlaceOf, r.Method)))
	}
	return pair
}

func (e *Earlier) uniqueKey(user, pass string) uint64 {
	return e.key("", user, strings.ToLower(pass))
}

func (e *Earlier) placeKey(kind, source string, line, column int, user string) uint64 {
	return e.key(kind, user, source, strconv.Itoa(line), strconv.Itoa(column))
}

func (e *Earlier) key(kind, user string, more ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(e.seed)
	h.WriteString(kind)
	h.WriteByte(0)
	h.WriteString(strings.ToLower(user))
	for _, s := range more {
		h.WriteByte(0)
		h.WriteString(s)
	}
	return h.Sum64()
}
