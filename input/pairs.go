package input

import (
	"errors"
	"iter"
	"slices"
)

// Pairs reads the lists again and yields every row in order: repeats with FirstOf set and, with
// SkipInvalid, refused rows with Err set. It ends at the first error, which is a *ChangedError
// if a list is no longer what Open read. It yields no pair that Open did not check.
func (l *List) Pairs() iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		var at mark
		for i, s := range l.sources {
			last := 0
			for r, err := range s.rows() {
				_, unreadable := errors.AsType[*LineError](err)
				if err != nil && !unreadable {
					yield(Pair{}, err)
					return
				}
				if r.isLeftOut() {
					continue
				}
				p, same := l.match(i, r, &at)
				if unreadable || !same {
					yield(Pair{}, &ChangedError{Source: s.name, Line: last})
					return
				}
				last = r.line
				if !yield(p, nil) {
					return
				}
			}
			if at != l.ends[i] {
				yield(Pair{}, &ChangedError{Source: s.name, Line: last})
				return
			}
		}
	}
}

// match makes a Pair of a row, and reports whether the first pass found the same row here. The
// unique pairs must come in the order of the first pass, each on its line. This shows that the
// row to which a repeat points was yielded.
func (l *List) match(src int, r row, at *mark) (Pair, bool) {
	p := Pair{Source: l.sources[src].name, Line: r.line, Column: r.column, User: r.user, Method: r.method}
	at.rows++
	if r.err != nil {
		p.User, p.Method, p.Err = unquoted(showUser(r.user)), unquoted(showMethod(r.method)), r.err
		return p, l.skip || r.left == LeftRefused
	}
	p.UPN, p.Creation = r.upn, r.creation
	i, ok := l.known.find(pairKey(r))
	if !ok || i > at.unique {
		return p, false
	}
	if i < at.unique {
		p.FirstOf = new(l.pos(i))
		return p, true
	}
	at.unique++
	return p, l.pos(i) == Pos{p.Source, p.Line}
}

// pos returns the first place of the unique pair number i.
func (l *List) pos(i uint32) Pos {
	src := slices.IndexFunc(l.ends, func(m mark) bool { return i < m.unique })
	return Pos{Source: l.sources[src].name, Line: l.known.line(i)}
}
