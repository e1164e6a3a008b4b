package revoke

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A deleted pass may be listed for a while, since Graph's replicas lag behind: for
// minutes, as the portal warns; how long in truth is not known. So a user's passes
// are listed again after pauses that grow.
// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass.
const (
	firstLook = 2 * time.Second
	lastLook  = 30 * time.Second
)

// done writes the row of a pair, unless it is to be verified first.
func (j *Job) done(w *work, row results.Row) *batch.Request {
	if j.opts.Verify <= 0 || j.opts.DryRun || row.Outcome != results.Revoked && row.Outcome != results.Absent {
		j.row(w, row)
		return nil
	}
	// What was done is on record before it is verified, however that ends.
	row.Provisional, row.SupersedesPending = true, w.pended
	j.journal(w, row)
	w.pended = cmp.Or(w.pended, row.Outcome)
	row.Provisional, row.SupersedesPending = false, w.pended
	return j.verify(w, row)
}

// verify begins to look whether the user holds no pass. row is what became of the
// pair so far.
func (j *Job) verify(w *work, row results.Row) *batch.Request {
	w.last, w.since, w.pause, w.waiting = &row, time.Now(), firstLook, true
	j.open--
	j.verifying++
	return w.lookAgain(j.opts.Verify)
}

// lookAgain returns the next LIST, nil if patience is at its end.
func (w *work) lookAgain(patience time.Duration) *batch.Request {
	left := patience - time.Since(w.since)
	if left <= 0 {
		return nil
	}
	req := w.list(verifying)
	req.Delay = min(w.pause, left)
	w.pause = min(2*w.pause, lastLook)
	return &req
}

const notVerified = "not verified"

// withoutLook is the message of a row without what a look of a run before has come to.
func withoutLook(message string) string {
	before, _, _ := strings.Cut(message, notVerified+": ")
	return strings.TrimSuffix(before, ": ")
}

// verified handles a LIST that is to show that the user holds no pass.
func (j *Job) verified(w *work, res batch.Result) *batch.Request {
	row := *w.last
	held, err := passes.Read(res)
	switch {
	case err == nil && passes.Listed(res) && len(held) == 0:
		row.Verified = true
		if j.opts.VerifyOnly {
			row.Status, row.Attempts, row.RequestID = res.Response.Status, res.Attempts, res.RequestID
		}
	case j.opts.VerifyOnly && (err != nil || !passes.Listed(res)):
		row = answer.ReadRow(res)
		if err != nil {
			row.Message = err.Error()
		}
	case err != nil || !passes.Listed(res):
		if err == nil {
			err = res.Err
		}
		if err == nil {
			err = res.Response.StatusError()
		}
		if !res.Stopped() {
			j.counts.Unverified++ // a run that was stopped says so anyway
		}
		row.Message = answer.Join(row.Message, notVerified, err.Error())
	default:
		still := passes.Find(held, w.method)
		if still == nil && j.any(w) && !j.opts.VerifyOnly {
			// Somebody gave the user another one, and that is meant as well.
			if w.looks++; w.looks < j.opts.Looks && j.room(w, held...) {
				w.waiting = false
				j.verifying--
				j.open++
				return new(j.next(w, row, held))
			}
		} else if still != nil {
			if next := w.lookAgain(j.opts.Verify); next != nil {
				return next
			}
		}
		w.remains(&row, held, res)
	}
	j.row(w, row)
	return nil
}

// remains makes the row tell of a pass that is there after all. A pass that is not
// the pair's gets the row, too: it is what is left to be done.
func (w *work) remains(row *results.Row, held []passes.Pass, res batch.Result) {
	p := passes.Find(held, w.method)
	text := "the pass is listed still"
	if p == nil {
		p = &held[0]
		text = "the user holds another pass, in place of " + w.method
		if w.method == "" {
			text = "the user holds a pass now"
		}
	}
	message := text // of a pair that was only looked at there is no time to tell
	if w.last.Status != 0 || w.last.Attempts > 0 {
		message = fmt.Sprintf("%s, %v after it was %s", text, time.Since(w.since).Round(time.Second), row.Outcome)
	}
	*row = results.Row{Outcome: results.Remains, SupersedesPending: row.SupersedesPending, Status: res.Response.Status, Attempts: row.Attempts, RequestID: res.RequestID,
		Message: message, Reason: string(p.Reason(res.Date))}
	w.method = p.ID
}
