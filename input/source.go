package input

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// A source is one list, which can be read any number of times.
type source struct {
	name   string // as messages show it
	path   string
	format string      // empty: by content
	given  string      // Options.Format, which the content must have
	text   io.ReaderAt // nil for a file that is read again
	size   int64       // of the file or of text
	spool  *os.File    // text, if it has to be closed
	remove bool        // spool still has a name

	usersOnly bool // the passes of the rows are ignored

	foreign iter.Seq2[Row, error] // the rows, if Options.Reader reads the list

	blank   bool // the list is empty, apart from comments
	unknown bool // it has rows that say nothing of what became of their pair
}

// textSource returns a source of a text in memory.
func textSource(name, format, text string) *source {
	return &source{name: name, format: format, text: strings.NewReader(text), size: int64(len(text))}
}

// newSource returns a source of a list. It copies a list that is not a regular file, such as a
// pipe, to a temporary file, so that the list can be read twice.
func newSource(name string, opts Options) (*source, error) {
	s := &source{name: name, path: name, format: opts.Format, given: opts.Format}
	if name == "-" {
		s.name = "stdin"
		in := opts.Stdin
		if in == nil {
			in = os.Stdin
		}
		return s, s.copy(in, opts.TempDir)
	}
	if s.format == "" {
		switch strings.ToLower(filepath.Ext(name)) {
		case ".csv", ".tsv":
			s.format = formatCSV
		case ".json":
			s.format = formatJSON
		case ".jsonl", ".ndjson":
			s.format = formatLines
		}
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
		return nil, fmt.Errorf("reading list: %s is a directory", name)
	case info.Mode().IsRegular():
		s.size = info.Size()
		return s, nil
	}
	return s, s.copy(f, opts.TempDir)
}

// copy copies a list to a temporary file that others cannot open.
func (s *source) copy(r io.Reader, dir string) error {
	f, err := os.CreateTemp(dir, "tapsweep-list-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keeping %s for the second pass: %w", s.name, err)
	}
	s.text, s.spool = f, f
	// Without a name, the copy vanishes with the process, however it ends. Windows does not
	// remove the name of an open file; there Close removes it.
	s.remove = os.Remove(f.Name()) != nil
	if s.size, err = io.Copy(f, r); err != nil {
		return errors.Join(fmt.Errorf("reading %s: %w", s.name, err), s.close())
	}
	return nil
}

func (s *source) close() error {
	if s == nil || s.spool == nil {
		return nil
	}
	err := s.spool.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	if s.remove {
		err = errors.Join(err, os.Remove(s.spool.Name()))
	}
	return err
}

func (s *source) open() (io.ReadCloser, error) {
	if s.text != nil {
		return io.NopCloser(io.NewSectionReader(s.text, 0, s.size)), nil
	}
	return os.Open(s.path)
}

// rows reads the list from its start and yields its rows until yield returns false. A
// *LineError means that the rest cannot be read.
func (s *source) rows(yield func(row) bool) error {
	named := func(r row) bool {
		if r.err != nil {
			r.err.Source = s.name
		}
		return yield(r)
	}
	err := s.read(named)
	if err == nil || err == errStop {
		return nil
	}
	if line, ok := errors.AsType[*LineError](err); ok {
		line.Source = s.name
		return line
	}
	return fmt.Errorf("reading %s: %w", s.name, err)
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
	text := decode(f)
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
