package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/results"
)

// Logs are results logs to be reported on as one. They may have millions of
// rows, so they are read more than once and never kept: the first reading finds
// out which rows are superseded, by a newer row about the same pair.
type Logs struct {
	logs  []*log // the earliest first
	lists []*List
	pairs int // rows that count

	beside  int // rows about passes that were replaced by others
	further int // rows about further passes of users who had several

	sessions        []*sessionRow
	withoutSessions int // users without such a row

	users int // that scans have looked at
	waits []wait

	first            *Run
	tenant, tenantOf string // the first tenant that a run names, and its log
}

type log struct {
	name    string
	file    *os.File
	size    int64   // how much was read first; a run may still write
	whole   int64   // of this, in lines that are whole
	parts   []*part // nil of a log that is the only one
	runs    []*Run
	rows    []fate
	torn    bool
	lacks   string      // which lines are missing, see results.Condition.Lacks
	stray   int         // skipped lines that are not part of the log
	strayAt int         // the first of these lines
	info    os.FileInfo // of the named file
	bytes   int64       // size of the named file; size is that of its text in UTF-8
	digest  string      // SHA-256 of the named file
	spool   string      // name of the copy in file if it still has one; see transcode
	listOf  int         // index into lists of the last run
	lined   bool        // its rows have lines
	columns bool        // and several are on one
	notes   []note      // by row

	remain, unseen int // of a proof: users who hold a pass, and who could not be looked at
}

// A wait is a results.Wait, and the run that it belongs to.
type wait struct {
	results.Wait
	run *Run
}

// A fate is how a row counts in the report.
type fate uint8

const (
	counts     fate = iota
	superseded      // a newer row is about the same pair
	beside          // it is about a pass in whose place another came, or a further pass
)

// OpenLogs reads results logs for the first time. It is an error if one is no
// log, is broken elsewhere than at its end, or is of another tenant than the
// others, if dry runs and others are among them, or if ctx ends. The caller
// closes Logs.
func OpenLogs(ctx context.Context, names []string) (_ *Logs, err error) {
	l := &Logs{}
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
	slices.SortStableFunc(l.logs, func(a, b *log) int {
		return cmp.Or(a.runs[0].Start.Compare(b.runs[0].Start), cmp.Compare(a.name, b.name))
	})
	if len(l.logs) > 1 {
		if err := l.findCopies(ctx); err != nil {
			return nil, err
		}
	}
	ix := newIndex(l)
	if err := ix.read(ctx); err != nil {
		return nil, err
	}
	ix.finish()
	l.endRuns()
	return l, nil
}

// Close closes the logs.
func (l *Logs) Close() error {
	var errs []error
	for _, lg := range l.logs {
		errs = append(errs, lg.close())
	}
	return errors.Join(errs...)
}

func (lg *log) close() error {
	err := lg.file.Close()
	if lg.spool != "" {
		err = errors.Join(err, os.Remove(lg.spool))
	}
	return err
}

// Len is the number of pairs in the logs.
func (l *Logs) Len() int { return l.pairs }

// Holds reports whether the file is one of the logs.
func (l *Logs) Holds(info os.FileInfo) bool {
	return slices.ContainsFunc(l.logs, func(lg *log) bool {
		return os.SameFile(lg.info, info)
	})
}

// listed reports whether the file is a list that a log names, from where its run was
// started. What a log names is not looked for on disk, because anybody may have written it.
func (l *Logs) listed(path string) bool {
	path, err := filepath.Abs(path)
	return err == nil && slices.ContainsFunc(l.lists, func(list *List) bool {
		return slices.ContainsFunc(list.Sources, func(source string) bool {
			source, err := filepath.Abs(source)
			return err == nil && strings.EqualFold(source, path)
		})
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
	case l.Holds(info):
		err = fmt.Errorf("%s is named twice", name)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	lg := &log{name: name, file: f, info: info, size: info.Size(), bytes: info.Size()}
	l.logs = append(l.logs, lg)
	if err := lg.transcode(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for rec, err := range lg.records(ctx, results.KindRun) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		lg.runs = []*Run{newRun(lg.name, rec.Run)}
		return nil
	}
	return fmt.Errorf("%s is empty: a run writes its first line before anything is sent", name)
}

// began takes in the next run of the log.
func (lg *log) began(run *Run) {
	for _, before := range lg.runs {
		before.resumed = true
	}
	lg.runs = append(lg.runs, run)
}

func (lg *log) last() *Run { return lg.runs[len(lg.runs)-1] }

// resumable returns the run whose command resumes the log: the last one that revokes sessions, because
// a run that leaves them alone is refused, or the last one.
func (lg *log) resumable() *Run {
	for _, run := range slices.Backward(lg.runs) {
		if run.header.Sessions {
			return run
		}
	}
	return lg.last()
}

// copied reports whether all runs of the log count in others.
func (lg *log) copied() bool {
	return !slices.ContainsFunc(lg.runs, func(run *Run) bool { return !run.copied })
}

// records reads the log from its start, see results.Read.
func (lg *log) records(ctx context.Context, kinds ...results.Kind) iter.Seq2[*results.Record, error] {
	return func(yield func(*results.Record, error) bool) {
		var all io.Reader = until{ctx, io.NewSectionReader(lg.file, 0, lg.size)}
		sum := sha256.New()
		if lg.digest == "" {
			all = io.TeeReader(all, sum)
		}
		var c results.Condition
		for rec, err := range results.Read(all, &c, kinds...) {
			if !yield(rec, err) || err != nil {
				return
			}
		}
		lg.lacks = c.Lacks
		lg.whole, lg.torn, lg.stray = c.Whole, lg.torn || c.Torn, c.Foreign
		if c.FirstForeign != nil {
			lg.strayAt = c.FirstForeign.Line
		}
		if lg.digest == "" {
			lg.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
		}
	}
}

// An until is a reader that ends with the cause when its context does.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}
