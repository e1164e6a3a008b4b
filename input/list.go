package input

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A List is what Open has checked. Its methods may be called concurrently,
// except Close.
type List struct {
	sources []*source
	ends    []mark // after each source
	known   *pairSet
	stats   Stats
	byName  int // unique pairs whose user is a user principal name
	digest  string
	skip    bool
}

// A mark counts what was read up to the end of a source.
type mark struct {
	rows   int
	unique uint32
}

// Open reads the named lists from start to end and checks each row; "-" is
// standard input, and may be named once. If rows are bad, the error is a
// *Problems and there is no List; opts.SkipInvalid passes over them, but not
// over what makes the rest of a list unreadable, nor over rows that give one
// name of a user with two different other names. No pair at all is an error,
// unless a results log says that all of its pairs are done. It is an *EmptyError
// if the lists are valid.
// The caller closes the List.
func Open(names []string, opts Options) (_ *List, err error) {
	if opts.Format != "" && !slices.Contains(Formats, opts.Format) {
		return nil, fmt.Errorf("format %s is not known: use %s", show(opts.Format), strings.Join(Formats, ", "))
	}
	switch lists := len(names) + len(opts.Users); {
	case lists == 0 && !opts.Self:
		return nil, errors.New("no list is named")
	case lists > 0 && opts.Self:
		return nil, errors.New("--self takes no list and no user")
	}
	for i, name := range names {
		switch again := slices.Contains(names[:i], name); {
		case again && name == "-":
			return nil, errors.New(`"-" is named twice, but standard input can be read once`)
		case again:
			// A row is known by its place where it names no pass, so two copies cannot be told apart.
			return nil, fmt.Errorf("%s is named twice: name each list once", show(name))
		}
	}
	for _, user := range opts.Users {
		if err := CheckUser(user); err != nil {
			return nil, fmt.Errorf("%s: %w", NamedSource, err)
		}
	}
	l := &List{known: newPairSet(), skip: opts.SkipInvalid}
	defer func() {
		if err != nil {
			err = withClose(err, l.Close())
		}
	}()
	if opts.Self {
		l.sources = append(l.sources, textSource(SelfSource, formatSelf, ""))
	}
	if len(opts.Users) > 0 {
		named := textSource(NamedSource, formatPlain, strings.Join(opts.Users, "\n"))
		named.usersOnly = true
		l.sources = append(l.sources, named)
	}
	for _, name := range names {
		s, err := newSource(name, opts)
		if err != nil {
			return nil, err
		}
		l.sources = append(l.sources, s)
		if err := s.recognize(opts.Reader); err != nil {
			return nil, fmt.Errorf("reading %s: %w", s.name, err)
		}
	}
	refused, err := l.firstPass()
	if err != nil {
		return nil, err
	}
	if l.stats.Unique+l.stats.Done+l.stats.Protected == 0 {
		return nil, l.nothing(refused)
	}
	return l, nil
}

// nothing returns the error for lists without a pair. refused is the first row that was
// skipped, nil if there is none.
func (l *List) nothing(refused *LineError) error {
	shown := make([]string, len(l.sources))
	for i, s := range l.sources {
		shown[i] = s.name
	}
	at := func(is func(*source) bool) string {
		if i := slices.IndexFunc(l.sources, is); i >= 0 {
			return l.sources[i].name
		}
		return ""
	}
	all := strings.Join(shown, ", ")
	blank, left := at(func(s *source) bool { return s.blank }), at(func(s *source) bool { return s.unknown })
	switch {
	case refused != nil:
		return fmt.Errorf("no valid rows in %s: %d rows were refused, the first because of %w", all, l.stats.Invalid, refused)
	case blank != "":
		return fmt.Errorf("no valid rows in %s: %s is empty and has no header", all, blank)
	case left != "":
		return fmt.Errorf("no valid rows in %s: %s lists passes that were found, but not what happened to them; "+
			"scan again", all, left)
	}
	return &EmptyError{Sources: shown}
}

// withClose keeps the type of err, which callers tell apart, unless closing failed too.
func withClose(err, closeErr error) error {
	if closeErr == nil {
		return err
	}
	return errors.Join(err, closeErr)
}

