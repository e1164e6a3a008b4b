package revoke

import (
	"fmt"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// afterDelete handles the answer to a DELETE. If the answer does not show whether the pass is gone, a LIST is next.
func (j *Job) afterDelete(s *subject, res batch.Result) {
	row := answer.RowOfWrite(res)
	s.uncertain, s.lost = s.uncertain || res.Uncertain, false
	switch {
	case res.Err == nil && res.Response.Status == 204:
		row.Outcome = results.Revoked
		if len(s.rest) > 0 {
			j.deleteNext(s, row, s.rest)
		} else {
			j.workDone(s, row)
		}
		return
	case res.Err == nil && res.Response.Status < 300:
		// Only 204 means that the pass is deleted. Other successes, such as 202, do not.
		// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
		s.uncertain = true
	case res.Err == nil && res.Response.Status == 404:
	case res.Uncertain && !res.Stopped():
		s.lost = true
	default:
		j.writeLastRow(s, row)
		return
	}
	s.last = new(row)
	j.list(s, 0, j.afterDoubt)
}

// deleteFirst deletes the first of the passes, and keeps the others for later. No list names the pass, so a row
// announces the delete. Otherwise a run that is killed would leave no trace of it.
func (j *Job) deleteFirst(s *subject, held []pass.Pass) {
	more := len(held) - len(s.rest) // the others are already counted
	s.method, s.reason, s.rest = held[0].ID, "", held[1:]
	s.uncertain, s.intended, s.maybeDeleted = false, false, false
	if j.mayDelete(s, more) {
		s.announced = true
		j.journal(s, results.Row{Outcome: results.Found})
		j.delete(s, 0)
	}
}

// deleteNext completes one pass, and continues with further passes of the user. If a row announced the delete of
// the pass, row becomes its last row. It has Beside set, so it does not complete the pair.
func (j *Job) deleteNext(s *subject, row results.Row, held []pass.Pass) {
	if s.announced {
		row.Beside = true
		j.describe(s, &row)
		j.writeRow(&row)
	}
	j.deleteFirst(s, held)
}

// afterFind handles the first LIST of a pair that means any pass, and the only LIST of a dry run.
func (j *Job) afterFind(s *subject, l listing) {
	row := answer.RowOfRead(l.res, l.err)
	switch {
	case l.err != nil:
		if s.uncertain && row.Outcome != results.UnknownUser {
			row.Outcome = results.Unknown // an earlier run may have deleted the pass
		}
	case len(l.held) == 0 && j.opts.DryRun:
		row.Outcome = results.Absent
	case len(l.held) == 0:
		j.workDone(s, s.goneRow(row))
		return
	case !j.anyPass(s) && (!l.same || s.intended):
		// The earlier run may have intended to delete a pass that the pair does not name. This run must not.
		markReplaced(&row, l.held)
	case j.opts.DryRun:
		more := 1
		if j.anyPass(s) {
			more = len(l.held)
		}
		if !l.same {
			s.method = l.held[0].ID
		}
		if row.Outcome = results.Planned; !j.mayDelete(s, more) {
			return
		}
	case l.same:
		j.deleteFirst(s, l.held)
		return
	default:
		// According to the documentation a user has at most one pass. If there are more, the row that counts is
		// about the last one.
		j.deleteNext(s, s.goneRow(row), l.held)
		return
	}
	j.writeLastRow(s, row)
}

// maxDeletesPerPass is the maximum number of DELETEs for a pass that Graph answers with 404 and still lists, because a
// replica lags behind. The pauses between them are 2, 4 and 8 seconds.
const maxDeletesPerPass = 4

// maxReplacements is the number of replacements of a user's pass after which a pair is left as Replaced.
const maxReplacements = 4

// afterDoubt handles the LIST after a DELETE whose result is not clear: 404, a success other than 204, or a lost
// answer.
func (j *Job) afterDoubt(s *subject, l listing) {
	row := answer.RowOfRead(l.res, l.err)
	row.Attempts = s.last.Attempts
	if s.lost {
		row = *s.last
	}
	switch {
	case l.err == nil && len(l.held) == 0:
		j.workDone(s, s.goneRow(row))
		return
	case l.err == nil && !l.same && j.anyPass(s):
		j.afterReplaced(s, l.held)
		return
	case l.err == nil && !l.same:
		markReplaced(&row, l.held)
	case s.lost: // the row already has the right outcome
	case l.same:
		if s.tries++; s.tries < maxDeletesPerPass {
			j.delete(s, time.Second<<s.tries)
			return
		}
		row.Outcome, row.Message = results.Failed, s.reply()+", and still lists the pass"
	case row.Outcome != results.UnknownUser:
		row.Message = answer.Join(s.reply()+", and could not find out what passes the user has now", row.Message)
		if s.uncertain {
			row.Outcome = results.Unknown // this run may have deleted the pass
		}
	}
	j.writeLastRow(s, row)
}

// reply describes the answer to a DELETE that does not show that the pass is deleted.
func (s *subject) reply() string {
	if s.last.Status == 404 {
		return "Graph found no such pass (404)"
	}
	return fmt.Sprintf("Graph answered %d in place of 204", s.last.Status)
}

// afterReplaced deletes the passes that replaced the deleted pass of a user.
func (j *Job) afterReplaced(s *subject, held []pass.Pass) {
	if !s.uncertain {
		j.deletes-- // the pass was replaced before our DELETE
	}
	row := *s.last
	if s.tries++; s.tries < maxReplacements {
		j.deleteNext(s, s.goneRow(row), held)
		return
	}
	row.Outcome = results.Replaced
	row.Message = "the user gets new passes faster than they can be deleted"
	j.writeLastRow(s, row)
}
