package input

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A source is one list, which can be read any number of times.
type source struct {
	name   string // as messages show it
	format string // empty: by content
	given  string // Options.Format, which the content must have
	size   int64  // in bytes, of a file

	open  func() (io.ReadCloser, error) // at the start of the list
	close func() error                  // deletes the copy, if there is one; may be called again

	usersOnly bool // the passes of the rows are ignored

	foreign iter.Seq2[Row, error] // the rows, if Options.Reader reads the list

	blank   bool // the list is empty, apart from comments
	unknown bool // it has rows that say nothing of what became of their pair
}

func nothingToClose() error { return nil }

// textSource returns a source of a text in memory.
func textSource(name, format, text string) *source {
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	return &source{name: name, format: format, open: open, close: nothingToClose}
}

// newSource returns a source of a list. It copies a list that is not a regular file, such as a
// pipe, to a temporary file, so that the list can be read twice.
func newSource(name string, opts Options) (*source, error) {
	s := &source{name: name, format: opts.Format, given: opts.Format, close: nothingToClose,
		open: func() (io.ReadCloser, error) { return os.Open(name) }}
	if name == "-" {
		s.name = "stdin"
		in := opts.Stdin
		if in == nil {
			in = os.Stdin
		}
		return s, s.copy(in)
	}
	if s.format == "" {
		s.format = extensions[strings.ToLower(filepath.Ext(name))]
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading list: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading list: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("reading list: %s is a directory: name a file", name)
	case info.Mode().IsRegular():
		s.size = info.Size()
		return s, nil
	}
	return s, s.copy(f)
}

// copy copies a list to a temporary file that others cannot open.
func (s *source) copy(r io.Reader) error {
	f, err := os.CreateTemp("", "tapsweep-list-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keeping %s for the second pass: %w", s.name, err)
	}
	// Without a name, the copy vanishes with the process, however it ends. Windows does not
	// remove the name of an open file; there close removes it.
	named := os.Remove(f.Name()) != nil
	s.close = sync.OnceValue(func() error {
		err := f.Close()
		if named {
			err = errors.Join(err, os.Remove(f.Name()))
		}
		return err
	})
	if s.size, err = io.Copy(f, r); err != nil {
		return errors.Join(fmt.Errorf("reading %s: %w", s.name, err), s.close())
	}
	s.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, s.size)), nil }
	return nil
}

// rows reads the list from its start. An error comes last; it is a *LineError if the rest of the
// list cannot be read.
func (s *source) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		err := s.read(func(r row) bool {
			if r.err != nil {
				r.err.Source = s.name
			}
			return yield(r, nil)
		})
		if err == nil || err == errStop {
			return
		}
		if bad, ok := errors.AsType[*LineError](err); ok {
			bad.Source = s.name
			err = bad
		} else {
			err = fmt.Errorf("reading %s: %w", s.name, err)
		}
		yield(row{}, err)
	}
}

// read yields each row of the list.
func (s *source) read(yield func(row) bool) error {
	if s.foreign != nil {
		return s.readForeign(yield)
	}
	f, err := s.open()
	if err != nil {
		return err
	}
	defer f.Close()
	text := Decode(f)
	switch s.format {
	case formatJSON:
		return readJSON(text, s.usersOnly, yield)
	case formatLines:
		return readLines(text, s.usersOnly, yield)
	case formatSelf:
		yield(row{line: 1, user: Me})
		return nil
	case formatPlain:
		return readPlain(text, s.usersOnly, yield)
	}
	return readCSV(text, s.usersOnly, yield)
}
