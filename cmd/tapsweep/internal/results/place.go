package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"tapsweep/input"
)

// checkEvery is how often a log is compared with the file at its path. It is the longest time
// for which a run may write to a log that nobody can find.
const checkEvery = 2 * time.Second

// A place is the file that a log is written to, and its path. The mutex of the Log guards it.
type place struct {
	path    string
	file    *os.File
	size    int64  // the expected size of the file, from what was written to it
	created string // the path of a new file, empty for the file of an earlier run
	target  string // what created is renamed to after its first line, empty to keep the name
}

// Write writes to the end of the file.
func (p *place) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.size += int64(n)
	return n, err
}

// A MovedError says that the file at the path of a log is no longer the file that the run
// writes to, or that the file was truncated.
type MovedError struct {
	Path string
	What string // what happened, in words that follow the path
	Next string // what to do
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("the results log %s %s while the run was writing to it: %s", e.Path, e.What, e.Next)
}

// check returns a *MovedError if the path does not lead to the file, or if the file is
// shorter than what was written to it.
func (p *place) check() error {
	if p.target != "" {
		return nil // it does not have its final name yet
	}
	own, err := p.file.Stat()
	if err != nil {
		return &MovedError{p.path, "cannot be read (" + err.Error() + ")", "find the log, and use --resume with it"}
	}
	const back = "move it back, use --resume, and exclude it from logrotate and similar tools"
	const lost = "run the same command with another results log, and exclude it from logrotate and similar tools"
	there, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && unlinked(own):
		return &MovedError{p.path, "was removed", lost}
	case errors.Is(err, fs.ErrNotExist):
		return &MovedError{p.path, "was renamed or moved", back}
	case err != nil:
		return &MovedError{p.path, "cannot be read (" + err.Error() + ")", "find the log, and use --resume with it"}
	case !os.SameFile(own, there) && unlinked(own):
		return &MovedError{p.path, "was removed, and another file is there", lost}
	case !os.SameFile(own, there):
		return &MovedError{p.path, "was renamed or moved, and another file is there", back}
	case own.Size() < p.size:
		return &MovedError{p.path, fmt.Sprintf("was truncated (%d of %d bytes are left)", own.Size(), p.size),
			"put the missing part back at the start, from a copy such as logrotate's, and use --resume; " +
				"without a copy, " + lost}
	}
	return nil
}

// appear gives a new log its final name. It is called when the first line is on disk; until
// then the old log keeps its place.
func (p *place) appear() error {
	if p.target == "" {
		return nil
	}
	if err := os.Rename(p.created, p.target); err != nil {
		return err
	}
	p.created, p.target = p.target, ""
	return nil
}

// unused returns the path of a new file. It returns "" for a file of an earlier run, or if
// there is another file at the path now.
func (p *place) unused() string {
	there, err := os.Lstat(p.created)
	own, ownErr := p.file.Stat()
	if p.created == "" || err != nil || ownErr != nil || !os.SameFile(there, own) {
		return ""
	}
	return p.created
}

// firstBytes is the start of a log: the first key of a Run.
var firstBytes = []byte(`{"type":"run"`)

// ErrNotLog says that a file does not begin like a results log.
var ErrNotLog = errors.New("it does not begin like a results log of tapsweep, so it is not replaced")

// IsLog reports whether a file begins like a results log, in any supported encoding.
func IsLog(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	empty, log := begins(f)
	return log && !empty
}

// CheckReplaceable returns an error that wraps ErrNotLog if --overwrite would destroy a file
// that is not a results log. It returns nil for an empty or missing file.
func CheckReplaceable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return checkReplaceable(f)
}

func checkReplaceable(f *os.File) error {
	if empty, log := begins(f); !empty && !log {
		return fmt.Errorf("%s: %w", f.Name(), ErrNotLog)
	}
	return nil
}

// begins reports whether r is empty, and whether it begins like a log.
func begins(r io.Reader) (empty, log bool) {
	first := make([]byte, len(firstBytes))
	n, err := io.ReadFull(input.Decode(r), first)
	return n == 0 && err == io.EOF, bytes.Equal(first, firstBytes)
}
