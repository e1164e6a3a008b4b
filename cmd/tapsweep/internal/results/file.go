package results

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tapsweep/cmd/tapsweep/internal/fileout"
)

// checkEvery is how often a log is compared with the file at its path. It is the longest time
// for which a run may write to a log that nobody can find.
const checkEvery = 2 * time.Second

// A logFile is the regular file that a log is written to. The mutex of the Log guards it.
type logFile struct {
	file     *os.File
	path     string
	lock     io.Closer
	size     int64 // the expected size of the file, from what was written to it
	created  bool  // it is new, and not the file of an earlier run
	replaces bool  // the first write replaces the log that is in it

	// beside is where a new log is until its first line is on disk. Then it is renamed to target, in
	// place of the log that is there, and beside is empty.
	beside, target string
}

// replace begins a log in place of the one at path. If path is a link, its target is replaced. The old
// log is locked to the end, so that a run that has opened it cannot use it.
func replace(path string) (*logFile, error) {
	if err := CheckReplaceable(path); err != nil {
		return nil, err
	}
	old, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	oldLock, err := lockLog(old)
	if err != nil {
		return nil, errors.Join(err, old.Close())
	}
	if runtime.GOOS == "windows" { // which does not rename an open file
		return &logFile{file: old, path: path, lock: oldLock, replaces: true}, nil
	}
	defer old.Close()
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, errors.Join(err, oldLock.Close())
	}
	beside := filepath.Join(filepath.Dir(target), ".tapsweep-"+rand.Text())
	f, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_EXCL|appendFlag, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the new log cannot be written next to the old one: %w", err),
			oldLock.Close())
	}
	lock, err := lockLog(f)
	if err != nil {
		return nil, errors.Join(err, oldLock.Close(), f.Close(), os.Remove(beside))
	}
	return &logFile{file: f, path: path, lock: locks{lock, oldLock}, beside: beside, target: target}, nil
}

// locks are released together.
type locks [2]io.Closer

func (l locks) Close() error { return errors.Join(l[0].Close(), l[1].Close()) }

// appear puts a new log in the place of the old one. Its first line is on disk.
func (f *logFile) appear() error {
	if f.beside == "" {
		return nil
	}
	err := os.Rename(f.beside, f.target)
	if err == nil {
		f.beside = ""
	}
	return err
}

// unused returns the path of the file that is to be removed if no line of it is on disk, empty for none.
func (f *logFile) unused() string {
	if f.beside == "" && f.created && f.check() == nil {
		return f.path
	}
	return f.beside
}

// Write writes to the end of the file.
func (f *logFile) Write(b []byte) (int, error) {
	if f.replaces {
		f.replaces = false
		if err := errors.Join(f.file.Chmod(0o600), f.file.Truncate(0)); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(b)
	f.size += int64(n)
	return n, err
}

// Close releases the lock and closes the file, in this order: on Windows the lock is of its handle.
func (f *logFile) Close() error { return errors.Join(f.lock.Close(), f.file.Close()) }

// A MovedError says that the file at the path of a log is no longer the file that the run
// writes to, or that the file was truncated.
type MovedError struct {
	Path string
	What string // what happened, in words that follow the path
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("the results log %s %s while the run was writing to it: if you can put the file back, do so "+
		"and use --resume; otherwise run the same command with another results log; exclude the log from logrotate "+
		"and similar tools", e.Path, e.What)
}

// check returns a *MovedError if the path does not lead to the file, or if the file is
// shorter than what was written to it.
func (f *logFile) check() error {
	if f.beside != "" {
		return nil
	}
	there, err := os.Stat(f.path)
	own, ownErr := f.file.Stat()
	switch err := errors.Join(err, ownErr); {
	case errors.Is(err, fs.ErrNotExist):
		return &MovedError{f.path, "was removed or renamed"}
	case err != nil:
		return &MovedError{f.path, "cannot be read (" + err.Error() + ")"}
	case !os.SameFile(own, there):
		return &MovedError{f.path, "was replaced by another file"}
	case own.Size() < f.size:
		return &MovedError{f.path, fmt.Sprintf("was truncated (%d of %d bytes are left)", own.Size(), f.size)}
	}
	return nil
}

// CanResume reports whether a log at path can be read again: there is a regular file, or
// nothing. Of a pipe or a device it is lost.
func CanResume(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// firstBytes is the start of a log: the first key of a Run.
const firstBytes = `{"type":"run"`

// CheckReplaceable returns an error if --overwrite would destroy a file that is not a results log.
// It returns nil for an empty or missing file.
func CheckReplaceable(path string) error { return fileout.CheckBegin(path, firstBytes) }
