package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

const (
	formatCSV   = "csv"
	formatJSON  = "json"
	formatLines = "jsonl"

	// Further formats, which are recognised by content.
	formatPlain = "plain" // one user per line
	formatNamed = "named" // the same, from Options.Users
)

// Formats are what Options.Format may be.
var Formats = []string{formatCSV, formatJSON, formatLines}

// A source is one list, which can be read any number of times.
type source struct {
	name   string // as messages show it
	path   string
	format string // empty: by content
	users  string // the text, for formatNamed
	spool  *os.File
	size   int64 // of spool
	remove bool  // spool still has a name

	foreign iter.Seq2[Row, error] // the rows, if Options.Reader reads the list

	blank   bool // the list is empty
	unknown bool // it has rows that say nothing of what became of their pair
}

// newSource makes a list readable twice. What is not a regular file, such as
// a pipe, is copied to a temporary file first.
func newSource(name string, opts Options) (*source, error) {
	s := &source{name: name, path: name, format: opts.Format}
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
		return s, nil
	}
	return s, s.copy(f, opts.TempDir)
}

// copy keeps what can be read only once in a file that others cannot open.
func (s *source) copy(r io.Reader, dir string) error {
	f, err := os.CreateTemp(dir, "tapsweep-list-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keeping %s for the second pass: %w", s.name, err)
	}
	s.spool = f
	// Without its name, the copy is gone when the process is, however it
	// ends. Windows refuses this for open files; there Close removes it.
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
	if s.format == formatNamed {
		return io.NopCloser(strings.NewReader(s.users)), nil
	}
	if s.spool != nil {
		return io.NopCloser(io.NewSectionReader(s.spool, 0, s.size)), nil
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
	switch s.formatOf(text) {
	case formatJSON:
		return readJSON(text, yield)
	case formatLines:
		return readLines(text, yield)
	case formatPlain:
		return readPlain(text, false, yield)
	case formatNamed:
		return readPlain(text, true, yield)
	}
	return readCSV(text, yield)
}

// formatOf returns how to read the text. The extension, Options.Format, the first character
// and the beginning of the text decide.
func (s *source) formatOf(text *bufio.Reader) (format string) {
	start, err := text.Peek(bufferBytes) // an error comes again with the first read
	first := bytes.TrimLeftFunc(start, unicode.IsSpace)
	json := len(first) > 0 && (first[0] == '[' || first[0] == '{')
	switch format = s.format; {
	case format == formatNamed:
	case format == formatLines && json && isIndented(first):
		format = formatJSON
	case format != "" && format != formatCSV:
	case isPlain(start, err != nil):
		format = formatPlain
	case format == "" && json:
		format = formatJSON
	default:
		format = formatCSV
	}
	return format
}

// isIndented reports whether a JSON value continues after its first line. Then the text is
// not JSON Lines, whatever the name of the file.
func isIndented(text []byte) bool {
	line, _, more := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSpace(line)
	return more && bytes.IndexByte([]byte("{[,:"), line[len(line)-1]) >= 0
}
