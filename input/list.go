package input

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
)

// A List is one or more lists of pairs that Open has checked. All methods except Close may be called concurrently.
type List struct {
	rows   temporary // every Pair, encoded with gob
	size   int64     // of rows, in bytes
	stats  Stats
	byName int // unique pairs whose user is a user principal name
	digest string
	files  []File
	self   bool
	empty  []string // see Empty
	coded  []string // see WithCodes
}

// Open reads the named lists and checks each row; "-" is standard input. If rows are invalid, it returns a *Problems
// and no List. opts.SkipInvalid skips invalid rows, but not an error that makes the rest of a list unreadable. It
// refuses a list that is empty apart from comments, also beside a good one. Open also returns an error if the lists
// have no pair, unless all of their pairs are done: an *EmptyError if the lists are valid. The caller closes the List.
func Open(names []string, opts Options) (_ *List, err error) {
	if err := opts.check(names); err != nil {
		return nil, err
	}
	rows, err := newTemporary()
	if err != nil {
		return nil, fmt.Errorf("keeping the rows of the lists: %w", err)
	}
	o := newOpener(rows, opts.SkipInvalid)
	defer func() {
		if err != nil {
			err = errors.Join(err, o.list.rows.Close())
		}
	}()
	if err := o.read(names, &opts); err != nil {
		return nil, err
	}
	if err := o.finish(); err != nil {
		return nil, err
	}
	return o.list, nil
}

// check returns an error if the options and the names of the lists contradict each other.
func (o *Options) check(names []string) error {
	switch lists := len(names) + len(o.Users); {
	case lists == 0 && !o.Self:
		return errors.New("no list is given")
	case lists > 0 && o.Self:
		return errors.New("--self takes no list and no user")
	}
	for i, name := range names {
		// Some rows are identified only by their place, which two copies would share.
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%q is named twice: name each list once", name)
		}
	}
	for _, user := range o.Users {
		if err := CheckUser(user); err != nil {
			return fmt.Errorf("%s: %w", NamedSource, err)
		}
	}
	return nil
}

// An opener creates a List.
type opener struct {
	list     *List
	skip     bool
	buffer   *bufio.Writer // of the rows
	encoder  *gob.Encoder
	writeErr error
	digest   hash.Hash

	// seen has the place of the first row of each pair, by a keyed hash of 128 bits. Two pairs do not collide by
	// chance, and the author of a list cannot make them collide. So no pair is lost as a repeat of another pair.
	seen  map[[2]uint64]firstPlace
	seeds [2]maphash.Seed

	// other has, for the hash of each user principal name, the hash of the object ID in the same row, and the reverse
	// for each object ID of a list.
	other map[uint64]uint32

	names    []string // of the lists
	foreign  bool     // the rows are read by Options.Reader
	problems Problems
	refused  *LineError // the first row that was skipped
}

// A firstPlace is the place of a row. A list has no more than 4 billion lines.
type firstPlace struct{ source, line uint32 }

