package report

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A log may be resumed after another log began. So the lines of all logs are read in the order of their time.

// A cursor reads a log. After the first call of advance, it is one line ahead.
type cursor struct {
	lg   *sourceLog
	next func() (*results.Record, error, bool)
	rec  *results.Record // the line, nil before the first
	at   time.Time       // of the line, never before that of the line before it
}

// read processes the lines of all logs in the order of their time.
func (ix *index) read(ctx context.Context) error {
	var open []*cursor
	for _, lg := range ix.logs.logs {
		next, stop := iter.Pull2(lg.records(ctx))
		defer stop()
		open = append(open, &cursor{lg: lg, next: next})
	}
	for len(open) > 0 {
		c := slices.MinFunc(open, func(a, b *cursor) int { return a.at.Compare(b.at) })
		var err error
		more := true
		if c.rec != nil {
			err = ix.line(c.lg, c.rec)
		}
		if err == nil {
			more, err = c.advance()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.lg.name, err)
		}
		if !more {
			open = slices.DeleteFunc(open, func(o *cursor) bool { return o == c })
		}
	}
	return nil
}

// advance reads the next line, and sets its time.
func (c *cursor) advance() (more bool, err error) {
	if c.rec, err, more = c.next(); err != nil || !more {
		return false, err
	}
	var at time.Time
	switch {
	case c.rec.Run != nil:
		at = utc(c.rec.Run.Start)
	case c.rec.Wait != nil:
		at = utc(c.rec.Wait.Time)
	case c.rec.End != nil:
		at = utc(c.rec.End.End)
	case c.rec.Row != nil:
		at = utc(c.rec.Row.Time)
	}
	if at.After(c.at) {
		c.at = at
	}
	return true, nil
}
