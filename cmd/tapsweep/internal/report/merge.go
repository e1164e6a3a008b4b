package report

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// Logs of one incident overlap: one was resumed after another began, and a copy was made before
// that. So the lines of all logs are read in the order of their time, and a run that is in two logs
// counts in one of them.

// A part of a log is what one run wrote.
type part struct {
	log      *log
	n        int   // of its first line
	from, to int64 // bytes
	same     *part // in another log, if that is where it counts
}

// findCopies finds the parts that stand in more than one place. The longest counts: a
// copy may be of a run that was still going on.
func (l *Logs) findCopies(ctx context.Context) error {
	var firsts []string // lines, in order
	parts := make(map[string][]*part)
	for _, lg := range l.logs {
		for rec, err := range lg.records(ctx, results.KindRun) {
			if err != nil {
				return fmt.Errorf("%s: %w", lg.name, err)
			}
			if n := len(lg.parts); n > 0 {
				lg.parts[n-1].to = rec.Offset
			}
			p, first := &part{log: lg, n: rec.Line, from: rec.Offset}, string(rec.Text)
			if lg.parts = append(lg.parts, p); parts[first] == nil {
				firsts = append(firsts, first)
			}
			parts[first] = append(parts[first], p)
		}
		lg.parts[len(lg.parts)-1].to = lg.whole
	}
	for _, first := range firsts {
		longest := slices.MaxFunc(parts[first], func(a, b *part) int {
			// Of two that are equal, the one in the log that went on.
			return cmp.Or(cmp.Compare(a.to-a.from, b.to-b.from), cmp.Compare(a.log.size, b.log.size))
		})
		for _, p := range parts[first] {
			if p == longest {
				continue
			}
			if same, err := p.begins(longest); err != nil {
				return err
			} else if !same {
				return fmt.Errorf("%s and %s are logs of one run, but they differ: leave out the one that was changed",
					p.log.name, longest.log.name)
			}
			p.same = longest
		}
	}
	return nil
}

func (p *part) run() *Run { return p.log.runs[slices.Index(p.log.parts, p)] }

// begins reports whether a part is the beginning of a longer one.
func (p *part) begins(longer *part) (bool, error) {
	size := p.to - p.from
	a, errA := p.digest(size)
	b, errB := longer.digest(size)
	return bytes.Equal(a, b), errors.Join(errA, errB)
}

// digest returns the SHA-256 of the first bytes of a part.
func (p *part) digest(size int64) ([]byte, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, io.NewSectionReader(p.log.file, p.from, size))
	return sum.Sum(nil), err
}

// A cursor goes through a log, one line ahead.
type cursor struct {
	lg   *log
	i    int // of the log
	part int
	run  *Run // of the line, nil before the first
	next func() (*results.Record, error, bool)
	rec  *results.Record
	head head // of a row

	at time.Time // of the line, never before that of the line before it
}

// read takes in the lines of all logs by their time.
func (ix *index) read(ctx context.Context) error {
	var open []*cursor
	for i, lg := range ix.logs.logs {
		next, stop := iter.Pull2(lg.records(ctx))
		defer stop()
		lg.runs = nil
		c := &cursor{lg: lg, i: i, part: -1, next: next}
		switch more, err := ix.advance(c); {
		case err != nil:
			return fmt.Errorf("%s: %w", lg.name, err)
		case more:
			open = append(open, c)
		}
	}
	for len(open) > 0 {
		first := 0
		for i, c := range open[1:] {
			if c.at.Before(open[first].at) {
				first = i + 1
			}
		}
		c := open[first]
		err := ix.line(c)
		more := false
		if err == nil {
			more, err = ix.advance(c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.lg.name, err)
		}
		if !more {
			open = slices.Delete(open, first, first+1)
		}
	}
	for _, lg := range ix.logs.logs {
		for i, p := range lg.parts {
			if p.same != nil && lg.runs[i].resumed {
				p.same.run().resumed = true
			}
		}
	}
	return nil
}

// advance reads the next line that counts in this log.
func (ix *index) advance(c *cursor) (more bool, err error) {
	for {
		var ok bool
		if c.rec, err, ok = c.next(); err != nil || !ok {
			return false, err
		}
		if c.rec.Run != nil {
			c.part++
		}
		if c.part < len(c.lg.parts) && c.lg.parts[c.part].same != nil {
			ix.copied(c)
			continue
		}
		c.read()
		return true, nil
	}
}

// copied passes over a line that counts in another log.
func (ix *index) copied(c *cursor) {
	switch c.rec.Kind {
	case results.KindRun:
		run := newRun(c.lg.name, c.rec.Run)
		run.copied = true
		c.lg.began(run)
		c.lg.listOf = ix.logs.list(run)
	case results.KindRow:
		c.lg.rows = append(c.lg.rows, superseded)
	}
}

// read takes in the time of the line, and the run that it begins.
func (c *cursor) read() {
	var at time.Time
	switch c.rec.Kind {
	case results.KindRun:
		c.run = newRun(c.lg.name, c.rec.Run)
		at = c.run.Start
	case results.KindWait:
		at = utc(c.rec.Wait.Time)
	case results.KindEnd:
		at = utc(c.rec.End.End)
	case results.KindRow, results.KindSessions:
		c.head = head{Row: *c.rec.Row}
		at = utc(c.head.Time)
	}
	if at.After(c.at) {
		c.at = at
	}
}