func newOpener(rows temporary, skip bool) *opener {
	buffer := bufio.NewWriterSize(rows, bufferBytes)
	return &opener{list: &List{rows: rows}, skip: skip, buffer: buffer, encoder: gob.NewEncoder(buffer),
		digest: sha256.New(), seen: make(map[[2]uint64]firstPlace), other: make(map[uint64]uint32),
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// read reads the users in opts and all lists.
func (o *opener) read(names []string, opts *Options) error {
	if o.list.self = opts.Self; opts.Self {
		o.names = []string{SelfSource}
		o.take(ListRow{Pair: Pair{Source: SelfSource, Line: 1, User: Me}})
	}
	if len(opts.Users) > 0 {
		o.names = append(o.names, NamedSource)
	}
	for i, user := range opts.Users {
		o.take(ListRow{Pair: Pair{Source: NamedSource, Line: i + 1, User: user}})
	}
	var sources []*source
	for _, name := range names {
		s := &source{name: name, read: opts.Reader, yield: o.take}
		if name == "-" {
			s.name, s.stdin = "stdin", cmp.Or[io.Reader](opts.Stdin, os.Stdin)
		}
		if err := s.open(); err != nil {
			return err
		}
		defer s.file.Close()
		sources = append(sources, s)
	}
	for _, s := range sources {
		o.names, o.foreign = append(o.names, s.name), s.foreign != nil
		o.list.files = append(o.list.files, s.asFile())
		before := o.list.stats
		if err := s.readAll(&o.problems); err != nil {
			return err
		}
		if o.list.stats == before && !s.superseded {
			o.list.empty = append(o.list.empty, s.name)
		}
	}
	return nil
}

// take counts a row, and keeps it unless it is left out.
func (o *opener) take(r ListRow) {
	stats := &o.list.stats
	if r.hasCode && !slices.Contains(o.list.coded, r.Source) {
		o.list.coded = append(o.list.coded, r.Source)
	}
	switch r.Out {
	case OutProtected:
		stats.Protected++
		return
	case OutDone:
		stats.Done++
		return
	}
	stats.Rows++
	if bad, ok := r.Err.(*LineError); ok {
		stats.Invalid++
		if !o.skip && r.Out != OutRefused {
			o.problems.Add(bad)
			return
		}
		o.refused = cmp.Or(o.refused, bad)
		r.User, r.Method, r.UPN = shown(r.User), shownMethod(r.Method), ""
		bad.Err = nil // gob can encode only registered errors
	} else {
		o.count(&r.Pair)
		o.checkNames(&r.Pair)
	}
	if err := o.encoder.Encode(&r.Pair); err != nil {
		o.writeErr = cmp.Or(o.writeErr, err)
	}
}

// count counts the pair of a good row, and adds it to the digest if it is new.
func (o *opener) count(p *Pair) {
	// Entra ignores case in IDs and user principal names. They contain no NUL.
	key := []byte(strings.ToLower(p.User) + "\x00" + strings.ToLower(p.Method))
	hash := [2]uint64{maphash.Bytes(o.seeds[0], key), maphash.Bytes(o.seeds[1], key)}
	stats := &o.list.stats
	if first, ok := o.seen[hash]; ok {
		stats.Duplicates++
		p.FirstOf = &Pos{Source: o.names[first.source], Line: int(first.line)}
		return
	}
	o.seen[hash] = firstPlace{uint32(len(o.names) - 1), uint32(p.Line)}
	stats.Unique++
	if p.Method == "" {
		stats.AnyPass++
	}
	if strings.Contains(p.User, "@") {
		o.list.byName++
	}
	o.digest.Write(append(key, '\n'))
}

// checkNames refuses a row with an object ID and a user principal name, if an earlier row has this name with another
// object ID, or this object ID with another name: it is not clear which user is meant. A user may have been renamed
// between two lists, or between two runs of a log, so the names of an object ID must agree only in one list that
// Options.Reader does not read. SkipInvalid does not skip this error.
func (o *opener) checkNames(p *Pair) {
	if p.UPN == "" {
		return
	}
	id, name := strings.ToLower(p.User), strings.ToLower(p.UPN)
	refuse := func(one, value, another string) {
		o.problems.addFatal(&LineError{Source: p.Source, Line: p.Line, Column: p.Column, Msg: fmt.Sprintf(
			`the %s "%s" is given with another %s in an earlier row: correct the wrong row, or remove the name that `+
				"is out of date", one, shown(value), another)})
	}
	switch {
	case !o.agrees(name, id):
		refuse("user principal name", p.UPN, "object ID")
	case !o.foreign && !o.agrees(fmt.Sprint(len(o.names), id), name):
		refuse("object ID", p.User, "user principal name")
	}
}

// agrees reports whether all rows with one have the same other.
func (o *opener) agrees(one, other string) bool {
	key, hash := maphash.String(o.seeds[0], one), uint32(maphash.String(o.seeds[0], other))
	known, ok := o.other[key]
	o.other[key] = hash
	return !ok || known == hash
}

// finish returns an error if the lists are invalid, or have no pair.
func (o *opener) finish() error {
	err := cmp.Or(o.writeErr, o.buffer.Flush())
	stats := &o.list.stats
	switch {
	case o.problems.Count > 0:
		return &o.problems
	case err != nil:
		return fmt.Errorf("keeping the rows of the lists: %w", err)
	case stats.Unique+stats.Done+stats.Protected > 0:
		o.list.digest = fmt.Sprintf("sha256:%x", o.digest.Sum(nil))
		o.list.size, err = o.list.rows.Seek(0, io.SeekCurrent)
		return err
	case o.refused != nil:
		return fmt.Errorf("no valid rows in %s: %d rows were refused, the first because of %w",
			strings.Join(o.names, ", "), stats.Invalid, o.refused)
	}
	return &EmptyError{Sources: o.names}
}

// Pairs yields every row in order. Repeats have FirstOf set, and refused rows have Err set. It ends at the first read
// error.
func (l *List) Pairs() iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		text := io.NewSectionReader(l.rows, 0, l.size)
		rows := gob.NewDecoder(bufio.NewReaderSize(text, bufferBytes))
		for {
			var p Pair
			err := rows.Decode(&p)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Pair{}, fmt.Errorf("reading the rows of the lists again: %w", err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func init() { gob.Register(new(LineError)) } // as Pair.Err

// Mixed reports whether the lists name some users by object ID and others by user principal name, so that one user may
// be listed under both names.
func (l *List) Mixed() bool { return l.byName > 0 && l.byName < l.stats.Unique }

// Empty returns the names of the lists that have no rows, only a header or an empty array.
func (l *List) Empty() []string { return l.empty }

// WithCodes returns the names of the lists that have a pass itself, in the column temporaryAccessPass.
func (l *List) WithCodes() []string { return l.coded }

// IsSelf reports whether Options.Self was set.
func (l *List) IsSelf() bool { return l.self }

// Stats returns what Open counted.
func (l *List) Stats() Stats { return l.stats }

// Files returns the lists, in order.
func (l *List) Files() []File { return l.files }

// Digest returns "sha256:" and the hash of the unique pairs, in order and in lower case. The same
// pairs have the same digest in every format. It is not the digest of a file.
func (l *List) Digest() string { return l.digest }

// Close removes the rows. Pairs must not be used after it.
func (l *List) Close() error { return l.rows.Close() }
