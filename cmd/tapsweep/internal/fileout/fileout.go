// Package fileout writes complete files or none, and replaces only files that begin like a file of tapsweep.
package fileout

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
)

// A File is written under a temporary name, and gets its own name when it is complete. So nobody reads an incomplete
// file. Only its owner can read it.
type File struct {
	*bufio.Writer
	path      string
	overwrite bool
	tmp       *os.File // nil for a stream
}

// CheckBegin returns an error if a file begins with none of the texts, because this command does not write such a file.
// It accepts an empty or missing file, and a byte order mark before the text.
func CheckBegin(path string, begins ...string) error {
	text, err := Begin(path, 100)
	if err != nil {
		return err
	}
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	own := func(begin string) bool { return bytes.HasPrefix(text, []byte(begin)) }
	if len(text) == 0 || slices.ContainsFunc(begins, own) {
		return nil
	}
	return fmt.Errorf("%s does not look like a file that this command writes, so it is not replaced", path)
}

// Begin returns the first n bytes of a file, fewer if the file is shorter, and none if it does not exist.
func Begin(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(n)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return text, nil
}

// Create begins a file. If overwrite is set, Commit replaces an existing file.
func Create(path string, overwrite bool) (*File, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tapsweep-*") // mode 0600
	if cause, ok := errors.AsType[*fs.PathError](err); ok {      // the error contains the name of the temporary file
		return nil, fmt.Errorf("%s: cannot write to its directory: %w", path, cause.Err)
	}
	if err != nil {
		return nil, err
	}
	return &File{bufio.NewWriterSize(tmp, 256<<10), path, overwrite, tmp}, nil
}

// Open is Create, or returns a File that writes to stdout if the path is "-".
func Open(path string, stdout io.Writer, overwrite bool) (*File, error) {
	if path == "-" {
		return &File{Writer: bufio.NewWriter(stdout)}, nil
	}
	return Create(path, overwrite)
}

// Commit gives the file its name.
func (f *File) Commit() error {
	err := f.Flush()
	if f.tmp == nil {
		return err
	}
	err = errors.Join(err, f.tmp.Sync(), f.tmp.Close())
	if err == nil {
		err = f.appear()
	}
	if err == nil {
		err = SyncDir(filepath.Dir(f.path))
	}
	if err != nil {
		err = fmt.Errorf("writing %s: %w", f.path, err)
	}
	return errors.Join(err, f.remove())
}

// appear gives the file its name. Without overwrite, it fails if another file has this name. Not every file system has
// links.
func (f *File) appear() error {
	if f.overwrite {
		return os.Rename(f.tmp.Name(), f.path)
	}
	err := os.Link(f.tmp.Name(), f.path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return renameToNew(f.tmp.Name(), f.path)
}

// renameToNew renames a file, and fails if another file has the new name. A rename alone would replace that file, so
// renameToNew creates an empty file first, and replaces that.
func renameToNew(from, to string) error {
	empty, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(empty.Close(), os.Rename(from, to))
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}

// Abort removes the temporary file. It does nothing after Commit.
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
