package input

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// A source is one list that is being read.
type source struct {
	name      string    // the name in messages
	stdin     io.Reader // set if the list is standard input
	read      Reader    // asked first; may be nil
	usersOnly bool      // the passes of the rows are ignored
	yield     func(ListRow)

	file interface {
		io.ReaderAt
		io.Closer
	}
	size   int64    // of file, in bytes
	digest string   // see File
	limit  rowLimit // of the rows that are being read

	foreign    iter.Seq2[ListRow, error] // what read returned
	foreignErr error                     // what read returned
	superseded bool                      // a row of the list has OutSuperseded
}

// open opens a list, and calls the Reader. The caller closes the file, unless open returns an error.
func (s *source) open() error {
	err := s.openFile()
	if err == nil {
		err = s.hash()
	}
	if err != nil {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
		}
		return fmt.Errorf("reading list: %w", err)
	}
	if s.read != nil {
		start, _ := s.text().Peek(bufferBytes) // an error comes again with the first read
		s.foreign, s.foreignErr = s.read(s.name, start, func() io.Reader { return s.text() })
	}
	return nil
}

// openFile opens a list. If the list is not a regular file but, for example, a pipe, openFile copies it to a temporary
// file, because a Reader may read it twice.
func (s *source) openFile() error {
	if s.stdin != nil {
		return s.copy(s.stdin)
	}
	f, err := os.Open(s.name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a directory: name a file", s.name)
	case info.Mode().IsRegular():
		s.file, s.size = f, info.Size()
		return nil
	default:
		err = s.copy(f)
	}
	return errors.Join(err, f.Close())
}

func (s *source) copy(r io.Reader) error {
	f, err := newTemporary()
	if err != nil {
		return err
	}
	s.file = f
	s.size, err = io.Copy(struct{ io.Writer }{f}, r) // without os.File.ReadFrom, which does not call Write
	return err
}

// hash computes the digest of the list.
func (s *source) hash() error {
	sum := sha256.New()
	_, err := io.Copy(sum, io.NewSectionReader(s.file, 0, s.size))
	s.digest = fmt.Sprintf("sha256:%x", sum.Sum(nil))
	return err
}

func (s *source) asFile() File { return File{Name: s.name, Digest: s.digest} }

// A temporary is a temporary file that others cannot read.
type temporary struct{ *os.File }

func newTemporary() (temporary, error) {
	f, err := os.CreateTemp("", "tapsweep-list-*") // mode 0600
	if err != nil {
		return temporary{}, fmt.Errorf("%w: set TMPDIR to a directory that you can write to", err)
	}
	_ = os.Remove(f.Name()) // the system removes the file when the process ends, even after a kill
	return temporary{f}, nil
}

// Write writes to the file. An error says what to do.
func (t temporary) Write(text []byte) (n int, err error) {
	if n, err = t.File.Write(text); err != nil {
		err = fmt.Errorf("%w: make room there, or set TMPDIR to another directory", err)
	}
	return n, err
}

// Close closes the file. On Windows, where an open file cannot be removed, it also removes it.
func (t temporary) Close() error {
	err := t.File.Close()
	_ = os.Remove(t.Name())
	return err
}

// readAll reads the list, which is open. If the rest of the list is unreadable, it adds the error to problems. It
// returns read errors.
func (s *source) readAll(problems *Problems) error {
	err := s.rows()
	if bad, ok := errors.AsType[*LineError](err); ok {
		bad.Source = s.name
		problems.addFatal(bad)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", s.name, err)
	}
	return nil
}

// newRow returns the row of a line, without a user.
func (s *source) newRow(line int) ListRow { return ListRow{Pair: Pair{Source: s.name, Line: line}} }

// text returns the text of the list, from its start.
func (s *source) text() *bufio.Reader { return Decode(io.NewSectionReader(s.file, 0, s.size)) }

// rows yields each row of the list. If it returns a *LineError, the rest of the list cannot be read.
func (s *source) rows() error {
	if s.foreign != nil || s.foreignErr != nil {
		return s.readForeign()
	}
	s.limit = rowLimit{r: s.text(), left: maxRow}
	text := bufio.NewReaderSize(&s.limit, bufferBytes)
	start, _ := text.Peek(2) // an error comes again with the first read
	first, err := firstLine(s.text())
	switch {
	case len(start) > 1 && (start[0] == 0) != (start[1] == 0):
		return &LineError{Line: 1, Msg: "the list looks like UTF-16 without a byte order mark: save it as UTF-8, in " +
			"Excel as CSV UTF-8"}
	case err == io.EOF:
		return &LineError{Line: 1, Msg: "the list is empty, or has only comments; a list has a header such as " +
			"user,method, or a user principal name on each line"}
	case err != nil:
		return err
	case CheckUser(string(first)) == nil:
		return s.readPlain(text)
	case first[0] == '[', first[0] == '{':
		return s.readJSON(text)
	}
	return s.readCSV(text)
}

// firstLine returns the first line that is neither empty nor a comment, without the spaces around it. Of a line that is
// longer than the buffer, it returns a part. If there is no such line, the error is io.EOF.
func firstLine(text *bufio.Reader) ([]byte, error) {
	for inComment := false; ; {
		part, err := text.ReadSlice('\n')
		if !inComment && !isComment(part) {
			return bytes.TrimSpace(part), nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		// The next part belongs to the same comment, unless only spaces filled the buffer.
		inComment = err != nil && (inComment || len(bytes.TrimSpace(part)) > 0)
	}
}

func isComment(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

// readPlain reads a list with one user per line. Each row means any pass of its user. An object ID is an error, because
// it could be the ID of a pass, unless the list is only for users.
func (s *source) readPlain(text *bufio.Reader) error {
	for n := 1; ; n++ {
		s.limit.next()
		line, err := text.ReadString('\n')
		if name := strings.TrimSpace(line); !isComment([]byte(line)) {
			r := s.newRow(n).fill([]string{name}, nil)
			if IsGUID(name) && !s.usersOnly {
				r = r.refuse(fmt.Errorf(`"%s" may be the ID of a user or of a pass: `+
					"if the list has users, add the header line userId", name))
			}
			s.yield(r)
		} else if bad := checkComment(line, n); bad != nil {
			return bad
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
