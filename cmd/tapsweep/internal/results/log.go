package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// syncEvery is how long a row may stay in memory. Rows of that time share one
// fsync, which is what makes a journal of thousands of rows a second cheap.
const syncEvery = 200 * time.Millisecond

// A Log is a results log being written. It may be used by several goroutines.
type Log struct {
	name string
	file io.Writer
	sync func() error

	mu    sync.Mutex
	buf   *bufio.Writer
	enc   *json.Encoder
	dirty bool
	err   error // the first that happened; nothing is written after it

	stop chan struct{}
	done chan struct{}
}

// Create opens a new log at path, mode 0600. An existing file is an error that
// is fs.ErrExist unless overwrite is set.
func Create(path string, overwrite bool) (*Log, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("results log %s is there already: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the results log: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		// A file that was there before may have a wider mode.
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("creating the results log: %w", err)
	}
	sync := f.Sync
	if !info.Mode().IsRegular() {
		sync = func() error { return nil } // pipes and devices have no disk
	}
	return newLog(path, f, sync), nil
}

// Stream returns a log that goes to w, such as standard output.
func Stream(w io.Writer) *Log {
	return newLog("-", w, func() error { return nil })
}

func newLog(name string, w io.Writer, sync func() error) *Log {
	l := &Log{name: name, file: w, sync: sync, stop: make(chan struct{}), done: make(chan struct{})}
	l.buf = bufio.NewWriterSize(w, 64<<10)
	l.enc = json.NewEncoder(l.buf)
	l.enc.SetEscapeHTML(false)
	go l.syncLoop()
	return l
}

// Name is the path, or "-".
func (l *Log) Name() string { return l.name }

// Write adds a Run, a Row or an End. The error is the first that the log ever
// had, so a caller learns of a failing disk with the next row at the latest.
func (l *Log) Write(line any) error {
	switch line := line.(type) {
	case *Run:
		line.Type = "run"
	case *Row:
		line.clean()
	case *End:
		line.Type = "end"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		if err := l.enc.Encode(line); err != nil {
			l.fail(err)
		}
		l.dirty = true
	}
	return l.err
}

// Sync puts everything written so far on disk.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && l.dirty {
		l.dirty = false
		if err := l.buf.Flush(); err != nil {
			l.fail(err)
		} else if err := l.sync(); err != nil {
			l.fail(err)
		}
	}
	return l.err
}

func (l *Log) fail(err error) { l.err = fmt.Errorf("writing the results log %s: %w", l.name, err) }

func (l *Log) syncLoop() {
	defer close(l.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			_ = l.Sync() // kept, and returned by the next Write or by Close
		}
	}
}

// Close puts everything on disk and closes the file.
func (l *Log) Close() error {
	close(l.stop)
	<-l.done
	err := l.Sync()
	if c, ok := l.file.(io.Closer); ok && l.name != "-" {
		err = errors.Join(err, c.Close())
	}
	return err
}
