package input

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// A List is one or several lists of pairs that Open has checked. Its methods may be called
// concurrently, except Close.
type List struct {
	sources []*source
	ends    []mark // after each source
	known   *pairSet
	stats   Stats
	byName  int // unique pairs whose user is a user principal name
	digest  string
	skip    bool
}

// A mark counts the rows and the unique pairs up to the end of a source.
type mark struct {
	rows   int
	unique uint32
}

// Open reads the named lists from start to end and checks each row; "-" is standard input, and
// may be named once. If rows are bad, the error is a *Problems and there is no List.
// opts.SkipInvalid skips them, but not an error that makes the rest of a list unreadable, nor
// rows that give one name of a user with two different other names. Lists without a pair are an
// error, unless all of their pairs are done. It is an *EmptyError if the lists are valid.
// The caller closes the List.
func Open(names []string, opts Options) (_ *List, err error) {
	if err := opts.check(names); err != nil {
		return nil, err
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

// check returns an error if the options and the names of the lists contradict each other.
func (o *Options) check(names []string) error {
	if o.Format != "" && !slices.Contains(Formats, o.Format) {
		return fmt.Errorf("format %s is not known: use %s", show(o.Format), strings.Join(Formats, ", "))
	}
	switch lists := len(names) + len(o.Users); {
	case lists == 0 && !o.Self:
		return errors.New("no list is named")
	case lists > 0 && o.Self:
		return errors.New("--self takes no list and no user")
	}
	for i, name := range names {
		switch again := slices.Contains(names[:i], name); {
		case again && name == "-":
			return errors.New(`"-" is named twice, but standard input can be read once`)
		case again:
			// A row without a pass is known by its place, so two copies cannot be told apart.
			return fmt.Errorf("%s is named twice: name each list once", show(name))
		}
	}
	for _, user := range o.Users {
		if err := CheckUser(user); err != nil {
			return fmt.Errorf("%s: %w", NamedSource, err)
		}
	}
	return nil
}

// nothing returns the error for lists without a pair. refused is the first row that was
// skipped, nil if there is none.
func (l *List) nothing(refused *LineError) error {
	var names []string
	var blank, unknown string
	for _, s := range l.sources {
		names = append(names, s.name)
		if s.blank && blank == "" {
			blank = s.name
		}
		if s.unknown && unknown == "" {
			unknown = s.name
		}
	}
	all := strings.Join(names, ", ")
	switch {
	case refused != nil:
		return fmt.Errorf("no valid rows in %s: %d rows were refused, the first because of %w",
			all, l.stats.Invalid, refused)
	case blank != "":
		return fmt.Errorf("no valid rows in %s: %s is empty; a list has a header such as user,method, or a user "+
			"principal name on each line", all, blank)
	case unknown != "":
		return fmt.Errorf("no valid rows in %s: %s lists passes that were found, but not what happened to them; "+
			"scan again", all, unknown)
	}
	return &EmptyError{Sources: names}
}

// withClose returns err, and the error of closing too if there is one.
func withClose(err, closeErr error) error {
	if closeErr == nil {
		return err // with its type, which callers tell apart
	}
	return errors.Join(err, closeErr)
}

// firstPass reads all lists. It returns the first row that was skipped.
func (l *List) firstPass() (skipped *LineError, err error) {
	var problems Problems
	digest := sha256.New()
	for i, s := range l.sources {
		for r, err := range s.rows() {
			bad, unreadable := errors.AsType[*LineError](err)
			switch {
			case unreadable:
				problems.addFatal(bad)
			case err != nil:
				return nil, err
			case l.countLeftOut(s, r):
			case r.err != nil && !l.skip && r.left != LeftRefused:
				problems.Add(r.err)
			case r.err != nil:
				skipped = cmp.Or(skipped, r.err)
			default:
				problems.addFatal(l.addPair(r, l.sources[:i+1], digest))
			}
		}
		l.ends = append(l.ends, mark{rows: l.stats.Rows, unique: uint32(l.stats.Unique)})
	}
	if problems.Count > 0 {
		return nil, &problems
	}
	l.stats.Users = l.known.countUsers()
	l.digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return skipped, nil
}

// countLeftOut counts a row, and reports whether it is left out.
func (l *List) countLeftOut(s *source, r row) bool {
	switch r.left {
	case LeftProtected:
		l.stats.Protected++
	case LeftDone:
		l.stats.Done++
	case LeftUnknown:
		s.unknown = true
	default:
		l.stats.Rows++
		if r.err != nil {
			l.stats.Invalid++
		}
		return false
	}
	return true
}

// addPair counts the pair of a good row, and adds it to the digest if it is new. It returns an
// error if the row contradicts an earlier one in sources.
func (l *List) addPair(r row, sources []*source, digest hash.Hash) *LineError {
	if bad := l.known.contradiction(r, sources); bad != nil {
		return bad
	}
	key := pairKey(r)
	if !l.known.add(key, r.line) {
		l.stats.Duplicates++
		return nil
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
	digest.Write(append(key, '\n'))
	return nil
}

// Mixed reports whether some users are named by object id and some by user principal
// name, so that one user may be there under both.
func (l *List) Mixed() bool { return l.byName > 0 && l.byName < l.stats.Unique }

// IsSelf reports whether Options.Self was set.
func (l *List) IsSelf() bool { return l.sources[0].format == formatSelf }

// Stats returns what Open counted.
func (l *List) Stats() Stats { return l.stats }

// Digest returns "sha256:" and the hash of the unique pairs, in order and in lower case. The same
// pairs have the same digest in every format.
func (l *List) Digest() string { return l.digest }

// Close deletes the copies of lists that can be read only once. Pairs must not be used after it.
func (l *List) Close() error {
	var errs []error
	for _, s := range l.sources {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
