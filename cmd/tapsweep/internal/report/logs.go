package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// Logs are the results logs of one report. They may have millions of rows, so they are read more than once and never
// kept in memory. The first reading finds the rows that newer rows supersede.
type Logs struct {
	logs     []*sourceLog // the earliest first
	lists    []*ReportedList
	listOf   map[listKey]int // the index into lists
	users    int             // the number of users that scans covered
	twoNames int             // users whose sessions have rows under both names
	waits    []waitOfRun
	notes    []note // in the order of the rows that they are about

	first            *ReportedRun
	logByFirstLine   map[string]string // the log of each run, by the first line of the run
	tenant, tenantOf string            // the first tenant that a run names, and its log
}

type sourceLog struct {
	number  uint32 // the index in Logs.logs
	name    string
	file    *os.File
	info    os.FileInfo
	bytes   int64           // the size at the first reading; a run may still write
	size    int64           // the same, of the text in UTF-8
	digest  string          // SHA-256 of the file
	spool   string          // a copy that Close removes, or empty
	first   *results.Header // the first of its runs
	runs    []*ReportedRun
	rows    []fate
	earlier uint32            // the number of rows of the runs before the last one
	lapsing []lapsing         // rows that a complete scan may remove
	end     results.Condition // whether the last line is torn, and which lines are missing
	listOf  int               // index into lists of the last run

	ahead     time.Time // of the first line from the future, or zero
	aheadLine int

	withoutSessions int // users whose sessions its runs revoke, and have no row
}

// A lapsing is a row with results.Row.Lapses. It is the row that counts for the entry, unless a later one does.
type lapsing struct{ entry, row uint32 }

// A waitOfRun is a results.Wait, with its run.
type waitOfRun struct {
	results.Wait
	run *ReportedRun
}

// A fate is whether and how a row counts in the report.
type fate uint8

const (
	counts     fate = iota
	superseded      // a newer row has the same key
	beside          // the row is listed but does not count: another pass of the user counts instead
)

// OpenLogs reads results logs for the first time. It returns an error if a file is not a log, or is broken before its
// end; if the logs have different tenants; if two logs have the same run; if only some runs are dry runs; or if ctx
// ends. The caller closes Logs.
func OpenLogs(ctx context.Context, names []string) (_ *Logs, err error) {
	// The index of a million rows grows in steps. With this value, the garbage of each step is collected early.
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	l := &Logs{listOf: make(map[listKey]int)}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	for _, name := range names {
		if err := l.open(ctx, name); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(l.logs, func(a, b *sourceLog) int {
		return cmp.Or(utc(a.first.Start).Compare(utc(b.first.Start)), cmp.Compare(a.name, b.name))
	})
	for i, lg := range l.logs {
		lg.number = uint32(i)
	}
	ix := newIndex(l)
	if err := ix.read(ctx); err != nil {
		return nil, err
	}
	ix.finish()
	l.endRuns()
	runtime.GC() // the index is the largest part of the memory, and nothing uses it any more
	return l, nil
}

// Close closes the logs.
func (l *Logs) Close() error {
	var errs []error
	for _, lg := range l.logs {
		errs = append(errs, lg.file.Close())
		if lg.spool != "" {
			errs = append(errs, os.Remove(lg.spool))
		}
	}
	return errors.Join(errs...)
}

// Skipped returns a warning for each log with lines that are not part of it.
func (l *Logs) Skipped() (warnings []string) {
	for _, lg := range l.logs {
		if words := lg.end.Skipped(safetext.Printable(lg.name)); words != "" {
			warnings = append(warnings, words)
		}
	}
	return warnings
}

// holds reports whether the file is one of the logs.
func (l *Logs) holds(info os.FileInfo) bool {
	return slices.ContainsFunc(l.logs, func(lg *sourceLog) bool {
		return os.SameFile(lg.info, info)
	})
}

func (l *Logs) open(ctx context.Context, name string) error {
	if name == "-" {
		return errors.New("a log is read more than once, which standard input cannot be: name a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", name)
	case l.holds(info):
		err = fmt.Errorf("%s is named twice", name)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	lg := &sourceLog{name: name, file: f, info: info, bytes: info.Size(), size: info.Size()}
	l.logs = append(l.logs, lg)
	if lg.isUTF16() {
		if err := lg.decode(); err != nil {
			return fmt.Errorf("reading %s in UTF-8: %w", name, err)
		}
	}
	for rec, err := range lg.records(ctx) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		lg.first = rec.Run
		return nil
	}
	return fmt.Errorf("%s is empty: a run writes its first line before anything is sent", name)
}

// isUTF16 reports whether the log begins with a byte order mark of UTF-16.
func (lg *sourceLog) isUTF16() bool {
	mark := make([]byte, 2)
	_, _ = lg.file.ReadAt(mark, 0) // the next read returns the error
	return slices.Contains([]string{"\xFF\xFE", "\xFE\xFF"}, string(mark))
}

// decode replaces the log with a private copy in UTF-8, because rows are found by their offsets.
func (lg *sourceLog) decode() error {
	f, err := os.CreateTemp("", "tapsweep-log-*") // mode 0600
	if err != nil {
		return err
	}
	if os.Remove(f.Name()) != nil { // Windows refuses this
		lg.spool = f.Name()
	}
	named, sum := lg.file, sha256.New()
	lg.file = f
	lg.size, err = io.Copy(f, input.Decode(io.TeeReader(io.NewSectionReader(named, 0, lg.bytes), sum)))
	lg.digest = digestOf(sum)
	return errors.Join(err, named.Close())
}

func digestOf(sum hash.Hash) string { return fmt.Sprintf("sha256:%x", sum.Sum(nil)) }

func (lg *sourceLog) last() *ReportedRun { return lg.runs[len(lg.runs)-1] }

// records reads the log from its start, see results.Read.
func (lg *sourceLog) records(ctx context.Context) iter.Seq2[*results.Record, error] {
	return func(yield func(*results.Record, error) bool) {
		var all io.Reader = io.NewSectionReader(lg.file, 0, lg.size)
		sum := sha256.New()
		if lg.digest == "" {
			all = io.TeeReader(all, sum)
		}
		var c results.Condition
		for rec, err := range results.Read(all, &c) {
			if ctx.Err() != nil {
				rec, err = nil, context.Cause(ctx)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
		lg.end = c
		if lg.digest == "" {
			lg.digest = digestOf(sum)
		}
	}
}
