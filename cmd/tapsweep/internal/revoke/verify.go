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

// workDone writes the last row of a pair whose pass is gone. With Options.Verify it begins the verification instead.
func (j *Job) workDone(s *subject, row results.Row) {
	if j.opts.Verify <= 0 {
		j.writeLastRow(s, row)
		return
	}
	row = j.journal(s, row) // the run may end during the verification
	j.dealtWith(&s.pair, row.Outcome, row.Outcome == results.Revoked)
	j.verify(s, row)
}

// verify begins to verify that the user holds no pass, or that the sessions of the user are revoked. row is the row of
// the subject so far.
func (j *Job) verify(s *subject, row results.Row) {
	s.last, s.since, s.pause = &row, time.Now(), firstPause
	if j.opts.VerifyOnly {
		j.look(s, 0) // an earlier run deleted the pass, or revoked the sessions, some time ago
	} else {
		j.lookAgain(s)
	}
}

// lookAgain waits and sends the next LIST or GET of a verification. It reports whether the timeout is not over.
func (j *Job) lookAgain(s *subject) bool {
	left := j.opts.Verify - time.Since(s.since)
	if left > 0 {
		j.look(s, min(s.pause, left))
		s.pause = min(2*s.pause, lastPause)
	}
	return left > 0
}

func (j *Job) look(s *subject, delay time.Duration) {
	if s.action == "" {
		j.list(s, delay, j.afterVerify)
		return
	}
	j.send(batch.Request{Method: "GET", URL: pass.ProofURL(s.pair.User), Quota: pass.ProofQuota, Delay: delay},
		func(res batch.Result) { j.afterVerifySessions(s, res) })
}

// verified returns the last row of a subject that is verified by an answer.
func (j *Job) verified(s *subject, res batch.Result) results.Row {
	row := *s.last
	row.Verified = true
	if j.opts.VerifyOnly {
		row.Status, row.Attempts, row.RequestID = res.Response.Status, res.Attempts, res.RequestID
	}
	return row
}

// unverified returns the last row of a subject that could not be verified, and counts it. err says why.
func (j *Job) unverified(s *subject, res batch.Result, err error) results.Row {
	if j.opts.VerifyOnly {
		return answer.RowOfRead(res, err)
	}
	if !res.Stopped() {
		j.countsOf(s.action).Unverified++ // the summary of a run that was stopped says so anyway
	}
	row := *s.last
	row.Message = answer.Join(row.Message, notVerified, err.Error())
	return row
}

const notVerified = "not verified"

// stripVerifyNote removes the reason why an earlier run could not verify the pair from a message.
func stripVerifyNote(message string) string {
	before, _, _ := strings.Cut(message, notVerified+": ")
	return strings.TrimSuffix(before, ": ")
}

// afterVerify handles a LIST that should show that the user holds no pass.
func (j *Job) afterVerify(s *subject, l listing) {
	var row results.Row
	switch {
	case l.err != nil:
		row = j.unverified(s, l.res, l.err)
	case len(l.held) == 0:
		row = j.verified(s, l.res)
	case l.same && j.lookAgain(s):
		return
	default:
		if !l.same && !j.anyPass(s) && !j.opts.VerifyOnly {
			j.counts.Unnamed++
		}
		row = s.remaining(l)
	}
	j.writeLastRow(s, row)
}

// remaining returns the row about a pass that the user holds: the pass of the pair if the user holds it, else another
// one. The next run deletes this pass.
func (s *subject) remaining(l listing) results.Row {
	message := "the pass is still listed"
	p := pass.Find(l.held, s.method)
	if p == nil {
		p = &l.held[0]
		message = "the user has another pass, in place of " + s.method
		if s.method == "" {
			message = "the user has a pass now"
		}
	}
	if s.last.Status != 0 || s.last.Attempts > 0 { // this run or an earlier run deleted a pass
		message += fmt.Sprintf(", %v after it was %s", time.Since(s.since).Round(time.Second), s.last.Outcome)
	}
	s.method = p.ID
	return results.Row{Outcome: results.Remains, SupersedesPending: s.last.SupersedesPending,
		Status: l.res.Response.Status, Attempts: s.last.Attempts, RequestID: l.res.RequestID, Message: message,
		Reason: string(p.Reason(l.res.Date))}
}
