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

// A reportedRow is the row that counts for a pass or a user's sessions. It is merged with later rows that verify it.
type reportedRow struct {
	results.Row
	VerifiedAt time.Time // when a LIST showed no pass, if another row says so; otherwise zero
	Beside     bool      // the row is listed but does not count, because the row of another pass counts

	log          *sourceLog
	unverified   bool       // the pass should have been verified, but was not
	unverifiable bool       // no run can verify it
	verifyLog    *sourceLog // the other log that has the row of the verification
}

// open reports whether something is left to do or to verify.
func (row *reportedRow) open() bool { return !row.Beside && (row.Outcome.Left() || row.unverified) }

// countedRows yields the rows that count, and those with Beside, in the order of the logs.
func (l *Logs) countedRows(ctx context.Context) iter.Seq2[*reportedRow, error] {
	return func(yield func(*reportedRow, error) bool) {
		for _, lg := range l.logs {
			for row, err := range l.rowsOf(ctx, lg) {
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

// rowsOf yields the rows of one log.
func (l *Logs) rowsOf(ctx context.Context, lg *sourceLog) iter.Seq2[*reportedRow, error] {
	return func(yield func(*reportedRow, error) bool) {
		n := 0
		for rec, err := range lg.records(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if rec.Row == nil {
				continue
			}
			if n == len(lg.rows) {
				return // the log has become longer since the first reading
			}
			at := place{lg.number, uint32(n)}
			n++
			if lg.rows[at.row] == superseded {
				continue
			}
			row := &reportedRow{Row: *rec.Row, Beside: lg.rows[at.row] == beside, log: lg}
			if i, ok := slices.BinarySearchFunc(l.notes, at, note.compare); ok {
				err = l.annotate(row, l.notes[i])
			}
			row.fillIn()
			if !yield(row, err) || err != nil {
				return
			}
		}
		if n < len(lg.rows) {
			yield(nil, errors.New("it became shorter while it was read"))
		}
	}
}

// fillIn sets the fields of a row that depend on its runs.
func (row *reportedRow) fillIn() {
	if o := row.Result(); o != row.Outcome {
		row.Outcome, row.Provisional = o, false
		row.Message = "a run was about to delete it; the log does not show whether it did"
	}
	last := row.log.last()
	gone := row.Outcome == results.Revoked || row.Outcome == results.Absent
	// The last run of the log should have verified all passes that were deleted before.
	expected := last.header.Verify && last.header.Kind() != "verify" && row.verifyLog == nil
	row.unverified = !row.Beside && gone && !row.Verified && !row.NoProof &&
		(row.unverified || row.Provisional || expected)
	row.Provisional = row.Provisional && !row.Beside
	row.User = cmp.Or(row.User, last.header.Self)
	clean(&row.Row)
}

// annotate adds the result of a verification to the row that counts.
func (l *Logs) annotate(row *reportedRow, n note) error {
	row.Provisional = false
	if n.effect == unverified && row.Verified {
		return nil
	}
	lg := l.logs[n.log]
	if lg != row.log {
		row.verifyLog = lg
	}
	if n.effect == verified {
		row.Verified, row.VerifiedAt = true, utc(time.UnixMilli(n.at))
		if row.Outcome != results.Revoked { // the pass went away later
			row.Outcome, row.Message, row.Hint = results.Absent, "", ""
		}
		return nil
	}
	look, err := results.RowAt(lg.file, n.at)
	if err != nil {
		return fmt.Errorf("%s changed while it was read: %w", lg.name, err)
	}
	row.Verified, row.Message, row.NoProof = false, look.Message, row.NoProof || look.NoProof
	if n.effect == remains {
		row.Outcome, row.Reason = results.Remains, cmp.Or(row.Reason, look.Reason)
		return nil
	}
	row.unverified = true
	if row.verifyLog != nil {
		row.Message = "not verified: " + cmp.Or(look.Message, string(look.Outcome))
		row.unverifiable = !look.Outcome.Retryable()
	}
	return nil
}
