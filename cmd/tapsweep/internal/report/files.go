package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is written beside its name and gets it when it is whole, so that
// nobody finds half a report. It is readable by its owner only.
type File struct {
	*bufio.Writer
	path      string
	overwrite bool
	tmp       *os.File // nil if it goes to a stream
}

// CheckFile refuses a path that a File cannot, or must not, be written to.
func CheckFile(path string, overwrite bool, logs *Logs) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(path))
		return err
	case err != nil:
		return err
	}
	if target, err := os.Stat(path); err == nil && logs.Holds(target) {
		return fmt.Errorf("%s is one of the logs", path)
	}
	if logs.listed(path) {
		return fmt.Errorf("%s is a list of which the logs tell: without it no run can go on", path)
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a plain file", path)
	case !overwrite:
		return fmt.Errorf("%s is there already", path)
	}
	return CheckBegin(path, "<!DOCTYPE html>", strings.Join(csvHeader[:6], ","), "{\n  \"tenant\"")
}

// CheckBegin returns an error if a file begins with none of the texts, because such a file
// must not be replaced. An empty or missing file is fine.
func CheckBegin(path string, begins ...string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	text := make([]byte, 100)
	n, err := io.ReadFull(f, text)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	text = bytes.TrimPrefix(text[:n], []byte("\xEF\xBB\xBF"))
	own := func(begin string) bool { return bytes.HasPrefix(text, []byte(begin)) }
	if len(text) == 0 || slices.ContainsFunc(begins, own) {
		return nil
	}
	return fmt.Errorf("%s does not look like a file that this command writes, so it is not replaced", path)
}

// CreateFile begins a file.
func CreateFile(path string, overwrite bool) (*File, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tapsweep-*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &File{bufio.NewWriterSize(tmp, 256<<10), path, overwrite, tmp}, nil
}

// StreamFile is a File that goes to w.
func StreamFile(w io.Writer) *File { return &File{Writer: bufio.NewWriter(w)} }

// Commit makes the file appear.
func (f *File) Commit() error {
	err := f.Flush()
	if f.tmp == nil {
		return err
	}
	err = errors.Join(err, f.tmp.Sync(), f.tmp.Close())
	if err == nil {
		err = f.appear()
	}
	if err != nil {
		err = fmt.Errorf("writing %s: %w", f.path, err)
	}
	return errors.Join(err, f.remove())
}

// appear gives the file its name. A link, unlike a rename, fails if another
// file has got the name meanwhile; not every file system has links.
func (f *File) appear() error {
	if !f.overwrite {
		err := os.Link(f.tmp.Name(), f.path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return os.Rename(f.tmp.Name(), f.path)
}

// Abort removes what was written, unless it has been committed.
func (f *File) Abort() {
	if f.tmp != nil {
		f.tmp.Close()
		f.remove()
	}
}

func (f *File) remove() error {
	if err := os.Remove(f.tmp.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
