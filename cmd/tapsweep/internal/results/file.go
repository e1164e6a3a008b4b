package results

import (
	"cmp"
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

// checkEvery is how often a run checks that its log is still the file at its path. If somebody moves the log,
// the run notices it within this time.
const checkEvery = 2 * time.Second

// A logFile is the regular file that a log is written to. The mutex of the Log guards it.
type logFile struct {
	file     *os.File
	path     string
	lock     io.Closer
	size     int64 // the expected size of the file: all bytes written so far
	created  bool  // the run created the file
	replaces bool  // the first write replaces the log in the file

	// beside is the path of a new log until its first line is on disk. Then the log is renamed to target, where
	// it replaces the old log, and beside is empty.
	beside string
	target string // where path leads if it is a link, empty if it is none
	named  bool   // the name of the file is on disk
}

// replace creates a log that will replace the log at path. If path is a link, the target of the link is
// replaced. The old log stays locked until the end, so that a run that has already opened it cannot use it.
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
	if runtime.GOOS == "windows" { // Windows cannot rename an open file
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

type locks [2]io.Closer

func (l locks) Close() error { return errors.Join(l[0].Close(), l[1].Close()) }

// appear gives the log its name when its first line is on disk, and writes the name to disk. Without that, a power loss
// could lose a new log, or bring back the old one, after deletes were sent.
func (f *logFile) appear() error {
	if f.named {
		return nil
	}
	if f.beside != "" {
		if err := os.Rename(f.beside, f.target); err != nil {
			return err
		}
		f.beside = ""
	}
	err := fileout.SyncDir(filepath.Dir(cmp.Or(f.target, f.path)))
	f.named = err == nil
	return err
}

// unused returns the path of the file to remove if none of its lines is on disk. It is empty if no file must
// be removed.
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

// Close releases the lock and closes the file. The order matters, because on Windows the lock uses the handle
// of the file.
func (f *logFile) Close() error { return errors.Join(f.lock.Close(), f.file.Close()) }

// A MovedError is returned if the file at the path of a log is no longer the file that the run writes to, or
// if the file was truncated.
type MovedError struct {
	Path string
	What string // what happened; the text follows the path
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("the results log %s %s while the run was writing to it: if you can put the file back, do so "+
		"and use --resume; otherwise run the same command with another results log; exclude the log from logrotate "+
		"and similar tools", e.Path, e.What)
}

// check returns a *MovedError if another file, or none, is at the path, or if the file is shorter than what
// was written to it.
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

// firstBytes are the first bytes of each log: the first key of a Header.
const firstBytes = `{"type":"run"`

// CheckReplaceable returns an error if the file at path is not a results log, so that --overwrite must not
// replace it. It returns nil for an empty or missing file.
func CheckReplaceable(path string) error { return fileout.CheckBegin(path, firstBytes) }
