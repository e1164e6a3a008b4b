package revoke

import (
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Graph may list a deleted pass for a while, because its replicas lag behind. The portal warns of minutes; the true
// limit is not known. So the passes of a user are listed again, after pauses that double from firstPause to
// lastPause.
// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass.
const (
	firstPause = 2 * time.Second
	lastPause  = 30 * time.Second
)

// A verification reads something again until it is verified. The zero value has not begun.
type verification struct {
	since time.Time
	pause time.Duration // the wait before the next reading
}

// next returns the wait before the next LIST or GET, and false if the timeout is over.
func (v *verification) next(timeout time.Duration) (pause time.Duration, ok bool) {
	left := timeout - time.Since(v.since)
	pause = min(v.pause, left)
	v.pause = min(2*v.pause, lastPause)
	return pause, left > 0
}

// workDone writes the last row of a pair whose pass is gone. With Options.Verify it begins the verification instead.
func (j *Job) workDone(s *pairState, row results.Row) *batch.Request {
	if j.opts.Verify <= 0 {
		j.writeLastRow(s, row)
		return nil
	}
	// This row is written before the verification, because the run may end during it.
	row.Provisional = true
	j.journal(s, row)
	row.Provisional, row.SupersedesPending = false, row.Outcome
	j.dealtWith(&s.pair, row.Outcome, row.Outcome == results.Revoked)
	return j.verify(s, row)
}

// verify begins to verify that the user holds no pass. row is the row of the pair so far.
func (j *Job) verify(s *pairState, row results.Row) *batch.Request {
	s.last, s.verification = &row, verification{time.Now(), firstPause}
	return s.recheck(j.opts.Verify)
}

// recheck returns the next LIST, nil if the timeout is over.
func (s *pairState) recheck(timeout time.Duration) *batch.Request {
	pause, ok := s.verification.next(timeout)
	if !ok {
		return nil
	}
	req := s.list((*Job).afterVerify)
	req.Delay = pause
	return &req
}

const notVerified = "not verified"

// stripVerifyNote removes the reason why an earlier run could not verify the pair from a message.
func stripVerifyNote(message string) string {
	before, _, _ := strings.Cut(message, notVerified+": ")
	return strings.TrimSuffix(before, ": ")
}

// afterVerify handles a LIST that should show that the user holds no pass.
func (j *Job) afterVerify(s *pairState, res batch.Result) *batch.Request {
	row := *s.last
	held, shown, err := s.readList(res)
	switch {
	case shown == noPass:
		row.Verified = true
		if j.opts.VerifyOnly {
			row.Status, row.Attempts, row.RequestID = res.Response.Status, res.Attempts, res.RequestID
		}
	case shown == unreadable && j.opts.VerifyOnly:
		row = listRow(res, err)
	case shown == unreadable:
		if !res.Stopped() {
			j.counts.Unverified++ // the summary of a run that was stopped says so anyway
		}
		row.Message = answer.Join(row.Message, notVerified, err.Error())
	default:
		if shown == samePass {
			if next := s.recheck(j.opts.Verify); next != nil {
				return next
			}
		}
		s.markRemaining(&row, held, res)
	}
	j.writeLastRow(s, row)
	return nil
}

// markRemaining puts a pass that the user holds into the row: the pass of the pair if the user holds it, else
// another one. The next run deletes this pass.
func (s *pairState) markRemaining(row *results.Row, held []pass.Pass, res batch.Result) {
	message := "the pass is still listed"
	p := pass.Find(held, s.method)
	if p == nil {
		p = &held[0]
		message = "the user holds another pass, in place of " + s.method
		if s.method == "" {
			message = "the user holds a pass now"
		}
	}
	if s.last.Status != 0 || s.last.Attempts > 0 { // this run or an earlier run deleted a pass
		message += fmt.Sprintf(", %v after it was %s", time.Since(s.verification.since).Round(time.Second), row.Outcome)
	}
	*row = results.Row{Outcome: results.Remains, SupersedesPending: row.SupersedesPending, Status: res.Response.Status,
		Attempts: row.Attempts, RequestID: res.RequestID, Message: message, Reason: string(p.Reason(res.Date))}
	s.method = p.ID
}
