package revoke

import (
	"fmt"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// onResult handles the answer to a request of the Job. It writes a row, returns the next requests, or does both.
func (j *Job) onResult(res batch.Result) (next []batch.Request) {
	j.counts.addSent(res)
	switch tag := res.Request.Tag.(type) {
	case *sessionCall:
		tag.then(j, tag, res)
	case *pairState:
		if req := tag.then(j, tag, res); req != nil {
			next = append(next, *req)
		}
	}
	return append(next, j.takeFollowUps()...)
}

// afterDelete handles the answer to a DELETE. If the answer does not show whether the pass is gone, a LIST is next.
func (j *Job) afterDelete(s *pairState, res batch.Result) *batch.Request {
	row := answer.RowOfWrite(res)
	s.uncertain, s.lost = s.uncertain || res.Uncertain, false
	switch {
	case res.Err == nil && res.Response.Status == 204:
		row.Outcome = results.Revoked
		if len(s.rest) > 0 {
			return j.deleteNext(s, row, s.rest)
		}
		return j.workDone(s, row)
	case res.Err == nil && res.Response.Status < 300:
		// Only 204 means that the pass is deleted. Other successes, such as 202, do not.
		// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
		s.uncertain = true
	case res.Err == nil && res.Response.Status == 404:
	case res.Uncertain && !res.Stopped():
		s.lost = true
	default:
		j.writeLastRow(s, row)
		return nil
	}
	s.last = &row
	return new(s.list((*Job).afterDoubt))
}

// deleteFirst deletes the first of the passes, and keeps the others for later. No list names the pass, so a row
// announces the delete. Otherwise a run that is killed would leave no trace of it.
func (j *Job) deleteFirst(s *pairState, held []pass.Pass) *batch.Request {
	more := len(held) - len(s.rest) // the others are already counted
	s.method, s.reason, s.rest = held[0].ID, "", held[1:]
	s.uncertain, s.intended, s.maybeDeleted = false, false, false
	if !j.mayDelete(s, more) {
		return nil
	}
	s.announced = true
	j.journal(s, results.Row{Outcome: results.Found, Provisional: true})
	return new(s.delete())
}

// deleteNext completes one pass, and continues with further passes of the user. If a row announced the delete of
// the pass, row becomes its last row. It has Beside set, so it does not complete the pair.
func (j *Job) deleteNext(s *pairState, row results.Row, held []pass.Pass) *batch.Request {
	if s.announced {
		row.Beside = true
		j.describe(s, &row)
		j.writeRow(&j.counts, &row)
	}
	return j.deleteFirst(s, held)
}

// afterFind handles the first LIST of a pair that names no pass, and the only LIST of a dry run.
func (j *Job) afterFind(s *pairState, res batch.Result) *batch.Request {
	held, shown, err := s.readList(res)
	row := listRow(res, err)
	switch {
	case shown == unreadable:
		if s.uncertain && row.Outcome != results.UnknownUser {
			row.Outcome = results.Unknown // an earlier run may have deleted the pass
		}
	case shown == noPass && j.opts.DryRun:
		row.Outcome = results.Absent
	case shown == noPass:
		return j.workDone(s, s.goneRow(row))
	case !j.anyPass(s) && (shown == otherPass || s.intended):
		// The earlier run may have intended to delete a pass that the pair does not name. This run must not.
		markReplaced(&row, held)
	case j.opts.DryRun:
		more := 1
		if shown == otherPass {
			s.method, more = held[0].ID, len(held)
		}
		if row.Outcome = results.Planned; !j.mayDelete(s, more) {
			return nil
		}
	case shown == samePass:
		return j.deleteFirst(s, held)
	default:
		// According to the documentation a user has at most one pass. If there are more, the row that counts is
		// about the last one.
		return j.deleteNext(s, s.goneRow(row), held)
	}
	j.writeLastRow(s, row)
	return nil
}

// maxDeletesPerPass is the maximum number of DELETEs for a pass that Graph answers with 404 and still lists, because a
// replica lags behind. The pauses between them are 2, 4 and 8 seconds.
const maxDeletesPerPass = 4

// maxReplacements is the number of replacements of a user's pass after which a pair is left as Replaced.
const maxReplacements = 4

// afterDoubt handles the LIST after a DELETE whose result is not clear: 404, a success other than 204, or a lost
// answer.
func (j *Job) afterDoubt(s *pairState, res batch.Result) *batch.Request {
	held, shown, err := s.readList(res)
	row := listRow(res, err)
	row.Attempts = s.last.Attempts
	if s.lost {
		row = *s.last
	}
	switch {
	case shown == noPass:
		return j.workDone(s, s.goneRow(row))
	case shown == otherPass && j.anyPass(s):
		return j.afterReplaced(s, held)
	case shown == otherPass:
		markReplaced(&row, held)
	case s.lost: // the row already has the right outcome
	case shown == samePass:
		if s.tries++; s.tries < maxDeletesPerPass {
			req := s.delete()
			req.Delay = time.Second << s.tries
			return &req
		}
		row.Outcome, row.Message = results.Failed, s.reply()+", and still lists the pass"
	case row.Outcome != results.UnknownUser:
		row.Message = answer.Join(s.reply()+", and could not find out what the user holds now", row.Message)
		if s.uncertain {
			row.Outcome = results.Unknown // this run may have deleted the pass
		}
	}
	j.writeLastRow(s, row)
	return nil
}

// reply describes the answer to a DELETE that does not show that the pass is deleted.
func (s *pairState) reply() string {
	if s.last.Status == 404 {
		return "Graph found no such pass (404)"
	}
	return fmt.Sprintf("Graph answered %d in place of 204", s.last.Status)
}

// afterReplaced deletes the passes that replaced the deleted pass of a user.
func (j *Job) afterReplaced(s *pairState, held []pass.Pass) *batch.Request {
	if !s.uncertain {
		j.deletes-- // the pass was replaced before our DELETE
	}
	if s.tries++; s.tries < maxReplacements {
		return j.deleteNext(s, s.goneRow(*s.last), held)
	}
	row := *s.last
	row.Outcome = results.Replaced
	row.Message = "the user gets new passes faster than they can be deleted"
	j.writeLastRow(s, row)
	return nil
}
