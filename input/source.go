package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

const (
	formatCSV   = "csv"
	formatJSON  = "json"
	formatLines = "jsonl"

	// Further formats, which are recognised by content.
	formatPlain = "plain" // one user per line
	formatSelf  = "self"  // one pair, from Options.Self
	formatLog   = "log"   // a results log
)

// Formats are what Options.Format may be.
var Formats = []string{formatCSV, formatJSON, formatLines}

// A source is one list, which can be read any number of times.
type source struct {
	name   string // as messages show it
	path   string
	format string      // empty: by content
	text   io.ReaderAt // nil for a file that is read again
	size   int64       // of the file or of text
	spool  *os.File    // text, if it has to be closed
	remove bool        // spool still has a name

	usersOnly bool // the passes of the rows are ignored

	content content // what the first pass found

	last map[logKey]int // which row of each pair is the last one, in a log of several runs
}

// A content is what was found in a list in addition to its rows.
type content struct {
	blank   bool     // the list is empty
	left    bool     // it has rows of a log that are not used as a list
	foreign int      // the number of lines in a log that are not part of it
	gone    int      // the number of rows of a log about users whom the tenant did not have
	format  string   // as formatOf returns it
	runs    []LogRun // of a log, those that differ in tenant or Graph root
}

// textSource returns a source of a text in memory.
func textSource(name, format, text string) *source {
	return &source{name: name, format: format, text: strings.NewReader(text), size: int64(len(text))}
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
		s.size = info.Size()
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
	s.text, s.spool = f, f
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
	if s.text != nil {
		return io.NopCloser(io.NewSectionReader(s.text, 0, s.size)), nil
	}
	return os.Open(s.path)
}

// rows reads the list from its start and hands out its rows until yield
// returns false. A *LineError means that the rest cannot be read.
func (s *source) rows(yield func(row) bool) error {
	return s.look(new(content), yield)
}

// look is like rows, but also records in c what else the list contains.
func (s *source) look(c *content, yield func(row) bool) error {
	var log LogLines
	var broken *LineError // a line of a log without its run
	last := 0             // line of the last run or end
	list := ""            // digest of that of the last run
	self := ""            // whom Me meant in it
	n := 0                // rows of pairs so far
	named := func(r row) bool {
		if err := r.count(&log); err != nil && c.format != formatCSV {
			broken = &LineError{Line: r.line, Msg: err.Error(), Err: err}
			return false
		}
		if r.logged && s.last != nil {
			if n++; s.last[r.key(list, self)] != n {
				return true // a later one tells
			}
			r.mark = ""
		}
		switch r.mark {
		case "run":
			last, list, self = r.line, r.run.list, r.run.self
			c.add(LogRun{Source: s.name, Line: r.line, Tenant: r.run.tenant, GraphRoot: r.run.root})
			return true
		case "end":
			last = r.line
			return true
		case "":
		case "pending", "undecided":
			c.left = true
			return true
		default:
			return true
		}
		if r.logged && r.user == Me && r.err == nil {
			r = r.meant(self)
		}
		if r.err != nil {
			r.err.Source = s.name
		}
		if r.gone {
			c.gone++
		}
		return yield(r)
	}
	err := s.read(c, named)
	switch whole := log.Whole(); {
	case broken != nil:
		err = broken
	case err == nil && whole != nil:
		err = &LineError{Line: last, Msg: whole.Error(), Err: whole}
	case err == nil || err == errStop:
		return nil
	}
	if le, ok := errors.AsType[*LineError](err); ok {
		le.Source = s.name
		return le
	}
	return fmt.Errorf("reading %s: %w", s.name, err)
}

// read yields each row of the list, and records in c what else the list contains.
func (s *source) read(c *content, yield func(row) bool) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	defer f.Close()
	text := decode(f)
	format, blank := s.formatOf(text)
	c.blank, c.format = blank, format
	switch format {
	case formatJSON:
		return readJSON(text, s.usersOnly, yield)
	case formatLines:
		return readLines(text, s.usersOnly, nil, yield)
	case formatLog:
		return readLines(text, s.usersOnly, c.passOver, yield)
	case formatSelf:
		yield(row{line: 1, user: Me})
		return nil
	case formatPlain:
		return readPlain(text, s.usersOnly, yield)
	}
	return readCSV(text, s.usersOnly, yield)
}

// count adds a line of a results log to the lines of its log.
func (r *row) count(log *LogLines) error {
	switch {
	case r.run != nil:
		return log.Add(r.mark, r.run.list, r.run.before, r.run.counted)
	case r.logged || r.mark != "":
		return log.Add("result", "", 0, 0)
	}
	return nil
}

// add keeps a run of another tenant or Graph root than those before it.
func (c *content) add(run LogRun) {
	same := func(r LogRun) bool { return r.Tenant == run.Tenant && r.GraphRoot == run.GraphRoot }
	if !slices.ContainsFunc(c.runs, same) {
		c.runs = append(c.runs, run)
	}
}

// meant is a row of a results log whose user is whoever was signed in for its run:
// that one, and not whoever is signed in now.
func (r row) meant(self string) row {
	if !isGUID(self) {
		return r.refuse("user", errors.New(`the results log does not tell who was signed in, and so who "me" was: name the user`))
	}
	r.user = self
	return r
}

// formatOf returns how to read the text. The extension, Options.Format, the first character
// and the beginning of the text decide. blank reports whether the text is empty, apart from
// comments.
func (s *source) formatOf(text *bufio.Reader) (format string, blank bool) {
	start, err := text.Peek(bufferBytes) // an error comes again with the first read
	first := bytes.TrimLeftFunc(start, unicode.IsSpace)
	json := len(first) > 0 && (first[0] == '[' || first[0] == '{')
	plain, blank := isPlain(start, err != nil)
	switch format = s.format; {
	case format == formatPlain, format == formatSelf:
	case format != formatCSV && !s.usersOnly && isLog(start):
		format = formatLog
	case format == formatLines && json && isIndented(first):
		format = formatJSON
	case format != "" && format != formatCSV:
	case plain, blank:
		format = formatPlain
	case format == "" && json:
		format = formatJSON
	default:
		format = formatCSV
	}
	return format, blank
}

// isIndented reports whether a JSON value continues after its first line. Then the text is
// not JSON Lines, whatever the name of the file.
func isIndented(text []byte) bool {
	line, _, more := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSpace(line)
	return more && bytes.IndexByte([]byte("{[,:"), line[len(line)-1]) >= 0
}
