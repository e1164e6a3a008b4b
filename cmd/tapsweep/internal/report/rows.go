package report

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// endRuns gives the runs without an end the time of the last thing known.
func (l *Logs) endRuns() {
	for _, w := range l.waits {
		if w.run.Exit == nil {
			w.run.saw(utc(w.Time))
		}
	}
	for _, run := range l.allRuns() {
		if run.Start.IsZero() {
			run.Start = cmp.Or(run.first, run.End)
		}
		if run.Exit == nil || run.End.IsZero() {
			run.End = run.last
		}
		if run.End.Before(run.Start) {
			run.End = run.Start
		}
	}
}

func (l *Logs) allRuns() (runs []*Run) {
	for _, lg := range l.logs {
		for _, run := range lg.runs {
			if !run.copied {
				runs = append(runs, run)
			}
		}
	}
	slices.SortStableFunc(runs, func(a, b *Run) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Log, b.Log)) })
	return runs
}

// A Row is the row that counts of a pair, with what a look afterwards showed.
type Row struct {
	results.Row
	VerifiedAt time.Time // when no pass was seen, if another row tells
	Beside     bool      // its pass is gone, and another one's row counts for the pair

	unverified bool // it was to be looked at, and was not
	proven     bool // another log tells of the look
}

// Listed reports whether the row stands in tables. Repeats of a list are counted, and no more.
func (r *Row) Listed() bool { return r.Outcome != results.Duplicate }

// Rows are the rows that count, one a pair, and those beside, in the order of the logs.
func (l *Logs) Rows(ctx context.Context) iter.Seq2[*Row, error] { return l.rowsOf(ctx, nil) }

// rowsOf hands each log to enter before its rows.
func (l *Logs) rowsOf(ctx context.Context, enter func(*log)) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for i, lg := range l.logs {
			if enter != nil {
				enter(lg)
			}
			n, notes := 0, lg.notes
			last := lg.last()
			verifies := last.header.Verify && last.kind() != "verify"
			for rec, err := range lg.records(ctx, results.KindRow) {
				if err == nil && n == lg.rows {
					break // more than there was at first
				}
				var row Row
				if err == nil {
					n++
					if lg.superseded.has(n - 1) {
						continue
					}
					row.Row = *rec.Row
				}
				if err == nil && len(notes) > 0 && int(notes[0].row) == n-1 {
					err = l.annotate(&row, note{notes[0].at, notes[0].where}, i)
					notes = notes[1:]
				}
				if err != nil {
					yield(nil, fmt.Errorf("%s: %w", lg.name, err))
					return
				}
				if row.Pending && row.Outcome == results.Found {
					row.Outcome, row.Pending = results.Unknown, false
					row.Message = "found to be deleted, and the run does not tell what became of it"
				}
				if row.Beside = lg.beside.has(n - 1); row.Beside {
					row.Pending, row.unverified = false, false
				}
				// The last run on the log was to verify whatever was done before.
				meant := verifies && !row.Verified && !row.proven && !row.Beside &&
					(row.Outcome == results.Revoked || row.Outcome == results.Absent)
				row.unverified = row.unverified || row.Pending || meant
				clean(&row.Row)
				if !yield(&row, nil) {
					return
				}
			}
			if n < lg.rows {
				yield(nil, fmt.Errorf("%s became shorter while it was read", lg.name))
				return
			}
		}
	}
}

// annotate puts what a look showed into the row that settled the pair.
func (l *Logs) annotate(row *Row, n note, own int) error {
	row.Pending = false
	row.proven = n.kind() != noNote && n.log() != own
	if n.kind() == verified {
		row.Verified, row.VerifiedAt = true, utc(time.UnixMilli(n.at))
		if row.Outcome == results.Remains { // and is gone since
			row.Outcome, row.Message, row.Hint = results.Absent, "", ""
		}
		return nil
	}
	lg := l.logs[n.log()]
	look, err := results.RowAt(lg.file, n.at)
	if err != nil {
		return fmt.Errorf("%s changed while it was read: %w", lg.name, err)
	}
	row.Verified, row.Message = false, look.Message
	switch n.kind() {
	case unverified:
		row.unverified = true
		if row.proven {
			row.Message = "not verified: " + cmp.Or(look.Message, string(look.Outcome))
		}
	case remains:
		row.Outcome, row.Reason = results.Remains, cmp.Or(row.Reason, look.Reason)
	}
	return nil
}
