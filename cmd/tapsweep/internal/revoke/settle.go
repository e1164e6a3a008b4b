package revoke

import (
	"fmt"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Owns reports whether a result belongs to a pair of a Job, or to the sessions of a user.
func Owns(res batch.Result) bool {
	switch res.Request.Tag.(type) {
	case *pairState, *sessionCall:
		return true
	}
	return false
}

// Settle handles the answer to a request of the Job. It writes a row, or returns the next requests,
// or both.
func (j *Job) Settle(res batch.Result) []batch.Request {
	j.counts.Sent(res)
	if c, ok := res.Request.Tag.(*sessionCall); ok {
		c.then(j, c, res)
		return j.takeFollowUps()
	}
	s := res.Request.Tag.(*pairState)
	var requests []batch.Request
	if next := s.then(j, s, res); next != nil {
		requests = append(requests, *next)
	}
	return append(requests, j.takeFollowUps()...)
}

// afterDelete handles the answer to a DELETE.
func (j *Job) afterDelete(s *pairState, res batch.Result) *batch.Request {
	row := answer.ToRow(res)
	s.attempts, s.uncertain = res.Attempts, s.uncertain || res.Uncertain
	switch {
	case res.Err == nil && res.Response.Status == 204:
		row.Outcome, s.revoked = results.Revoked, true
		if len(s.rest) > 0 {
			return new(j.deleteNext(s, row, s.rest))
		}
	case res.Err == nil && (res.Response.Status < 300 || res.Response.Status == 404):
		// Of the successes, only 204 says that the pass is deleted. A 202, for example, does not.
		// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
		s.uncertain = s.uncertain || row.Status < 300
		s.last = &row
		return new(s.list((*Job).afterListOfNotFound))
	case res.Uncertain && !res.Stopped():
		s.last = &row
		return new(s.list((*Job).afterListOfLostAnswer))
	}
	return j.workDone(s, row)
}

// deleteFirst returns the DELETE of the first of the passes, and keeps the others for later. No
// list names the pass, so a row announces it first: a run that is killed leaves no other trace.
func (j *Job) deleteFirst(s *pairState, held []pass.Pass) batch.Request {
	s.method, s.reason, s.rest, s.announced = held[0].ID, "", held[1:], true
	s.uncertain, s.intended, s.maybeDeleted = false, false, false
	j.journal(s, results.Row{Outcome: results.Found, Provisional: true})
	return s.delete()
}

// deleteNext ends the work on one pass with row, and continues the pair with further passes.
func (j *Job) deleteNext(s *pairState, row results.Row, held []pass.Pass) batch.Request {
	j.endPass(s, row)
	return j.deleteFirst(s, held)
}

// deleteNextIfRoom is deleteNext for passes that a LIST has shown. If they are more than
// MaxDeletes allows, it writes the pair's row.
func (j *Job) deleteNextIfRoom(s *pairState, row results.Row, held []pass.Pass) *batch.Request {
	if j.reserve(s, held...) {
		return new(j.deleteNext(s, row, held))
	}
	j.endPass(s, row)
	j.finish(s, j.boundRowFor(s, held))
	return nil
}

// endPass ends the work on one pass while its pair continues. If a row announced the delete of
// the pass, row becomes its last row, which counts for no pair.
func (j *Job) endPass(s *pairState, row results.Row) {
	s.revoked = s.revoked || row.Outcome == results.Revoked
	if s.announced {
		row.Beside, row.Provisional, row.SupersedesPending = true, false, ""
		j.writeRow(s, row)
	}
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
	case shown != noPass && s.intended && !j.anyPass(s):
		// An earlier run was deleting a pass that the pair does not name. This run may not.
		markReplaced(&row, held)
	case j.anyPass(s) && (s.method == "" || !j.opts.DryRun) && !j.reserve(s, held...):
		if s.uncertain && shown == otherPass {
			j.endPass(s, s.goneRow(row))
		}
		row = j.boundRowFor(s, held)
	case j.opts.DryRun:
		row.Outcome = j.dryRunOutcome(s, held, shown)
	case shown == noPass:
		return j.workDone(s, s.goneRow(row))
	case shown == samePass:
		return new(j.deleteFirst(s, held))
	default:
		// According to the documentation a user has at most one pass. If there are more,
		// the row that counts names the last one.
		return new(j.deleteNext(s, s.goneRow(row), held))
	}
	j.finish(s, row)
	return nil
}

// dryRunOutcome returns what a run without DryRun would do about a pair.
func (j *Job) dryRunOutcome(s *pairState, held []pass.Pass, shown listing) results.Outcome {
	switch {
	case shown == noPass:
		return results.Absent
	case shown == samePass:
		return results.Planned
	case j.anyPass(s):
		s.method = held[0].ID
		return results.Planned
	}
	return results.Replaced
}

// staleListTries is the number of DELETEs for a pass that Graph calls gone (404) and still lists,
// as a replica does that lags behind. The pauses between them are 2, 4 and 8 seconds.
const staleListTries = 4

// afterListOfNotFound handles the LIST after a DELETE that found nothing, or that was answered with a
// success other than 204. If an earlier answer was lost, gone means revoked: see goneRow.
func (j *Job) afterListOfNotFound(s *pairState, res batch.Result) *batch.Request {
	held, shown, err := s.readList(res)
	row := listRow(res, err)
	row.Attempts = s.attempts
	reply := "Graph found no such pass (404)"
	if s.last.Status != 404 {
		reply = fmt.Sprintf("Graph answered %d in place of 204", s.last.Status)
	}
	switch {
	case shown == unreadable:
		if row.Outcome == results.UnknownUser {
			break
		}
		row.Message = answer.Join(reply+", and could not find out what the user holds now", row.Message)
		if s.last.Status != 404 {
			row.Outcome = results.Unknown // after a 404 the pass is gone
		}
	case shown == noPass:
		row = s.goneRow(row)
		if s.revoked {
			row.Outcome, row.Message = results.Revoked, ""
		}
		return j.workDone(s, row)
	case shown == samePass:
		if s.stale++; s.stale < staleListTries {
			req := s.delete()
			req.Delay = time.Second << s.stale
			return &req
		}
		row.Outcome, row.Message = results.Failed, reply+", and still lists the pass"
	case j.anyPass(s):
		if !s.uncertain {
			j.release(s, s.method) // the pass was replaced before our DELETE
		}
		if s.stale++; s.stale < staleListTries {
			return j.deleteNextIfRoom(s, s.goneRow(*s.last), held)
		}
		row.Outcome = results.Replaced
		row.Message = "the user gets new passes faster than they can be deleted"
	default:
		markReplaced(&row, held)
	}
	j.finish(s, row)
	return nil
}

// afterListOfLostAnswer handles the LIST after a DELETE whose attempts all failed, one of them perhaps only
// after Graph had deleted the pass.
func (j *Job) afterListOfLostAnswer(s *pairState, res batch.Result) *batch.Request {
	row := *s.last
	held, shown, _ := s.readList(res)
	if shown == noPass || shown == otherPass {
		row.Outcome = results.Revoked
		row.Message = answer.Join("gone, although the last attempt failed", row.Message)
		if len(s.rest) > 0 && shown == otherPass {
			return j.deleteNextIfRoom(s, row, held)
		}
	}
	return j.workDone(s, row)
}