// firstPass reads everything. It returns the first row that was passed over.
func (l *List) firstPass() (refused *LineError, err error) {
	var problems Problems
	digest := sha256.New()
	for i, s := range l.sources {
		err := s.rows(func(r row) bool {
			switch r.left {
			case LeftProtected:
				l.stats.Protected++
				return true
			case LeftDone:
				l.stats.Done++
				return true
			case LeftUnknown:
				s.unknown = true
				return true
			}
			l.stats.Rows++
			if r.err != nil {
				l.stats.Invalid++
				if !l.skip && r.left != LeftRefused {
					problems.add(r.err)
				} else if refused == nil {
					refused = r.err
				}
				return true
			}
			if bad := l.known.contradiction(r, l.sources[:i+1]); bad != nil {
				problems.add(bad)
				problems.Cut = true
				return true
			}
			k := pairKey(r)
			if !l.known.add(k, r.line) {
				l.stats.Duplicates++
				return true
			}
			l.stats.Unique++
			if r.method == "" {
				l.stats.AnyPass++
			}
			if r.upn != "" {
				l.stats.Named++
			}
			if strings.Contains(r.user, "@") {
				l.byName++
			}
			digest.Write(append(k, '\n'))
			return true
		})
		if le, ok := errors.AsType[*LineError](err); ok {
			problems.add(le)
			problems.Cut = true
		} else if err != nil {
			return nil, err
		}
		l.ends = append(l.ends, mark{rows: l.stats.Rows, unique: uint32(l.stats.Unique)})
	}
	if problems.Count > 0 {
		return nil, &problems
	}
	l.stats.Users = l.known.countUsers()
	l.digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return refused, nil
}

// Mixed reports whether some users are named by object id and some by user principal
// name, so that one user may be there under both.
func (l *List) Mixed() bool { return l.byName > 0 && l.byName < l.stats.Unique }

// IsSelf reports whether Options.Self was set.
func (l *List) IsSelf() bool { return l.sources[0].format == formatSelf }

// Stats returns what Open counted.
func (l *List) Stats() Stats { return l.stats }

// Digest returns "sha256:" and the hash of the unique pairs, in order and in
// lower case. The same pairs have the same digest in every format.
func (l *List) Digest() string { return l.digest }

// Close removes what was kept of lists that can be read only once. Pairs must
// not be used any more.
func (l *List) Close() error {
	var errs []error
	for _, s := range l.sources {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// Pairs reads the lists again and yields every row in order: repeats with
// FirstOf set and, with SkipInvalid, refused rows with Err set. It ends at the
// first error, which is a *ChangedError when a list is no longer what Open
// read; no pair is yielded that Open did not check.
func (l *List) Pairs() iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		var at mark
		for i, s := range l.sources {
			last, changed, stopped := 0, false, false
			err := s.rows(func(r row) bool {
				if r.isLeftOut() {
					return true
				}
				p, ok := l.match(i, r, &at)
				if changed = !ok; changed {
					return false
				}
				last = r.line
				stopped = !yield(p, nil)
				return !stopped
			})
			if stopped {
				return
			}
			_, unreadable := errors.AsType[*LineError](err)
			if changed || unreadable || err == nil && at != l.ends[i] {
				err = &ChangedError{Source: s.name, Line: last}
			}
			if err != nil {
				yield(Pair{}, err)
				return
			}
		}
	}
}

// match makes a Pair of a row, if the first pass found the same row here. The
// unique pairs have to come in the order of the first pass, each on its line:
// that alone shows that the row which a repeat points to was yielded.
func (l *List) match(src int, r row, at *mark) (Pair, bool) {
	p := Pair{Source: l.sources[src].name, Line: r.line, Column: r.column, User: r.user, Method: r.method}
	at.rows++
	if r.err != nil {
		p.User, p.Method, p.Err = unquoted(showUser(r.user)), unquoted(showMethod(r.method)), r.err
		return p, l.skip || r.left == LeftRefused
	}
	p.UPN = r.upn
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

// Sample returns the first n unique pairs, or as many as there are. It reads
// them as Pairs does, and ends early where Pairs would yield an error.
func (l *List) Sample(n int) []Pair {
	var sample []Pair
	if n <= 0 {
		return nil
	}
	for p, err := range l.Pairs() {
		if err != nil {
			break
		}
		if p.Err == nil && p.FirstOf == nil {
			sample = append(sample, p)
		}
		if len(sample) == n {
			break
		}
	}
	return sample
}
