package results

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// readerPatience is how long to wait for a reader of a named pipe. A reader that is started
// together with the run opens the pipe at once.
const readerPatience = 10 * time.Second

// ErrNoReader says that no program reads a named pipe.
var ErrNoReader = errors.New("no program reads it: start the reader first")

// IsPipe reports whether there is a named pipe at path.
func IsPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// CanResume reports whether a log at path can be read again: there is a regular file, or
// nothing. Of a pipe or a device it is lost.
func CanResume(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// CreatePipe opens a log that is written to a named pipe. Nothing is on disk then, and the
// run cannot be resumed. If no program opens the pipe within 10 s, the error wraps
// ErrNoReader.
func CreatePipe(path string) (*Log, error) {
	f, err := OpenPipe(path)
	if err != nil {
		return nil, fmt.Errorf("results log %w", err)
	}
	return newLog(path, f, func() error { return nil }, nil), nil
}

// OpenPipe opens a named pipe for writing. It waits up to 10 s for a reader, and then returns
// an error that wraps ErrNoReader. Without this limit, opening the pipe would block forever.
func OpenPipe(path string) (*os.File, error) {
	for end := time.Now().Add(readerPatience); ; time.Sleep(50 * time.Millisecond) {
		f, err := openWriteEnd(path)
		switch {
		case err == nil:
			return f, nil
		case !isNoReader(err):
			return nil, err
		case time.Now().After(end):
			return nil, fmt.Errorf("%s is a named pipe, and %w", path, ErrNoReader)
		}
	}
}
