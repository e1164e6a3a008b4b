package results

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"tapsweep/batch/safetext"
)

// syncEvery is how long a row may stay in memory. All rows of this time share one fsync, so a log of thousands
// of rows a second is cheap.
const syncEvery = 200 * time.Millisecond

// A Log writes a results log. Several goroutines may use it at the same time.
type Log struct {
	name string
	w    io.Writer
	sync func() error
	file *logFile // nil for a stream

	mu            sync.Mutex
	buf           *bufio.Writer
	enc           *json.Encoder
	lines         int   // the number of lines written
	lastAnnounced int   // the number of the last line that announces a delete
	err           error // the first error; nothing is written after it
	moved         error // a *MovedError; the run ends, but lines are still written until then

	before int // the number of lines that earlier runs wrote

	syncing sync.Mutex // held during an fsync, while other goroutines may write
	synced  int        // the number of lines on disk; mu also guards it

	stop  chan struct{}
	done  chan struct{}
	hurry chan struct{} // closed when the run must end
}

// ErrInUse is returned if another run is writing to the log.
var ErrInUse = errors.New("another run is writing to it")

// Create creates a log at path with mode 0600. For an existing file it returns fs.ErrExist, unless overwrite is
// set. With overwrite, the file must be trusted (see CheckTrust) and must begin like a log. The new log replaces
// it when its first line is on disk.
func Create(path string, overwrite bool) (*Log, error) {
	if _, err := os.Stat(path); err == nil && overwrite {
		f, err := replace(path)
		if err != nil {
			return nil, fmt.Errorf("replacing the results log: %w", err)
		}
		return newFileLog(f), nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|appendFlag, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("results log %s already exists: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the results log: %w", err)
	}
	lock, err := lockLog(f)
	if err != nil {
		err = errors.Join(fmt.Errorf("creating the results log: %w", err), f.Close())
		if !errors.Is(err, ErrInUse) {
			err = errors.Join(err, os.Remove(path))
		}
		return nil, err
	}
	return newFileLog(&logFile{file: f, path: path, lock: lock, created: true}), nil
}

// Stream returns a log that is written to w, such as standard output.
func Stream(w io.Writer) *Log { return newLog("-", struct{ io.Writer }{w}, unsynced) }

func unsynced() error { return nil }

func newFileLog(f *logFile) *Log {
	l := newLog(f.path, f, f.file.Sync)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = f
	return l
}

// newLog returns a log that is written to w. Close closes w if it is an io.Closer.
func newLog(name string, w io.Writer, sync func() error) *Log {
	l := &Log{name: name, w: w, sync: sync,
		stop: make(chan struct{}), done: make(chan struct{}), hurry: make(chan struct{})}
	l.buf = bufio.NewWriterSize(&patientWriter{w, l.hurry}, 64<<10) // files do not use hurry
	l.enc = json.NewEncoder(safetext.JSON(l.buf))
	l.enc.SetEscapeHTML(false)
	go l.syncLoop()
	return l
}

// Hurry tells the log that the run must end. After that, a pipe whose reader does not read delays the run by at
// most 5 s. Hurry must be called at most once.
func (l *Log) Hurry() { close(l.hurry) }

// Name returns the path of the log, or "-".
func (l *Log) Name() string { return l.name }

// Write adds a Header, a Row, a Wait, a Scanned or an End. It returns the first error that the log ever had, so the
// caller learns of a full disk with the next row at the latest.
func (l *Log) Write(entry any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch line := entry.(type) {
	case *Header:
		line.Type, line.Lines = "run", l.before+l.lines
	case *Row:
		line.clean()
	case *Wait:
		line.Type = "wait"
	case *Scanned:
		line.Type = "scanned"
	case *End:
		line.Type, line.Lines = "end", l.before+l.lines
	}
	if l.err == nil {
		if err := l.enc.Encode(entry); err != nil {
			l.fail(err)
		}
		l.lines++
		if row, ok := entry.(*Row); ok && row.Provisional && row.Outcome == Found { // it announces a delete
			l.lastAnnounced = l.lines
		}
	}
	return l.failure()
}

// failure returns the error that ends the run. The caller holds mu.
func (l *Log) failure() error { return cmp.Or(l.err, l.moved) }

// Check returns a *MovedError if the file at the path of the log is no longer the file that the log is written
// to. After that, each Write also returns this error, but still writes.
func (l *Log) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.moved == nil {
		l.moved = l.file.check()
	}
	return l.failure()
}

// Sync writes all lines so far to disk.
func (l *Log) Sync() error { return l.syncUpTo(&l.lines) }

// SyncAnnounced writes all rows that announce deletes to disk, if they are not there yet. Goroutines that call it at
// the same time share one fsync.
func (l *Log) SyncAnnounced() error { return l.syncUpTo(&l.lastAnnounced) }

// syncUpTo writes the lines up to a number, which mu guards, to disk. While one goroutine syncs, others wait, and the
// next fsync is enough for all of them. Lines are written meanwhile, so that a slow disk does not delay the run.
func (l *Log) syncUpTo(number *int) error {
	l.mu.Lock()
	last := *number
	l.mu.Unlock()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.synced >= last {
		return l.failure()
	}
	flushed, err := l.lines, l.buf.Flush()
	if err == nil {
		l.mu.Unlock()
		err = l.sync()
		l.mu.Lock()
	}
	if err == nil && l.file != nil {
		err = l.file.appear()
	}
	switch {
	case err == nil:
		l.synced = flushed
	case l.err == nil:
		l.fail(err)
	}
	return l.failure()
}

func (l *Log) fail(err error) { l.err = fmt.Errorf("writing the results log %s: %w", l.name, err) }

func (l *Log) syncLoop() {
	defer close(l.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	look := time.NewTicker(checkEvery)
	defer look.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			_ = l.Sync() // the next Write or Close returns the error
		case <-look.C:
			_ = l.Check() // the next Write or Close returns the error
		}
	}
}

// Close writes everything to disk and closes the file. It removes a new file without a line on disk, because the
// next run could not use its name.
func (l *Log) Close() error {
	close(l.stop)
	<-l.done
	err := l.Sync()
	if err == nil && l.lines > 0 {
		err = l.Check()
	}
	unused := ""
	if l.file != nil && l.synced == 0 {
		unused = l.file.unused()
	}
	if c, ok := l.w.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	if unused != "" {
		err = errors.Join(err, os.Remove(unused))
	}
	return err
}
