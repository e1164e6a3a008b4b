package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// IsLog reports whether a file begins like a results log.
func IsLog(path string) bool {
	text, err := fileout.Begin(path, len(firstBytes))
	return err == nil && string(text) == firstBytes
}

// CheckReplaceable returns an error if --overwrite would destroy a file that is not a results log.
// It returns nil for an empty or missing file.
func CheckReplaceable(path string) error { return fileout.CheckBegin(path, firstBytes) }
