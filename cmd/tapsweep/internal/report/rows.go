package report

import (
	"cmp"
	"context"
	"errors"
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
	slices.SortStableFunc(runs, func(a, b *Run) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Log, b.Log))
	})
	return runs
}

// A Row is the row that counts of a pass, with what rows that verify say.
type Row struct {
	results.Row
	VerifiedAt time.Time // when no pass was listed, if another row says so
	Beside     bool      // its pass is gone, and the row of another pass counts

	log        *log
	unverified bool // it was to be verified, and was not
	proof      *log // another log that has the row of that
}

// Rows are the rows that count, and those beside, in the order of the logs.
func (l *Logs) Rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for i, lg := range l.logs {
			for row, err := range l.rowsOf(ctx, i) {
				if err != nil {
					err = fmt.Errorf("%s: %w", lg.name, err)
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// rowsOf are the rows of one log.
func (l *Logs) rowsOf(ctx context.Context, i int) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		lg, n := l.logs[i], -1
		notes := lg.notes
		for rec, err := range lg.records(ctx, results.KindRow) {
			if n++; err == nil && n == len(lg.rows) {
				return // the log is longer than at first
			}
			if err == nil && lg.rows[n] == superseded {
				continue
			}
			var row *Row
			if err == nil {
				row = &Row{Row: *rec.Row, Beside: lg.rows[n] == beside, log: lg}
				if len(notes) > 0 && int(notes[0].row) == n {
					err = l.annotate(row, notes[0], i)
					notes = notes[1:]
				}
				row.complete()
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if n+1 < len(lg.rows) {
			yield(nil, errors.New("it became shorter while it was read"))
		}
	}
}

// complete sets what the row does not say itself.
func (row *Row) complete() {
	if row.Provisional && row.Outcome == results.Found {
		row.Outcome, row.Provisional = results.Unknown, false
		row.Message = "found to be deleted, but the log does not say what became of it"
	}
	if row.Beside {
		row.Provisional, row.unverified = false, false
	} else {
		// The last run on the log was to verify whatever was done before.
		last := row.log.last()
		expected := last.header.Verify && last.kind() != "verify" && !row.Verified && row.proof == nil &&
			(row.Outcome == results.Revoked || row.Outcome == results.Absent)
		row.unverified = row.unverified || row.Provisional || expected
	}
	clean(&row.Row)
}

// annotate puts what a row that verifies says into the row that counts.
func (l *Logs) annotate(row *Row, n note, own int) error {
	row.Provisional = false
	if n.kind() != noNote && n.log() != own {
		row.proof = l.logs[n.log()]
	}
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
		if row.proof != nil {
			row.Message = "not verified: " + cmp.Or(look.Message, string(look.Outcome))
		}
	case remains:
		row.Outcome, row.Reason = results.Remains, cmp.Or(row.Reason, look.Reason)
	}
	return nil
}
